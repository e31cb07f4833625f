"""The way of a mail, from connecting to reading, under every switch of the awkward Graph, on and off.

The defaults are one side of each switch. So a run with the defaults, and one for each other value of each switch,
cover both sides. A new switch is covered by itself, or this module does not collect. The simulator and the app's
HTTP doors are real; what the hosts and storage do, other tests here try.
"""

import threading
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from typing import Any, Final, get_args, get_type_hints
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func
import pytest

from dev.simulator.habits import Habits, Part
from dev.simulator.serve import Simulator, running_simulator
from dev.tenant import eventually
from shared.adapters.graph.subscriptions import GraphSubscriptions
from shared.domain.commands.commands import IngestMessages
from shared.domain.mail.items import ItemRef
from shared.triggers.graph import receive
from tests.builders import CONTACT, TENANT, a_record
from tests.contract.eml_folders import eml
from tests.contract.graph_world import GraphWorld
from tests.unit.api.direct import Direct
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import Api, Served

BEN: Final = "ben@contoso.example"
# The other values of what is neither yes or no nor a choice of words.
OTHERS: Final[dict[str, tuple[Any, ...]]] = {"most_ids": (0, 1), "send_delay_ms": (0,)}
# Of mail that leaves: no captured mail is any different for them, and the contract of the sender turns them.
OF_SENDING: Final = frozenset(
    (
        "draft_keeps_immutable_id",
        "keeps_message_id",
        "keeps_headers",
        "mime_limit",
        "request_limit",
        "messages_a_minute",
        "recipients_a_day",
        "reports",
        "hold_send_ms",
    )
)
PICTURE: Final = b"\x89PNG" + bytes(60)
# As long as the chains that lists cut.
CHAIN: Final = tuple(f"{number:02}-{'x' * 40}@fabrikam.example" for number in range(8))

Switches = dict[str, Any]


def settings() -> Iterator[Switches]:
    """The defaults, then each switch as it is not by default. Raises LookupError for one that is not covered."""
    hints, defaults = get_type_hints(Habits), Habits()
    yield {}
    for name in (field.name for field in fields(Habits)):
        if name == "refuses":
            yield from (
                {name: [part], "refusal": refusal} for part in get_args(Part) for refusal in (400, 500)
            )
        elif name != "refusal" and name not in OF_SENDING:
            others = (value for value in values(name, hints[name]) if value != getattr(defaults, name))
            yield from ({name: value} for value in others)


def values(name: str, hint: object) -> tuple[Any, ...]:
    known = (False, True) if hint is bool else OTHERS.get(name) or get_args(hint)
    if not known:
        raise LookupError(f"say in OTHERS how the switch {name} is turned")
    return known


def name_of(switches: Switches) -> str:
    """For the test's name: `refuses-order-400`."""
    parts = (part for value in switches.items() for part in value if part != "refusal")
    return "-".join(str(part[0] if isinstance(part, list) else part) for part in parts) or "defaults"


class Webhook(ThreadingHTTPServer):
    """Where Graph's notifications come in; the app behind it changes with each test."""

    app: "House"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Door(BaseHTTPRequestHandler):
    """The app's webhook, as the host would call it."""

    server: Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        asked = dict(parse_qsl(urlsplit(self.path).query))
        request = func.HttpRequest("POST", self.path, params=asked, body=body)
        answer = receive(request, self.server.app.take_notifications)
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.mimetype)
        self.send_header("Content-Length", str(len(answer.get_body())))
        self.end_headers()
        self.wfile.write(answer.get_body())

    def log_message(self, *_arguments: object) -> None:
        return


