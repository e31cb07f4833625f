"""What versions write and read of each other: fixtures by version, and the builds of `make skew`."""
