"""The HTTP side of the host: ASGI requests to `azure.functions.HttpRequest` and back, and the admin call.

Knows routes and functions, not queues or timers: the admin call hands a function's name to whoever runs it.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping

import azure.functions as func
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from dev.host.invocation import Invoker, report
from dev.host.routing import Router

MAX_BODY = 104_857_600  # ScriptConstants.DefaultMaxRequestBodySize
ADMIN = "/admin/functions/"
# Not of the real host: which files the app's modules came from.
MODULES = "/admin/host/modules"

RunByHand = Callable[[str], Awaitable[object]]


class TooLargeError(Exception):
    """The request's body is over the host's limit."""


class HttpFrontEnd:
    """An ASGI app that serves the HTTP functions and `POST /admin/functions/{name}`.

    `by_hand` maps the name of each queue or timer function to what runs it once with a given input.
    """

    def __init__(self, router: Router, invoker: Invoker, by_hand: Mapping[str, RunByHand]) -> None:
        self._router = router
        self._invoker = invoker
        self._by_hand = by_hand
        self._background: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the host serves no {scope['type']}")
        try:
            response = await self._answer(Request(scope, receive))
        except TooLargeError:
            response = PlainTextResponse("Request body too large.", 413, {"connection": "close"})
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        raw_path = request.scope["raw_path"].decode("latin-1")
        if raw_path.startswith(ADMIN):
            return await self._admin(request, raw_path.removeprefix(ADMIN))
        if raw_path == MODULES:
            return JSONResponse(_modules())
        found = self._router.find(request.method, raw_path)
        if found is None:
            return Response(status_code=404)
        route, parameters = found
        if str(route.function.values.get("authLevel", "function")).lower() != "anonymous":
            return PlainTextResponse("This function asks for a key; the local host has none.", 401)
        function_request = func.HttpRequest(
            request.method,
            _url(request, raw_path),
            headers=_joined(request.headers.items()),
            params=_joined(request.query_params.multi_items()),
            route_params=parameters,
            body=await _body(request),
        )
        try:
            result = await self._invoker.call(route.function, function_request)
        except Exception:  # noqa: BLE001  the boundary; the invoker has reported it
            return Response(status_code=500)
        try:
            return _response(result)
        except TypeError as error:
            report("function_failed", error, function=route.function.name)
            return Response(status_code=500)

    async def _admin(self, request: Request, name: str) -> Response:
        run = self._by_hand.get(name)
        if run is None or request.method != "POST":
            return Response(status_code=404)
        try:
            body = json.loads(await _body(request) or b"{}")
            given = body.get("input", "") if isinstance(body, dict) else None
        except ValueError:
            given = None
        if not isinstance(given, str):
            return PlainTextResponse('the body must be {"input": "..."}', 400)
        task = asyncio.create_task(_quietly(run, given))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return Response(status_code=202)


def _modules() -> dict[str, str]:
    """The file of each module that is loaded."""
    loaded = {name: getattr(module, "__file__", None) for name, module in sys.modules.copy().items()}
    return {name: str(file) for name, file in loaded.items() if file}


async def _quietly(run: RunByHand, given: str) -> None:
    try:
        await run(given)
    except Exception:  # noqa: BLE001  the boundary; the invoker has reported it
        return


async def _body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > MAX_BODY:
        raise TooLargeError
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise TooLargeError
        parts.append(part)
    return b"".join(parts)


def _url(request: Request, raw_path: str) -> str:
    query = request.scope["query_string"].decode("latin-1")
    host = request.headers.get("host") or "localhost"
    return f"{request.url.scheme}://{host}{raw_path}{'?' + query if query else ''}"


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Several values of one name reach the worker as one, with commas."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _response(result: object) -> Response:
    if result is None:
        return Response(status_code=204)
    if isinstance(result, str):
        return PlainTextResponse(result)
    if not isinstance(result, func.HttpResponse):
        raise TypeError(f"an HTTP function must return an HttpResponse, not {type(result).__name__}")
    response = Response(result.get_body(), result.status_code)
    for name, value in result.headers.items():
        if name.lower() != "content-length":
            response.headers.append(name, value)
    if "content-type" not in response.headers and result.mimetype:
        charset = f"; charset={result.charset}" if result.mimetype.startswith("text/") else ""
        response.headers["content-type"] = f"{result.mimetype}{charset}"
    return response
