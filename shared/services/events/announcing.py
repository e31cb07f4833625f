"""Writes events into the feed, so that no reader's cursor is ahead of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from shared import telemetry
from shared.domain.errors import Unavailable
from shared.domain.events.events import Change, Event
from shared.domain.events.feed import PROMPT
from shared.ports.stores.events import Events
from shared.ports.work import Clock

_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class AnnounceChanges:
    """Tell readers of changes that stand by now: one request, up to a hundred of them.

    A write that has taken too long may be behind the cursors of readers: the events are written once more, under a
    later time and the same ids. A worker that is killed between the two has not finished its mail, so that the mail
    comes back, and all is told anew.
    """

    events: Events
    clock: Clock
    new_id: Callable[[], str]

    def __call__(self, tenant_id: str, changes: Iterable[Change]) -> None:
        """Raises Unavailable where storage does not become faster."""
        named = {change: self.new_id() for change in dict.fromkeys(changes)}
        for _ in range(_TRIES if named else 0):
            at = self.clock()
            self.events.append(tenant_id, [Event(name, at, change) for change, name in named.items()])
            if self.clock() - at <= PROMPT:
                return
            telemetry.event("events_written_late", organisation=tenant_id, events=len(named))
        if named:
            raise Unavailable("events are written too slowly to be relied on")
