"""The web application: Graph under `/v1.0`, Entra under the tenant's name, control under `/_control`."""

import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.simulator import graph_directory, graph_folders, graph_messages, graph_sending, graph_subscriptions
from dev.simulator.batch import run_batch
from dev.simulator.call import Answer, Call
from dev.simulator.connections import ConnectionLost, cut
from dev.simulator.control import Control
from dev.simulator.entra import Entra
from dev.simulator.errors import GraphError
from dev.simulator.gateway import Gateway
from dev.simulator.notifications import Notifier
from dev.simulator.sign_in import SignInPages
from dev.simulator.subscriptions import Subscriptions
from dev.simulator.tokens import TokenMint
from dev.simulator.uploads import UploadEndpoint
from dev.simulator.world import World

GRAPH_MODULES = (graph_directory, graph_folders, graph_messages, graph_sending, graph_subscriptions)
Handler = Callable[[Request], Awaitable[Response]]
_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]


class GraphEndpoint:
    """Turns HTTP requests into calls and answers back into HTTP."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    async def __call__(self, request: Request) -> Response:
        world = self.gateway.world
        world.stats.http_requests += 1
        path = request.scope["raw_path"].decode("ascii", "replace").split("?")[0].removeprefix("/v1.0")
        url = f"{path}?{request.url.query}"
        headers = {name.lower(): value for name, value in request.headers.items()}
        headers["prefer"] = ", ".join(request.headers.getlist("prefer"))
        call = Call.of(request.method, url, headers, await request.body(), time.monotonic())
        try:
            if call.segments == ("$batch",):
                answer = await self._batch(call)
            else:
                answer = await self.gateway.answer(call)
        except ConnectionLost as lost:
            await world.faults.pause(lost.seconds)
            cut(request.scope)
            return Response(status_code=504)
        return _response(call, answer)

    async def _batch(self, call: Call) -> Answer:
        faults = self.gateway.world.faults
        kind = faults.graph_error() if {"reset", "timeout"} & set(faults.settings.error_kinds) else None
        if kind == "reset":
            raise ConnectionLost(0)
        if kind == "timeout":
            raise ConnectionLost(faults.settings.timeout_s)
        try:
            if failed := faults.batch_error():
                tenant_id = str(self.gateway.claims_of(call)["tid"])
                raise self.gateway.batch_failure(tenant_id, failed)
            return await run_batch(self.gateway, call)
        except GraphError as error:
            return Answer.refusal(error, call.headers.get("client-request-id"))


def _response(call: Call, answer: Answer) -> Response:
    request_id = answer.request_id or str(uuid.uuid4())
    headers = {
        "request-id": request_id,
        "client-request-id": call.headers.get("client-request-id", request_id),
        **answer.headers,
    }
    body = answer.body()
    if body:
        headers["Content-Type"] = answer.content_type
    return Response(body, answer.status, headers)


def build_app(world: World, ca_file: str | None) -> Starlette:
    """The application over a world whose `url` is already set."""
    mint = TokenMint()
    notifier = Notifier(world, Subscriptions(), ca_file)
    world.listeners.append(notifier.on_change)
    pages = SignInPages(world, mint)
    entra = Entra(world, mint, pages)
    control = Control(world, mint, notifier)
    graph = GraphEndpoint(Gateway(world, mint, notifier))

    def counted(answer: Handler) -> Handler:
        """Counts who asks: everything but the control API and people's browsers."""

        async def answered(request: Request) -> Response:
            world.stats.agents[request.headers.get("user-agent", "")] += 1
            return await answer(request)

        return answered

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await notifier.close()

    return Starlette(
        routes=[
            Route("/v1.0/{path:path}", counted(graph.__call__), methods=_METHODS),
            Route("/_upload/{upload}", counted(UploadEndpoint(world).__call__), methods=["PUT"]),
            Route("/_control/{path:path}", control.answer, methods=_METHODS),
            Route("/msi/token", counted(entra.managed_identity)),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", counted(entra.discovery)),
            Route("/{tenant}/discovery/v2.0/keys", counted(entra.keys)),
            Route("/{tenant}/oauth2/v2.0/token", counted(entra.token), methods=["POST"]),
            Route("/{tenant}/oauth2/v2.0/authorize", pages.authorize),
            Route("/{tenant}/v2.0/adminconsent", pages.admin_consent),
            Route("/{tenant}/adminconsent", pages.admin_consent),
        ],
        lifespan=lifespan,
    )
