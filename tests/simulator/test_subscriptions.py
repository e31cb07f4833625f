"""Subscriptions and notifications, against a real endpoint of ours."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from dev.processes import PATIENCE, wait_for
from dev.simulator import notifications
from dev.simulator.client import Control
from tests.simulator.conftest import IMMUTABLE, TENANT, Graph, a_mail

pytestmark = pytest.mark.stack


class Endpoint:
    """A webhook that keeps what it is told, and may refuse the first few posts."""

    def __init__(self) -> None:
        self.items: list[dict] = []
        self.validations: list[str] = []
        self.refusals = 0
        self.answer: Callable[[str], bytes] = str.encode
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, reply = endpoint.take(self.path, body)
                self.send_response(status)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?t=1"

    def take(self, path: str, body: bytes) -> tuple[int, bytes]:
        query = parse_qs(urlsplit(path).query)
        if "validationToken" in query:
            self.validations.append(path)
            return 200, self.answer(query["validationToken"][0])
        if self.refusals:
            self.refusals -= 1
            return 503, b""
        self.items += json.loads(body)["value"]
        return 202, b""

    def told(self, count: int) -> list[dict]:
        return wait_for(lambda: self.items if len(self.items) >= count else None, "nobody told it")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    one = Endpoint()
    thread = threading.Thread(target=one.server.serve_forever, daemon=True)
    thread.start()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint in this process may be slow to answer; a second try would tell it twice."""
    for name in ("HANDSHAKE_TIMEOUT", "FIRST_TIMEOUT", "RETRY_TIMEOUT"):
        monkeypatch.setattr(notifications, name, PATIENCE)


@pytest.fixture(autouse=True)
def no_leftovers(control: Control) -> Iterator[None]:
    yield
    control.expire_subscriptions()


def wanted(endpoint: Endpoint, mailbox: str, **more: object) -> dict:
    return {
        "changeType": "created,updated,deleted",
        "notificationUrl": endpoint.url,
        "lifecycleNotificationUrl": endpoint.url,
        "resource": f"{mailbox.lstrip('/')}/messages",
        "expirationDateTime": (datetime.now(UTC) + timedelta(days=2)).isoformat(),
        "clientState": "secret",
        **more,
    }


def test_both_urls_are_validated_before_a_subscription_exists(
    graph: Graph, endpoint: Endpoint, mailbox: str
) -> None:
    answer = graph("POST", "/subscriptions", wanted(endpoint, mailbox))
    assert (answer.status_code, answer.json()["clientState"]) == (201, "secret")
    assert len(endpoint.validations) == 2
    assert all("t=1&validationToken=" in path for path in endpoint.validations)
    listed = graph.get("/subscriptions")["value"]
    assert [(one["id"], one["clientState"]) for one in listed] == [(answer.json()["id"], None)]


def test_an_endpoint_that_echoes_the_encoded_token_is_refused(
    graph: Graph, endpoint: Endpoint, mailbox: str
) -> None:
    endpoint.answer = lambda token: token.replace(" ", "%20").encode()
    answer = graph("POST", "/subscriptions", wanted(endpoint, mailbox))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "ValidationError")
    assert graph.get("/subscriptions")["value"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"clientState": "x" * 129},
        {"changeType": "moved"},
        {"resource": "users/nobody"},
        {"notificationUrl": "http://public.example/hook"},
        {"expirationDateTime": (datetime.now(UTC) + timedelta(days=8)).isoformat()},
    ],
)
def test_what_breaks_a_rule_is_refused(graph: Graph, endpoint: Endpoint, mailbox: str, change: dict) -> None:
    assert graph("POST", "/subscriptions", wanted(endpoint, mailbox, **change)).status_code == 400


def test_a_short_life_is_raised_to_45_minutes(graph: Graph, endpoint: Endpoint, mailbox: str) -> None:
    now = datetime.now(UTC)
    soon = (now + timedelta(minutes=1)).isoformat()
    granted = graph("POST", "/subscriptions", wanted(endpoint, mailbox, expirationDateTime=soon)).json()
    assert datetime.fromisoformat(granted["expirationDateTime"]) > now + timedelta(minutes=44)


