"""Making, keeping and ending Graph's subscriptions."""

from datetime import UTC, datetime

import pytest

from shared.adapters.graph.subscriptions import GraphSubscriptions
from shared.domain.errors import NotFound, Rejected, Unavailable
from tests.builders import a_mailbox
from tests.graph_transport import FakeGraph, Reply, error, session_with

USER = "8c6b1f00-0000-4000-8000-000000000001"
MAILBOX = a_mailbox(user_id=USER)
END = datetime(2026, 3, 8, 9, 0, tzinfo=UTC)
MADE = Reply({"id": "s-2", "expirationDateTime": "2026-03-08T09:00:00.0000000Z"}, 201)


def subscriptions(*answers: Reply) -> tuple[GraphSubscriptions, FakeGraph]:
    graph = FakeGraph(*answers)
    return GraphSubscriptions(session_with(graph), "https://app.contoso.example/"), graph


def test_a_subscription_is_for_new_mail_in_all_folders_by_immutable_id() -> None:
    source, graph = subscriptions(MADE)
    made = source.create(MAILBOX, "state", END)
    assert (made.subscription_id, made.expires_at) == ("s-2", END)
    assert graph.asked[0].target == "/v1.0/subscriptions"
    assert graph.asked[0].headers["Prefer"] == 'IdType="ImmutableId"'
    assert graph.asked[0].body == {
        "changeType": "created",
        "resource": f"/users/{USER}/messages",
        "notificationUrl": "https://app.contoso.example/api/graph/notifications",
        "lifecycleNotificationUrl": "https://app.contoso.example/api/graph/lifecycle",
        "clientState": "state",
        "expirationDateTime": "2026-03-08T09:00:00Z",
        "latestSupportedTlsVersion": "v1_2",
    }


def test_one_left_by_an_earlier_try_is_replaced_and_others_are_left_alone() -> None:
    url = "https://app.contoso.example/api/graph/notifications"
    listed = [
        {"id": "s-1", "resource": f"Users/{USER}/Messages", "notificationUrl": url},
        {"id": "other-mailbox", "resource": "/users/other/messages", "notificationUrl": url},
        {"id": "other-app", "resource": f"/users/{USER}/messages", "notificationUrl": "https://b.example/x"},
    ]
    source, graph = subscriptions(
        error(409, "ObjectIdentifierInUse"), Reply({"value": listed}), Reply(None, 204), MADE
    )
    assert source.create(MAILBOX, "state", END).subscription_id == "s-2"
    assert [(one.method, one.target) for one in graph.asked] == [
        ("POST", "/v1.0/subscriptions"),
        ("GET", "/v1.0/subscriptions"),
        ("DELETE", "/v1.0/subscriptions/s-1"),
        ("POST", "/v1.0/subscriptions"),
    ]


def test_a_duplicate_that_is_not_ours_is_refused() -> None:
    duplicate = error(409, "ObjectIdentifierInUse")
    source, graph = subscriptions(duplicate, Reply({"value": []}), duplicate)
    with pytest.raises(Rejected):
        source.create(MAILBOX, "state", END)
    assert len(graph.asked) == 3


def test_a_handshake_that_failed_may_work_later() -> None:
    late = error(400, "ValidationError", message="Subscription validation request failed. [...]")
    source, _ = subscriptions(late)
    with pytest.raises(Unavailable):
        source.create(MAILBOX, "state", END)


def test_renewing_is_one_patch() -> None:
    source, graph = subscriptions(MADE)
    assert source.renew(MAILBOX, "s-2", END).expires_at == END
    assert [(one.method, one.target, one.body) for one in graph.asked] == [
        ("PATCH", "/v1.0/subscriptions/s-2", {"expirationDateTime": "2026-03-08T09:00:00Z"})
    ]


def test_renewing_one_that_is_gone_is_not_found() -> None:
    source, _ = subscriptions(error(404, "ResourceNotFound"))
    with pytest.raises(NotFound):
        source.renew(MAILBOX, "s-2", END)


@pytest.mark.parametrize("answer", [Reply(None, 204), error(404, "ResourceNotFound")])
def test_ending_one_that_is_there_or_gone_is_the_same(answer: Reply) -> None:
    source, graph = subscriptions(answer)
    source.end(MAILBOX.tenant_id, "s-2")
    assert [(one.method, one.target) for one in graph.asked] == [("DELETE", "/v1.0/subscriptions/s-2")]


def test_an_end_that_failed_is_told() -> None:
    source, _ = subscriptions(error(503, "x"))
    with pytest.raises(Unavailable):
        source.end(MAILBOX.tenant_id, "s-2")


def test_living_are_those_of_this_deployment_with_the_user_they_are_for() -> None:
    url = "https://app.contoso.example/api/graph/notifications"
    ends = "2026-03-08T09:00:00.0000000Z"
    listed = [
        {"id": "s-1", "resource": f"Users/{USER}/Messages", "notificationUrl": url},
        {"id": "s-2", "resource": "/users/Ann%40contoso.example/messages", "notificationUrl": url},
        {"id": "s-3", "resource": "/communications/calls", "notificationUrl": url},
        {"id": "other", "resource": f"/users/{USER}/messages", "notificationUrl": "https://b.example/x"},
    ]
    source, graph = subscriptions(Reply({"value": [{**one, "expirationDateTime": ends} for one in listed]}))
    found = {one.subscription_id: (one.user, one.expires_at) for one in source.living(MAILBOX.tenant_id)}
    assert found == {"s-1": (USER, END), "s-2": ("ann@contoso.example", END), "s-3": ("", END)}
    assert [one.target for one in graph.asked] == ["/v1.0/subscriptions"]
