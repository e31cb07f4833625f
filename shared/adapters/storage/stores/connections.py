"""The table Connections: the ways to each organisation's mail, and their state."""

from collections.abc import Iterator
from dataclasses import replace

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, packed, unpacked
from shared.adapters.storage.table import Row, Table, etag_of, where
from shared.domain import names
from shared.domain.connections.connections import MailConnection


class AzureConnections:
    """Implements `ports.Connections`. `of` and `all` take a request for each 1,000 rows, others one."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.CONNECTION_STATES)

    def get(self, tenant_id: str, connection_id: str) -> MailConnection | None:
        row = self._table.get(tenant_id, escaped(connection_id))
        return _connection(row) if row else None

    def put(self, connection: MailConnection) -> MailConnection:
        row = {
            "PartitionKey": connection.tenant_id,
            "RowKey": escaped(connection.connection_id),
            "state": connection.state,
            **packed(to_plain(connection)),
        }
        return replace(connection, etag=self._table.write(row, connection.etag))

    def delete(self, tenant_id: str, connection_id: str) -> None:
        self._table.delete(tenant_id, escaped(connection_id))

    def of(self, tenant_id: str) -> list[MailConnection]:
        found = (_connection(row) for row in self._table.rows(where(PartitionKey=tenant_id)))
        return sorted(found, key=lambda connection: connection.connection_id)

    def all(self) -> Iterator[MailConnection]:
        return (_connection(row) for row in self._table.rows("PartitionKey ge ''"))


def _connection(row: Row) -> MailConnection:
    return from_plain(MailConnection, unpacked(row), etag=etag_of(row))
