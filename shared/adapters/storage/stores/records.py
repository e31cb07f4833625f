"""The table Records, and the order in which a record and its index rows are written.

New index rows come first, then the record under the ETag it was read with, then rows of keys it no longer
carries go. The record's row names those too (`leaving`): a crash in between leaves a record that is found too
often, never too rarely, until the run that repeats it.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, islice
from typing import Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import MAX_OPERATIONS, escaped, joined, packed, unpacked
from shared.adapters.storage.stores.record_index import AzureRecordIndex, IndexKey
from shared.adapters.storage.table import LARGEST_PAGE, Operation, Row, Table, etag_of, in_partition
from shared.domain import names
from shared.domain.errors import Conflict
from shared.domain.records.records import Record, RecordRef

_TRIES: Final = 4
# Up to here each record is read by itself.
_FEW: Final = 8
# How many rows a range query for a hundred records looks at: beyond these, single reads cost less.
_REACH: Final = 200
# How many rows one page of a text search may look at.
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
        """A range query for a hundred of a kind, and point reads, side by side, for what that did not reach."""
        asked = list(dict.fromkeys(refs))
        wanted = {_place(tenant_id, ref): ref for ref in asked}
        rows = {_keys_of(row): row for row in self._read(tenant_id, asked)}
        return {ref: _record(rows[place]) for place, ref in wanted.items() if place in rows}

    def put_many(self, tenant_id: str, records: Sequence[Record]) -> None:
        """All together, in transactions as full as they get; the last of several versions wins. Raises Conflict."""
        left = {one.ref: one for one in records}
        standing: Mapping[RecordRef, Record] = self.get_many(tenant_id, left)
        for _ in range(_TRIES):
            found = self.write(tenant_id, list(left.values()), standing)
            if not found:
                return
            left = {ref: left[ref] for ref in found}
            standing = {ref: one for ref, one in found.items() if one}
        raise Conflict(f"{names.RECORDS}: records change faster than they can be written")

    def write(
        self, tenant_id: str, records: Sequence[Record], standing: Mapping[RecordRef, Record]
    ) -> Mapping[RecordRef, Record | None]:
        """One request per hundred records, one per bucket of the index; two more per key that goes."""
        changed = [one for one in records if one.ref not in standing or not one.is_as(standing[one.ref])]
        self._index.add(tenant_id, [key for one in changed for key in _missing(one, standing.get(one.ref))])
        stale = [key for one in changed for key in _stale(one, standing.get(one.ref))]
        seen = self._index.seen(tenant_id, stale)
        leaving: dict[RecordRef, list[str]] = {}
        for card, key in seen:
            leaving.setdefault(card.ref, []).append(key)
        operations = {
            _place(tenant_id, one.ref): (one, leaving.get(one.ref, []), standing.get(one.ref))
            for one in changed
        }
        refused = self._table.try_many(_operation(tenant_id, *one) for one in operations.values())
        left = [operations[_keys_of(one.row)][0].ref for one in refused]
        self._index.drop(tenant_id, {key: etag for key, etag in seen.items() if key[0].ref not in left})
        found = self.get_many(tenant_id, left) if left else {}
        return {ref: found.get(ref) for ref in left}

    def delete(self, tenant_id: str, ref: RecordRef) -> bool:
        """The index goes first, so that a run after a crash still finds the record to delete."""
        for _ in range(_TRIES):
            row = self._table.get(*_place(tenant_id, ref))
            if row is None:
                return False
            record = _record(row)
            stale = [(record.card, key) for key in record.keys | record.leaving]
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

    def _read(self, tenant_id: str, refs: list[RecordRef]) -> list[Row]:
        """The rows that stand there, and others of the range they span."""
        rows: list[Row] = []
        alone: list[RecordRef] = []
        for _, group in groupby(sorted(refs), key=lambda ref: ref.kind):
            of_kind = iter(group)
            while chunk := list(islice(of_kind, MAX_OPERATIONS)):
                few = len(chunk) <= _FEW
                found = [] if few else self._range(tenant_id, chunk)
                end = str(found[-1]["RowKey"]) if len(found) == _REACH else ""
                rows += found
                alone += chunk if few else [ref for ref in chunk if end and escaped(ref.id) > end]
        single = self._connection.side_by_side(lambda ref: self._table.get(*_place(tenant_id, ref)), alone)
        return [*rows, *filter(None, single)]

    def _range(self, tenant_id: str, refs: list[RecordRef]) -> list[Row]:
        """The first rows of the range that records of a kind span: all of them, unless others lie between."""
        ids = sorted(escaped(ref.id) for ref in refs)
        # "!" sorts before everything a key may go on with.
        condition = in_partition(joined(tenant_id, refs[0].kind), first=ids[0], last=ids[-1] + "!")
        return list(islice(self._table.rows(condition, page=_REACH), _REACH))


def _place(tenant_id: str, ref: RecordRef) -> tuple[str, str]:
    return joined(tenant_id, ref.kind), escaped(ref.id)


def _keys_of(row: Row) -> tuple[str, str]:
    return str(row["PartitionKey"]), str(row["RowKey"])


def _operation(tenant_id: str, record: Record, leaving: list[str], standing: Record | None) -> Operation:
    partition, key = _place(tenant_id, record.ref)
    content = {
        "record": to_plain(record),
        "keys": sorted(record.index_keys),
        "leaving": sorted(leaving),
    }
    keys = {"PartitionKey": partition, "RowKey": key}
    columns = {"status": record.status, "origin": record.origin, **packed(content)}
    etag = standing.etag if standing else ""
    return Operation("replace" if etag else "create", {**keys, **columns}, etag)


def _record(row: Row) -> Record:
    content = unpacked(row)
    keys, leaving = frozenset(content["keys"]), frozenset(content["leaving"])
    return from_plain(Record, content["record"], etag=etag_of(row), keys=keys, leaving=leaving)


def _missing(record: Record, standing: Record | None) -> list[IndexKey]:
    """Keys whose index row is to be written: new ones, or all where the card changed."""
    same = standing is not None and standing.card == record.card
    kept = standing.keys if standing and same else frozenset()
    return [(record.card, key) for key in record.index_keys - kept]


def _stale(record: Record, standing: Record | None) -> list[IndexKey]:
    """Keys whose index row is to go."""
    known = standing.keys | standing.leaving if standing else frozenset()
    return [(record.card, key) for key in known - record.index_keys]


def _says(record: Record, text: str) -> bool:
    words = (record.name, record.summary, *record.addresses)
    return any(text.casefold() in one.casefold() for one in words)
