"""Takes a request to send: everything that can be refused is refused here, and all that the mail needs is settled.

The address, the code with its claimed number, the Message-ID, the tag: known before anything leaves, and the same
however often the request is repeated under its key.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from shared.domain.connections.organisations import Organisation
from shared.domain.errors import Conflict, Forbidden, InvalidInput, Unknown, WrongState
from shared.domain.filing.entries import inverted
from shared.domain.mail import codes
from shared.domain.mail.addresses import Person, domain_of
from shared.domain.mail.codes import NUMBER_BITS, Code
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.domain.records.records import RecordRef
from shared.domain.sending import marks, transitions
from shared.domain.sending.from_addresses import Chosen, Refusal, Refused
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.subjects import subject_of
from shared.domain.sending.wanted import MailWanted, fingerprint
from shared.ports.stores.filing import Codes
from shared.ports.stores.sending import Outbox
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.scopes import hasher_of
from shared.services.sending.answering import signing_of
from shared.services.sending.outbox import command_for
from shared.services.sending.preparing import Prepared, PrepareMail
from shared.services.sending.uploading import KeepFiles

# Of a thousand million numbers: even with a million taken, three tries in a row fail once in a thousand million.
_CLAIMS: Final = 8
_ERRORS: Final = {
    Refusal.CHOOSE: InvalidInput,
    Refusal.CONFLICT: InvalidInput,
    Refusal.FORBIDDEN: Forbidden,
    Refusal.UNUSABLE: WrongState,
}


@dataclass(frozen=True, slots=True)
class Taken:
    """The mail as it stands in the outbox, and whether this request has put it there."""

    mail: OutboxMail
    is_new: bool


@dataclass(frozen=True, slots=True)
class AskToSend:
    """Put a mail into the outbox, once for each key, and wake its mailbox."""

    prepare: PrepareMail
    keep_files: KeepFiles
    outbox: Outbox
    codes: Codes
    queue: CommandQueue
    clock: Clock
    new_id: Callable[[], str]
    hash_key: bytes
    code_keys: tuple[bytes, ...]

    def __call__(self, caller: Caller, wanted: MailWanted, key: str) -> Taken:
        """The first answer, and that to every repetition: a mail under a key that is taken is not added.

        Raises what `PrepareMail` raises, InvalidInput, Forbidden and WrongState with every reason against the mail,
        and WrongState for a key that another request has used.
        """
        caller.needs(AGENT, ADMIN, SERVICE)
        hasher = hasher_of(self.hash_key, caller.tenant_id)
        key_hash = hasher("idempotency-key", f"{caller.audit_name}\n{key}")
        request_hash = fingerprint(wanted)
        try:
            prepared = self.prepare(caller, wanted)
            mail = self._mail(prepared, wanted, key_hash=key_hash, request_hash=request_hash)
        except (InvalidInput, Forbidden, WrongState, Unknown):
            # What was taken once stays taken, whatever became of its records and files since.
            known = self.outbox.of_key(caller.tenant_id, key_hash)
            if known is None:
                raise
            return _repeated(known, request_hash)
        standing = self.outbox.add(transitions.asked_for(mail))
        if standing.id != mail.id:
            return _repeated(standing, request_hash)
        self.queue.send(command_for(standing, self.clock))
        return Taken(standing, is_new=True)

    def _mail(
        self, prepared: Prepared, wanted: MailWanted, *, key_hash: str, request_hash: str
    ) -> OutboxMail:
        chosen, draft, house = allowed(prepared), prepared.draft, prepared.house
        mailbox, now = chosen.mailbox, self.clock()
        mail_id = f"{inverted(now)}-{self.new_id()}"
        message_id = marks.message_id_of(mail_id, domain_of(mailbox.address))
        code = self._code(prepared, f"{key_hash}:{request_hash}")
        return OutboxMail(
            id=mail_id,
            tenant_id=mailbox.tenant_id,
            mailbox_id=mailbox.mailbox_id,
            agent_id=house.actor.oid,
            agent=house.actor.address,
            by=house.actor.by,
            sender=Person(mailbox.display_name, mailbox.address),
            from_rule=chosen.rule,
            from_why=chosen.why,
            subject=subject_of(draft.subject, code, signing_of(house.organisation, self.code_keys)),
            code=code,
            message_id=message_id,
            tag=marks.tag_of(mail_id),
            created_at=now,
            to=draft.people.to,
            cc=draft.people.cc,
            bcc=draft.people.bcc,
            html=draft.html,
            text=draft.text,
            attachments=self.keep_files(mailbox.tenant_id, draft, wanted.send_at or now),
            records=prepared.settled.records,
            purpose=wanted.purpose,
            mode=wanted.mode,
            answers=wanted.answers,
            in_reply_to=draft.thread.in_reply_to,
            references=draft.thread.references,
            send_at=wanted.send_at,
            campaign=wanted.campaign,
            key_hash=key_hash,
            request_hash=request_hash,
        )

    def _code(self, prepared: Prepared, request: str) -> Code:
        """The code of the thread, if it carries one; else one with a number of its own."""
        answered = prepared.answered
        if answered is not None and answered.code is not None:
            return answered.code
        return self._claimed(prepared.house.organisation, prepared.settled.records, request)

    def _claimed(self, organisation: Organisation, refs: Sequence[RecordRef], request: str) -> Code:
        """A number of our own for the mail's records, claimed before anything is made of it.

        It follows from the request: one that is repeated, or runs twice at once, claims the same number again.
        """
        hasher = hasher_of(self.hash_key, organisation.tenant_id)
        key = hasher("code", f"{request} {' '.join(map(str, refs))}")
        for place in range(_CLAIMS):
            number = int(hasher("code-number", f"{place}:{key}"), 16) % (1 << NUMBER_BITS)
            if self.codes.claim(organisation.tenant_id, number, refs, key):
                return codes.issue(number, self.code_keys, organisation.tenant_id, organisation.code_prefix)
        raise Conflict("No number for the reference code could be claimed; try again.")


def allowed(prepared: Prepared) -> Chosen:
    """The mailbox that sends a mail. Raises InvalidInput, Forbidden and WrongState where anything is against it."""
    chosen = settled_on(prepared.settled.chosen)
    if prepared.reasons:
        raise InvalidInput(" ".join(reason.sentence for reason in prepared.reasons))
    return chosen


def settled_on(chosen: Chosen | Refused) -> Chosen:
    """The mailbox that was chosen. Raises InvalidInput, Forbidden and WrongState where none was."""
    if isinstance(chosen, Refused):
        raise _ERRORS[chosen.kind](with_choices(chosen))
    return chosen


def with_choices(refused: Refused) -> str:
    """The sentence of a refusal, with the addresses among which the agent may choose."""
    unsaid = [address for address in refused.choices if address not in refused.sentence]
    return f"{refused.sentence} Choose among {', '.join(unsaid)}." if unsaid else refused.sentence


def _repeated(standing: OutboxMail, request_hash: str) -> Taken:
    if standing.request_hash != request_hash:
        raise WrongState("This Idempotency-Key was used for another mail. Take a new key for a new mail.")
    return Taken(standing, is_new=False)
