"""The server that a mailbox lies on, and who signs in there."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from shared.domain.connections.accounts import STARTTLS, TLS, MailAccount
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import AccessDenied
from shared.ports.stores.connections import Credentials

__all__ = ["STARTTLS", "TLS", "Account", "Accounts", "StoredAccounts"]

NO_CREDENTIALS: Final = "NoCredentials"
PARKED: Final = "PasswordParked"


@dataclass(frozen=True, slots=True)
class Account:
    """Where and as whom to sign in; `security` is `tls` from the first octet, or `starttls`.

    `stored` is the row that says so, where there is one.
    """

    host: str
    port: int
    user_name: str
    password: str = field(repr=False)
    security: str = TLS
    stored: MailAccount | None = field(default=None, repr=False, compare=False)


class Accounts(Protocol):
    """The accounts of mailboxes."""

    def of(self, mailbox: Mailbox) -> Account:
        """Raises AccessDenied where there is none, and where its password was refused twice."""

    def tried(self, account: Account, *, refused: bool) -> None:
        """Hear how a sign-in ended that the server answered."""


@dataclass(frozen=True, slots=True)
class StoredAccounts:
    """Implements `Accounts` over what people have saved: a request each time, and one more after a refusal."""

    credentials: Credentials

    def of(self, mailbox: Mailbox) -> Account:
        found = self.credentials.get(mailbox.tenant_id, mailbox.mailbox_id) if mailbox.mailbox_id else None
        if found is None:
            raise AccessDenied(
                "Nobody has given a user name and a password for this mailbox yet: PUT mailboxes/ADDRESS/credentials.",
                NO_CREDENTIALS,
            )
        if found.is_parked:
            raise AccessDenied(
                "The mail server refused the user name or the password twice. Neither is tried again: save new ones "
                "with PUT mailboxes/ADDRESS/credentials.",
                PARKED,
            )
        return account_of(found, self.credentials.password(found))

    def tried(self, account: Account, *, refused: bool) -> None:
        stored = account.stored
        if stored is not None and (refused or stored.refusals):
            self.credentials.note(stored.after(refused=refused))


def account_of(found: MailAccount, password: str) -> Account:
    server = found.server
    return Account(server.host, server.port, found.user_name, password, server.security, found)
