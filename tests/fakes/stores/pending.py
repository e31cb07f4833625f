"""Worklists in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from shared.domain.capture.pending import PendingRow, Reach
from tests.fakes.etags import Etags
from tests.fakes.faults import Faults


class FakePending:
    """`rows` by tenant and mailbox, then by key."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], dict[str, PendingRow]] = {}
        self._etag = Etags()

    def put(self, tenant_id: str, mailbox_id: str, rows: Sequence[PendingRow]) -> None:
        with self.faults.write("Pending.put"):
            stored = self.rows.setdefault((tenant_id, mailbox_id), {})
            for row in rows:
                standing = stored.get(row.key)
                stored[row.key] = self._written(standing.merged(row) if standing else row)

    def due(
        self, tenant_id: str, mailbox_id: str, reach: Reach, now: datetime, *, limit: int
    ) -> list[PendingRow]:
        self.faults.read("Pending.due")
        rows = self.of(tenant_id, mailbox_id)
        found = [row for row in rows if reach.covers(row) and row.is_known and _is_due(row, now)]
        return found[:limit]

    def begin(self, tenant_id: str, mailbox_id: str, rows: Sequence[PendingRow]) -> list[PendingRow]:
        with self.faults.write("Pending.begin"):
            stored = self.rows.get((tenant_id, mailbox_id), {})
            begun = [row.begun(self._etag()) for row in rows if _is_same(stored.get(row.key), row)]
            stored.update(
                {row.key: replace(stored[row.key], tries=row.tries, etag=row.etag) for row in begun}
            )
            return begun

    def end(
        self,
        tenant_id: str,
        mailbox_id: str,
        done: Sequence[PendingRow],
        kept: Sequence[PendingRow] = (),
    ) -> None:
        with self.faults.write("Pending.end"):
            stored = self.rows.get((tenant_id, mailbox_id), {})
            changed = {row.key: row for row in (*done, *kept) if not _is_same(stored.get(row.key), row)}
            for key in changed.keys() & stored.keys():
                if not stored[key].is_begun_since(changed[key]):
                    stored[key] = self._written(stored[key].anew())
            for row in done:
                if row.key not in changed:
                    del stored[row.key]
            stored.update({row.key: self._written(row) for row in kept if row.key not in changed})

    def stale(self, before: datetime) -> Iterator[tuple[str, str, PendingRow]]:
        self.faults.read("Pending.stale")
        for tenant_id, mailbox_id in sorted(self.rows):
            rows = self.of(tenant_id, mailbox_id)
            overdue = [row for row in rows if row.is_known and _is_overdue(row, before)]
            if overdue:
                yield tenant_id, mailbox_id, overdue[0]

    def of(self, tenant_id: str, mailbox_id: str) -> list[PendingRow]:
        """A mailbox's, in order: for tests too."""
        stored = self.rows.get((tenant_id, mailbox_id), {})
        return [stored[key] for key in sorted(stored)]

    @property
    def count(self) -> int:
        return sum(map(len, self.rows.values()))

    def _written(self, row: PendingRow) -> PendingRow:
        return replace(row, etag=self._etag())


def _is_same(stored: PendingRow | None, row: PendingRow) -> bool:
    return stored is not None and stored.etag == row.etag


def _is_due(row: PendingRow, now: datetime) -> bool:
    return row.not_before is None or row.not_before <= now


def _is_overdue(row: PendingRow, before: datetime) -> bool:
    return row.first_at < before and (row.not_before is None or row.not_before < before)
