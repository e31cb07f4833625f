"""The table Acknowledgements: what intake mailboxes answer, every version of it, and counters.

A counter's row holds what was counted within its window, by key and time: a second count of one thing finds the first.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, packed, part_names, unpacked
from shared.adapters.storage.table import Operation, Row, Table, etag_of, saving
from shared.domain import names
from shared.domain.errors import Conflict
from shared.domain.intake.acknowledgements import Acknowledgement, Counter

ATTEMPTS: Final = 5
_NOW: Final = "now:"
_VERSION: Final = "version:"
_COUNT: Final = "count:"
_COLUMNS: Final = part_names()


class AzureAcknowledgements:
    """Implements `ports.Acknowledgements`."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.ACKNOWLEDGEMENTS)

    def get(self, tenant_id: str, mailbox_id: str, version: int = 0) -> Acknowledgement | None:
        """One request."""
        row = self._table.get(escaped(tenant_id), _key(mailbox_id, version), _COLUMNS)
        return from_plain(Acknowledgement, unpacked(row), etag=etag_of(row)) if row else None

    def save(self, tenant_id: str, mailbox_id: str, wanted: Acknowledgement) -> Acknowledgement:
        """One request."""
        now = _row(tenant_id, _key(mailbox_id, 0), wanted)
        kept = _row(tenant_id, _key(mailbox_id, wanted.version), wanted)
        etags = self._table.transact(
            [
                saving(now, wanted.etag),
                Operation("upsert", kept),
            ]
        )
        return replace(wanted, etag=etags[0])

    def count(self, tenant_id: str, counters: Sequence[Counter], key: str, at: datetime) -> Counter | None:
        """Two requests for each counter; one where it is full."""
        rows = [self._counted(tenant_id, counter, at) for counter in counters]
        for counter, (counted, _) in zip(counters, rows, strict=True):
            if key not in counted and len(counted) >= counter.most:
                return counter
        for counter, (counted, etag) in zip(counters, rows, strict=True):
            if key not in counted:
                self._add(tenant_id, counter, key, at, (counted, etag))
        return None

    def _add(
        self, tenant_id: str, counter: Counter, key: str, at: datetime, known: tuple[dict[str, datetime], str]
    ) -> None:
        counted, etag = known
        for _ in range(ATTEMPTS):
            row = _counter_row(tenant_id, counter, {**counted, key: at})
            try:
                if etag:
                    self._table.write(row, etag)
                else:
                    self._table.transact([Operation("create", row)])
                return
            except Conflict:
                counted, etag = self._counted(tenant_id, counter, at)
                if key in counted:
                    return
        raise Conflict("a counter keeps changing")

    def _counted(self, tenant_id: str, counter: Counter, at: datetime) -> tuple[dict[str, datetime], str]:
        row = self._table.get(escaped(tenant_id), _COUNT + escaped(counter.name), _COLUMNS)
        if row is None:
            return {}, ""
        times = {name: datetime.fromisoformat(text) for name, text in unpacked(row).items()}
        return {name: time for name, time in times.items() if time > at - counter.window}, etag_of(row)


def _key(mailbox_id: str, version: int) -> str:
    return f"{_VERSION}{escaped(mailbox_id)}:{version:08d}" if version else f"{_NOW}{escaped(mailbox_id)}"


def _row(tenant_id: str, key: str, wanted: Acknowledgement) -> dict[str, Any]:
    return {"PartitionKey": escaped(tenant_id), "RowKey": key, **packed(to_plain(wanted))}


def _counter_row(tenant_id: str, counter: Counter, counted: dict[str, datetime]) -> Row:
    # Those that count no more are left out with the next write.
    times = {name: time.astimezone(UTC).isoformat() for name, time in counted.items()}
    return {
        "PartitionKey": escaped(tenant_id),
        "RowKey": _COUNT + escaped(counter.name),
        **packed(times),
    }
