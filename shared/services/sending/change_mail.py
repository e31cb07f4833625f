"""The one writer of a row of the outbox behind its insert: every other service hands it a transition.

A mail that comes to an end which asks for a person also stands among the exceptions.
"""

from dataclasses import dataclass, replace

from shared.domain.commands.commands import SendMail
from shared.domain.errors import PermanentError
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.states import ASKS_A_PERSON
from shared.domain.sending.transitions import Transition
from shared.ports.stores.exceptions import Exceptions, FailureFilter
from shared.ports.stores.sending import Outbox
from shared.ports.work import Clock
from shared.services.commands.failures import failure_of, failure_of_mail, record
from shared.services.conflicts import persistently


@dataclass(frozen=True, slots=True)
class ChangeMail:
    """Apply a transition to a mail as it stands, under its ETag; again where somebody else was faster."""

    outbox: Outbox
    exceptions: Exceptions
    clock: Clock

    def __call__(self, mail: OutboxMail, transition: Transition) -> OutboxMail:
        """The mail as it stands then. Raises WrongState where the transition is not open to it any more."""
        standing: OutboxMail | None = mail
        written: OutboxMail | None = None

        def once() -> OutboxMail:
            nonlocal standing, written
            current = standing or self.outbox.get(mail.tenant_id, mail.id) or mail
            standing = None
            # A write whose answer was lost meets itself.
            if written is not None and replace(written, etag=current.etag) == current:
                return current
            written = transition(current)
            if written == current:
                return current
            self._tell(current, written)
            return self.outbox.save(written)

        return persistently(once)

    def tell_of_mailbox(self, mail: OutboxMail, error: PermanentError) -> None:
        """Keep what holds up a mailbox's mail among the exceptions. `mail` is the first that waits for it."""
        command = SendMail(tenant_id=mail.tenant_id, mailbox_id=mail.mailbox_id, first_at=mail.created_at)
        record(self.exceptions, failure_of(command, error, self.clock()))

    def tell_once(self, mail: OutboxMail, error: PermanentError) -> None:
        """The same for what befalls each mail of the mailbox: one exception of its code, until that is replayed."""
        wanted = FailureFilter(code=error.code, unreplayed=True, mailbox_id=mail.mailbox_id)
        told, _ = self.exceptions.page(mail.tenant_id, wanted, limit=1, after="")
        if not told:
            self.tell_of_mailbox(mail, error)

    def _tell(self, before: OutboxMail, after: OutboxMail) -> None:
        """Ahead of the row: killed in between, the mail comes to its end once more, and its exception stands."""
        if after.state in ASKS_A_PERSON and after.state is not before.state and after.error:
            record(self.exceptions, failure_of_mail(after, after.error, self.clock()))
