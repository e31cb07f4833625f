"""What every SubscriptionSource does: the fake, and Graph on the simulator, pass the same tests."""

import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from dev.simulator.serve import Simulator, running_simulator
from shared.adapters.graph.session import GraphSession
from shared.adapters.graph.subscriptions import GraphSubscriptions
from shared.adapters.graph.tokens import ClientSecret, GraphTokens
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import NotFound
from shared.ports.notifications import SubscriptionSource
from tests.builders import AGENT, a_mailbox
from tests.fakes.notifications import FakeSubscriptionSource

OTHER = "other@contoso.example"


class _Endpoint(BaseHTTPRequestHandler):
    """Answers handshakes."""

    def do_POST(self) -> None:
        token = parse_qs(urlsplit(self.path).query).get("validationToken", [""])[0].encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(token)))
        self.end_headers()
        self.wfile.write(token)

    def log_message(self, *_arguments: object) -> None:
        return


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture
def mailbox() -> Mailbox:
    return a_mailbox(tenant_id=str(uuid.uuid4()))


def on_simulator(simulator: Simulator, endpoint: str, tenant_id: str) -> GraphSubscriptions:
    simulator.control.organisations(tenant_id, "contoso.example")
    for address in (AGENT, OTHER):
        simulator.control.users(tenant_id, address)
    credential = ClientSecret(simulator.client_secret)
    scope = "https://graph.microsoft.com/.default"
    tokens = GraphTokens(simulator.url, simulator.client_id, credential, scope)
    return GraphSubscriptions(GraphSession(simulator.url, tokens), endpoint)


@pytest.fixture(params=["fake", pytest.param("graph", marks=pytest.mark.stack)])
def source(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox
) -> SubscriptionSource:
    if request.param == "fake":
        return FakeSubscriptionSource()
    running: Simulator = request.getfixturevalue("simulator")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", running.ca_file)
    return on_simulator(running, request.getfixturevalue("endpoint"), mailbox.tenant_id)


STARTED = datetime.now(UTC).replace(microsecond=0)


def end_of(days: int) -> datetime:
    return STARTED + timedelta(days=days)


class TestSubscriptionSource:
    """The contract."""

    def test_one_that_was_made_lives_for_its_mailbox(
        self, source: SubscriptionSource, mailbox: Mailbox
    ) -> None:
        made = source.create(mailbox, "state", end_of(3))
        assert made.expires_at == end_of(3)
        assert source.living(mailbox.tenant_id) == [made]
        assert made.user == AGENT

    def test_each_mailbox_has_its_own(self, source: SubscriptionSource, mailbox: Mailbox) -> None:
        made = source.create(mailbox, "state", end_of(3))
        other = a_mailbox(tenant_id=mailbox.tenant_id, address=OTHER)
        assert {one.user for one in (made, source.create(other, "s", end_of(3)))} == {AGENT, OTHER}
        assert len(source.living(mailbox.tenant_id)) == 2

    def test_renewing_moves_its_end(self, source: SubscriptionSource, mailbox: Mailbox) -> None:
        made = source.create(mailbox, "state", end_of(3))
        assert source.renew(mailbox, made.subscription_id, end_of(6)).expires_at == end_of(6)
        assert [one.expires_at for one in source.living(mailbox.tenant_id)] == [end_of(6)]

    def test_one_that_is_ended_is_gone_and_cannot_be_renewed(
        self, source: SubscriptionSource, mailbox: Mailbox
    ) -> None:
        made = source.create(mailbox, "state", end_of(3))
        for _ in range(2):
            source.end(mailbox.tenant_id, made.subscription_id)
        assert source.living(mailbox.tenant_id) == []
        with pytest.raises(NotFound):
            source.renew(mailbox, made.subscription_id, end_of(6))
