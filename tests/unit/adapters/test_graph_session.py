"""What goes over the wire to Graph, and what never does."""

from typing import Any

import pytest
import requests

from shared.domain.errors import AccessDenied, Rejected, Throttled, Unavailable
from tests.builders import TENANT
from tests.graph_transport import Asked, FakeGraph, Reply, error, session_with

OK = Reply({"id": "1"})


def test_every_request_asks_for_immutable_ids_and_carries_the_tenants_token() -> None:
    graph = FakeGraph(OK)
    session = session_with(graph)
    session.get(TENANT, "/users/1", prefer="odata.maxpagesize=50")
    session.post(TENANT, "/subscriptions", {"a": 1})
    session.patch(TENANT, "/subscriptions/1", {"a": 1})
    session.delete(TENANT, "/subscriptions/1")
    assert [one.method for one in graph.asked] == ["GET", "POST", "PATCH", "DELETE"]
    assert all(one.headers["Authorization"] == f"Bearer {TENANT}-1" for one in graph.asked)
    assert graph.asked[0].headers["Prefer"] == 'IdType="ImmutableId", odata.maxpagesize=50'
    assert graph.asked[1].headers["Prefer"] == 'IdType="ImmutableId"'
    assert graph.asked[0].target == "/v1.0/users/1"


def test_a_refused_token_is_replaced_once() -> None:
    graph = FakeGraph(error(401, "InvalidAuthenticationToken"), OK)
    assert session_with(graph).get(TENANT, "/users/1") == {"id": "1"}
    assert [one.headers["Authorization"] for one in graph.asked] == [
        f"Bearer {TENANT}-1",
        f"Bearer {TENANT}-2",
    ]


def test_a_token_refused_twice_is_access_denied() -> None:
    graph = FakeGraph(error(401, "InvalidAuthenticationToken"))
    with pytest.raises(AccessDenied):
        session_with(graph).get(TENANT, "/users/1")
    assert len(graph.asked) == 2


def test_a_broken_connection_is_tried_again_at_once_for_a_get() -> None:
    graph = FakeGraph(requests.ConnectionError("reset"), OK)
    assert session_with(graph).get(TENANT, "/users/1") == {"id": "1"}


@pytest.mark.parametrize(
    "first", [requests.ConnectionError("reset"), error(401, "InvalidAuthenticationToken")]
)
def test_nothing_is_tried_again_while_the_mailbox_is_to_be_left_alone(first: Any) -> None:
    def told_meanwhile(_: Asked) -> Any:
        session.waits.note(TENANT, "/users/1/messages", Throttled("slow", 60))
        return first

    graph = FakeGraph(told_meanwhile, OK)
    session = session_with(graph)
    with pytest.raises(Throttled):
        session.get(TENANT, "/users/1/messages/2")
    assert len(graph.asked) == 1


def test_a_connection_that_breaks_twice_is_unavailable() -> None:
    graph = FakeGraph(requests.ConnectionError("reset"))
    with pytest.raises(Unavailable, match="ConnectionError"):
        session_with(graph).get(TENANT, "/users/1")
    assert len(graph.asked) == 2


def test_a_post_over_a_broken_connection_is_not_sent_again() -> None:
    graph = FakeGraph(requests.ConnectionError("reset"), OK)
    with pytest.raises(Unavailable):
        session_with(graph).post(TENANT, "/subscriptions", {})
    assert len(graph.asked) == 1


def test_a_timeout_is_left_to_the_queue() -> None:
    graph = FakeGraph(requests.ReadTimeout("60 s"), OK)
    with pytest.raises(Unavailable, match="ReadTimeout"):
        session_with(graph).get(TENANT, "/users/1")
    assert len(graph.asked) == 1


@pytest.mark.parametrize(
    "link",
    [
        "https://graph.microsoft.com.evil.example/v1.0/x",
        "https://graph.microsoft.com@evil.example/v1.0/x",
        "https://evil.example/https://graph.microsoft.com/",
        "http://graph.microsoft.com/v1.0/x",
        "\\\\evil.example\\x",
    ],
)
def test_a_link_to_another_host_never_sees_a_token(link: str) -> None:
    graph = FakeGraph(OK)
    session = session_with(graph)
    session.http.mount("https://", graph)
    session.http.mount("http://", graph)
    with pytest.raises(Rejected, match="away from"):
        session.get(TENANT, link)
    assert graph.asked == []


def test_a_link_without_a_scheme_is_a_path_on_graph() -> None:
    graph = FakeGraph(OK)
    session_with(graph).get(TENANT, "//evil.example/v1.0/x")
    assert graph.asked[0].target == "/v1.0//evil.example/v1.0/x"


def test_a_link_to_graph_is_followed_as_given() -> None:
    graph = FakeGraph(OK)
    session_with(graph).get(TENANT, "https://Graph.Microsoft.com/v1.0/delta?$skiptoken=aB%2Bc")
    assert graph.asked[0].target == "/v1.0/delta?$skiptoken=aB%2Bc"


def test_a_redirect_is_not_followed() -> None:
    graph = FakeGraph(Reply(None, 302, {"Location": "https://evil.example/"}), OK)
    with pytest.raises(Rejected):
        session_with(graph).get(TENANT, "/users/1")
    assert len(graph.asked) == 1


def test_a_page_that_is_no_json_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        session_with(FakeGraph(Reply(b"<html>gateway</html>"))).get(TENANT, "/users/1")


def test_lists_are_read_to_their_last_page() -> None:
    link = "https://graph.microsoft.com/v1.0/next?$skip=1"
    graph = FakeGraph(
        Reply({"value": [{"id": "1"}], "@odata.nextLink": link}),
        Reply({"value": [], "@odata.nextLink": link}),
        Reply({"value": [{"id": "2"}]}),
    )
    assert [one["id"] for one in session_with(graph).pages(TENANT, "/list")] == ["1", "2"]


def test_bytes_are_streamed_in_chunks() -> None:
    data = b"x" * 150_000
    with session_with(FakeGraph(Reply(data))).stream(TENANT, "/value") as chunks:
        assert [len(one) for one in chunks] == [65_536, 65_536, 18_928]
