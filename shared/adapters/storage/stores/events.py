"""The table Events: what has changed in an organisation, oldest first, a partition for each day."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from typing import Final

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, joined, unescaped
from shared.adapters.storage.table import KEYS, Operation, Row, Table, in_partition, quoted
from shared.domain import names
from shared.domain.errors import NotFound
from shared.domain.events.events import Change, Event, What, days, time_of
from shared.domain.records.records import RecordRef

_COLUMNS: Final = (
    "RowKey",
    "what",
    "message_key",
    "entry_id",
    "record",
    "mailboxes",
    "agent",
    "outbox_id",
    "by",
)
# Those of an event that is for everybody; '' would be for nobody.
_EVERYBODY: Final = "*"


class AzureEvents:
    """Implements `ports.Events`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(connection, names.EVENTS)

    def append(self, tenant_id: str, events: Sequence[Event]) -> None:
        """One request, up to a hundred events of one day."""
        self._table.write_many(Operation("upsert", _row(tenant_id, event)) for event in events)

    def page(self, tenant_id: str, *, after: str, until: datetime, limit: int) -> tuple[list[Event], str]:
        """One range query for each day until the page is full."""
        found: list[Event] = []
        for day in days(time_of(after), until):
            condition = in_partition(_partition(tenant_id, day), beyond=after)
            rows = self._table.rows(condition, select=_COLUMNS, page=limit - len(found) + 1)
            for row in rows:
                if len(found) == limit:
                    return found, found[-1].id
                found.append(_event(row))
        return found, ""

    def forget(self, tenant_id: str, before: datetime, *, limit: int) -> bool:
        """One query, and one request for a hundred events of a day."""
        # "|" stands behind each tenant: the range begins with its first day.
        condition = (
            f"PartitionKey gt {quoted(joined(tenant_id, ''))} "
            f"and PartitionKey lt {quoted(_partition(tenant_id, before.astimezone(UTC).date()))}"
        )
        rows = list(islice(self._table.rows(condition, select=KEYS), limit))
        try:
            self._table.write_many(Operation("delete", row) for row in rows)
        except NotFound:
            # A run that was cut short, or another one beside it, has taken some: each by itself may be gone.
            self._connection.side_by_side(self._delete, rows)
        return len(rows) == limit

    def _delete(self, row: Row) -> None:
        self._table.delete(str(row["PartitionKey"]), str(row["RowKey"]))


def _partition(tenant_id: str, day: date) -> str:
    return joined(tenant_id, f"{day:%Y%m%d}")


def _row(tenant_id: str, event: Event) -> Row:
    change = event.change
    return {
        "PartitionKey": _partition(tenant_id, event.at.astimezone(UTC).date()),
        "RowKey": escaped(event.id),
        "what": change.what.value,
        "message_key": change.message_key,
        "entry_id": change.entry_id,
        "record": str(change.ref) if change.ref else "",
        "mailboxes": _EVERYBODY if change.only_for is None else ",".join(sorted(change.only_for)),
        "agent": change.agent,
        "outbox_id": change.outbox_id,
        "by": change.by,
    }


def _event(row: Mapping[str, str]) -> Event:
    place = unescaped(row["RowKey"])
    record, mailboxes = row["record"], row["mailboxes"]
    change = Change(
        what=What(row["what"]),
        message_key=row["message_key"],
        entry_id=row["entry_id"],
        ref=RecordRef.parse(record) if record else None,
        agent=row["agent"] or "",
        # A row of an earlier version has neither.
        outbox_id=row.get("outbox_id") or "",
        by=row.get("by") or "",
        only_for=None if mailboxes == _EVERYBODY else frozenset(mailboxes.split(",")) - {""},
    )
    return Event(place.partition("-")[2], time_of(place), change)
