"""The server that a mailbox lies on, and who signs in there."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from shared.domain.connections.mailboxes import Mailbox

TLS: Final = "tls"
STARTTLS: Final = "starttls"


@dataclass(frozen=True, slots=True)
class Account:
    """Where and as whom to sign in; `security` is `tls` from the first octet, or `starttls`."""

    host: str
    port: int
    user_name: str
    password: str = field(repr=False)
    security: str = TLS


class Accounts(Protocol):
    """The accounts of mailboxes."""

    def of(self, mailbox: Mailbox) -> Account:
        """Raises AccessDenied where there is none."""
