"""How long mail is kept: every night, what is older than the organisation wants is taken away.

A mail becomes a tombstone, as if a person had deleted it, so that it does not come back; its ledger rows go.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared import telemetry
from shared.domain.commands.commands import MESSAGES, ApplyRetention, DeleteOrganisation, ErasePerson
from shared.domain.connections.organisations import Organisation
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.inbox import taken_away
from shared.domain.filing.person_decisions import EXPIRE, PersonDecision
from shared.domain.matching.decisions import BY_RULE
from shared.domain.privacy.erasure import deleted_organisation
from shared.ports.stores.campaigns import Campaigns
from shared.ports.stores.capture import Sightings
from shared.ports.stores.connections import Mailboxes, Organisations
from shared.ports.stores.filing import MessageStore
from shared.ports.stores.privacy import Erasures
from shared.ports.work import Clock, CommandQueue
from shared.services.filing.change_by_person import Attribution, ChangeByPerson

PAGE: Final = 100
ROWS: Final = 1_000
SIGHTINGS: Final = "sightings"
CAMPAIGNS: Final = "campaigns"
# An erasure that has not moved for so long has lost its command.
STUCK: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class QueueRetention:
    """The nightly timer's part: ask for retention where it is wanted, and take up erasures that have come to a stop."""

    organisations: Organisations
    erasures: Erasures
    queue: CommandQueue
    clock: Clock
    hash_key: bytes

    def __call__(self) -> None:
        now = self.clock()
        for organisation in self.organisations.all():
            if organisation.deleting:
                self._go_on_deleting(organisation)
                continue
            before = kept_from(organisation, now)
            if before is not None:
                self.queue.send(ApplyRetention(tenant_id=organisation.tenant_id, first_at=now, before=before))
            self._go_on_erasing(organisation.tenant_id, now)

    def _go_on_erasing(self, tenant_id: str, now: datetime) -> None:
        for run in self.erasures.running(tenant_id):
            if now - (run.touched_at or run.at) > STUCK:
                telemetry.alert("erasure_taken_up", run=run.id)
                # From the start: what is erased already costs a look, and names nobody.
                self.queue.send(ErasePerson.first(tenant_id, run))

    def _go_on_deleting(self, organisation: Organisation) -> None:
        hashed = deleted_organisation(self.hash_key, organisation.tenant_id)
        begun = self.erasures.deletion(hashed)
        if begun is not None and self.clock() - begun.at > STUCK:
            telemetry.alert("deletion_taken_up", organisation=hashed)
            self.queue.send(DeleteOrganisation.first(organisation.tenant_id, begun))


def kept_from(organisation: Organisation, now: datetime) -> datetime | None:
    """What was received before this is not kept any more; None: everything is."""
    days = organisation.retention_days
    return now - timedelta(days=days) if days else None


@dataclass(frozen=True, slots=True)
class RunRetention:
    """One page of stored mail, of a mailbox's ledger, or of campaigns that have ended, then the next command."""

    organisations: Organisations
    mailboxes: Mailboxes
    messages: MessageStore
    sightings: Sightings
    campaigns: Campaigns
    change_by_person: ChangeByPerson
    queue: CommandQueue
    clock: Clock

    def __call__(self, command: ApplyRetention) -> None:
        # What the organisation wants now counts: a longer retention than when this was asked for spares mail.
        organisation = self.organisations.get(command.tenant_id)
        wanted = kept_from(organisation, self.clock()) if organisation else None
        if wanted is None:
            telemetry.event("retention_dropped", tenant=command.tenant_id)
            return
        before = min(wanted, command.before)
        following = self._page(command, before)
        if following is None:
            telemetry.event("retention_applied", tenant=command.tenant_id)
        else:
            self.queue.send(replace(following, attempt=0, first_at=self.clock()))

    def _page(self, command: ApplyRetention, before: datetime) -> ApplyRetention | None:
        if command.step == MESSAGES:
            return self._messages(command, before)
        if command.step == CAMPAIGNS:
            more = self.campaigns.forget(command.tenant_id, before, limit=ROWS)
            return command if more else None
        return self._ledger(command, before)

    def _messages(self, command: ApplyRetention, before: datetime) -> ApplyRetention:
        page, after = self.messages.scan(command.tenant_id, limit=PAGE, after=command.after)
        for stored in page:
            if stored.at < before:
                self._expire(command.tenant_id, stored)
        return replace(command, step=MESSAGES if after else SIGHTINGS, after=after)

    def _expire(self, tenant_id: str, stored: StoredMessage) -> None:
        # The way of a person's decision, so that it is carried out whatever crashes, and audited.
        decision = PersonDecision(EXPIRE, BY_RULE, self.clock(), stored.decision)
        attribution = Attribution(
            EXPIRE, BY_RULE, decision.at, tuple(link.ref for link in stored.decision.links)
        )
        self.change_by_person(tenant_id, stored.key, attribution, lambda row: taken_away(row, decision))

    def _ledger(self, command: ApplyRetention, before: datetime) -> ApplyRetention:
        """A thousand rows of the next mailbox; `after` is the one that is done."""
        # By id: the order is the same with every command, whatever mailboxes come and go.
        mailboxes = sorted(self.mailboxes.of(command.tenant_id), key=lambda mailbox: mailbox.mailbox_id)
        mailbox = next((mailbox for mailbox in mailboxes if mailbox.mailbox_id > command.after), None)
        if mailbox is None:
            return replace(command, step=CAMPAIGNS, after="")
        more = self.sightings.forget(mailbox, before, limit=ROWS)
        return command if more else replace(command, after=mailbox.mailbox_id)
