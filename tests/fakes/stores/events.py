"""The feed of changes, in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime

from shared.domain.events.events import Event, place_of, time_of
from tests.fakes.faults import Faults


class FakeEvents:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], Event] = {}

    def append(self, tenant_id: str, events: Sequence[Event]) -> None:
        with self.faults.write("Events.append"):
            self.rows |= {(tenant_id, event.id): event for event in events}

    def page(self, tenant_id: str, *, after: str, until: datetime, limit: int) -> tuple[list[Event], str]:
        self.faults.read("Events.page")
        time_of(after)
        last = until.astimezone(UTC).date()
        found = [event for event in self.of(tenant_id) if event.id > after and event.at.date() <= last]
        return found[:limit], found[limit - 1].id if len(found) > limit else ""

    def forget(self, tenant_id: str, before: datetime, *, limit: int) -> bool:
        with self.faults.write("Events.forget"):
            midnight = before.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            old = [event.id for event in self.of(tenant_id) if event.id < place_of(midnight)][:limit]
            for place in old:
                del self.rows[tenant_id, place]
            return len(old) == limit

    def of(self, tenant_id: str) -> list[Event]:
        """An organisation's, oldest first: for tests."""
        return [
            event
            for (tenant, _), event in sorted(self.rows.items(), key=lambda row: row[0])
            if tenant == tenant_id
        ]
