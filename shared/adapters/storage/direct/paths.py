"""Percent-encoded paths of rows, queues and blobs below an account."""

from urllib.parse import quote


def entity_path(table: str, partition: str, key: str) -> str:
    """A row's path: its keys are OData literals."""
    return f"/{table}(PartitionKey='{_literal(partition)}',RowKey='{_literal(key)}')"


def blob_path(container: str, blob: str) -> str:
    return f"/{container}/{quote(blob, safe='~/')}"


def _literal(key: str) -> str:
    return quote(key.replace("'", "''"), safe="")
