"""The storage calls by Azure's own packages."""