def test_a_second_subscription_of_the_same_kind_is_a_conflict(
    graph: Graph, endpoint: Endpoint, mailbox: str
) -> None:
    first = graph("POST", "/subscriptions", wanted(endpoint, mailbox)).json()["id"]
    second = graph("POST", "/subscriptions", wanted(endpoint, mailbox))
    assert second.status_code == 409
    assert first in second.json()["error"]["message"]
    assert graph("DELETE", f"/subscriptions/{first}").status_code == 204
    assert graph("POST", "/subscriptions", wanted(endpoint, mailbox)).status_code == 201


def test_renewing_moves_the_expiry(graph: Graph, endpoint: Endpoint, mailbox: str) -> None:
    item = graph("POST", "/subscriptions", wanted(endpoint, mailbox)).json()["id"]
    later = datetime.now(UTC) + timedelta(days=6)
    answer = graph("PATCH", f"/subscriptions/{item}", {"expirationDateTime": later.isoformat()})
    assert answer.status_code == 200
    assert datetime.fromisoformat(answer.json()["expirationDateTime"]) == later


def test_arrival_update_and_move_are_told_with_immutable_ids(
    graph: Graph, control: Control, endpoint: Endpoint, address: str, mailbox: str
) -> None:
    subscription = graph("POST", "/subscriptions", wanted(endpoint, mailbox), **IMMUTABLE).json()["id"]
    item = control.deliver(address, a_mail())["id"]
    control.update(address, item, isRead=True)
    control.move(address, item, "archive")
    told = endpoint.told(4)
    assert sorted(one["changeType"] for one in told) == ["created", "created", "deleted", "updated"]
    assert {one["resourceData"]["id"] for one in told} == {item}
    assert {(one["clientState"], one["subscriptionId"]) for one in told} == {("secret", subscription)}


def test_without_the_header_ids_are_mutable(
    graph: Graph, control: Control, endpoint: Endpoint, address: str, mailbox: str
) -> None:
    graph("POST", "/subscriptions", wanted(endpoint, mailbox))
    given = control.deliver(address, a_mail())
    assert endpoint.told(1)[0]["resourceData"]["id"] == given["mutableId"]


def test_a_folder_subscription_hears_of_its_folder_only(
    graph: Graph, control: Control, endpoint: Endpoint, address: str, mailbox: str
) -> None:
    resource = f"{mailbox.lstrip('/')}/mailFolders('inbox')/messages"
    graph("POST", "/subscriptions", wanted(endpoint, mailbox, resource=resource))
    control.deliver(address, a_mail(1), "archive")
    given = control.deliver(address, a_mail(2))
    assert [one["resourceData"]["id"] for one in endpoint.told(1)] == [given["mutableId"]]


def test_a_refused_notification_is_tried_again(
    graph: Graph, control: Control, endpoint: Endpoint, address: str, mailbox: str
) -> None:
    graph("POST", "/subscriptions", wanted(endpoint, mailbox))
    endpoint.refusals = 1
    control.deliver(address, a_mail())
    assert len(endpoint.told(1)) == 1
    assert control.stats()["notifications"]["failed"] == 1


def test_notifications_are_dropped_or_doubled_on_purpose(
    graph: Graph, control: Control, endpoint: Endpoint, address: str, mailbox: str
) -> None:
    graph("POST", "/subscriptions", wanted(endpoint, mailbox))
    control.put_faults(drop_notifications=1.0)
    control.deliver(address, a_mail(1))
    control.put_faults(duplicate_notifications=1.0)
    control.deliver(address, a_mail(2))
    told = endpoint.told(2)
    assert len(told) == 2
    assert told[0] == told[1]
    assert control.stats()["notifications"]["dropped"] == 1


