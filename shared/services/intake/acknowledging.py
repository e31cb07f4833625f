"""Answers the mail that has opened a case, once for each case, through the outbox of the mailbox it came to.

What is held back stands in the outbox as well, cancelled, with the reason: an agent may send it all the same.
"""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from shared import telemetry
from shared.domain.commands.commands import FileMessage
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation, is_listed
from shared.domain.errors import Conflict, InvalidInput, PermanentError, PostledgerError
from shared.domain.filing.effects import Acknowledge
from shared.domain.filing.entries import inverted
from shared.domain.intake.acknowledgements import Acknowledgement, counted_as, counters
from shared.domain.intake.answering import PURPOSE, SENTENCES, Answer, answer_of, chosen
from shared.domain.intake.asking import asked_by, askers, writer_of
from shared.domain.intake.doors import route_of
from shared.domain.intake.fields import NO_ROUTE, Arrival, values_of
from shared.domain.mail import codes
from shared.domain.mail.addresses import Person, domain_of
from shared.domain.mail.codes import NUMBER_BITS, Code
from shared.domain.mail.identity import Hasher
from shared.domain.privacy.erasure import suppression
from shared.domain.records.records import Record, RecordRef
from shared.domain.sending import marks, transitions
from shared.domain.sending.from_addresses import Why
from shared.domain.sending.outbox import OutboxMail, Problem
from shared.domain.sending.replying import Own, thread_of
from shared.domain.sending.states import State
from shared.domain.sending.subjects import Signing, subject_of
from shared.ports.stores.connections import Mailboxes, Organisations
from shared.ports.stores.exceptions import Exceptions
from shared.ports.stores.filing import Codes
from shared.ports.stores.intake import Acknowledgements
from shared.ports.stores.records import Records
from shared.ports.stores.sending import Outbox
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.scopes import hasher_of
from shared.services.commands.failures import failure_of, record
from shared.services.sending.outbox import command_for

# Behind it nobody waits for an answer any more; a case is written many times, and settings may change meanwhile.
LATEST: Final = timedelta(days=1)
HELD: Final = "held_back"
_BY: Final = "postledger"
_WHY: Final = "It acknowledges a mail to this mailbox."
_CLAIMS: Final = 8


class NotAcknowledged(PermanentError):
    """An acknowledgement could not be made; the case stands."""


@dataclass(frozen=True, slots=True)
class _Case:
    """A case that is to be acknowledged, with the desk and the organisation that do so."""

    effect: Acknowledge
    record: Record
    desk: Mailbox
    organisation: Organisation
    own: Own
    settings: Acknowledgement
    hasher: Hasher


