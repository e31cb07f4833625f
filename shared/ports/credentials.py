"""Consent and sign-in pages, and the answers that come back from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.domain.connections.connections import MailConnection


@dataclass(frozen=True, slots=True)
class Link:
    """An address that a person opens; `flow` is what is needed to redeem what comes back, sealed."""

    url: str
    flow: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person who signed in, as Entra's signed token says, and the sealed refresh token, with known addresses."""

    tenant_id: str
    user_id: str
    account: str
    token: str
    addresses: tuple[str, ...] = ()


class Seal(Protocol):
    """Seals texts: only this deployment can open one, and only for the subject (`about`) that it was sealed for."""

    @property
    def has_key(self) -> bool:
        """Whether the deployment has a key to seal with."""

    # Bound to its row: a sealed token that is copied to another row opens nothing there.
    def seal(self, text: str, about: str) -> str:
        """Raises Rejected without a key."""

    def open(self, sealed: str, about: str) -> str:
        """Raises Rejected for a lost key, another `about`, or a changed text."""

    def is_current(self, sealed: str) -> bool:
        """Whether the newest key sealed it: an earlier one is to be removed some day."""


class SignIns(Protocol):
    """Entra's consent and sign-in pages."""

    @property
    def redirect_uri(self) -> str:
        """The address to which Entra sends people back; the application must be registered with exactly this one."""

    @property
    def can_keep_tokens(self) -> bool:
        """Whether the deployment has a key to keep people's refresh tokens with."""

    def link(self, connection: MailConnection, state: str) -> Link:
        """The page on which a person consents to, or signs in for, this connection."""

    def redeem(self, connection: MailConnection, answer: Mapping[str, str]) -> SignedIn:
        """The sign-in that an answer proves. Raises AccessDenied if it proves none."""
