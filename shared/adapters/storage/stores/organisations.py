"""The table Organisations: one row per tenant."""

from collections.abc import Iterator
from dataclasses import replace

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import packed, unpacked
from shared.adapters.storage.table import Row, Table, etag_of, where
from shared.domain import names
from shared.domain.connections.organisations import Organisation

_ROW = "organisation"


class AzureOrganisations:
    """Implements `ports.Organisations`."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.ORGANISATIONS)

    def get(self, tenant_id: str) -> Organisation | None:
        row = self._table.get(tenant_id, _ROW)
        return _organisation(row) if row else None

    def put(self, organisation: Organisation) -> Organisation:
        row = {
            "PartitionKey": organisation.tenant_id,
            "RowKey": _ROW,
            "enabled": organisation.enabled,
            **packed(to_plain(organisation)),
        }
        return replace(organisation, etag=self._table.write(row, organisation.etag))

    def all(self) -> Iterator[Organisation]:
        return (_organisation(row) for row in self._table.rows(where(RowKey=_ROW)))


def _organisation(row: Row) -> Organisation:
    return from_plain(Organisation, unpacked(row), etag=etag_of(row))
