"""Who calls: the bearer token is checked before anything else of a request is read.

Knows neither Entra ID nor keys; a verifier is handed in. A route is open only by not being a GuardedRoute.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any, Protocol, cast

from fastapi import Depends, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from shared.api.audit import audit
from shared.api.use_cases import ApiUseCases
from shared.domain.privacy.callers import Caller, Claims, InvalidToken

ORGANISATION_HEADER = "postledger-organisation"

# Only tells OpenAPI that a token is wanted; GuardedRoute does the checking.
BEARER = Security(
    HTTPBearer(
        auto_error=False, bearerFormat="JWT", description="An access token of Entra ID (v2.0) for this API."
    )
)


class TokenVerifier(Protocol):
    """Proves access tokens."""

    def verify(self, token: str) -> Claims:
        """What a genuine token says. Raises InvalidToken, Forbidden for a tenant not served, TransientError."""


class GuardedRoute(APIRoute):
    """A route that nobody enters without a valid token, and that is audited.

    The caller is in `request.state.caller`.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        enter = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            request.state.caller = await run_in_threadpool(_identify, request)
            response = await enter(request)
            await run_in_threadpool(audit, request, self.name, response)
            return response

        return guarded


def needs(*roles: str) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency: the caller, who has one of these roles. Raises Forbidden."""

    async def caller(request: Request) -> Caller:
        found = cast(Caller, request.state.caller)
        found.needs(*roles)
        return found

    return caller


async def _use_cases(request: Request) -> ApiUseCases:
    return cast(ApiUseCases, request.app.state.use_cases)


UseCases = Annotated[ApiUseCases, Depends(_use_cases)]


def _identify(request: Request) -> Caller:
    verifier = cast(TokenVerifier, request.app.state.verifier)
    use_cases = cast(ApiUseCases, request.app.state.use_cases)
    claims = verifier.verify(_bearer(request.headers.get("authorization", "")))
    return use_cases.identify_caller(claims, request.headers.get(ORGANISATION_HEADER, ""))


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidToken("Send an access token: Authorization: Bearer <token>.")
    return token.strip()
