"""The use cases that the triggers call, put together from the adapters of one process."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final

from shared.adapters.storage.queue import AzureCommandQueue
from shared.services.capture.arrivals import Arrivals
from shared.services.capture.backfill import StepBackfill
from shared.services.capture.fetching import FetchMail
from shared.services.capture.late_contacts import JoinLate
from shared.services.capture.mailbox_access import WatchAccess
from shared.services.capture.notifications import ClientStates, TakeNotifications
from shared.services.capture.polling import PollMailboxes
from shared.services.capture.reconcile import Reconcile, ReconcileAll
from shared.services.capture.resync import Resync
from shared.services.capture.scopes import FindScope
from shared.services.capture.screening import Screen
from shared.services.capture.sync import Sync
from shared.services.capture.turns import Turns
from shared.services.connections.connection_care import WatchConnections
from shared.services.connections.readdressing import NoticeAddresses
from shared.services.connections.subscription_care import (
    CareForSubscriptions,
    CompareSubscriptions,
    QueueComparisons,
    QueueDueSubscriptions,
)
from shared.services.connections.subscriptions import MaintainSubscriptions
from shared.services.filing.apply_decision import ApplyDecision, Bury, TakeBack
from shared.services.filing.change_by_person import ChangeByPerson, SweepDecisions
from shared.services.filing.change_message import ChangeMessage
from shared.services.filing.filing import Filing
from shared.services.filing.ingest import Ingest
from shared.services.filing.opening import OpenRecord
from shared.services.filing.threads import FileThread
from shared.services.matching.bounces import NoteBounces, ReadBounce
from shared.services.matching.candidates import GatherCandidates
from shared.services.matching.forgeries import CountForgeries
from shared.services.matching.matching import MatchMail
from shared.services.matching.rematch import Reconsider, RunRematch
from shared.services.privacy.retention import QueueRetention
from shared.services.privacy.taking_away import RunTakeAway
from shared.services.records.merging import MoveFiled
from shared.triggers.queue import Outcomes

if TYPE_CHECKING:
    pass

from shared.bootstrap.adapters import Adapters
from shared.bootstrap.connecting import Connecting
from shared.bootstrap.taking_away import taking_away

# The webhook must have queued within 2 s or say that it has not.
WEBHOOK_QUEUE_TIMEOUT: Final = 2.0


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A fresh id."""
    return uuid.uuid4().hex


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
    rematch: RunRematch
    apply_decision: ApplyDecision
    take_away: RunTakeAway
    queue_retention: QueueRetention
    sweep_decisions: SweepDecisions
    merge_records: MoveFiled
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
        return GatherCandidates(self.index, self.records, self.messages, self.codes, self.settings.code_keys)

    @cached_property
    def reconsider(self) -> Reconsider:
        return Reconsider(self.mailboxes, self.messages, self.gather, self.settings.hash_key)

    @cached_property
    def screen(self) -> Screen:
        return Screen(self.gather, self.messages, CountForgeries(self.codes))

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
            rematch=RunRematch(
                organisations=self.organisations,
                records=self.records,
                messages=self.messages,
                reconsider=self.reconsider,
                filing=self._filing,
                queue=self.queue,
                clock=now,
            ),
            apply_decision=self._carry_out,
            take_away=taking_away(self, new_id, now),
            queue_retention=QueueRetention(
                self.organisations, self.erasures, self.queue, now, self.settings.hash_key
            ),
            sweep_decisions=SweepDecisions(self.organisations, self.inbox, self.queue, now),
            merge_records=MoveFiled(
                records=self.records,
                index=self.index,
                change=self.change_message,
                timeline=self.timeline,
                queue=self.queue,
                clock=now,
            ),
            queue_comparisons=QueueComparisons(self.organisations, self.queue, now),
            poll=PollMailboxes(self.mailboxes, self.queue, now),
            watch_connections=self._connecting.watch,
            notice_addresses=self._connecting.notice_addresses,
        )

    @cached_property
    def change_message(self) -> ChangeMessage:
        return ChangeMessage(self.messages)

    @cached_property
    def _connecting(self) -> Connecting:
        return Connecting(self)

    @cached_property
    def _ingest(self) -> Ingest:
        return Ingest(
            turns=self.turns,
            fetch=FetchMail(
                self.mail,
                self.folders,
                self.screen,
                self._arrivals,
                self.messages,
                self.exceptions,
                self.queue,
                now,
            ),
            match=self._match,
            filing=self._filing,
            note_bounces=NoteBounces(self.messages, self.change_message, self.timeline),
            sightings=self.sightings,
            exceptions=self.exceptions,
            queue=self.queue,
            clock=now,
        )

    @cached_property
    def _match(self) -> MatchMail:
        read_bounce = ReadBounce(self.mail, self.messages)
        return MatchMail(self.gather, self.messages, read_bounce, CountForgeries(self.codes))

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
    def _carry_out(self) -> ApplyDecision:
        change_by_person = ChangeByPerson(self.messages, self.change_message, self.inbox, self.queue, new_id)
        threads = FileThread(self.messages, self.change_message, self.mailboxes, self.inbox, change_by_person)
        return ApplyDecision(
            filing=self._filing,
            messages=self.messages,
            inbox=self.inbox,
            index=self.index,
            records=self.records,
            audit=self.audit,
            threads=threads,
            bury=Bury(
                self.messages,
                self.mailboxes,
                self.timeline,
                self.inbox,
                self.attachments,
                self.settings.hash_key,
            ),
            take_back=TakeBack(self.change_message, self.index, self.records, self.timeline, threads),
            clock=now,
        )

    @cached_property
    def _filing(self) -> Filing:
        return Filing(
            messages=self.messages,
            change=self.change_message,
            timeline=self.timeline,
            inbox=self.inbox,
            attachments=self.attachments,
            mailboxes=self.mailboxes,
            records=self.records,
            mail=self.mail,
            queue=self.queue,
            clock=now,
            open_record=OpenRecord(self.records, now),
        )
