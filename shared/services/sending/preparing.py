"""Makes a mail of a request, as far as nothing is written: what it will be, and every reason to refuse it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared.domain.privacy.callers import Caller
from shared.domain.sending.checking import UNLIMITED, Known, Reason, refusals
from shared.domain.sending.drafting import (
    READING,
    Answered,
    Draft,
    addressed,
    draft_of,
    forwarded_files,
    lost_files,
    reading_of,
)
from shared.domain.sending.from_addresses import Chosen
from shared.domain.sending.outbox import Mode
from shared.domain.sending.wanted import MailWanted
from shared.ports.sending import MailSender
from shared.ports.stores.sending import Signatures
from shared.ports.work import Clock
from shared.services.sending.answering import ReadAnswered
from shared.services.sending.files import FindFiles
from shared.services.sending.settling import FindHouse, House, Settled, SettleMail
from shared.services.sending.standing import FindErased

LATEST: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A mail that could be queued, unless there are `reasons` against it or no mailbox sends it."""

    house: House
    settled: Settled
    draft: Draft
    answered: Answered | None = None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class PrepareMail:
    """Gather what a mail is made of, make it, and check it; writes nothing, so a preview asks it too."""

    find_house: FindHouse
    read_answered: ReadAnswered
    find_files: FindFiles
    settle: SettleMail
    sender: MailSender
    signatures: Signatures
    find_erased: FindErased
    clock: Clock

    def __call__(self, caller: Caller, wanted: MailWanted) -> Prepared:
        """Raises InvalidInput and Forbidden for the caller, Unknown for a mail that the caller may not read."""
        answered = self.read_answered(caller, wanted.answers) if wanted.answers else None
        house = self.find_house(caller, wanted.agent)
        if answered is not None:
            answered = self.read_answered.with_code(house.organisation, answered)
        people = addressed(wanted, answered, house.own)
        settled = self.settle(house, wanted, people, answered.records if answered else ())
        files, missing = self.find_files(caller, wanted.attachments)
        lost: tuple[Reason, ...] = ()
        if answered and wanted.mode is Mode.FORWARD and wanted.keeps_files:
            files, lost = (*files, *forwarded_files(answered)), tuple(lost_files(answered))
        chosen = settled.chosen if isinstance(settled.chosen, Chosen) else None
        draft = draft_of(
            wanted,
            people,
            chosen.address if chosen else house.actor.address,
            answered=answered,
            signature=self._signature(house, wanted),
            files=files,
            reading=reading_of(chosen.mailbox) if chosen else READING,
        )
        reasons = (*self._of_time(wanted), *lost, *self._reasons(house, settled, draft, missing))
        return Prepared(house, settled, draft, answered, reasons)

    def _signature(self, house: House, wanted: MailWanted) -> str:
        agent_id = house.actor.oid
        return self.signatures.get(house.actor.tenant_id, agent_id) if agent_id and wanted.is_signed else ""

    def _of_time(self, wanted: MailWanted) -> Iterator[Reason]:
        if wanted.send_at is not None and wanted.send_at > self.clock() + LATEST:
            yield Reason("too_far_ahead", f"'send_at' may be {LATEST.days} days ahead at most.")

    def _reasons(
        self, house: House, settled: Settled, draft: Draft, missing: tuple[str, ...]
    ) -> tuple[Reason, ...]:
        organisation = house.organisation
        mailbox = settled.chosen.mailbox if isinstance(settled.chosen, Chosen) else None
        known = Known(
            own=house.own,
            recipients=settled.known,
            missing_records=settled.missing,
            missing_files=missing,
            never_log=(*organisation.never_log, *(mailbox.never_log if mailbox else ())),
            erased=self.find_erased(organisation, draft.people.addresses),
        )
        limits = self.sender.limits(mailbox) if mailbox else UNLIMITED
        return (*draft.faults, *refusals(draft.asked(settled.records), known, limits))
