"""Takes a request to send: everything that can be refused is refused here, and all that the mail needs is settled.

The address, the code with its claimed number, the Message-ID, the tag: known before anything leaves, and the same
however often the request is repeated under its key.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation
from shared.domain.errors import Conflict, Forbidden, InvalidInput, Unknown, WrongState
from shared.domain.filing.entries import inverted
from shared.domain.mail import codes
from shared.domain.mail.addresses import Person, domain_of
from shared.domain.mail.codes import NUMBER_BITS, Code
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.domain.records.records import Record, RecordRef
from shared.domain.sending import marks, transitions
from shared.domain.sending.actors import Actor, actor_of
from shared.domain.sending.from_addresses import Chosen, Refusal, from_address
from shared.domain.sending.outbox import OutboxFile, OutboxMail
from shared.ports.stores.connections import Mailboxes, Organisations
from shared.ports.stores.filing import Codes
from shared.ports.stores.records import Records
from shared.ports.stores.sending import Outbox
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.scopes import hasher_of
from shared.services.sending.outbox import command_for

# Of a thousand million numbers: even with a million taken, three tries in a row fail once in a thousand million.
_CLAIMS: Final = 8
_ERRORS: Final = {
    Refusal.CHOOSE: InvalidInput,
    Refusal.CONFLICT: InvalidInput,
    Refusal.FORBIDDEN: Forbidden,
    Refusal.UNUSABLE: WrongState,
}


@dataclass(frozen=True, slots=True)
class MailWanted:
    """A mail as somebody asks for it. `sender` is the `from` of the request, '' = absent; `agent` names for whom."""

    to: tuple[Person, ...]
    subject: str
    cc: tuple[Person, ...] = ()
    bcc: tuple[Person, ...] = ()
    html: str = ""
    text: str = ""
    records: tuple[RecordRef, ...] = ()
    sender: str = ""
    agent: str = ""
    purpose: str = ""
    attachments: tuple[OutboxFile, ...] = ()
    send_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What is known of a mail before it is asked for: the mailbox, for whom, and the records it stands on."""

    organisation: Organisation
    actor: Actor
    chosen: Chosen
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class SettleMail:
    """Which mailbox a mail leaves from, for which agent, on which records; writes nothing, so a preview asks it too."""

    organisations: Organisations
    mailboxes: Mailboxes
    records: Records

    def __call__(self, caller: Caller, wanted: MailWanted) -> Settled:
        """Raises InvalidInput, Forbidden, Unknown and WrongState, each with what to do."""
        caller.needs(AGENT, ADMIN, SERVICE)
        organisation = self.organisations.get(caller.tenant_id)
        if organisation is None:
            raise Unknown("There is no such organisation.")
        boxes = list(self.mailboxes.of(caller.tenant_id))
        actor = actor_of(caller, wanted.agent or None, boxes)
        records = self._records(caller.tenant_id, wanted.records)
        clients = self._clients(caller.tenant_id, records)
        chosen = from_address(
            wanted.sender,
            actor=actor,
            purpose=wanted.purpose,
            clients=clients,
            rules=organisation.from_rules,
            mailboxes=boxes,
        )
        if not isinstance(chosen, Chosen):
            raise _ERRORS[chosen.kind](_with_choices(chosen.sentence, chosen.choices))
        return Settled(organisation, actor, chosen, tuple(records.values()))

    def _records(self, tenant_id: str, refs: Sequence[RecordRef]) -> Mapping[RecordRef, Record]:
        found = self.records.get_many(tenant_id, refs)
        missing = [str(ref) for ref in refs if ref not in found]
        if missing:
            raise InvalidInput(f"There is no record {', '.join(missing)}. Load it first, or leave it out.")
        return found

    def _clients(self, tenant_id: str, records: Mapping[RecordRef, Record]) -> list[Record]:
        """The clients among the records, and those of the others."""
        refs = {RecordRef("client", record.client) for record in records.values() if record.client}
        named = {ref for ref in records if ref.kind == "client"}
        found = self.records.get_many(tenant_id, refs - named)
        return [*(records[ref] for ref in sorted(named)), *(found[ref] for ref in sorted(found))]


@dataclass(frozen=True, slots=True)
class AskToSend:
    """Put a mail into the outbox, once for each key, and wake its mailbox."""

    settle: SettleMail
    outbox: Outbox
    codes: Codes
    queue: CommandQueue
    clock: Clock
    new_id: Callable[[], str]
    hash_key: bytes
    code_keys: tuple[bytes, ...]

    def __call__(self, caller: Caller, wanted: MailWanted, key: str) -> OutboxMail:
        """The mail as it stands in the outbox: the first answer, and that to every repetition.

        Raises what `SettleMail` raises, and WrongState for a key that another request has used.
        """
        hasher = hasher_of(self.hash_key, caller.tenant_id)
        key_hash = hasher("idempotency-key", f"{caller.audit_name}\n{key}")
        request_hash = hashlib.sha256(repr(wanted).encode("utf-8", "surrogatepass")).hexdigest()
        standing = self.outbox.of_key(caller.tenant_id, key_hash)
        if standing is None:
            mail = self._mail(self.settle(caller, wanted), wanted)
            mail = replace(mail, key_hash=key_hash, request_hash=request_hash)
            standing = self.outbox.add(transitions.asked_for(mail))
            self.queue.send(command_for(standing, self.clock))
        if standing.request_hash != request_hash:
            raise WrongState("This Idempotency-Key was used for another mail. Take a new key for a new mail.")
        return standing

    def _mail(self, settled: Settled, wanted: MailWanted) -> OutboxMail:
        mailbox, now = settled.chosen.mailbox, self.clock()
        mail_id = f"{inverted(now)}-{self.new_id()}"
        message_id = marks.message_id_of(mail_id, domain_of(mailbox.address))
        code = self._claimed(settled, message_id)
        return OutboxMail(
            id=mail_id,
            tenant_id=mailbox.tenant_id,
            mailbox_id=mailbox.mailbox_id,
            agent_id=settled.actor.oid,
            agent=settled.actor.address,
            by=settled.actor.by,
            sender=_sender(mailbox),
            from_rule=settled.chosen.rule,
            subject=f"{wanted.subject} [{code.text}]",
            code=code,
            message_id=message_id,
            tag=marks.tag_of(mail_id),
            created_at=now,
            to=wanted.to,
            cc=wanted.cc,
            bcc=wanted.bcc,
            html=wanted.html,
            text=wanted.text,
            attachments=wanted.attachments,
            records=tuple(record.ref for record in settled.records),
            purpose=wanted.purpose,
            send_at=wanted.send_at,
        )

    def _claimed(self, settled: Settled, message_id: str) -> Code:
        """A number of our own for the mail's records, claimed before anything is made of it."""
        organisation = settled.organisation
        refs = [record.ref for record in settled.records]
        key = hasher_of(self.hash_key, organisation.tenant_id).message_id(message_id)
        for _ in range(_CLAIMS):
            number = secrets.randbits(NUMBER_BITS)
            if self.codes.claim(organisation.tenant_id, number, refs, key):
                return codes.issue(number, self.code_keys, organisation.tenant_id, organisation.code_prefix)
        raise Conflict("No number for the reference code could be claimed; try again.")


def _sender(mailbox: Mailbox) -> Person:
    return Person("", mailbox.address)


def _with_choices(sentence: str, choices: Sequence[str]) -> str:
    return f"{sentence} Choose among {', '.join(choices)}." if choices else sentence