class House(GraphWorld):
    """The app over this Graph: its API, its webhook, and its commands worked off by hand."""

    def __init__(self, simulator: Simulator, webhook: Webhook, issuer: Issuer) -> None:
        super().__init__(simulator)
        # Graph refuses subscriptions that end in its past.
        self.now = datetime.now(UTC)
        ports: Any = self.storage
        ports.subscription_source = GraphSubscriptions(self.mail.sessions.application, webhook.url)
        self.restart()
        self.records(a_record())
        # Nothing tells sent mail that is private where its properties are refused.
        self.configure(sensitivity=False)
        self.mail.add_mailbox(BEN)
        webhook.app = self
        self.token = issuer.user("Admin")

    def arrives(self, name: str, folder: str = "inbox", **mail: Any) -> None:
        """A mail between Ben and the contact, a moment ago."""
        ben, buyer = f"Ben <{BEN}>", f"Buyer <{CONTACT}>"
        sender, to = (ben, buyer) if folder == "sentitems" else (buyer, ben)
        own_id = f"{name}@fabrikam.example"
        raw = eml(own_id, sender=sender, to=to, subject=name, sent_at=self.now, **mail)
        self.control.deliver(BEN, raw, folder, received=self.now - timedelta(seconds=1))

    def told(self, count: int) -> None:
        """Work once so many mails have been notified, together or one by one."""
        eventually(lambda: len(self._notified()) >= count, what=f"{count} notifications")
        self.work()

    def _notified(self) -> set[ItemRef]:
        commands = (command for command, _ in list(self.storage.queue.sent))
        groups = (command.items for command in commands if isinstance(command, IngestMessages))
        return set(chain.from_iterable(groups))

    def catch_up(self) -> None:
        """Walk while Graph has forgotten what the walks have read, and once more."""
        ben = self.storage.mailboxes.get(TENANT, BEN)
        assert ben is not None
        self.control.put_faults(drop_notifications=1, expire_delta_tokens=1)
        self.walk(ben)
        assert self.control.faults()["struck"]["expire_delta_tokens"]
        self.control.put_faults(drop_notifications=1)
        self.walk(ben)
        self.work()


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture(scope="module")
def webhook() -> Iterator[Webhook]:
    with Webhook(("127.0.0.1", 0), Door) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def house(
    simulator: Simulator, webhook: Webhook, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", simulator.ca_file)
    yield House(simulator, webhook, issuer)
    simulator.control.clear_faults()
    simulator.control.put_habits()
    simulator.control.expire_subscriptions(BEN)


@pytest.fixture
def api(house: House, issuer: Issuer) -> Api:
    return Api(Direct(Served(house.storage, issuer, house.use_cases)), house.storage, issuer)


@pytest.mark.parametrize("switches", list(settings()), ids=name_of)
def test_a_mail_is_captured_filed_read_and_caught_up_with(house: House, api: Api, switches: Switches) -> None:
    house.control.put_habits(**switches)
    house.arrives("early", attachment=b"%PDF-", image=PICTURE)
    # Whoever connects tests first: what it learns is gone by from then on.
    assert api.post(f"mailboxes/{BEN}/test", house.token).json()["outcome"] == "ok"
    put = api.put(f"mailboxes/{BEN}", house.token, json={"kind": "personal", "agent": BEN})
    assert put.status_code == 201, put.text
    house.work()
    timeline = lambda: api.get("timelines/contact/C-1", house.token).json()["entries"]  # noqa: E731
    [early] = timeline()
    shown = api.get(f"messages/{early['message_id']}", house.token).json()
    files = {file["name"]: file["id"] for file in shown["attachments"]}
    read = api.get(f"messages/{early['message_id']}/attachments/{files['plan.pdf']}", house.token)
    assert read.content == b"%PDF-"
    parents = (*CHAIN, "early@fabrikam.example")
    house.arrives("answer", "sentitems", in_reply_to=parents[-1], references=parents)
    house.arrives("told")
    house.told(2)
    house.arrives("missed")
    house.catch_up()
    assert {entry["subject"] for entry in timeline()} == {"early", "answer", "told", "missed"}
    by_rule = {entry["subject"]: entry["rule"] for entry in timeline()}
    has_parents = "properties" not in switches.get("refuses", ())
    assert by_rule["answer"] == ("thread" if has_parents else "contact_address")
    assert api.get(f"mailboxes/{BEN}", house.token).json()["state"] == "ok"
    assert api.get("exceptions", house.token).json()["exceptions"] == []
