"""Tells of a mailbox whose sign-in for sending is refused: once among the exceptions, and in the mailbox's state."""

from dataclasses import dataclass

from shared.domain.connections.mailbox_state import sending_resumed, sending_stopped
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import AccessDenied
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.outcomes import Answer, Outcome
from shared.ports.stores.connections import Mailboxes
from shared.services.sending.change_mail import ChangeMail
from shared.services.sending.gate import is_parking


@dataclass(frozen=True, slots=True)
class NoteSignIn:
    """The mailbox says why no mail leaves, until some does again."""

    mailboxes: Mailboxes
    change: ChangeMail

    def refused(self, mailbox: Mailbox, mail: OutboxMail, said: Outcome | None) -> None:
        """Once, ahead of the row: the mailbox's other mails wait behind this one, and are not told of."""
        if said is not None and is_parking(said) and not mailbox.state.sending_refused:
            self.change.tell_of_mailbox(mail, AccessDenied(said.words, said.code))

    def ended(self, mailbox: Mailbox, said: Outcome | None) -> None:
        """Behind what was told: who is killed in between tells the same once more."""
        refused = mailbox.state.sending_refused
        if said is not None and is_parking(said) and not refused:
            self.mailboxes.change(mailbox, sending_stopped(said.words))
        elif said is not None and said.answer is Answer.TAKEN and refused:
            self.mailboxes.change(mailbox, sending_resumed)
