"""The use cases that the triggers call, put together from the adapters of one process."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final

from shared.adapters.storage.inbox import AzureInbox
from shared.adapters.storage.queue import AzureCommandQueue
from shared.services.access import WatchAccess
from shared.services.arrivals import Arrivals
from shared.services.backfill import StepBackfill
from shared.services.candidates import GatherCandidates
from shared.services.connection_care import WatchConnections
from shared.services.filing import Filing
from shared.services.ingest import Ingest
from shared.services.late_contacts import JoinLate
from shared.services.notifications import ClientStates, TakeNotifications
from shared.services.polling import PollMailboxes
from shared.services.readdressing import NoticeAddresses
from shared.services.reconcile import Reconcile, ReconcileAll
from shared.services.resync import Resync
from shared.services.scopes import FindScope
from shared.services.screening import Screen
from shared.services.subscription_care import (
    CareForSubscriptions,
    CompareSubscriptions,
    QueueComparisons,
    QueueDueSubscriptions,
)
from shared.services.subscriptions import MaintainSubscriptions
from shared.services.sync import Sync
from shared.services.turns import Turns
from shared.triggers.queue import Outcomes

if TYPE_CHECKING:
    pass

from shared.bootstrap.adapters import Adapters
from shared.bootstrap.connecting import Connecting

# The webhook must have queued within 2 s or say that it has not.
WEBHOOK_QUEUE_TIMEOUT: Final = 2.0


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the triggers call."""

    take_notifications: TakeNotifications
    sync: Sync
    ingest: Ingest
    reconcile: Reconcile
    reconcile_all: ReconcileAll
    backfill: StepBackfill
    join_late_contacts: JoinLate
    maintain_subscription: CareForSubscriptions
    queue_due_subscriptions: QueueDueSubscriptions
    queue_comparisons: QueueComparisons
    poll: PollMailboxes
    watch_connections: WatchConnections
    notice_addresses: NoticeAddresses


class Work(Adapters):
    """All of one process but its client API, each part made when it is first asked for."""

    @cached_property
    def scope(self) -> FindScope:
        return FindScope(self.organisations, self.mailboxes, self.settings.hash_key)

    @cached_property
    def turns(self) -> Turns:
        access = WatchAccess(self.mailboxes, self.mail, self.queue, now)
        return Turns(self.scope, self.leases, self.mailboxes, access, now)

    @cached_property
    def gather(self) -> GatherCandidates:
        return GatherCandidates(self.index, self.records, self.messages)

    @cached_property
    def screen(self) -> Screen:
        return Screen(self.gather, self.messages)

    @cached_property
    def outcomes(self) -> Outcomes:
        return Outcomes(self.queue, self.exceptions, now)

    @cached_property
    def use_cases(self) -> UseCases:
        return UseCases(
            take_notifications=TakeNotifications(
                states=ClientStates(self.subscriptions, now),
                queue=AzureCommandQueue(self.connection, timeout=WEBHOOK_QUEUE_TIMEOUT),
                clock=now,
            ),
            sync=Sync(
                turns=self.turns,
                mail=self.mail,
                mailboxes=self.mailboxes,
                folders=self.folders,
                arrivals=self._arrivals,
                resync=Resync(self.mail, self._arrivals, now),
                queue=self.queue,
                clock=now,
            ),
            ingest=self._ingest,
            reconcile=Reconcile(
                turns=self.turns,
                mail=self.mail,
                mailboxes=self.mailboxes,
                folders=self.folders,
                arrivals=self._arrivals,
                backfills=self.backfills,
                queue=self.queue,
                clock=now,
            ),
            reconcile_all=ReconcileAll(self.organisations, self.mailboxes, self.queue, now),
            backfill=StepBackfill(
                turns=self.turns,
                mail=self.mail,
                folders=self.folders,
                backfills=self.backfills,
                arrivals=self._arrivals,
                ingest=self._ingest,
                queue=self.queue,
                clock=now,
            ),
            maintain_subscription=self._subscription_care,
            queue_due_subscriptions=QueueDueSubscriptions(
                self.organisations, self.mailboxes, self.subscriptions, self.queue, now
            ),
            join_late_contacts=JoinLate(
                late=self.late_contacts,
                organisations=self.organisations,
                mailboxes=self.mailboxes,
                sightings=self.sightings,
                queue=self.queue,
                clock=now,
            ),
            queue_comparisons=QueueComparisons(self.organisations, self.queue, now),
            poll=PollMailboxes(self.mailboxes, self.queue, now),
            watch_connections=self._connecting.watch,
            notice_addresses=self._connecting.notice_addresses,
        )

    @cached_property
    def _connecting(self) -> Connecting:
        return Connecting(self)

    @cached_property
    def _ingest(self) -> Ingest:
        return Ingest(
            turns=self.turns,
            mail=self.mail,
            folders=self.folders,
            screen=self.screen,
            gather=self.gather,
            messages=self.messages,
            filing=self._filing,
            sightings=self.sightings,
            exceptions=self.exceptions,
            queue=self.queue,
            clock=now,
        )

    @cached_property
    def _arrivals(self) -> Arrivals:
        return Arrivals(
            mail=self.mail,
            screen=self.screen,
            sightings=self.sightings,
            exceptions=self.exceptions,
            queue=self.queue,
            clock=now,
        )

    @cached_property
    def _subscription_care(self) -> CareForSubscriptions:
        maintain = MaintainSubscriptions(
            turns=self.turns,
            mailboxes=self.mailboxes,
            subscriptions=self.subscriptions,
            source=self.subscription_source,
            mail=self.mail,
            index=self.index,
            folders=self.folders,
            queue=self.queue,
            clock=now,
        )
        compare = CompareSubscriptions(
            organisations=self.organisations,
            mailboxes=self.mailboxes,
            subscriptions=self.subscriptions,
            source=self.subscription_source,
            queue=self.queue,
            clock=now,
        )
        return CareForSubscriptions(maintain, compare)

    @cached_property
    def _filing(self) -> Filing:
        return Filing(
            messages=self.messages,
            timeline=self.timeline,
            inbox=AzureInbox(self.connection),
            attachments=self.attachments,
            mailboxes=self.mailboxes,
            mail=self.mail,
            queue=self.queue,
            clock=now,
        )
