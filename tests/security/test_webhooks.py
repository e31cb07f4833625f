"""Whoever knows the address of the webhooks: forged notifications, floods of them, and bodies that are none.

No such body costs fifty reads of storage, queues anything, or is answered otherwise than a genuine one.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import azure.functions as func
import pytest

from shared.domain.errors import Unavailable
from shared.triggers.graph import MAX_BODY, receive
from tests.builders import MAILBOX_ID, NOW, TENANT, a_subscription
from tests.composed import use_cases_over
from tests.fakes import FakePorts
from tests.unit.api.tokens import OTHER

STATE: Final = a_subscription().client_state
MOST_READS: Final = 50
# The mailboxes of the organisation, whose ids an insider might know.
IDS: Final = tuple(f"{number:032x}" for number in range(1_000))


def item(tenant: str = TENANT, state: str = STATE, **more: Any) -> dict[str, Any]:
    data = {"@odata.type": "#Microsoft.Graph.Message", "id": "AAMk="}
    return {
        "subscriptionId": "99999999-8888-4777-8666-555555555555",
        "clientState": state,
        "changeType": "created",
        "tenantId": tenant,
        "resource": "Users('x')/Messages('y')",
        "resourceData": data,
        **more,
    }


def guid(number: int) -> str:
    return f"{number:08x}-8888-4777-8666-555555555555"


def body(*items: Any) -> bytes:
    return json.dumps({"value": list(items)}).encode()


def largest(make: Callable[[int], dict[str, Any]]) -> bytes:
    """As many items as a body may hold."""
    size = len(json.dumps(make(1_000_000))) + 2
    return body(*(make(number) for number in range((MAX_BODY - 100) // size)))


FORGED: Final[dict[str, Callable[[], bytes]]] = {
    "another tenant in each item": lambda: largest(lambda n: item(guid(n), f"{n:032x}.guess")),
    "a tenant that nobody knows": lambda: largest(lambda n: item(OTHER, f"{n:032x}.guess")),
    "a tenant that is served, and mailboxes made up": lambda: largest(
        lambda n: item(TENANT, f"x{n:031x}.guess")
    ),
    "every mailbox, with a guess": lambda: body(*(item(state=f"{mailbox}.guess") for mailbox in IDS)),
    "one mailbox, with a thousand guesses": lambda: body(
        *(item(state=f"{MAILBOX_ID}.{n}") for n in range(1_000))
    ),
    "the mailbox without its secret": lambda: body(item(state=MAILBOX_ID), item(state=f"{MAILBOX_ID}.")),
    "the secret's beginning": lambda: body(*(item(state=STATE[:length]) for length in range(len(STATE)))),
    "the secret, and more": lambda: body(
        item(state=STATE + "x"), item(state=STATE + "\u0000"), item(state=f" {STATE}")
    ),
    "another tenant with the secret": lambda: body(
        item(OTHER), item("../Subscriptions"), item(f"{TENANT}|x")
    ),
    "lifecycle events": lambda: largest(lambda n: item(guid(n), lifecycleEvent="subscriptionRemoved")),
    "fields of other types": lambda: body(
        item(clientState=None),
        item(tenantId=7),
        item(clientState=[STATE]),
        item(tenantId={"a": STATE}),
        [STATE],
        7,
        None,
    ),
    "half characters": lambda: body(
        item(state=f"{MAILBOX_ID}.\ud800"), item(state="\udfff.x"), item(tenant="\ud800")
    ),
    "nothing but numbers": lambda: body(*range(100_000)),
    "keys that repeat": lambda: (
        b'{"value":[],"value":[' + b'{"clientState":"a.b","clientState":"c.d"},' * 9 + b"{}]}"
    ),
}
NO_BODIES: Final[dict[str, Callable[[], bytes]]] = {
    "nested arrays": lambda: b"[" * 100_000,
    "nested values": lambda: b'{"value":' * 100_000,
    "nested items": lambda: b'{"value":[' + b'{"resourceData":' * 100_000,
    "a number of a million digits": lambda: b'{"value":[' + b"9" * 1_000_000 + b"]}",
    "no UTF-8": lambda: b'{"value":["\xff\xfe"]}',
    "no JSON": lambda: b"<xml/>",
    "nothing": lambda: b"",
    "too much": lambda: b'{"value":[' + b" " * MAX_BODY + b"]}",
    "a value that is no list": lambda: b'{"value":{"0":{}}}',
}


@pytest.fixture
def storage() -> FakePorts:
    """An organisation with a thousand mailboxes; the secret of one is in STATE."""
    made = FakePorts()
    for mailbox_id in (MAILBOX_ID, *IDS):
        state = STATE if mailbox_id == MAILBOX_ID else f"{mailbox_id}.{'s' * 43}"
        made.subscriptions.put(TENANT, a_subscription(mailbox_id=mailbox_id, client_state=state))
    made.faults.clear()
    return made


def post(content: bytes, take: Any, **params: str) -> func.HttpResponse:
    return receive(func.HttpRequest("POST", "/api/graph/notifications", params=params, body=content), take)


def taker(storage: FakePorts, clock: Callable[[], datetime] = lambda: NOW) -> Any:
    return use_cases_over(storage, clock).take_notifications


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_body_costs_few_reads_queues_nothing_and_is_answered_like_a_genuine_one(
    storage: FakePorts, name: str
) -> None:
    take, content = taker(storage), FORGED[name]()
    genuine = post(body(item()), taker(storage))
    storage.queue.sent.clear()
    storage.faults.clear()
    answer = post(content, take)
    assert (answer.status_code, answer.get_body()) == (genuine.status_code, genuine.get_body()) == (202, b"")
    assert dict(answer.headers) == dict(genuine.headers)
    assert len(storage.faults.reads) < MOST_READS
    assert (storage.queue.sent, storage.faults.writes) == ([], [])


@pytest.mark.parametrize("name", NO_BODIES)
def test_a_body_that_is_none_is_refused_before_anything_is_read(storage: FakePorts, name: str) -> None:
    answer = post(NO_BODIES[name](), taker(storage))
    assert (answer.status_code, answer.get_body()) == (400, b"")
    assert storage.faults.reads == []


def test_in_a_flood_genuine_notifications_are_taken_and_read_nothing(storage: FakePorts) -> None:
    now = [NOW]
    take = taker(storage, lambda: now[0])
    post(body(item()), take)
    storage.faults.clear()
    forged = [make() for name, make in FORGED.items() if "mailbox" in name or "tenant" in name]
    for number in range(20):
        post(forged[number % len(forged)], take)
        assert post(body(item()), take).status_code == 202
        now[0] += timedelta(seconds=1)
    taken = [name for name in storage.faults.writes if name == "CommandQueue.send"]
    assert len(taken) == 20, "one for each genuine notification"
    assert len(storage.faults.reads) < 20 * MOST_READS


def test_only_storage_that_fails_is_no_202(storage: FakePorts) -> None:
    storage.faults.named["Subscriptions.get"] = Unavailable("down")
    for content in (body(item()), FORGED["another tenant in each item"]()):
        assert post(content, taker(storage)).status_code == 503


@pytest.mark.parametrize(
    "token", ["<script>alert(1)</script>", "a" * 5_000, "x>y", "<", "</textarea>" * 9, "\u003cimg src=x>"]
)
def test_a_handshake_echoes_no_markup(token: str) -> None:
    answer = post(b"", None, validationToken=token)
    assert (answer.status_code, answer.get_body()) == (400, b"")


def test_a_handshake_that_is_echoed_is_plain_text_whatever_it_holds() -> None:
    for token in ("javascript:alert(1)", "a\r\nSet-Cookie: x=1", "{{7*7}}", "' or 1=1", "\u202e"):
        answer = post(b"", None, validationToken=token)
        assert (answer.status_code, answer.mimetype) == (200, "text/plain")
        assert answer.get_body().decode() == token
        assert list(answer.headers.items()) == [("X-Content-Type-Options", "nosniff")]
