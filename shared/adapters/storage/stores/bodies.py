"""The container `bodies`: documents too large for their message's row."""

from collections.abc import Iterator

from shared.adapters.storage.blobs import Blobs
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.stores import message_rows as rows
from shared.adapters.storage.table import Table
from shared.domain import names


class Bodies:
    """A blob is there before a row names it, and goes when none does."""

    def __init__(self, connection: Connection) -> None:
        self._blobs = Blobs(connection, names.BODIES)
        self._table = Table(connection, names.MESSAGES)

    def put(self, body: rows.Body) -> None:
        """One request for a large body, none for another."""
        if body.blob:
            self._blobs.put(body.blob, iter([body.content]))

    def get(self, blob: str) -> Iterator[bytes]:
        return self._blobs.get(blob)

    def delete(self, blob: str) -> None:
        self._blobs.delete(blob)

    def delete_all(self, tenant_id: str, key: str) -> None:
        """Not only the one that the message's row names: a worker that was killed may have left another."""
        self._blobs.delete_below(rows.bodies_of(tenant_id, key))

    def drop_refused(self, tenant_id: str, key: str, body: rows.Body) -> None:
        """Delete the body of an insert that was refused, unless the row that is there names the same one."""
        if not body.blob:
            return
        row = self._table.get(*rows.place(tenant_id, key), rows.DOCUMENT_COLUMNS)
        # Without a row, another worker may be about to insert the same body.
        if row and row.get(rows.BODY) != body.blob:
            self._blobs.delete(body.blob)
