"""The table RecordIndex: which records, and whose mailboxes, stand under an address or a domain.

A row says everything with its keys. Partitions are 16 buckets by hash, so that a bulk load of records fills
whole transactions, and one range query answers for one address.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, hashed, joined, unescaped
from shared.adapters.storage.table import Operation, Row, Table, etag_of, in_partition
from shared.domain import names
from shared.domain.errors import Conflict
from shared.domain.records import RecordRef
from shared.ports import KnownAddress

_STAFF: Final = "staff"
_BUCKET: Final = {"address": "a", "domain": "d"}
IndexKey = tuple[RecordRef, str]


class AzureRecordIndex:
    """Implements `ports.RecordIndex`: one request per address or domain, side by side."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(connection, names.RECORD_INDEX)

    def addresses(self, tenant_id: str, addresses: Iterable[str]) -> Mapping[str, KnownAddress]:
        asked = list(dict.fromkeys(addresses))
        return dict(zip(asked, self._look_up(tenant_id, "address", asked), strict=True))

    def domains(self, tenant_id: str, domains: Iterable[str]) -> Mapping[str, frozenset[RecordRef]]:
        asked = list(dict.fromkeys(domains))
        found = self._look_up(tenant_id, "domain", asked)
        return {domain: known.records for domain, known in zip(asked, found, strict=True)}

    def put_staff(self, tenant_id: str, mailbox_id: str, addresses: Iterable[str]) -> None:
        rows = [_staff_row(tenant_id, mailbox_id, one) for one in dict.fromkeys(addresses)]
        self._table.write_many(Operation("upsert", row) for row in rows)

    def drop_staff(self, tenant_id: str, mailbox_id: str, addresses: Iterable[str]) -> None:
        rows = [_staff_row(tenant_id, mailbox_id, one) for one in dict.fromkeys(addresses)]
        self._connection.side_by_side(self._drop, [(row, "") for row in rows])

    def add(self, tenant_id: str, keys: Iterable[IndexKey]) -> None:
        """Let records be found; a key that is there already is written again."""
        rows = [_record_row(tenant_id, ref, key) for ref, key in dict.fromkeys(keys)]
        self._table.write_many(Operation("upsert", row) for row in rows)

    def seen(self, tenant_id: str, keys: Iterable[IndexKey]) -> list[tuple[Row, str]]:
        """The rows of these keys that are there, each with its ETag: what `drop` takes."""

        def read(row: Row) -> tuple[Row, str]:
            found = self._table.get(row["PartitionKey"], row["RowKey"], ("RowKey",))
            return row, etag_of(found) if found else ""

        rows = [_record_row(tenant_id, ref, key) for ref, key in dict.fromkeys(keys)]
        return [(row, etag) for row, etag in self._connection.side_by_side(read, rows) if etag]

    def drop(self, seen: Iterable[tuple[Row, str]]) -> None:
        """Remove rows that nobody has written since they were seen."""
        self._connection.side_by_side(self._drop, seen)

    def _drop(self, seen: tuple[Row, str]) -> None:
        row, etag = seen
        try:
            self._table.delete(row["PartitionKey"], row["RowKey"], etag)
        except Conflict:  # a newer version of the record carries this key again
            return

    def _look_up(self, tenant_id: str, what: str, asked: list[str]) -> list[KnownAddress]:
        def read(text: str) -> KnownAddress:
            partition, prefix = _place(tenant_id, what, text)
            condition = in_partition(partition, first=prefix + "|", last=prefix + "}")
            keys = [str(row["RowKey"]) for row in self._table.rows(condition, select=("RowKey",))]
            return _known(key.split("|")[1:] for key in keys)

        return self._connection.side_by_side(read, asked)


def _place(tenant_id: str, what: str, text: str) -> tuple[str, str]:
    """Partition and start of the row key."""
    digest = hashed(text)
    return joined(tenant_id, _BUCKET[what] + digest[0]), digest


def _record_row(tenant_id: str, ref: RecordRef, key: str) -> Row:
    what, _, text = key.partition(":")
    partition, prefix = _place(tenant_id, what, text)
    return {"PartitionKey": partition, "RowKey": joined(prefix, ref.kind, escaped(ref.id))}


def _staff_row(tenant_id: str, mailbox_id: str, address: str) -> Row:
    partition, prefix = _place(tenant_id, "address", address)
    return {"PartitionKey": partition, "RowKey": joined(prefix, _STAFF, escaped(mailbox_id))}


def _known(named: Iterable[list[str]]) -> KnownAddress:
    pairs = [(kind, unescaped(name)) for kind, name in named]
    records = frozenset(RecordRef(kind, name) for kind, name in pairs if kind != _STAFF)
    return KnownAddress(records, any(kind == _STAFF for kind, _ in pairs))
