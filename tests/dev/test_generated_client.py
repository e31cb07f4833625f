"""A generated client on the wire: a long timeline page by page, one setting of a mailbox, a refusal's sentence."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.builders import AGENT, HOME, NOW, TENANT, a_mailbox, a_record, an_entry, an_organisation
from tests.fakes import FakePorts
from tests.generated import compile_typescript, run_typescript
from tests.unit.api.tokens import CLIENT, Issuer
from tests.unit.api.wiring import Served

pytestmark = pytest.mark.stack
MANY = 10_000


class Wire:
    """The API behind a wire that notes every body; and Entra ID's address for tokens, which gives the CRM its own."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app, self.token = app, token
        self.bodies: list[tuple[str, str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/token":
            await JSONResponse({"access_token": self.token})(scope, receive, send)
            return

        async def heard() -> Message:
            message = await receive()
            if message.get("body"):
                self.bodies.append((scope["method"], scope["path"], message["body"].decode()))
            return message

        await self.app(scope, heard, send)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def wire(issuer: Issuer) -> Wire:
    ports = FakePorts()
    ports.organisations.put(an_organisation(services=(CLIENT,)))
    ports.mailboxes.save(a_mailbox(tenant_id=TENANT))
    ports.records.put_many(TENANT, [a_record("contact/many")])
    entries = [
        an_entry("contact/many", at=NOW - timedelta(minutes=number), message_key=f"{number:032x}")
        for number in range(MANY)
    ]
    ports.timeline.put(TENANT, entries)
    return Wire(Served(ports, issuer), issuer.app("Service", tenant=HOME))


@pytest.fixture
def url(wire: Wire) -> Iterator[str]:
    """Where the wire listens."""
    server = uvicorn.Server(uvicorn.Config(wire, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_a_generated_client_pages_changes_one_setting_and_shows_a_sentence(
    url: str, wire: Wire, issuer: Issuer, tmp_path: Path
) -> None:
    compile_typescript(json.dumps(wire.app.api.openapi()), tmp_path)
    surroundings = {
        "API": f"{url}/api/v1",
        "TOKEN_URL": f"{url}/token",
        "ORGANISATION": TENANT,
        "ADMIN": issuer.user("Admin"),
        "AGENT": issuer.user("Agent"),
        "MAILBOX": AGENT,
    }
    seen = json.loads(run_typescript("many.js", surroundings, tmp_path))
    assert (seen["entries"], seen["different"]) == (MANY, MANY)
    assert wire.bodies == [("PUT", f"/api/v1/mailboxes/{AGENT}", '{"poll_minutes":11}')]
    assert seen["sentence"] == "This needs the role Admin; the token has Agent."
