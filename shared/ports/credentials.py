"""Consent and sign-in pages, and what comes back from them."""

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
    """Who signed in, by Entra's own signed word, and their refresh token, sealed. `addresses` are known ones."""

    tenant_id: str
    user_id: str
    account: str
    token: str
    addresses: tuple[str, ...] = ()


class Seal(Protocol):
    """Keeps a text so that only this deployment reads it, and only `about` what it was sealed for."""

    @property
    def has_key(self) -> bool:
        """Whether the deployment has a key to seal with."""

    def seal(self, text: str, about: str) -> str:
        """Raises Rejected without a key."""

    def open(self, sealed: str, about: str) -> str:
        """Raises Rejected for a lost key, another `about`, or a changed text."""


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
