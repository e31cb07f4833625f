"""The provider's hints: checks the clientState of each and queues commands; reads no mail and waits for nobody."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared import telemetry
from shared.domain.commands.commands import IngestMessages, MaintainSubscription
from shared.domain.commands.envelope import Command
from shared.domain.connections.subscriptions import mailbox_of
from shared.domain.connections.tenant_ids import is_tenant_id
from shared.domain.errors import Unavailable
from shared.domain.mail.items import ItemRef
from shared.ports.stores.connections import Subscriptions
from shared.ports.work import Clock, PromptQueue

# Graph slows an endpoint down that answers later than 3 s; a late answer must not look like a good one.
TIME_LIMIT = timedelta(seconds=2)
REMEMBERED = timedelta(minutes=5)
# A stranger who sends wrong clientStates makes at most one read in this time for each mailbox he knows of.
REREAD = timedelta(seconds=1)
MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Notification:
    """One item of a notification body; every field may be missing ('')."""

    tenant_id: str = ""
    client_state: str = ""
    message_id: str = ""
    change: str = ""
    lifecycle: str = ""

    @property
    def is_sane(self) -> bool:
        """Worth looking up at all."""
        return is_tenant_id(self.tenant_id) and mailbox_of(self.client_state).isalnum()


Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Known:
    """A clientState as it was read; `missed_at` is when a read last found that the one given did not fit."""

    state: str
    read_at: datetime
    missed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClientStates:
    """The clientStates of subscriptions by tenant and mailbox, remembered for some minutes.

    One that does not fit is read again before it is called forged: the subscription may be a new one.
    """

    subscriptions: Subscriptions
    clock: Clock
    _known: dict[Place, _Known] = field(default_factory=dict)

    def holds(self, place: Place, state: str) -> bool:
        """Whether `state` is the mailbox's clientState; compared in constant time."""
        now = self.clock()
        known = self._known.get(place)
        if known and now - known.read_at < REMEMBERED and _equal(known.state, state):
            return True
        if known and known.missed_at and now - known.missed_at < REREAD:
            return False
        row = self.subscriptions.get(*place)
        expected = row.client_state if row else ""
        fits = _equal(expected, state)
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[place] = _Known(expected, now, None if fits else now)
        return fits


def _equal(expected: str, given: str) -> bool:
    return bool(expected) and hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class TakeNotifications:
    """Queue what genuine notifications ask for. Forged ones are counted and dropped; nobody is told.

    Raises TransientError when not all could be queued in time: Graph will send them again.
    """

    states: ClientStates
    queue: PromptQueue
    clock: Clock

    def __call__(self, notifications: Iterable[Notification]) -> None:
        started = self.clock()
        genuine: dict[Place, list[Notification]] = {}
        forged = 0
        for notification in notifications:
            place = (notification.tenant_id, mailbox_of(notification.client_state))
            if notification.is_sane and self.states.holds(place, notification.client_state):
                genuine.setdefault(place, []).append(notification)
            else:
                forged += 1
        if forged:
            telemetry.alert("notifications_forged", count=forged)
        for (tenant_id, mailbox_id), items in genuine.items():
            for command in self._commands(tenant_id, mailbox_id, items):
                self.queue.send(command)
                if self.clock() - started > TIME_LIMIT:
                    raise Unavailable("queueing the notifications takes too long")

    def _commands(self, tenant_id: str, mailbox_id: str, items: list[Notification]) -> Iterable[Command]:
        now = self.clock()
        arrived = (item.message_id for item in items if item.message_id and not item.lifecycle)
        # A notification names no folder: only providers whose ids hold in the whole mailbox send any.
        refs = [ItemRef("", message_id) for message_id in dict.fromkeys(arrived)]
        yield from IngestMessages.groups(refs, tenant_id=tenant_id, mailbox_id=mailbox_id, first_at=now)
        for event in dict.fromkeys(item.lifecycle for item in items if item.lifecycle):
            yield MaintainSubscription(tenant_id=tenant_id, mailbox_id=mailbox_id, first_at=now, event=event)
