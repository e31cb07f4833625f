"""The Graph webhooks: handshake, notifications read without trust, answers that tell nothing."""

import json
from collections.abc import Iterator
from typing import Any

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import Unavailable
from shared.services.capture.notifications import Notification
from shared.triggers.graph import MAX_BODY, MOST_ITEMS, read, receive
from tests.builders import TENANT


def request(body: bytes = b"", **params: str) -> func.HttpRequest:
    return func.HttpRequest("POST", "/api/graph/notifications", params=params, body=body)


def body(*items: Any) -> bytes:
    return json.dumps({"value": list(items)}).encode()


ITEM = {
    "subscriptionId": "99999999-8888-4777-8666-555555555555",
    "clientState": "state",
    "changeType": "created",
    "tenantId": TENANT.upper(),
    "resource": "Users('x')/Messages('y')",
    "resourceData": {"@odata.type": "#Microsoft.Graph.Message", "id": "AAMk="},
}


class Taken:
    def __init__(self, error: Exception | None = None) -> None:
        self.items: list[Notification] = []
        self.error = error

    def __call__(self, items: Iterator[Notification]) -> None:
        self.items += items
        if self.error:
            raise self.error


def test_the_handshake_echoes_the_decoded_token_as_plain_text() -> None:
    answer = receive(request(validationToken="Validation: Testing client & more"), Taken())
    assert answer.status_code == 200
    assert answer.get_body() == b"Validation: Testing client & more"
    assert answer.mimetype == "text/plain"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("token", ["<script>", "a>b", "x" * 5_000])
def test_a_token_that_graph_would_not_send_is_refused(token: str) -> None:
    answer = receive(request(validationToken=token), Taken())
    assert (answer.status_code, answer.get_body()) == (400, b"")


def test_notifications_are_taken_and_acknowledged() -> None:
    taken = Taken()
    answer = receive(request(body(ITEM)), taken)
    assert answer.status_code == 202
    assert taken.items == [Notification(TENANT, "state", "AAMk=", "created", "")]


def test_a_lifecycle_item_needs_no_resource() -> None:
    item = {"tenantId": TENANT, "clientState": "state", "lifecycleEvent": "missed"}
    taken = Taken()
    receive(request(body(item)), taken)
    assert taken.items == [Notification(TENANT, "state", "", "", "missed")]


def test_graph_is_asked_to_try_again_when_queueing_fails() -> None:
    assert receive(request(body(ITEM)), Taken(Unavailable("queue down"))).status_code == 503


def test_a_body_is_read_to_its_thousandth_item() -> None:
    taken = Taken()
    assert receive(request(body(*[ITEM] * (MOST_ITEMS + 1))), taken).status_code == 202
    assert len(taken.items) == MOST_ITEMS == 1_000


@pytest.mark.parametrize("content", [b"", b"mail", b"[]", b'{"value": 3}', b"{" + b" " * MAX_BODY])
def test_a_body_that_is_no_notification_is_refused(content: bytes) -> None:
    taken = Taken()
    assert receive(request(content), taken).status_code == 400
    assert taken.items == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(ITEM)), inner, max_size=6)
    ),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=4))
def test_no_item_makes_reading_fail(items: list[Any]) -> None:
    read_items = list(read(body(*items)))
    assert len(read_items) == sum(isinstance(one, dict) for one in items)
