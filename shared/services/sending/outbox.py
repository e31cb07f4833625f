"""The outbox as its owners see it: listed, read, cancelled in time, retried; and woken when mail is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared import telemetry
from shared.domain.commands.commands import SendMail
from shared.domain.errors import Forbidden, PermanentError, TransientError, Unknown
from shared.domain.filing.entries import decode_cursor, encode_cursor
from shared.domain.filing.filing import ACKNOWLEDGED
from shared.domain.mail.items import ItemRef
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.domain.sending import transitions
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.states import State
from shared.ports.sending import MailSender
from shared.ports.stores.connections import Mailboxes, Organisations
from shared.ports.stores.filing import MessageStore
from shared.ports.stores.sending import Outbox, OutboxFilter
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.scopes import hasher_of
from shared.services.sending.change_mail import ChangeMail
from shared.services.sending.retrying import Retry
from shared.services.sending.standing import CheckStanding

_LEFT: Final = (State.SENT, State.CONFIRMED, State.BOUNCED)
_UNKNOWN: Final = "There is no such mail in your outbox. GET outbox lists what there is."


@dataclass(frozen=True, slots=True)
class ShownMail:
    """A mail for a reader. `message_id` is its key among the stored messages, '' while it is not there."""

    mail: OutboxMail
    message_id: str
    shows_bcc: bool


@dataclass(frozen=True, slots=True)
class OutboxPage:
    """Mails newest first; the cursor is None on the last page."""

    mails: tuple[ShownMail, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class ReadOutbox:
    """Mails that were asked for: an admin sees all, others those that leave for them or that they asked for."""

    outbox: Outbox
    messages: MessageStore
    mailboxes: Mailboxes
    hash_key: bytes

    def __call__(self, caller: Caller, mail_id: str) -> OutboxMail:
        """Raises Unknown, also for a mail that the caller may not see."""
        caller.needs(AGENT, ADMIN, SERVICE)
        mail = self.outbox.get(caller.tenant_id, mail_id)
        if mail is None or not (_sees(caller, mail) or self._is_of_own_desk(caller, mail)):
            raise Unknown(_UNKNOWN)
        return mail

    def _is_of_own_desk(self, caller: Caller, mail: OutboxMail) -> bool:
        """Whether it acknowledges mail to an intake mailbox of the caller's, who may send what was held back."""
        if mail.purpose != ACKNOWLEDGED:
            return False
        mailbox = self.mailboxes.by_id(mail.tenant_id, mail.mailbox_id)
        return mailbox is not None and caller.owns(mailbox)

    def shown(self, caller: Caller, mail_id: str) -> ShownMail:
        """A mail as its reader sees it. Raises Unknown, likewise."""
        [shown] = self._shown(caller, [self(caller, mail_id)])
        return shown

    def page(self, caller: Caller, state: State | None, *, limit: int, cursor: str) -> OutboxPage:
        """Newest first. A page may be short: a service sees those of all that it asked for itself."""
        caller.needs(AGENT, ADMIN, SERVICE)
        wanted = OutboxFilter(state, "" if ADMIN in caller.roles or caller.app_only else caller.address)
        after = decode_cursor(cursor) if cursor else ""
        mails, following = self.outbox.page(caller.tenant_id, wanted, limit=limit, after=after)
        seen = [mail for mail in mails if _sees(caller, mail)]
        return OutboxPage(tuple(self._shown(caller, seen)), encode_cursor(following) if following else None)

    def _shown(self, caller: Caller, mails: Sequence[OutboxMail]) -> list[ShownMail]:
        """With the stored message of each that has left; those are read together."""
        hasher = hasher_of(self.hash_key, caller.tenant_id)
        left = [mail for mail in mails if mail.state in _LEFT]
        # A server may have put in another Message-ID: the row knows its copy once that was seen.
        keys = {mail.id: mail.message_key or hasher.message_id(mail.message_id) for mail in left}
        stored = self.messages.get_many(caller.tenant_id, keys.values()) if keys else {}
        return [
            ShownMail(mail, key if (key := keys.get(mail.id, "")) in stored else "", _is_theirs(caller, mail))
            for mail in mails
        ]


