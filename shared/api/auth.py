"""Authentication: a route checks the bearer token before it reads anything else of a request.

It knows neither Entra ID nor keys; its caller passes a verifier. A route is open only if it is no GuardedRoute.
"""

import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Annotated, Any, Protocol, cast

from fastapi import Depends, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from shared import telemetry
from shared.api.audit import audit
from shared.api.etags import CACHING
from shared.api.request_checks import check_media_type, check_query, query_names
from shared.api.use_cases import ApiUseCases
from shared.domain.errors import Forbidden, PostledgerError
from shared.domain.privacy.callers import Caller, Claims, InvalidToken

ORGANISATION_HEADER = "postledger-organisation"

# This only tells OpenAPI that a token is required; GuardedRoute checks it.
BEARER = Security(
    HTTPBearer(
        auto_error=False, bearerFormat="JWT", description="An access token of Entra ID (v2.0) for this API."
    )
)


class TokenVerifier(Protocol):
    """Proves access tokens."""

    def verify(self, token: str) -> Claims:
        """The claims of a genuine token. Raises InvalidToken, Forbidden for a disabled tenant, TransientError."""


class GuardedRoute(APIRoute):
    """A route that requires a valid token, refuses unknown parameters, and is audited.

    `request.state.caller` holds the caller.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        enter = super().get_route_handler()
        names = query_names(self)
        checks = list(_role_checks(self.dependant))

        async def answered(request: Request) -> Response:
            # Both wait for storage or Entra ID, which would hold up every other request here.
            request.state.caller = await run_in_threadpool(identify, request)
            # The role comes before the query, so that a stranger to a route learns no more than that.
            for check in checks:
                await check(request)
            check_query(request, names)
            if self.body_field is not None:
                await check_media_type(request)
            response = await enter(request)
            # Before the answer leaves: a read that cannot be audited is refused.
            await run_in_threadpool(audit, request, self.name, response)
            response.headers.setdefault("Cache-Control", CACHING)
            return response

        async def guarded(request: Request) -> Response:
            try:
                return await answered(request)
            except (InvalidToken, Forbidden) as error:
                _tell_refusal(request, self.path, error)
                raise

        return guarded


class RoleCheck:
    """A dependency that returns the caller with one of these roles. Raises Forbidden."""

    def __init__(self, *roles: str) -> None:
        self._roles = roles

    async def __call__(self, request: Request) -> Caller:
        found = cast(Caller, request.state.caller)
        found.needs(*self._roles)
        return found


def needs(*roles: str) -> RoleCheck:
    """The dependency of a route that only these roles may call."""
    return RoleCheck(*roles)


def _role_checks(dependant: Dependant) -> Iterator[RoleCheck]:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, RoleCheck):
            yield dependency.call
        yield from _role_checks(dependency)


# Async, since FastAPI would give a thread of its pool to a plain function.
async def _use_cases(request: Request) -> ApiUseCases:
    return cast(ApiUseCases, request.app.state.use_cases)


UseCases = Annotated[ApiUseCases, Depends(_use_cases)]


def identify(request: Request) -> Caller:
    """Who sends a request. Raises InvalidToken, Forbidden, TransientError."""
    verifier = cast(TokenVerifier, request.app.state.verifier)
    use_cases = cast(ApiUseCases, request.app.state.use_cases)
    claims = verifier.verify(_bearer(request.headers.get("authorization", "")))
    request.state.claims = claims
    return use_cases.identify_caller(claims, request.headers.get(ORGANISATION_HEADER, ""))


def _tell_refusal(request: Request, route: str, error: PostledgerError) -> None:
    """Tell the log who was refused and why: an attack on tokens or roles shows only there.

    Who is known only of a genuine token; the sentences of these errors quote nothing from a request.
    """
    claims: Claims | None = getattr(request.state, "claims", None)
    telemetry.event(
        telemetry.REQUEST_REFUSED,
        level=logging.WARNING,
        reason=str(error),
        status=401 if isinstance(error, InvalidToken) else 403,
        tenant=claims.tenant_id if claims else "",
        by=_name_of(claims) if claims else "",
        method=request.method,
        route=route,
        correlation_id=request.state.correlation_id,
    )


def _name_of(claims: Claims) -> str:
    return f"app:{claims.client_id}" if claims.app_only else claims.oid


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidToken("Send an access token: Authorization: Bearer <token>.")
    return token.strip()
