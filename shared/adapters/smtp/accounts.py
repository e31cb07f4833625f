"""Where a mailbox's mail is handed in: the sign-in that its account has, at the server that was given or is known."""

from dataclasses import dataclass, replace
from typing import Final

from shared.adapters.imap.accounts import Account, Accounts
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.providers import submission_server
from shared.domain.errors import AccessDenied

NO_SUBMISSION: Final = "NoSubmissionServer"


@dataclass(frozen=True, slots=True)
class SubmissionAccounts:
    """The accounts at the servers for outgoing mail. A refusal there is not counted: reading may go on."""

    accounts: Accounts

    def of(self, mailbox: Mailbox) -> Account:
        """Raises AccessDenied where nobody has said by which server, besides what the account itself comes to."""
        account = self.accounts.of(mailbox)
        server = submission_server(account.stored, mailbox.address)
        if server is None:
            raise AccessDenied(
                "Nobody has said by which server this mailbox sends: give 'smtp' in PUT mailboxes/ADDRESS/credentials.",
                NO_SUBMISSION,
            )
        return replace(account, host=server.host, port=server.port, security=server.security)
