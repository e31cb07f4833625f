"""The stores, one protocol for each table or container."""
