"""Entra's pages and what comes back from them: consent links, sign-ins with code and PKCE, refreshed tokens.

Refresh tokens leave this module sealed; nobody else sees one.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final
from urllib.parse import urlencode

from shared.adapters.graph.tokens import Credential, application, tokens_of, translated
from shared.domain.connections.connections import RBAC, SCOPES, SIGNED_IN, MailConnection
from shared.domain.errors import AccessDenied
from shared.ports.credentials import Link, Seal, SignedIn

CALLBACK: Final = "/api/v1/connect/callback"
# Makes the tenant know the application without letting it into anything: Exchange's own scope does that.
_NOTHING: Final = "openid profile"
# Of OpenID Connect, not of Graph: they are named without its address.
_OIDC: Final = ("email",)


@dataclass(frozen=True, slots=True)
class Registration:
    """The application as Entra knows it, and where its people come back to."""

    authority_url: str
    graph_url: str
    client_id: str
    credential: Credential
    public_url: str


@dataclass(frozen=True, slots=True)
class Refreshed:
    """An access token of a person, how many seconds it lives, and the next refresh token, sealed."""

    access_token: str
    lifetime: float
    token: str


class EntraSignIns:
    """Implements `connection_ports.SignIns`."""

    def __init__(self, registration: Registration, sealer: Seal) -> None:
        self._registration = registration
        self._sealer = sealer
        self._applications: dict[str, Any] = {}
        self._lock = Lock()

    @property
    def redirect_uri(self) -> str:
        return self._registration.public_url.rstrip("/") + CALLBACK

    @property
    def can_keep_tokens(self) -> bool:
        return self._sealer.has_key

    def link(self, connection: MailConnection, state: str) -> Link:
        """For the application no request; for a sign-in one, to learn the tenant's endpoints."""
        if connection.mode not in SIGNED_IN:
            return Link(self._consent_link(connection, state))
        flow = self._with(
            connection.tenant_id,
            lambda app: app.initiate_auth_code_flow(
                self._scopes(connection), redirect_uri=self.redirect_uri, state=state
            ),
        )
        return Link(str(flow["auth_uri"]), self._sealer.seal(json.dumps(flow), _about(connection)))

    def redeem(self, connection: MailConnection, answer: Mapping[str, str]) -> SignedIn:
        """One request. The tenant and the person come from the signed token that Entra gives for the code."""
        flow = json.loads(self._sealer.open(connection.flow, _about(connection)))
        result = self._with(
            connection.tenant_id, lambda app: app.acquire_token_by_auth_code_flow(flow, dict(answer))
        )
        tokens = tokens_of(result)
        claims = tokens.get("id_token_claims") or {}
        if not tokens.get("refresh_token") or not claims.get("oid"):
            raise AccessDenied("Entra ID gave no lasting sign-in.", "NoRefreshToken")
        account, email = (str(claims.get(claim) or "").lower() for claim in ("preferred_username", "email"))
        return SignedIn(
            tenant_id=str(claims.get("tid") or "").lower(),
            user_id=str(claims["oid"]).lower(),
            account=account,
            addresses=tuple(filter(None, (account, email))),
            token=self._sealer.seal(str(tokens["refresh_token"]), _about(connection)),
        )

    def refresh(self, connection: MailConnection) -> Refreshed:
        """One request. Raises AccessDenied where the sign-in was withdrawn or has run out."""
        refresh_token = self._sealer.open(connection.token, _about(connection))
        result = self._with(
            connection.tenant_id,
            lambda app: app.acquire_token_by_refresh_token(refresh_token, self._scopes(connection)),
        )
        tokens = tokens_of(result)
        newest = str(tokens.get("refresh_token") or refresh_token)
        return Refreshed(
            str(tokens["access_token"]),
            float(tokens.get("expires_in") or 0),
            self._sealer.seal(newest, _about(connection)),
        )

    def _consent_link(self, connection: MailConnection, state: str) -> str:
        registration = self._registration
        everything = f"{registration.graph_url}/.default"
        query = urlencode(
            {
                "client_id": registration.client_id,
                "scope": _NOTHING if connection.mode == RBAC else everything,
                "redirect_uri": self.redirect_uri,
                "state": state,
            }
        )
        return f"{registration.authority_url}/{connection.tenant_id}/v2.0/adminconsent?{query}"

    def _scopes(self, connection: MailConnection) -> list[str]:
        graph = self._registration.graph_url
        return [scope if scope in _OIDC else f"{graph}/{scope}" for scope in SCOPES[connection.mode]]

    def _with(self, tenant_id: str, ask: Callable[[Any], Any]) -> Any:
        """What msal answers. Its applications are kept by tenant; one that could not be made is tried again."""
        registration = self._registration
        with translated():
            with self._lock:
                if tenant_id not in self._applications:
                    self._applications[tenant_id] = application(
                        registration.authority_url, registration.client_id, registration.credential, tenant_id
                    )
                app = self._applications[tenant_id]
            return ask(app)


def _about(connection: MailConnection) -> str:
    """What a sealed text belongs to: it opens in no other row."""
    return f"{connection.tenant_id}|{connection.connection_id}"
