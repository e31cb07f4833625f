"""The network as servers that customers name: found, looked at, and only then connected to."""
