"""Folders listed by receipt time: what is asked, in pages of which size, and what breaks them."""

from datetime import timedelta
from urllib.parse import unquote

import pytest

from shared.adapters.graph.mail import GraphMailbox
from shared.domain.capture.windows import Window
from shared.domain.errors import PageBroken, Throttled
from tests.builders import NOW, a_mailbox, an_item
from tests.graph_transport import Asked, FakeGraph, Reply, error, fixture, session_with

MAILBOX = a_mailbox(user_id="u")
WINDOW = Window(NOW, NOW + timedelta(hours=1))
LINK = "https://graph.microsoft.com/v1.0/users/u/mailFolders/f/messages?$skip=500"
ENTRY = {"id": "a", "receivedDateTime": "2026-03-02T09:00:00Z"}


def mail(*answers: object) -> tuple[GraphMailbox, FakeGraph]:
    graph = FakeGraph(*answers)  # type: ignore[arg-type]
    return GraphMailbox(session_with(graph), MAILBOX), graph


def sizes(graph: FakeGraph) -> list[str]:
    return [one.headers["Prefer"].rpartition("=")[2] for one in graph.asked]


def test_ids_are_asked_for_oldest_first_five_hundred_at_a_time() -> None:
    source, graph = mail(Reply({"value": [ENTRY], "@odata.nextLink": LINK}))
    page = source.list("f", WINDOW)
    assert unquote(graph.asked[0].target) == (
        "/v1.0/users/u/mailFolders/f/messages?$select=id,receivedDateTime"
        "&$filter=receivedDateTime ge 2026-03-02T09:00:00Z and receivedDateTime lt 2026-03-02T10:00:00Z"
        "&$orderby=receivedDateTime asc"
    )
    assert sizes(graph) == ["500"]
    assert ([one.item for one in page.items], page.cursor) == ([an_item("a")], LINK)


def test_with_headers_pages_are_smaller() -> None:
    source, graph = mail(Reply({"value": [fixture("received"), ENTRY]}))
    page = source.list("f", WINDOW, with_heads=True)
    assert sizes(graph) == ["50"]
    assert [one.head is not None for one in page.items] == [True, False]
    assert page.cursor == ""


def test_inside_a_crowded_second_the_link_is_followed_as_given() -> None:
    source, graph = mail(Reply({"value": []}))
    source.list("f", Window(NOW, WINDOW.end, LINK))
    assert LINK.endswith(graph.asked[0].target)


@pytest.mark.parametrize("status", [500, 504])
def test_a_page_that_fails_is_asked_for_in_smaller_ones(status: int) -> None:
    source, graph = mail(error(status, "x"), error(status, "x"), Reply({"value": [ENTRY]}))
    assert len(source.list("f", WINDOW).items) == 1
    assert sizes(graph) == ["500", "50", "10"]


def test_when_not_even_one_item_is_answered_the_page_is_broken() -> None:
    source, graph = mail(error(500, "ErrorInternalServerError"))
    with pytest.raises(PageBroken):
        source.list("f", WINDOW, with_heads=True)
    assert sizes(graph) == ["50", "10", "1"]


def test_a_mailbox_that_is_throttled_is_not_asked_in_smaller_pages() -> None:
    source, graph = mail(error(429, "TooManyRequests", retry_after="7"))
    with pytest.raises(Throttled):
        source.list("f", WINDOW)
    assert len(graph.asked) == 1


def test_an_item_without_a_date_is_left_out() -> None:
    source, _ = mail(Reply({"value": [{"id": "b"}, ENTRY]}))
    assert [one.item for one in source.list("f", WINDOW).items] == [an_item("a")]


def test_a_count_takes_one_request() -> None:
    source, graph = mail(Reply({"@odata.count": 20_000, "value": [ENTRY]}))
    assert source.count("f", WINDOW) == 20_000
    assert graph.asked[0].target.endswith("&$count=true&$top=1")


def test_of_a_second_s_items_those_are_broken_that_fail_alone() -> None:
    def answer(asked: Asked) -> Reply:
        if "$skip=" not in asked.target:
            return Reply({"value": [{**ENTRY, "id": one} for one in "abc"]})
        return error(500, "x") if asked.target.endswith("$skip=1") else Reply({"value": []})

    source, graph = mail(answer)
    assert source.broken("f", NOW) == {an_item("b")}
    assert len(graph.asked) == 4