@dataclass(frozen=True, slots=True)
class CancelMail:
    """End a mail before it leaves; a draft that lies in the mailbox already is taken away."""

    read: ReadOutbox
    change: ChangeMail
    mailboxes: Mailboxes
    sender: MailSender
    clock: Clock

    def __call__(self, caller: Caller, mail_id: str) -> OutboxMail:
        """Raises Unknown, and WrongState where it is being sent, or has ended."""
        mail = self.read(caller, mail_id)
        why = f"Cancelled by {caller.audit_name}."
        cancelled = self.change(mail, transitions.cancelled(self.clock(), why))
        # Behind the row: whoever is about to send the draft fails by its ETag.
        if cancelled.draft_id:
            self._discard(cancelled)
        return cancelled

    def _discard(self, mail: OutboxMail) -> None:
        """A draft that cannot be reached stays with the agent, to whom it belongs."""
        mailbox = self.mailboxes.by_id(mail.tenant_id, mail.mailbox_id)
        if mailbox is None:
            return
        try:
            self.sender.open(mailbox).discard(ItemRef("", mail.draft_id))
        except (PermanentError, TransientError) as error:
            telemetry.failure("draft_left", error, mailbox=mail.mailbox_id)


@dataclass(frozen=True, slots=True)
class RetryMail:
    """Send a mail that did not leave, or of which nobody knows, once more: only a person asks for that."""

    read: ReadOutbox
    retry: Retry
    mailboxes: Mailboxes
    check_standing: CheckStanding
    queue: CommandQueue
    clock: Clock

    def __call__(self, caller: Caller, mail_id: str) -> OutboxMail:
        """Raises Unknown, WrongState where it is on its way or has left, Forbidden where its agent lost the mailbox."""
        mail = self.read(caller, mail_id)
        mailbox = self.mailboxes.by_id(mail.tenant_id, mail.mailbox_id)
        problem = self.check_standing.of_agent(mailbox, mail) if mailbox else None
        if problem is not None:
            raise Forbidden(problem.detail)
        mail = self.retry(mail, caller.audit_name)
        self.queue.send(command_for(mail, self.clock))
        return mail


@dataclass(frozen=True, slots=True)
class WakeOutboxes:
    """Send each mailbox that has mail to go on with a command: what waited, and what a killed worker left.

    Costs a request for each organisation that is served.
    """

    outbox: Outbox
    organisations: Organisations
    queue: CommandQueue
    clock: Clock

    def __call__(self) -> None:
        now, woken = self.clock(), 0
        served = [
            organisation.tenant_id for organisation in self.organisations.all() if organisation.is_served
        ]
        for tenant_id, mailbox_id in self.outbox.mailboxes_due(served, now):
            self.queue.send(SendMail(tenant_id=tenant_id, mailbox_id=mailbox_id, first_at=now))
            woken += 1
        if woken:
            telemetry.event("outboxes_woken", mailboxes=woken)


def command_for(mail: OutboxMail, clock: Clock) -> SendMail:
    """What sends a mail, and whatever else is due in its mailbox."""
    return SendMail(tenant_id=mail.tenant_id, mailbox_id=mail.mailbox_id, first_at=clock())


def _sees(caller: Caller, mail: OutboxMail) -> bool:
    return ADMIN in caller.roles or _is_theirs(caller, mail)


def _is_theirs(caller: Caller, mail: OutboxMail) -> bool:
    """Whether it leaves for the caller, or the caller asked for it."""
    is_agent = not caller.app_only and bool(caller.oid) and caller.oid == mail.agent_id
    return is_agent or caller.audit_name == mail.by
