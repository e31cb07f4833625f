"""Whether mail may be sent from a mailbox outside Microsoft 365: a sign-in, and its address as a sender."""

from dataclasses import dataclass
from typing import Final

from shared.adapters.smtp.accounts import NO_SUBMISSION
from shared.adapters.smtp.sending import SmtpSender
from shared.domain.connections.account_tests import Submission
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import AccessDenied
from shared.domain.sending.outcomes import Answer

_ENDED: Final = {Answer.NOT_NOW: Submission.UNKNOWN, Answer.SENDER_REFUSED: Submission.SENDER_REFUSED}


@dataclass(frozen=True, slots=True)
class SmtpProbe:
    """Implements `ports.SubmissionProbe`."""

    sender: SmtpSender

    def has_server(self, mailbox: Mailbox) -> bool:
        try:
            self.sender.accounts.of(mailbox)
        except AccessDenied as error:
            return error.code != NO_SUBMISSION
        return True

    def submission(self, mailbox: Mailbox) -> Submission:
        said = self.sender.probe(mailbox)
        return _ENDED.get(said.answer, Submission.REFUSED) if said else Submission.PERMITTED
