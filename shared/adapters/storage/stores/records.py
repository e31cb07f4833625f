"""The table Records, and the order in which a record and its index rows are written.

New index rows are written first, then the record under the ETag with which it was read; last, the index rows of
keys that it lost are deleted. The record's row names these keys too (`leaving`): after a crash in between a record
is found too often, never too rarely, until the run that repeats the write.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice
from typing import Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import MAX_OPERATIONS, escaped, joined, packed, unpacked
from shared.adapters.storage.stores.record_index import AzureRecordIndex, IndexKey
from shared.adapters.storage.table import LARGEST_PAGE, Operation, Row, Table, etag_of, in_partition, saving
from shared.domain import names
from shared.domain.errors import Conflict
from shared.domain.records.records import Record, RecordRef

_TRIES: Final = 4
# Up to this number, each record is a request.
_FEW: Final = 8
# The number of rows that a range query for a hundred records reads: above it, single reads cost less.
_REACH: Final = 200
# The number of rows that one page of a text search may read: names are inside a packed column.
SEARCHED: Final = 2_000


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
        """A range query for a hundred records of a kind, and point reads for records that it did not reach."""
        asked = list(dict.fromkeys(refs))
        wanted = {_place(tenant_id, ref): ref for ref in asked}
        rows = {_keys_of(row): row for row in self._read(tenant_id, asked)}
        return {ref: _record(rows[place]) for place, ref in wanted.items() if place in rows}

    def put_many(self, tenant_id: str, records: Sequence[Record]) -> None:
        """Write all records in full transactions; the last version of a record wins. Raises Conflict."""
        left = {record.ref: record for record in records}
        standing: Mapping[RecordRef, Record] = self.get_many(tenant_id, left)
        for _ in range(_TRIES):
            found = self.write(tenant_id, list(left.values()), standing)
            if not found:
                return
            left = {ref: left[ref] for ref in found}
            standing = {ref: record for ref, record in found.items() if record}
        raise Conflict(f"{names.RECORDS}: records change faster than they can be written")

    def write(
        self, tenant_id: str, records: Sequence[Record], standing: Mapping[RecordRef, Record]
    ) -> Mapping[RecordRef, Record | None]:
        """One request per hundred records, one per bucket of the index; two more per key that a record lost."""
        changes = [_Change(record, standing.get(record.ref)) for record in records]
        changes = [change for change in changes if change.is_needed]
        self._index.add(tenant_id, chain.from_iterable(change.missing_keys() for change in changes))
        stale = chain.from_iterable(change.stale_keys() for change in changes)
        leaving = self._index.seen(tenant_id, stale)
        refused = self._write_records(tenant_id, changes, leaving)
        # The index rows of a refused record belong to the version that won.
        gone = {key: etag for key, etag in leaving.items() if key[0].ref not in refused}
        self._index.drop(tenant_id, gone)
        found = self.get_many(tenant_id, refused) if refused else {}
        return {ref: found.get(ref) for ref in refused}

    def _write_records(
        self, tenant_id: str, changes: Iterable["_Change"], leaving: Iterable[IndexKey]
    ) -> list[RecordRef]:
        """Returns the records that another writer has changed."""
        keys_leaving: dict[RecordRef, list[str]] = {}
        for card, key in leaving:
            keys_leaving.setdefault(card.ref, []).append(key)
        by_place = {_place(tenant_id, change.record.ref): change for change in changes}
        refused = self._table.try_many(
            change.operation(place, keys_leaving.get(change.record.ref, []))
            for place, change in by_place.items()
        )
        return [by_place[_keys_of(operation.row)].record.ref for operation in refused]

    def delete(self, tenant_id: str, ref: RecordRef) -> bool:
        """Delete the index rows first, so that a run after a crash still finds the record."""
        for _ in range(_TRIES):
            row = self._table.get(*_place(tenant_id, ref))
            if row is None:
                return False
            record = _record(row)
            stale = [(record.card, key) for key in record.keys | record.leaving]
            self._index.drop(tenant_id, self._index.seen(tenant_id, stale))
            try:
                self._table.delete(*_place(tenant_id, ref), etag_of(row))
            # Another writer has given it new index rows: read again, and drop these too.
            except Conflict:
                continue
            return True
        raise Conflict(f"{names.RECORDS}: a record changes faster than it can be deleted")

    def page(
        self, tenant_id: str, kind: str, *, text: str, limit: int, after: str, by_address: bool = True
    ) -> tuple[list[Record], str]:
        """With `text`, a page may be short: it ends after 2,000 rows and names the next one."""
        page = LARGEST_PAGE if text else limit + 1
        condition = in_partition(joined(tenant_id, kind), beyond=escaped(after) if after else "")
        found: list[Record] = []
        last = after
        for number, row in enumerate(self._table.rows(condition, page=page)):
            if len(found) == limit or number == SEARCHED:
                return found, last
            record = _record(row)
            last = record.ref.id
            if _contains(record, text, by_address=by_address):
                found.append(record)
        return found, ""

    def _read(self, tenant_id: str, refs: list[RecordRef]) -> list[Row]:
        """The rows of these records, and other rows of the ranges between them."""
        rows: list[Row] = []
        alone: list[RecordRef] = []
        for chunk in _chunks(refs):
            found, unreached = self._read_chunk(tenant_id, chunk)
            rows += found
            alone += unreached
        single = self._connection.side_by_side(lambda ref: self._table.get(*_place(tenant_id, ref)), alone)
        return [*rows, *filter(None, single)]

    def _read_chunk(self, tenant_id: str, chunk: list[RecordRef]) -> tuple[list[Row], list[RecordRef]]:
        """The rows of one range query, and the records that it did not reach."""
        if len(chunk) <= _FEW:
            return [], chunk
        found = self._range(tenant_id, chunk)
        if len(found) < _REACH:
            return found, []
        end = str(found[-1]["RowKey"])
        return found, [ref for ref in chunk if escaped(ref.id) > end]

    def _range(self, tenant_id: str, refs: list[RecordRef]) -> list[Row]:
        """The first rows of the range from the first to the last of these records, which have one kind."""
        ids = sorted(escaped(ref.id) for ref in refs)
        # "!" sorts before every character of a key.
        condition = in_partition(joined(tenant_id, refs[0].kind), first=ids[0], last=ids[-1] + "!")
        return list(islice(self._table.rows(condition, page=_REACH), _REACH))


@dataclass(frozen=True, slots=True)
class _Change:
    """A record to write, and the version that stands; None if the record is new."""

    record: Record
    standing: Record | None

    @property
    def is_needed(self) -> bool:
        return self.standing is None or not self.record.is_as(self.standing)

    def missing_keys(self) -> list[IndexKey]:
        """Keys whose index row is to be written: the new keys, or all if the card changed."""
        is_same_card = self.standing is not None and self.standing.card == self.record.card
        kept = self.standing.keys if self.standing and is_same_card else frozenset()
        return [(self.record.card, key) for key in self.record.index_keys - kept]

    def stale_keys(self) -> list[IndexKey]:
        """Keys whose index row is to be deleted."""
        known = self.standing.keys | self.standing.leaving if self.standing else frozenset()
        return [(self.record.card, key) for key in known - self.record.index_keys]

    def operation(self, place: tuple[str, str], leaving: list[str]) -> Operation:
        """Insert the record, or write it over the version that stands, under its ETag."""
        record = self.record
        content = {
            "record": to_plain(record),
            "keys": sorted(record.index_keys),
            "leaving": sorted(leaving),
        }
        keys = {"PartitionKey": place[0], "RowKey": place[1]}
        columns = {"status": record.status, "origin": record.origin, **packed(content)}
        etag = self.standing.etag if self.standing else ""
        return saving({**keys, **columns}, etag)


def _chunks(refs: Iterable[RecordRef]) -> Iterator[list[RecordRef]]:
    """Up to a hundred records of one kind at a time, in the order of their ids."""
    for _, of_kind in groupby(sorted(refs), key=lambda ref: ref.kind):
        while chunk := list(islice(of_kind, MAX_OPERATIONS)):
            yield chunk


def _place(tenant_id: str, ref: RecordRef) -> tuple[str, str]:
    return joined(tenant_id, ref.kind), escaped(ref.id)


def _keys_of(row: Row) -> tuple[str, str]:
    return str(row["PartitionKey"]), str(row["RowKey"])


def _record(row: Row) -> Record:
    content = unpacked(row)
    keys, leaving = frozenset(content["keys"]), frozenset(content["leaving"])
    return from_plain(Record, content["record"], etag=etag_of(row), keys=keys, leaving=leaving)


def _contains(record: Record, text: str, *, by_address: bool) -> bool:
    values = (record.name, record.summary, *(record.addresses if by_address else ()))
    return any(text.casefold() in value.casefold() for value in values)
