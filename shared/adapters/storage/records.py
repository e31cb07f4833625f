"""The table Records, and the order in which a record and its index rows are written.

New index rows come first, then the record under the ETag it was read with, then rows of keys it no longer
carries go. The record's row names those too (`leaving`): a crash in between leaves a record that is found too
often, never too rarely, until the run that repeats it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import MAX_OPERATIONS, escaped, joined, packed, unpacked
from shared.adapters.storage.record_index import AzureRecordIndex
from shared.adapters.storage.table import LARGEST_PAGE, Operation, Row, Table, etag_of, in_partition
from shared.domain import names
from shared.domain.errors import Conflict
from shared.domain.records import Card, Record, RecordRef

_TRIES: Final = 4
# How many rows one page of a text search may look at.
SEARCHED: Final = 2_000


@dataclass(frozen=True, slots=True)
class _Stored:
    """What put and delete need to know of the row that stands there.

    `keys` have an index row, with `card` on it; `leaving` had one, which a run that was cut short may have left.
    """

    card: Card | None = None
    etag: str = ""
    keys: frozenset[str] = frozenset()
    leaving: frozenset[str] = frozenset()

    def missing(self, record: Record) -> frozenset[str]:
        """Keys whose index row is to be written: new ones, or all where the card changed."""
        return record.index_keys - self.keys if self.card == record.card else record.index_keys

    def stale(self, carried: frozenset[str]) -> frozenset[str]:
        """Keys whose index row is to go."""
        return (self.keys | self.leaving) - carried


class AzureRecords:
    """Implements `ports.Records`."""

    def __init__(self, connection: Connection, index: AzureRecordIndex) -> None:
        self._connection = connection
        self._table = Table(connection, names.RECORDS)
        self._index = index

    def get(self, tenant_id: str, ref: RecordRef) -> Record | None:
        row = self._table.get(*_place(tenant_id, ref))
        return _record(row) if row else None

    def get_many(self, tenant_id: str, refs: Iterable[RecordRef]) -> Mapping[RecordRef, Record]:
        """Point reads, side by side."""
        asked = list(dict.fromkeys(refs))
        found = self._connection.side_by_side(lambda ref: self.get(tenant_id, ref), asked)
        return {ref: record for ref, record in zip(asked, found, strict=True) if record}

    def put_many(self, tenant_id: str, records: Sequence[Record]) -> None:
        """All together, in transactions as full as they get; the last of several versions wins. Raises Conflict."""
        latest = {one.ref: one for one in records}
        for _ in range(_TRIES):
            try:
                return self._put(tenant_id, list(latest.values()))
            except Conflict:  # somebody else wrote one of them: read again
                continue
        raise Conflict(f"{names.RECORDS}: records change faster than they can be written")

    def delete(self, tenant_id: str, ref: RecordRef) -> bool:
        """The index goes first, so that a run after a crash still finds the record to delete."""
        for _ in range(_TRIES):
            row = self._table.get(*_place(tenant_id, ref))
            if row is None:
                return False
            stale = [(Card(ref), key) for key in _stored(row).stale(frozenset())]
            self._index.drop(tenant_id, self._index.seen(tenant_id, stale))
            try:
                self._table.delete(*_place(tenant_id, ref), etag_of(row))
            except Conflict:
                continue
            return True
        raise Conflict(f"{names.RECORDS}: a record changes faster than it can be deleted")

    def page(
        self, tenant_id: str, kind: str, *, text: str, limit: int, after: str
    ) -> tuple[list[Record], str]:
        """With `text` a page may end early: after looking at 2,000 rows it says where to go on."""
        page = LARGEST_PAGE if text else limit + 1
        condition = in_partition(joined(tenant_id, kind), beyond=escaped(after) if after else "")
        found: list[Record] = []
        last = after
        for number, row in enumerate(self._table.rows(condition, page=page)):
            if len(found) == limit or number == SEARCHED:
                return found, last
            record = _record(row)
            last = record.ref.id
            found += [record] if _says(record, text) else []
        return found, ""

    def _put(self, tenant_id: str, records: list[Record]) -> None:
        found = self._read(tenant_id, [one.ref for one in records])
        stored = {one.ref: found.get(one.ref, _Stored()) for one in records}
        missing = [(one.card, key) for one in records for key in stored[one.ref].missing(one)]
        stale = [(one.card, key) for one in records for key in stored[one.ref].stale(one.index_keys)]
        self._index.add(tenant_id, missing)
        seen = self._index.seen(tenant_id, stale)
        leaving: dict[RecordRef, list[str]] = {}
        for card, key in seen:
            leaving.setdefault(card.ref, []).append(key)
        self._table.write_many(
            _operation(tenant_id, one, stored[one.ref].etag, leaving.get(one.ref, [])) for one in records
        )
        self._index.drop(tenant_id, seen)

    def _read(self, tenant_id: str, refs: list[RecordRef]) -> Mapping[RecordRef, _Stored]:
        """The rows that stand there: a query per hundred of a kind, and single reads for what it did not reach."""
        rows: list[Row] = []
        alone: list[RecordRef] = []
        for _, group in groupby(sorted(refs), key=lambda ref: ref.kind):
            of_kind = iter(group)
            while chunk := list(islice(of_kind, MAX_OPERATIONS)):
                found = self._range(tenant_id, chunk) if len(chunk) > 2 else []
                end = str(found[-1]["RowKey"]) if len(found) == LARGEST_PAGE else ""
                rows += found
                alone += chunk if len(chunk) <= 2 else [ref for ref in chunk if end and escaped(ref.id) > end]
        single = self._connection.side_by_side(lambda ref: self._table.get(*_place(tenant_id, ref)), alone)
        return {_record(row).ref: _stored(row) for row in [*rows, *filter(None, single)]}

    def _range(self, tenant_id: str, refs: list[RecordRef]) -> list[Row]:
        """The first thousand rows of the range that records of a kind span."""
        ids = sorted(escaped(ref.id) for ref in refs)
        # "!" sorts before everything a key may go on with.
        condition = in_partition(joined(tenant_id, refs[0].kind), first=ids[0], last=ids[-1] + "!")
        return list(islice(self._table.rows(condition), LARGEST_PAGE))


def _place(tenant_id: str, ref: RecordRef) -> tuple[str, str]:
    return joined(tenant_id, ref.kind), escaped(ref.id)


def _operation(tenant_id: str, record: Record, etag: str, leaving: list[str]) -> Operation:
    partition, key = _place(tenant_id, record.ref)
    content = {
        "record": to_plain(record),
        "keys": sorted(record.index_keys),
        "leaving": sorted(leaving),
    }
    keys = {"PartitionKey": partition, "RowKey": key}
    columns = {"status": record.status, "origin": record.origin, **packed(content)}
    return Operation("replace" if etag else "create", {**keys, **columns}, etag)


def _record(row: Row) -> Record:
    return from_plain(Record, unpacked(row)["record"], etag=etag_of(row))


def _stored(row: Row) -> _Stored:
    content = unpacked(row)
    card = from_plain(Record, content["record"]).card
    return _Stored(card, etag_of(row), frozenset(content["keys"]), frozenset(content["leaving"]))


def _says(record: Record, text: str) -> bool:
    words = (record.name, record.summary, *record.addresses)
    return any(text.casefold() in one.casefold() for one in words)
