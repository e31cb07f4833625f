"""The table Pending: each mailbox's worklist, live rows ahead of history, oldest first."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, joined, packed, part_names, unescaped, unpacked
from shared.adapters.storage.table import Operation, Row, Table, etag_of, in_partition, quoted
from shared.domain import names
from shared.domain.capture.pending import Lane, PendingRow
from shared.domain.errors import Conflict, NotFound

# Reads and writes again after others have changed a row meanwhile.
ATTEMPTS: Final = 5
# Azure has no empty times in filters; its first one stands for "due at once".
_AT_ONCE: Final = datetime(1601, 1, 1, tzinfo=UTC)
# The keys of a lane begin with its digit and "-"; "." sorts right behind.
_BEGINS: Final = {Lane.LIVE: "0", Lane.HISTORY: "1"}
_COLUMNS: Final = ("PartitionKey", "RowKey", "tries", "kind", *part_names())


class AzurePending:
    """Implements `ports.Pending`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(connection, names.PENDING)

    def put(self, tenant_id: str, mailbox_id: str, rows: Sequence[PendingRow]) -> None:
        """One request per hundred rows where none stands; two and one per row where some do."""
        partition = _partition(tenant_id, mailbox_id)
        asked = _by_key(rows)
        refused = self._table.try_many(Operation("create", _row(partition, row)) for row in asked.values())
        for _ in range(ATTEMPTS):
            if not refused:
                return
            left = [asked[str(operation.row["RowKey"])] for operation in refused]
            refused = self._try_merged(partition, left)
        raise Conflict("others keep changing the worklist")

    def due(
        self, tenant_id: str, mailbox_id: str, lanes: Sequence[Lane], now: datetime, *, limit: int
    ) -> list[PendingRow]:
        """One request."""
        first, last = (_BEGINS[lane] for lane in (lanes[0], lanes[-1]))
        partition = _partition(tenant_id, mailbox_id)
        condition = (
            f"{in_partition(partition, first=first, last=last + '.')} and not_before le {_moment(now)}"
        )
        found = (_pending(row) for row in self._table.rows(condition, select=_COLUMNS, page=limit))
        return list(islice((row for row in found if row.is_known), limit))

    def begin(self, tenant_id: str, mailbox_id: str, rows: Sequence[PendingRow]) -> list[PendingRow]:
        """One request; one per row where some are gone."""
        partition = _partition(tenant_id, mailbox_id)
        operations = [_raising(partition, row) for row in rows]
        try:
            etags = self._table.transact(operations)
        except NotFound:
            begun = (self._begun(operation) for operation in operations)
            return [row.begun(etag) for row, etag in zip(rows, begun, strict=True) if etag]
        return [row.begun(etag) for row, etag in zip(rows, etags, strict=True)]

    def end(
        self,
        tenant_id: str,
        mailbox_id: str,
        done: Sequence[PendingRow],
        kept: Sequence[PendingRow] = (),
    ) -> None:
        """One request; one per row where some were asked for again meanwhile."""
        partition = _partition(tenant_id, mailbox_id)
        deleted = [Operation("delete", _keys(partition, row), row.etag) for row in done]
        changed = [Operation("merge", _row(partition, row), row.etag) for row in kept]
        operations = deleted + changed
        if not operations:
            return
        try:
            self._table.transact(operations)
        except (Conflict, NotFound):
            for operation in operations:
                self._end_alone(operation)

    def stale(self, before: datetime) -> Iterator[tuple[str, str, Lane]]:
        """A request for each mailbox that has such rows, and one more: the next partition is asked for by its key."""
        overdue = f"first_at lt {_moment(before)} and not_before lt {_moment(before)}"
        after = ""
        while True:
            rows = self._table.rows(f"PartitionKey gt {quoted(after)} and {overdue}", select=_COLUMNS, page=1)
            row = next((row for row in rows if _pending(row).is_known), None)
            if row is None:
                return
            after = str(row["PartitionKey"])
            tenant_id, mailbox_id = after.split("|", 1)
            yield tenant_id, unescaped(mailbox_id), _pending(row).lane

    def _try_merged(self, partition: str, rows: Sequence[PendingRow]) -> list[Operation]:
        """Each row as it is by now, or created if it has gone; the operations that met a change."""
        merged = self._connection.side_by_side(lambda row: self._merging(partition, row), rows)
        return [operation for operation in merged if not self._is_taken(operation)]

    def _merging(self, partition: str, row: PendingRow) -> Operation:
        stored = self._table.get(partition, row.key, _COLUMNS)
        if stored is None:
            return Operation("create", _row(partition, row))
        standing = _pending(stored)
        return Operation("merge", _row(partition, standing.merged(row)), standing.etag)

    def _is_taken(self, operation: Operation) -> bool:
        try:
            # A transaction of one row, since it alone answers 404 for a row that is gone.
            self._table.transact([operation])
        except (Conflict, NotFound):
            return False
        return True

    def _begun(self, operation: Operation) -> str:
        try:
            return self._table.transact([operation])[0]
        except NotFound:
            return ""

    def _end_alone(self, operation: Operation) -> None:
        try:
            self._table.transact([operation])
        except NotFound:  # ended by another holder
            return
        except Conflict:
            self._keep_as_new(str(operation.row["PartitionKey"]), str(operation.row["RowKey"]))

    def _keep_as_new(self, partition: str, key: str) -> None:
        stored = self._table.get(partition, key, _COLUMNS)
        if stored is not None:
            row = _pending(stored)
            # Who asks once more meanwhile, or begins it, has the last word.
            self._is_taken(Operation("merge", _row(partition, row.anew()), row.etag))


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


def _raising(partition: str, row: PendingRow) -> Operation:
    return Operation("merge", {**_keys(partition, row), "tries": row.tries + 1})


def _by_key(rows: Sequence[PendingRow]) -> dict[str, PendingRow]:
    asked: dict[str, PendingRow] = {}
    for row in rows:
        standing = asked.get(row.key)
        asked[row.key] = standing.merged(row) if standing else row
    return asked


def _moment(at: datetime) -> str:
    return f"datetime'{at.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S.%fZ')}'"
