"""Sends a mail once more that did not leave, or of which nobody knows. Only a person asks for that."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.domain.commands.commands import ResendMail, SendMail
from shared.domain.sending import marks, transitions
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.states import ASKS_A_PERSON
from shared.ports.stores.exceptions import Exceptions
from shared.ports.stores.sending import Outbox
from shared.ports.work import Clock
from shared.services.commands.failures import failure_id
from shared.services.sending.change_mail import ChangeMail
from shared.services.sending.send_due import SendDue

_BY_REPLAY = "an admin's replay of its exception"


@dataclass(frozen=True, slots=True)
class Retry:
    """Put a mail into the queue anew; its exception counts as replayed, whichever way this was asked for."""

    change: ChangeMail
    exceptions: Exceptions
    clock: Clock
    new_id: Callable[[], str]

    def __call__(self, mail: OutboxMail, by: str) -> OutboxMail:
        """`by` names who asked for it. Raises WrongState where the mail is on its way or has left."""
        retried = self.change(
            mail, transitions.retried(self.clock(), marks.tag_of(mail.id, self.new_id()), by)
        )
        failure = self.exceptions.get(mail.tenant_id, failure_id(ResendMail.of(mail).to_json()))
        if failure is not None and failure.replayed_at is None:
            self.exceptions.note_replayed(failure, self.clock())
        return retried


@dataclass(frozen=True, slots=True)
class Resend:
    """The replay of a mail's exception: once, however often it is asked for, and nothing if the mail has left."""

    outbox: Outbox
    retry: Retry
    send_due: SendDue

    def __call__(self, command: ResendMail) -> None:
        mail = self.outbox.get(command.tenant_id, command.mail_id)
        if mail is None:
            return
        if mail.tag == command.tag and mail.state in ASKS_A_PERSON:
            self.retry(mail, _BY_REPLAY)
        # Also behind a worker that was killed after the retry.
        self.send_due(
            SendMail(tenant_id=command.tenant_id, mailbox_id=command.mailbox_id, first_at=command.first_at)
        )
