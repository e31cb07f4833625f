"""The timers' part in subscriptions: which need care, and what Graph's own list shows. Work is queued, never done."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared import telemetry
from shared.domain.commands.commands import CompareSubscriptions, MaintainSubscription
from shared.domain.connections.subscriptions import RENEW_BEFORE, SPREAD, compare
from shared.domain.errors import PermanentError
from shared.ports.notifications import SubscriptionSource
from shared.ports.stores.connections import Mailboxes, Organisations, Subscriptions
from shared.ports.work import Clock, CommandQueue


@dataclass(frozen=True, slots=True)
class QueueDueSubscriptions:
    """Queue what is to be renewed, what never came to its end, and mailboxes that have no row at all."""

    organisations: Organisations
    mailboxes: Mailboxes
    subscriptions: Subscriptions
    queue: CommandQueue
    clock: Clock

    def __call__(self) -> None:
        now = self.clock()
        # The widest margin that a row can have; `is_due` knows each row's own second.
        ending = self.subscriptions.ending(now + RENEW_BEFORE + SPREAD)
        due = {(tenant_id, row.mailbox_id) for tenant_id, row in ending if row.is_due(now)}
        for organisation in self.organisations.all():
            if organisation.is_served:
                due.update(self._missing(organisation.tenant_id))
        for tenant_id, mailbox_id in sorted(due):
            self.queue.send(MaintainSubscription(tenant_id=tenant_id, mailbox_id=mailbox_id, first_at=now))
        telemetry.event("subscriptions_due", due=len(due))

    def _missing(self, tenant_id: str) -> Iterator[tuple[str, str]]:
        """Also mailboxes whose removal was begun: the command that ends it may have been lost."""
        known = {row.mailbox_id for row in self.subscriptions.of(tenant_id)}
        for mailbox in self.mailboxes.of(tenant_id):
            wanted = mailbox.is_readable and not mailbox.is_polled_only
            if mailbox.is_removed or (wanted and mailbox.mailbox_id not in known):
                yield tenant_id, mailbox.mailbox_id


@dataclass(frozen=True, slots=True)
class QueueComparisons:
    """Queue for every organisation that its subscriptions be compared with Graph's list."""

    organisations: Organisations
    queue: CommandQueue
    clock: Clock

    def __call__(self) -> None:
        now = self.clock()
        queued = 0
        for organisation in self.organisations.all():
            self.queue.send(CompareSubscriptions(tenant_id=organisation.tenant_id, first_at=now))
            queued += 1
        telemetry.event("comparisons_queued", queued=queued)


@dataclass(frozen=True, slots=True)
class RunComparison:
    """End subscriptions that are nobody's; have mailboxes seen to whose own is lost or not the only one."""

    organisations: Organisations
    mailboxes: Mailboxes
    subscriptions: Subscriptions
    source: SubscriptionSource
    queue: CommandQueue
    clock: Clock

    def __call__(self, command: CompareSubscriptions) -> None:
        """Graph is asked first: who is made afterwards looks lost at worst, and the care for it finds it well."""
        tenant_id = command.tenant_id
        organisation = self.organisations.get(tenant_id)
        try:
            living = {entry.subscription_id: entry.user for entry in self.source.living(tenant_id)}
        except PermanentError as error:
            # Without consent there is no list; its mailboxes are parked one by one.
            telemetry.event("subscriptions_unlisted", tenant=tenant_id, code=error.code)
            return
        mailboxes = list(self.mailboxes.of(tenant_id))
        stored = {row.mailbox_id: row for row in self.subscriptions.of(tenant_id)}
        enabled = organisation is not None and organisation.is_served
        found = compare(living, mailboxes, stored, enabled=enabled)
        telemetry.event(
            "subscriptions_compared",
            tenant=tenant_id,
            living=len(living),
            nobodys=len(found.nobodys),
            repaired=len(found.events),
        )
        self._repair(tenant_id, found.events)
        for subscription_id in found.nobodys:
            self.source.end(tenant_id, subscription_id)

    def _repair(self, tenant_id: str, events: Mapping[str, str]) -> None:
        now = self.clock()
        for mailbox_id, event in events.items():
            self.queue.send(
                MaintainSubscription(tenant_id=tenant_id, mailbox_id=mailbox_id, first_at=now, event=event)
            )
