"""Rows of messages by their own key, and by the key of a Message-ID that a relay gave them instead of theirs."""

from collections.abc import Collection

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.stores import message_rows as rows
from shared.adapters.storage.table import Operation, Row, Table, etag_of, in_partition
from shared.domain import names
from shared.domain.filing.copies import Dependent


class AzureMessageNames:
    """What `ports.MessageStore` says of a message's names; reads every message's row."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(connection, names.MESSAGES)

    def row(self, tenant_id: str, key: str) -> Row | None:
        """One request; two where the key is another name. Of a name whose mail is gone, the name's own row."""
        return self._followed(tenant_id, self._read(tenant_id, key))

    def rows(self, tenant_id: str, keys: list[str], *, with_document: str = "") -> dict[str, Row]:
        """Rows of messages by the key asked for; those awaited and those absent are left out."""

        def read(key: str) -> Row | None:
            more = (rows.DOCUMENT,) if key == with_document else ()
            return self._followed(tenant_id, self._read(tenant_id, key, *more), *more)

        found = self._connection.side_by_side(read, keys)
        return {key: row for key, row in zip(keys, found, strict=True) if row and not rows.is_awaited(row)}

    def note(self, tenant_id: str, name: str, key: str, told: Collection[Dependent]) -> frozenset[Dependent]:
        """Two requests; a query more where others wait for the name."""
        row = self._read(tenant_id, name)
        if row is not None and (not rows.is_awaited(row) or row.get(rows.SAME_AS) == key):
            return frozenset()
        waiting = self._waiting(tenant_id, name) if row is not None else frozenset()
        if waiting.difference(told):
            return waiting.difference(told)
        # Under the ETag: whoever leaves word meanwhile changes the row, and is to be told as well.
        verb, etag = ("merge", etag_of(row)) if row is not None else ("create", "")
        self._table.transact([Operation(verb, rows.named_row(tenant_id, name, key), etag)])
        return frozenset()

    def _waiting(self, tenant_id: str, name: str) -> frozenset[Dependent]:
        partition, _ = rows.place(tenant_id, name)
        first, last = rows.dependents_range(name)
        found = self._table.rows(in_partition(partition, first=first, last=last), select=rows.COPY_COLUMNS)
        return frozenset(map(rows.to_dependent, found))

    def _read(self, tenant_id: str, key: str, *more: str) -> Row | None:
        return self._table.get(*rows.place(tenant_id, key), (*rows.MESSAGE_COLUMNS, *more))

    def _followed(self, tenant_id: str, row: Row | None, *more: str) -> Row | None:
        named = row.get(rows.SAME_AS) if row and rows.is_awaited(row) else None
        return (self._read(tenant_id, str(named), *more) if named else None) or row
