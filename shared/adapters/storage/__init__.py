"""Azure Storage: one module per table, plus queue, blobs and leases. Entities and SDK types stop here."""
