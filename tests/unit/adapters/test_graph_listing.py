"""Folders listed by receipt time: what is asked, in pages of which size, and what breaks them."""

from datetime import timedelta
from urllib.parse import parse_qs, unquote

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
    return [parse_qs(unquote(asked.target))["$top"][0] for asked in graph.asked]


def test_ids_are_asked_for_oldest_first_five_hundred_at_a_time() -> None:
    source, graph = mail(Reply({"value": [ENTRY], "@odata.nextLink": LINK}))
    page = source.list("f", WINDOW)
    assert unquote(graph.asked[0].target) == (
        "/v1.0/users/u/mailFolders/f/messages?$select=id,receivedDateTime"
        "&$filter=receivedDateTime ge 2026-03-02T09:00:00Z and receivedDateTime lt 2026-03-02T10:00:00Z"
        "&$orderby=receivedDateTime asc&$top=500"
    )
    assert graph.asked[0].headers["Prefer"] == 'IdType="ImmutableId"'
    assert ([one.item for one in page.items], page.cursor) == ([an_item("a")], f"500 {LINK}")


def test_with_headers_pages_are_smaller() -> None:
    source, graph = mail(Reply({"value": [fixture("received"), ENTRY]}))
    page = source.list("f", WINDOW, with_heads=True)
    assert sizes(graph) == ["50"]
    assert [one.head is not None for one in page.items] == [True, False]
    assert page.cursor == ""


def test_where_graph_does_not_sort_the_oldest_come_first_all_the_same() -> None:
    """A page ends behind its first second, for there a cursor would have to lead on."""
    late = [{"id": f"late{n}", "receivedDateTime": "2026-03-02T09:30:00Z"} for n in range(3)]
    early = [{"id": f"early{n}", "receivedDateTime": "2026-03-02T09:00:00Z"} for n in range(600)]

    def answer(asked: Asked) -> Reply:
        return error(400, "BadRequest") if "orderby" in asked.target else Reply({"value": [*late, *early]})

    source, _ = mail(answer)
    page = source.list("f", WINDOW)
    assert [one.item.item_id for one in page.items] == [*(f"early{n}" for n in range(600)), "late0"]
    rest = WINDOW.after([one.received_at for one in page.items], page.cursor)
    assert rest == Window(NOW + timedelta(minutes=30), WINDOW.end)


def test_inside_a_crowded_second_the_link_is_followed_as_given() -> None:
    source, graph = mail(Reply({"value": []}))
    page = source.list("f", Window(NOW, WINDOW.end, f"50 {LINK}"))
    assert LINK.endswith(graph.asked[0].target)
    assert page.cursor == ""


def test_a_link_without_its_size_is_followed_too() -> None:
    """As it was stored before sizes were."""
    source, graph = mail(Reply({"value": []}))
    source.list("f", Window(NOW, WINDOW.end, LINK))
    assert LINK.endswith(graph.asked[0].target)


def test_a_page_behind_a_link_that_fails_is_asked_for_from_the_first_second_on_in_smaller_ones() -> None:
    source, graph = mail(error(504, "x"), Reply({"value": [ENTRY], "@odata.nextLink": LINK}))
    page = source.list("f", Window(NOW, WINDOW.end, f"50 {LINK}"), with_heads=True)
    assert "receivedDateTime ge 2026-03-02T09:00:00Z" in unquote(graph.asked[1].target)
    assert graph.asked[1].target.endswith("$top=10")
    assert page.cursor == f"10 {LINK}"


def test_a_page_of_one_behind_a_link_that_fails_is_broken() -> None:
    source, graph = mail(error(504, "x"))
    with pytest.raises(PageBroken):
        source.list("f", Window(NOW, WINDOW.end, f"1 {LINK}"))
    assert len(graph.asked) == 1


def test_a_page_that_takes_too_long_is_asked_for_in_smaller_ones() -> None:
    source, graph = mail(error(504, "x"), error(504, "x"), Reply({"value": [ENTRY]}))
    assert len(source.list("f", WINDOW).items) == 1
    assert sizes(graph) == ["500", "50", "10"]


def test_a_page_that_breaks_is_asked_for_in_smaller_ones() -> None:
    """A list was answered before, so none of its parts is suspected."""
    page = Reply({"value": [ENTRY]})
    source, graph = mail(page, error(500, "x"), error(500, "x"), page)
    source.list("f", WINDOW)
    assert len(source.list("f", WINDOW).items) == 1
    assert sizes(graph)[1:] == ["500", "50", "10"]


def test_when_not_even_one_item_is_answered_the_page_is_broken() -> None:
    source, graph = mail(Reply({"value": []}), error(500, "ErrorInternalServerError"))
    source.list("f", WINDOW, with_heads=True)
    with pytest.raises(PageBroken):
        source.list("f", WINDOW, with_heads=True)
    assert sizes(graph)[1:] == ["50", "10", "1"]


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
    assert "orderby" not in graph.asked[0].target


def test_of_a_second_s_items_those_are_broken_that_fail_alone() -> None:
    def answer(asked: Asked) -> Reply:
        if "$skip=" not in asked.target:
            return Reply({"value": [{**ENTRY, "id": one} for one in "abc"]})
        return error(500, "x") if asked.target.endswith("$skip=1") else Reply({"value": []})

    source, graph = mail(answer)
    assert source.broken("f", NOW) == {an_item("b")}
    assert len(graph.asked) == 4
