"""Whose turn it is to send from a mailbox: one worker at a time, who goes on until nothing is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.domain.commands.commands import SendMail
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import TransientError
from shared.domain.sending import transitions
from shared.domain.sending.outbox import OutboxMail, Problem
from shared.domain.sending.states import Event, may
from shared.ports.stores.connections import Mailboxes
from shared.ports.stores.sending import Outbox
from shared.ports.work import Clock, CommandQueue, Leases
from shared.services.sending.change_mail import ChangeMail
from shared.services.sending.departing import SendOne

# A turn makes way for other mailboxes after this time, and leaves the rest to another command.
LENGTH: Final = timedelta(minutes=2)
GROUP: Final = 10
# What fails in passing is tried again after this time.
TRY_AGAIN: Final = timedelta(seconds=30)
_REMOVED: Final = Problem(
    "mailbox_removed", "The mailbox was removed. Ask for the mail again from another one."
)


def outbox_lease(mailbox_id: str) -> str:
    """The name under which a mailbox's outbox is held: a long walk through its mail keeps none from leaving."""
    return f"{mailbox_id}~outbox"


@dataclass(frozen=True, slots=True)
class SendDue:
    """Send what is due. Who finds the outbox held leaves: the holder releases, then looks, so nothing stays behind.

    For whoever asks for a mail writes it first.
    """

    outbox: Outbox
    mailboxes: Mailboxes
    leases: Leases
    send_one: SendOne
    change: ChangeMail
    queue: CommandQueue
    clock: Clock

    def __call__(self, command: SendMail) -> None:
        """Raises TransientError only where storage fails: what befalls a mail is the mail's own."""
        ends = self.clock() + LENGTH
        while self._holds_once(command, ends):
            pass

    def _holds_once(self, command: SendMail, ends: datetime) -> bool:
        """Whether more has become due since the outbox was given back."""
        lease = self.leases.take(command.tenant_id, outbox_lease(command.mailbox_id))
        if lease is None:
            return False
        try:
            mailbox = self.mailboxes.by_id(command.tenant_id, command.mailbox_id)
            while (mails := self._due(command)) and self.clock() < ends:
                self._send_some(mailbox, mails)
        finally:
            lease.release()
        is_over = self.clock() >= ends
        left = self._due(command)
        if left and is_over:
            self.queue.send(command)
        return bool(left) and not is_over

    def _send_some(self, mailbox: Mailbox | None, mails: Sequence[OutboxMail]) -> None:
        """One after the other, up to a pause that the server asks for: the others are read again behind it."""
        for mail in mails:
            if self._send(mailbox, mail):
                return

    def _due(self, command: SendMail) -> list[OutboxMail]:
        return self.outbox.due(command.tenant_id, command.mailbox_id, self.clock(), limit=GROUP)

    def _send(self, mailbox: Mailbox | None, mail: OutboxMail) -> bool:
        """Whether the others of the mailbox are to wait."""
        if mailbox is None or mailbox.is_removed:
            self._leave(mail)
            return False
        try:
            wait = self.send_one(mailbox, mail)
        except TransientError as error:
            self._try_again(mail, error.retry_after)
            return False
        if wait:
            self._hold_others(mail, timedelta(seconds=wait))
        return bool(wait)

    def _leave(self, mail: OutboxMail) -> None:
        """Of a mailbox that is gone nothing can be sent, nor found out."""
        end = transitions.failed if may(mail.state, Event.FAIL) else transitions.left_open
        self.change(mail, end(self.clock(), _REMOVED))

    def _try_again(self, mail: OutboxMail, wait: float | None) -> None:
        """As it stands by now: the error may have come behind some of its steps."""
        until = self.clock() + max(TRY_AGAIN, timedelta(seconds=wait or 0))
        standing = self.outbox.get(mail.tenant_id, mail.id)
        if standing is not None and not standing.has_ended:
            self.change(standing, transitions.postponed(until))

    def _hold_others(self, mail: OutboxMail, wait: timedelta) -> None:
        now = self.clock()
        until, why = now + wait, "The server asked for a pause before the mailbox's next mail."
        for other in self.outbox.due(mail.tenant_id, mail.mailbox_id, now, limit=GROUP):
            if other.id != mail.id and may(other.state, Event.HOLD):
                self.change(other, transitions.held(now, until, why))
