"""Where a mailbox's mail is handed in: the sign-in that its account has, at the server that was given or is known."""

from dataclasses import dataclass, replace
from typing import Final

from shared.adapters.imap.accounts import PARKED, Account, Accounts
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.providers import submission_server
from shared.domain.errors import AccessDenied
from shared.ports.stores.connections import Credentials

NO_SUBMISSION: Final = "NoSubmissionServer"
_PARKED: Final = (
    "The server for outgoing mail refused the user name or the password twice, and neither is tried there again. Save "
    "new ones with PUT mailboxes/ADDRESS/credentials; where the server was at fault, test the mailbox."
)


@dataclass(frozen=True, slots=True)
class SubmissionAccounts:
    """The accounts at the servers for outgoing mail. Refusals there are counted apart: reading may go on."""

    accounts: Accounts
    credentials: Credentials

    def of(self, mailbox: Mailbox, *, is_test: bool = False) -> Account:
        """Raises AccessDenied where nobody has said by which server, besides what the account itself comes to.

        And where sign-ins there were refused twice, unless a person tests whether they are still.
        """
        account = self.accounts.of(mailbox)
        if account.stored and account.stored.is_parked_for_sending and not is_test:
            raise AccessDenied(_PARKED, PARKED)
        server = submission_server(account.stored, mailbox.address)
        if server is None:
            raise AccessDenied(
                "Nobody has said by which server this mailbox sends: give 'smtp' in PUT mailboxes/ADDRESS/credentials.",
                NO_SUBMISSION,
            )
        return replace(account, host=server.host, port=server.port, security=server.security)

    def tried(self, account: Account, *, refused: bool) -> None:
        """A write only where that changes what is known."""
        stored = account.stored
        if stored is not None and (refused or stored.smtp_refusals):
            self.credentials.note(stored.after_sending(refused=refused))
