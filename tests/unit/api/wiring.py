"""A client of the API over fakes."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from fastapi import FastAPI
from starlette.datastructures import State
from starlette.types import Receive, Scope, Send

from shared.adapters.entra import EntraTokens, SigningKeys
from shared.api.app import create_app
from shared.bootstrap.compose import UseCases
from shared.domain.build import Build
from tests.composed import use_cases_over
from tests.fakes import FakePorts
from tests.fakes.mail import FakeMail
from tests.unit.api.direct import Direct
from tests.unit.api.tokens import AUDIENCE, AUTHORITY, Issuer

ORIGIN: Final = "https://crm.contoso.example"
PUBLIC_URL: Final = "https://postledger.contoso.example"
BUILD: Final = Build("1.4.0", "9f2c1ab", "3.12.8")


@cache
def _app() -> FastAPI:
    """Its routes are made once a process, at the first request; what stands behind them is exchanged."""
    nothing: Any = None
    return create_app(nothing, nothing, BUILD, public_url=PUBLIC_URL, cors_origins=(ORIGIN,))


class Served:
    """The API over a storage of fakes, or over other use cases, which takes the issuer's tokens."""

    def __init__(self, storage: FakePorts, issuer: Issuer, use_cases: UseCases | None = None) -> None:
        use_cases = use_cases or use_cases_over(storage)
        verifier = EntraTokens(
            authority=AUTHORITY,
            audiences=frozenset({AUDIENCE, f"api://{AUDIENCE}"}),
            is_known_tenant=use_cases.served_tenants,
            keys=SigningKeys(AUTHORITY, fetch=issuer.published),
        )
        self.api = _app()
        self._state = State({"use_cases": use_cases, "verifier": verifier, "build": BUILD})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Requests come one after the other.
        self.api.state = self._state
        await self.api(scope, receive, send)


@dataclass
class Api:
    """A client of the API, the storage behind it, and an issuer of tokens."""

    client: Direct
    storage: FakePorts
    issuer: Issuer

    @property
    def mail(self) -> FakeMail:
        return self.storage.mail

    def call(self, method: str, path: str, token: str | None = None, **more: Any) -> Any:
        headers = {**more.pop("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.client.request(method, f"/api/v1/{path}", headers=headers, **more)

    def get(self, path: str, token: str | None = None, **more: Any) -> Any:
        return self.call("GET", path, token, **more)

    def put(self, path: str, token: str | None = None, **more: Any) -> Any:
        return self.call("PUT", path, token, **more)

    def post(self, path: str, token: str | None = None, **more: Any) -> Any:
        return self.call("POST", path, token, **more)

    def delete(self, path: str, token: str | None = None, **more: Any) -> Any:
        return self.call("DELETE", path, token, **more)
