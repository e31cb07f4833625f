"""The table Pending: each mailbox's worklist, live rows ahead of history, oldest first."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, joined, packed, part_names, unescaped, unpacked
from shared.adapters.storage.table import Operation, Row, Table, etag_of, in_partition, quoted
from shared.domain import names
from shared.domain.capture.pending import MAIL, Lane, PendingRow, Reach, is_known_kind
from shared.domain.errors import Conflict

# Reads and writes again after others have changed a row meanwhile.
ATTEMPTS: Final = 5
# Azure has no empty times in filters; its first one stands for "due at once".
_AT_ONCE: Final = datetime(1601, 1, 1, tzinfo=UTC)
# The keys of a lane begin with its digit and "-"; "." sorts right behind.
_BEGINS: Final = {Lane.LIVE: "0", Lane.HISTORY: "1"}
_COLUMNS: Final = ("PartitionKey", "RowKey", "kind", "tries", *part_names())


class AzurePending:
    """Implements `ports.Pending`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(connection, names.PENDING)

    def put(self, tenant_id: str, mailbox_id: str, rows: Sequence[PendingRow]) -> None:
        """One request per hundred rows where none stands; one more for these and one per row where some do."""
        partition = _partition(tenant_id, mailbox_id)
        asked = _by_key(rows)
        refused = self._table.try_many(Operation("create", _row(partition, row)) for row in asked.values())
        left = [str(operation.row["RowKey"]) for operation in refused]
        for _ in range(ATTEMPTS):
            if not left:
                return
            merged = self._merged(partition, [asked[key] for key in left])
            written = self._table.write_together(merged)
            left = [key for key in left if key not in written]
        raise Conflict("others keep changing the worklist")

    def due(
        self, tenant_id: str, mailbox_id: str, reach: Reach, now: datetime, *, limit: int
    ) -> list[PendingRow]:
        """One request."""
        first, last = (_BEGINS[lane] for lane in (reach.lanes[0], reach.lanes[-1]))
        parts = [
            in_partition(_partition(tenant_id, mailbox_id), first=first, last=last + "."),
            f"not_before le {_moment(now)}",
        ]
        if not reach.commands:
            parts.append(f"kind eq {quoted(MAIL)}")
        if not reach.mails:
            parts.append(f"kind ne {quoted(MAIL)}")
        rows = self._table.rows(" and ".join(parts), select=_COLUMNS, page=limit)
        return list(islice(_known(rows), limit))

    def begin(self, tenant_id: str, mailbox_id: str, rows: Sequence[PendingRow]) -> list[PendingRow]:
        """One request; one more for each row that has changed or gone."""
        partition = _partition(tenant_id, mailbox_id)
        etags = self._table.write_together({row.key: [_raising(partition, row)] for row in rows})
        return [row.begun(etags[row.key][0]) for row in rows if row.key in etags]

    def end(
        self,
        tenant_id: str,
        mailbox_id: str,
        done: Sequence[PendingRow],
        kept: Sequence[PendingRow] = (),
    ) -> None:
        """One request; three more for each row that was asked for again meanwhile."""
        partition = _partition(tenant_id, mailbox_id)
        units = {row.key: [Operation("delete", _keys(partition, row), row.etag)] for row in done}
        units |= {row.key: [Operation("merge", _row(partition, row), row.etag)] for row in kept}
        written = self._table.write_together(units)
        for row in done:
            if row.key not in written:
                self._keep_as_new(partition, row, is_kept=False)
        for row in kept:
            if row.key not in written:
                self._keep_as_new(partition, row, is_kept=True)

    def stale(self, before: datetime) -> Iterator[tuple[str, str, PendingRow]]:
        """A request for each mailbox that has such rows, and one more: the next partition is asked for by its key."""
        overdue = f"first_at lt {_moment(before)} and not_before lt {_moment(before)}"
        after = ""
        while True:
            rows = self._table.rows(f"PartitionKey gt {quoted(after)} and {overdue}", select=_COLUMNS, page=1)
            row = next((row for row in rows if _read(row)), None)
            if row is None:
                return
            after = str(row["PartitionKey"])
            tenant_id, mailbox_id = after.split("|", 1)
            yield tenant_id, unescaped(mailbox_id), _pending(row)

    def _merged(self, partition: str, rows: Sequence[PendingRow]) -> dict[str, list[Operation]]:
        """The write for each row as it stands by now, or to create it if it has gone."""
        writes = self._connection.side_by_side(lambda row: self._merging(partition, row), rows)
        return {row.key: [write] for row, write in zip(rows, writes, strict=True)}

    def _merging(self, partition: str, row: PendingRow) -> Operation:
        stored = self._table.get(partition, row.key, _COLUMNS)
        if stored is None:
            return Operation("create", _row(partition, row))
        standing = _pending(stored)
        return Operation("merge", _row(partition, standing.merged(row)), standing.etag)

    def _keep_as_new(self, partition: str, ended: PendingRow, *, is_kept: bool) -> None:
        stored = self._table.get(partition, ended.key, _COLUMNS)
        if stored is None:  # ended by another holder
            return
        row = _pending(stored)
        # A write whose answer was lost meets itself.
        is_written = is_kept and row == replace(ended, etag=row.etag)
        if is_written or row.is_begun_since(ended):
            return
        # Who asks once more meanwhile, or begins it, has the last word.
        write = Operation("merge", _row(partition, row.anew()), row.etag)
        self._table.write_together({row.key: [write]})


def _partition(tenant_id: str, mailbox_id: str) -> str:
    return joined(tenant_id, escaped(mailbox_id))


def _keys(partition: str, row: PendingRow) -> Row:
    return {"PartitionKey": partition, "RowKey": row.key}


def _row(partition: str, row: PendingRow) -> Row:
    return {
        **_keys(partition, row),
        "kind": row.kind,
        "tries": row.tries,
        "first_at": row.first_at.astimezone(UTC),
        "not_before": (row.not_before or _AT_ONCE).astimezone(UTC),
        **packed(to_plain(row)),
    }


def _pending(row: Row) -> PendingRow:
    # The column counts: it alone is raised before a run.
    return from_plain(PendingRow, {**unpacked(row), "tries": row["tries"]}, etag=etag_of(row))


def _known(rows: Iterable[Row]) -> Iterator[PendingRow]:
    """Those that this version can carry out; what a newer one has left is passed over, and stays."""
    return (pending for row in rows if (pending := _read(row)))


def _read(row: Row) -> PendingRow | None:
    pending = _pending(row) if is_known_kind(str(row["kind"])) else None
    return pending if pending and pending.is_known else None


def _raising(partition: str, row: PendingRow) -> Operation:
    return Operation("merge", {**_keys(partition, row), "tries": row.tries + 1}, row.etag)


def _by_key(rows: Sequence[PendingRow]) -> dict[str, PendingRow]:
    asked: dict[str, PendingRow] = {}
    for row in rows:
        standing = asked.get(row.key)
        asked[row.key] = standing.merged(row) if standing else row
    return asked


def _moment(at: datetime) -> str:
    return f"datetime'{at.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S.%fZ')}'"
