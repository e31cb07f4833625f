"""Errors in one shape: RFC 9457 problem details with a sentence and a correlation id.

A problem says nothing of an error inside. It repeats a request's path, the name of a wrong
field, and, where a sentence about a person's mistake needs it, the wrong value.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any, Final, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from shared.domain.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    NotKept,
    Outdated,
    TransientError,
    Unknown,
    WrongState,
)
from shared.domain.privacy.callers import InvalidToken

MEDIA_TYPE: Final = "application/problem+json"
METHODS: Final = ("GET", "PUT", "POST", "PATCH", "DELETE")
# An answer must not grow with the number of mistakes in a body.
MOST_FIELDS: Final = 10
LONGEST_VALUE: Final = 64
_PLACES: Final = ("body", "query", "path", "header")
_STATUSES: Final = {Forbidden: 403, Unknown: 404, WrongState: 409, NotKept: 410, Outdated: 412}


def problem(
    scope: Mapping[str, Any], status: int, detail: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer to the request of this ASGI scope. `detail` is a sentence."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": scope.get("path", ""),
        "correlation_id": scope.get("state", {}).get("correlation_id", ""),
    }
    return JSONResponse(content, status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every known error as a problem."""
    app.add_exception_handler(InvalidToken, _invalid_token)
    app.add_exception_handler(InvalidInput, _invalid_input)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(TransientError, _transient)
    app.add_exception_handler(RequestValidationError, _not_as_described)
    app.add_exception_handler(HTTPException, _http)


def _status_of(error: Exception) -> int:
    for kind, status in _STATUSES.items():
        if isinstance(error, kind):
            return status
    return 422


async def _invalid_token(request: Request, error: Exception) -> JSONResponse:
    # RFC 6750 section 3.1: a request without a token is told the scheme, and no error code.
    has_token = "authorization" in request.headers
    challenge = 'Bearer error="invalid_token"' if has_token else "Bearer"
    return problem(request.scope, 401, str(error), {"WWW-Authenticate": challenge})


# InvalidInput and its kinds, Unknown among them, are raised by use cases and carry a sentence for the caller.
async def _invalid_input(request: Request, error: Exception) -> JSONResponse:
    wait = error.retry_after if isinstance(error, WrongState) else None
    return problem(request.scope, _status_of(error), str(error), _retry_after(wait) if wait else None)


# NotFound is raised by adapters, about mail or storage: here what a use case read has gone meanwhile, and its text is
# the other side's.
async def _not_found(request: Request, _error: Exception) -> JSONResponse:
    # One sentence for both cases: another one would tell that an item exists.
    return problem(request.scope, 404, "The item does not exist, or you may not see it.")


async def _transient(request: Request, error: Exception) -> JSONResponse:
    wait = error.retry_after if isinstance(error, TransientError) else None
    sentence = "The service cannot answer now; try again shortly."
    return problem(request.scope, 503, sentence, _retry_after(wait or 1))


def _retry_after(seconds: float) -> dict[str, str]:
    # A whole number of seconds (RFC 9110 section 10.2.3); Graph's own wait may be a fraction.
    return {"Retry-After": str(max(1, ceil(seconds)))}


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = str(error.detail)
    # Starlette gives the phrase alone, such as "Not Found", where it has no sentence.
    if detail == HTTPStatus(error.status_code).phrase:
        detail = _SENTENCES.get(error.status_code, detail + ".")
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
    return problem(request.scope, error.status_code, detail, headers)


def _allowed(request: Request) -> str:
    """The methods of an address; Starlette's answer names those of its first route only."""
    routes = cast(FastAPI, request.app).router.routes
    scopes = ({**request.scope, "method": method} for method in METHODS)
    found = [scope["method"] for scope in scopes if any(_takes(route, scope) for route in routes)]
    return ", ".join(found)


def _takes(route: BaseRoute, scope: Scope) -> bool:
    return route.matches(scope)[0] is Match.FULL


async def _not_as_described(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem(request.scope, 422, _sentences(error.errors()))


_SENTENCES: Final = {
    404: "This address does not exist.",
    405: "This address does not accept this method.",
}


def _sentences(errors: Sequence[Any]) -> str:
    parts = [_sentence(error) for error in errors[:MOST_FIELDS]]
    more = len(errors) - len(parts)
    if more > 0:
        parts.append(f"and {more} more")
    return "; ".join(parts) + "."


def _sentence(error: Mapping[str, Any]) -> str:
    location = error.get("loc", ())
    # Here pydantic's location is a place in the text and names no field.
    if error.get("type") == "json_invalid":
        why = str(error.get("ctx", {}).get("error", "it is unreadable"))
        return f"The body is not JSON: {why}, at character {location[-1]}"
    if error.get("type") == "literal_error":
        return f"{_field(location)}: {_shown(error['input'])} is none of {error['ctx']['expected']}"
    return f"{_field(location)}: {error.get('msg', 'invalid')}"


def _shown(given: object) -> str:
    """What a caller sent instead of a word, cut and printable."""
    return ascii(given)[:LONGEST_VALUE]


def _field(location: Sequence[Any]) -> str:
    """The field's name as the caller sent it. An unknown name may be long, so it is cut."""
    names = [str(part)[:64] for part in location if part not in _PLACES]
    # A name in the caller's JSON may contain half a character, which no answer can carry.
    printable = [name.encode("ascii", "backslashreplace").decode() for name in names]
    return f"'{'.'.join(printable)}'" if printable else "The body"
