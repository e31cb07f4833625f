"""Every error as one shape: RFC 9457 problem details with a sentence and a correlation id.

What was sent is never echoed, and what went wrong inside is never told.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from shared.domain.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    Outdated,
    TransientError,
    Unknown,
    WrongState,
)
from shared.domain.privacy.callers import InvalidToken

MEDIA_TYPE: Final = "application/problem+json"
MOST_FIELDS: Final = 10


def problem(
    scope: Mapping[str, Any], status: int, detail: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer to the request of this ASGI scope."""
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
    """Have every known error answered as a problem."""
    app.add_exception_handler(InvalidToken, _invalid_token)
    app.add_exception_handler(InvalidInput, _invalid_input)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(TransientError, _transient)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _http)


def _status_of(error: Exception) -> int:
    for kind, status in ((Forbidden, 403), (Unknown, 404), (WrongState, 409), (Outdated, 412)):
        if isinstance(error, kind):
            return status
    return 422


async def _invalid_token(request: Request, error: Exception) -> JSONResponse:
    has_token = "authorization" in request.headers
    challenge = 'Bearer error="invalid_token"' if has_token else "Bearer"
    return problem(request.scope, 401, str(error), {"WWW-Authenticate": challenge})


async def _invalid_input(request: Request, error: Exception) -> JSONResponse:
    return problem(request.scope, _status_of(error), str(error))


async def _not_found(request: Request, _error: Exception) -> JSONResponse:
    return problem(request.scope, 404, "There is no such thing.")


async def _transient(request: Request, error: Exception) -> JSONResponse:
    wait = error.retry_after if isinstance(error, TransientError) else None
    headers = {"Retry-After": str(max(1, ceil(wait or 1)))}
    return problem(request.scope, 503, "This cannot be answered just now; try again shortly.", headers)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = str(error.detail)
    if detail == HTTPStatus(error.status_code).phrase:
        detail = _SENTENCES.get(error.status_code, detail + ".")
    return problem(request.scope, error.status_code, detail, error.headers)


async def _unreadable(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem(request.scope, 422, _sentences(error.errors()))


_SENTENCES: Final = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
}


def _sentences(errors: Sequence[Any]) -> str:
    parts = [_sentence(one) for one in errors[:MOST_FIELDS]]
    more = len(errors) - len(parts)
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "") + "."


def _sentence(error: Mapping[str, Any]) -> str:
    location = error.get("loc", ())
    if error.get("type") == "json_invalid":
        why = str(error.get("ctx", {}).get("error", "it cannot be read"))
        return f"The body is no JSON: {why}, at character {location[-1]}"
    return f"{_field(location)}: {error.get('msg', 'invalid')}"


def _field(location: Sequence[Any]) -> str:
    """The field's name as it was sent; an over-long one (an unknown name, sent by the caller) is cut."""
    names = [str(one)[:64] for one in location if one not in ("body", "query", "path", "header")]
    printable = [one.encode("ascii", "backslashreplace").decode() for one in names]
    return f"'{'.'.join(printable)}'" if printable else "The body"