@dataclass(frozen=True, slots=True)
class AcknowledgeCase:
    """Put an acknowledgement into the outbox, or hold it back there. Run any number of times, it is one row."""

    acknowledgements: Acknowledgements
    organisations: Organisations
    mailboxes: Mailboxes
    records: Records
    outbox: Outbox
    codes: Codes
    exceptions: Exceptions
    queue: CommandQueue
    clock: Clock
    new_id: Callable[[], str]
    hash_key: bytes
    code_keys: tuple[bytes, ...]

    def __call__(self, tenant_id: str, effect: Acknowledge) -> None:
        """A read where nothing is acknowledged; some ten requests else."""
        settings = self.acknowledgements.get(tenant_id, effect.message.desk)
        if settings is None or not settings.enabled:
            return
        hasher = hasher_of(self.hash_key, tenant_id)
        key_hash = hasher("acknowledgement", str(effect.ref))
        if self.outbox.of_key(tenant_id, key_hash) is not None:
            return
        case = self._case(tenant_id, effect, settings, hasher)
        if case is None:
            return
        try:
            self._answer(case, key_hash)
        except (InvalidInput, PermanentError) as error:
            self._tell(case, error)

    def _case(
        self, tenant_id: str, effect: Acknowledge, settings: Acknowledgement, hasher: Hasher
    ) -> _Case | None:
        organisation = self.organisations.get(tenant_id)
        found = self.records.get(tenant_id, effect.ref)
        boxes = list(self.mailboxes.of(tenant_id))
        desk = next((box for box in boxes if box.mailbox_id == effect.message.desk), None)
        if organisation is None or found is None or desk is None:
            return None
        own = Own.of(chain.from_iterable(box.own_addresses for box in boxes), organisation.own_domains)
        return _Case(effect, found, desk, organisation, own, settings, hasher)

    def _answer(self, case: _Case, key_hash: str) -> None:
        people = self._people(case)
        if not people:
            return
        made = self._made(case)
        if made is None:
            return
        reason = self._reason(case, people)
        mail = replace(self._mail(case, people, made), key_hash=key_hash)
        if reason:
            sentence = SENTENCES[reason]
            mail = transitions.cancelled(mail.created_at, f"Held back: {sentence}")(mail)
            self.outbox.add(
                replace(mail, error=Problem(HELD, f"{sentence} Retry it to send it all the same."))
            )
            telemetry.event("acknowledgement_held", mailbox=case.desk.mailbox_id, reason=reason)
            return
        standing = self.outbox.add(mail)
        self.queue.send(command_for(standing, self.clock))

    def _people(self, case: _Case) -> tuple[Person, ...]:
        """Whom it goes to: nobody who is never to be written to."""
        document = case.effect.document
        asker = asked_by(document) if case.effect.message.unanswered == "forwarded" else None
        people = (
            (asker,) if asker is not None and not case.own.has(asker.address) else askers(document, case.own)
        )
        never = (*case.organisation.never_log, *case.desk.never_log)
        return tuple(person for person in people if not self._is_closed(case, person.address, never))

    def _is_closed(self, case: _Case, address: str, never_log: Sequence[str]) -> bool:
        is_erased = bool(case.organisation.erased) and (
            suppression(case.hasher, address) in case.organisation.erased
        )
        return is_erased or is_listed(address, never_log)

    def _reason(self, case: _Case, people: Iterable[Person]) -> str:
        """Why it is held back; '' = it is not, and counts."""
        now = self.clock()
        opened_at = case.record.opened_at or now
        message = case.effect.message
        if message.unanswered:
            return message.unanswered
        if message.decided is not None and message.decided.opens is not None:
            return "by_hand"
        if now - opened_at > LATEST:
            return "late"
        for person in people:
            sender = counted_as(case.hasher, person.address)
            bounds = counters(case.settings.limits, sender=sender, pair=f"{sender}:{case.desk.mailbox_id}")
            if (
                self.acknowledgements.count(case.desk.tenant_id, bounds, str(case.effect.ref), now)
                is not None
            ):
                return "too_many"
        return ""

    def _made(self, case: _Case) -> Answer | None:
        message, document = case.effect.message, case.effect.document
        route = route_of(case.desk, message.sent_to) or NO_ROUTE
        template, told = chosen(document, case.settings, route.template)
        if template is None:
            return None
        arrival = Arrival(case.desk.address, message.sent_to, route, message.at)
        values = values_of(document, writer_of(document), arrival)
        return answer_of(
            template, told, {**values, "case_id": case.record.ref.id, "case_name": case.record.name}
        )

    def _mail(self, case: _Case, people: tuple[Person, ...], made: Answer) -> OutboxMail:
        desk, now = case.desk, self.clock()
        mail_id = f"{inverted(now)}-{self.new_id()}"
        message_id = marks.message_id_of(mail_id, domain_of(desk.address))
        code = self._claimed(case, message_id)
        thread = thread_of(case.effect.document)
        signing = Signing(self.code_keys, desk.tenant_id, case.organisation.code_prefixes)
        mail = OutboxMail(
            id=mail_id,
            tenant_id=desk.tenant_id,
            mailbox_id=desk.mailbox_id,
            agent_id=desk.agent_id,
            agent=desk.agent,
            by=_BY,
            sender=Person(desk.display_name, desk.address),
            from_rule=Why.RULE,
            from_why=_WHY,
            subject=subject_of(made.subject, code, signing),
            code=code,
            message_id=message_id,
            tag=marks.tag_of(mail_id),
            created_at=now,
            to=people,
            html=made.html,
            text=made.text,
            records=_records(case.effect.message.refs, case.effect.ref),
            purpose=PURPOSE,
            answers=case.effect.message.key,
            in_reply_to=thread.in_reply_to,
            references=thread.references,
        )
        return _with_language(transitions.asked_for(mail), made, now)

    def _claimed(self, case: _Case, message_id: str) -> Code:
        """A number of its own: only the case is reached by it, and what the case's mail is on."""
        tenant_id, refs = case.desk.tenant_id, _records(case.effect.message.refs, case.effect.ref)
        for _ in range(_CLAIMS):
            number = secrets.randbits(NUMBER_BITS)
            if self.codes.claim(tenant_id, number, refs, case.hasher.message_id(message_id)):
                return codes.issue(number, self.code_keys, tenant_id, case.organisation.code_prefix)
        raise Conflict("No number for the reference code could be claimed; try again.")

    def _tell(self, case: _Case, error: PostledgerError) -> None:
        message = case.effect.message
        command = FileMessage(tenant_id=case.desk.tenant_id, key=message.key, first_at=message.at)
        failure = NotAcknowledged(str(error), "AcknowledgementFailed")
        record(
            self.exceptions,
            replace(failure_of(command, failure, self.clock()), mailbox_id=case.desk.mailbox_id),
        )


def _records(refs: Iterable[RecordRef], case: RecordRef) -> tuple[RecordRef, ...]:
    """The case first, then what else the mail is on."""
    return (case, *sorted(set(refs) - {case}))


def _with_language(mail: OutboxMail, made: Answer, now: datetime) -> OutboxMail:
    [first] = mail.steps
    detail = f"In '{made.language}', told by {made.why}." if made.why else ""
    assert mail.state is State.QUEUED
    return replace(mail, steps=(replace(first, at=now, detail=detail),))
