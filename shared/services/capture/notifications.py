"""The provider's hints: checks the clientState of each and queues commands; reads no mail and waits for nobody."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared import telemetry
from shared.domain.commands.commands import IngestMessages, MaintainSubscription
from shared.domain.commands.envelope import Command
from shared.domain.connections.subscriptions import mailbox_of
from shared.domain.connections.tenant_ids import is_tenant_id
from shared.domain.errors import Unavailable
from shared.domain.mail.items import ItemRef
from shared.ports.work import Clock, PromptQueue
from shared.services.capture.client_states import ClientStates, Place

# Graph slows an endpoint down that answers later than 3 s; a late answer must not look like a good one.
TIME_LIMIT: Final = timedelta(seconds=2)
# After so many reads in vain a body is taken for forged: what is not remembered is not looked up any more.
MOST_IN_VAIN: Final = 20


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

    @property
    def place(self) -> Place:
        """The tenant and the mailbox that it says it is about."""
        return self.tenant_id, mailbox_of(self.client_state)


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
        for (tenant_id, mailbox_id), items in self._genuine(notifications, started).items():
            for command in self._commands(tenant_id, mailbox_id, items):
                self.queue.send(command)
                self._check_time(started)

    def _genuine(
        self, notifications: Iterable[Notification], started: datetime
    ) -> dict[Place, list[Notification]]:
        genuine: dict[Place, list[Notification]] = {}
        forged = in_vain = 0
        for notification in notifications:
            if not notification.is_sane:
                forged += 1
                continue
            may_read = in_vain < MOST_IN_VAIN
            judgement = self.states.judge(notification.place, notification.client_state, may_read=may_read)
            in_vain += judgement.in_vain
            forged += not judgement.is_genuine
            if judgement.is_genuine:
                genuine.setdefault(notification.place, []).append(notification)
            self._check_time(started)
        if forged:
            telemetry.alert("notifications_forged", count=forged)
        return genuine

    def _check_time(self, started: datetime) -> None:
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
