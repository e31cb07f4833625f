"""What connecting an organisation and testing a mailbox need of the outside world: further ports, on one page.

As in `ports`, every method may raise TransientError (try later) or PermanentError (do not).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.domain.connections import MailConnection
from shared.domain.mailboxes import Mailbox
from shared.ports import DirectoryUser


class Connections(Protocol):
    """The ways to the mail of organisations, by tenant and connection id."""

    def get(self, tenant_id: str, connection_id: str) -> MailConnection | None: ...

    def put(self, connection: MailConnection) -> MailConnection:
        """Write under the connection's ETag ('' = must not exist). Raises Conflict."""

    def delete(self, tenant_id: str, connection_id: str) -> None: ...

    def of(self, tenant_id: str) -> list[MailConnection]:
        """An organisation's, in order of their ids."""

    def all(self) -> Iterator[MailConnection]: ...


@dataclass(frozen=True, slots=True)
class Link:
    """An address that a person opens; `flow` is what is needed to redeem what comes back, sealed."""

    url: str
    flow: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in, by Entra's own signed word, and their refresh token, sealed. `addresses` are known ones."""

    tenant_id: str
    user_id: str
    account: str
    token: str
    addresses: tuple[str, ...] = ()


class SignIns(Protocol):
    """Entra's consent and sign-in pages."""

    @property
    def redirect_uri(self) -> str:
        """Where Entra sends people back to; it has to be registered with the application exactly so."""

    @property
    def can_keep_tokens(self) -> bool:
        """Whether the deployment has a key to keep people's refresh tokens with."""

    def link(self, connection: MailConnection, state: str) -> Link:
        """Where to agree to, or sign in for, this connection."""

    def redeem(self, connection: MailConnection, answer: Mapping[str, str]) -> SignedIn:
        """What a sign-in's answer is worth. Raises AccessDenied where it is worth nothing."""


class AccessProbe(Protocol):
    """What a mailbox's connection may do there. Reads only, and no more of mail than one id."""

    def renew(self, mailbox: Mailbox) -> None:
        """Forget the token: a grant may be newer than it."""

    def granted(self, mailbox: Mailbox) -> frozenset[str]:
        """The permissions that the token carries. Raises AccessDenied where there is none to be had."""

    def user(self, mailbox: Mailbox) -> DirectoryUser:
        """The user behind the mailbox or its address. Raises NotFound; AccessDenied where nobody may look."""

    def users(self, tenant_id: str, user_ids: Sequence[str]) -> Mapping[str, DirectoryUser]:
        """Users by object id, at most 15, in one request. Raises AccessDenied where nobody may look."""

    def group(self, mailbox: Mailbox) -> str:
        """The name of the group that has the address, or ''. Raises AccessDenied."""

    def read(self, mailbox: Mailbox) -> None:
        """Read one id from the inbox. Raises AccessDenied, NotFound or MailboxUnavailable."""

    def purpose(self, mailbox: Mailbox) -> str:
        """What the mailbox is for, in Exchange's word. Raises AccessDenied."""
