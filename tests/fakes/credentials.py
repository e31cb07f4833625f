"""Entra's pages in memory: a SignIns that does what a test says."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.domain.connections.connections import MailConnection
from shared.domain.errors import NotFound, PostledgerError
from shared.ports.credentials import Link, SignedIn


@dataclass
class FakeSignIns:
    """`signed_in` is who the next code is of; an error there is raised."""

    redirect_uri: str = "https://app.contoso.example/api/v1/connect/callback"
    can_keep_tokens: bool = True
    signed_in: SignedIn | PostledgerError = field(default_factory=lambda: NotFound("nobody"))
    redeemed: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def link(self, connection: MailConnection, state: str) -> Link:
        return Link(f"https://login.contoso.example/{connection.mode}?state={state}", f"flow of {state}")

    def redeem(self, connection: MailConnection, answer: Mapping[str, str]) -> SignedIn:
        self.redeemed.append((connection.flow, answer))
        if isinstance(self.signed_in, PostledgerError):
            raise self.signed_in
        return self.signed_in
