"""One id for request, answer and log, and the handler of last resort for every error.

It is a plain ASGI middleware: an unexpected error must become an answer here, because Azure's ASGI bridge turns
an escaping error into an empty 500.
"""

import re
import time
import uuid
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import telemetry
from shared.api.problems import problem

HEADER: Final = b"x-correlation-id"
# The caller's id goes into the log and into a header: nothing else may come along with it.
_SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class Correlation:
    """Takes the caller's correlation id or trace id (W3C Trace Context), or makes an id, and returns it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        correlation_id = _correlation_id(scope)
        scope["state"] = {**(scope.get("state") or {}), "correlation_id": correlation_id}
        started, status = time.monotonic(), 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (HEADER, correlation_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except Exception as error:
            place = telemetry.place_of(error)
            telemetry.failure(
                "api_failed", error, correlation_id=correlation_id, route=_route(scope), place=place
            )
            # The answer has begun; a second one cannot follow it.
            if status:
                raise
            await problem(scope, 500, "The service failed. Quote the correlation id when you ask for help.")(
                scope, receive, send_on
            )
        finally:
            telemetry.event(
                "api_request",
                correlation_id=correlation_id,
                method=scope["method"],
                route=_route(scope),
                status=status,
                milliseconds=round((time.monotonic() - started) * 1000),
            )


def _correlation_id(scope: Scope) -> str:
    # A header may hold any byte, and latin-1 reads each of them.
    headers: dict[bytes, str] = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    given = headers.get(HEADER, "")
    if _SANE.fullmatch(given):
        return given
    trace = _TRACEPARENT.fullmatch(headers.get(b"traceparent", ""))
    return str(trace[1]) if trace else uuid.uuid4().hex


def _route(scope: Scope) -> str:
    """The route's template, never the path: a path may contain an address."""
    return str(getattr(scope.get("route"), "path", "")) or "none"