@pytest.mark.parametrize(
    ("event", "left"), [("missed", 1), ("reauthorizationRequired", 1), ("subscriptionRemoved", 0)]
)
def test_lifecycle_events_are_told(
    graph: Graph, control: Control, endpoint: Endpoint, address: str, mailbox: str, event: str, left: int
) -> None:
    graph("POST", "/subscriptions", wanted(endpoint, mailbox))
    assert control.lifecycle(event, address=address) == {"subscriptions": 1, "sent": 1}
    (told,) = endpoint.told(1)
    assert told["lifecycleEvent"] == event
    assert "resourceData" not in told
    assert len(graph.get("/subscriptions")["value"]) == left


def test_a_lost_subscription_is_silent(
    graph: Graph, control: Control, endpoint: Endpoint, address: str, mailbox: str
) -> None:
    item = graph("POST", "/subscriptions", wanted(endpoint, mailbox)).json()["id"]
    control.expire_subscriptions(address)
    control.deliver(address, a_mail(1))
    made = graph("POST", "/subscriptions", wanted(endpoint, mailbox)).json()["id"]
    control.deliver(address, a_mail(2))
    assert [told["subscriptionId"] for told in endpoint.told(1)] == [made]
    assert (
        graph("PATCH", f"/subscriptions/{item}", {"expirationDateTime": "2030-01-01T00:00:00Z"}).status_code
        == 404
    )


@pytest.mark.parametrize("habit", [True, False])
def test_mail_in_a_folder_that_no_list_shows_is_notified_by_a_switch(
    graph: Graph, control: Control, endpoint: Endpoint, address: str, mailbox: str, habit: bool
) -> None:
    control.put_habits(unlisted_notify=habit)
    graph("POST", "/subscriptions", wanted(endpoint, mailbox, changeType="created"), **IMMUTABLE)
    chat = control.deliver(address, a_mail(1), "TeamsMessagesData")["id"]
    mail = control.deliver(address, a_mail(2))["id"]
    told = {one["resourceData"]["id"] for one in endpoint.told(1 + habit)}
    assert told == ({chat, mail} if habit else {mail})


def refusal(graph: Graph, endpoint: Endpoint, mailbox: str) -> tuple[int, str, str]:
    answer = graph("POST", "/subscriptions", wanted(endpoint, mailbox))
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


def test_what_the_mailboxs_server_refuses_comes_wrapped(
    graph: Graph, control: Control, endpoint: Endpoint, address: str, mailbox: str
) -> None:
    control.put_faults(access_denied=[address])
    status, code, message = refusal(graph, endpoint, mailbox)
    assert (status, code) == (403, "ExtensionError")
    assert message.startswith(
        "Operation: Create; Exception: [Status Code: Forbidden; Reason: Access is denied"
    )
    control.put_faults(stale_mailboxes=[address])
    assert "Mailbox info is stale" in refusal(graph, endpoint, mailbox)[2]
    control.clear_faults()
    control.users(TENANT, "unlicensed@contoso.example", mailbox=False)
    status, code, message = refusal(graph, endpoint, "/users/unlicensed@contoso.example")
    assert (status, code) == (404, "ExtensionError")
    assert "REST API is not yet supported for this mailbox" in message
    assert (
        "Status Code: NotFound; Reason: Resource not found"
        in refusal(graph, endpoint, "/users/x@y.example")[2]
    )


def test_a_renewal_needs_the_right_to_the_mailbox_too(
    graph: Graph, control: Control, endpoint: Endpoint, address: str, mailbox: str
) -> None:
    made = graph("POST", "/subscriptions", wanted(endpoint, mailbox)).json()
    control.put_faults(access_denied=[address])
    later = {"expirationDateTime": (datetime.now(UTC) + timedelta(days=3)).isoformat()}
    answer = graph("PATCH", f"/subscriptions/{made['id']}", later)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ExtensionError")
    control.clear_faults()
    assert graph("PATCH", f"/subscriptions/{made['id']}", later).status_code == 200
