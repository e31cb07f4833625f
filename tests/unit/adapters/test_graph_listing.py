"""Folders listed by receipt time: what is asked, in pages of which size, and what breaks them."""

import re
from datetime import datetime, timedelta
from urllib.parse import parse_qs, unquote

import pytest

from shared.adapters.graph import listing
from shared.adapters.graph.mail import GraphMailbox
from shared.domain.capture.windows import Window, is_done
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
    assert page.cursor == f"10 {LINK}#properties"


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


def unsorted(*received: str) -> tuple[GraphMailbox, FakeGraph]:
    """A Graph that refuses to sort, over a folder with mail of these moments of a day."""
    entries = [{"id": moment, "receivedDateTime": f"2026-03-02T{moment}Z"} for moment in received]

    def answer(asked: Asked) -> Reply:
        if "orderby" in asked.target:
            return error(400, "BadRequest")
        start, end = re.findall(r"receivedDateTime (?:ge|lt) (\S+?Z)", unquote(asked.target))
        found = [entry for entry in entries if start <= entry["receivedDateTime"] < end]
        return Reply({"@odata.count": len(found), "value": found})

    return mail(answer)


def read_through(source: GraphMailbox) -> list[str]:
    """What a whole window shows, page after page, each mail once."""
    rest: Window | None = WINDOW
    found: list[str] = []
    while rest is not None:
        page = source.list("f", rest)
        rest = rest.after([item.received_at for item in page.items], page.cursor)
        found += [item.item.item_id for item in page.items if is_done(item.received_at, rest)]
    return found


@pytest.mark.parametrize(
    "received",
    [
        ["09:59:59", "09:30:00", "09:00:00", "09:00:01"],
        # Nothing behind the window's first second in its older half.
        ["09:50:00", "09:00:00", "09:50:01", "09:50:02"],
        # Nothing in its older half at all.
        ["09:50:00", "09:50:01", "09:50:02"],
        ["09:00:00"],
        [],
    ],
)
def test_where_graph_does_not_sort_a_long_window_is_sorted_part_by_part(
    monkeypatch: pytest.MonkeyPatch, received: list[str]
) -> None:
    monkeypatch.setattr(listing, "MOST_SORTED", 2)
    source, graph = unsorted(*received)
    assert read_through(source) == sorted(received)
    counted = [asked for asked in graph.asked if "$count" in asked.target]
    assert counted, "no ids are listed of a window that was not counted"


def test_where_graph_does_not_sort_a_window_of_years_is_halved_before_its_ids_are_listed() -> None:
    """A million ids would not fit into the memory of a small instance."""

    def answer(asked: Asked) -> Reply:
        if "orderby" in asked.target:
            return error(400, "BadRequest")
        if "$count" in asked.target:
            start, end = re.findall(r"(?:ge|lt) (\S+?)Z", unquote(asked.target))
            span = datetime.fromisoformat(end) - datetime.fromisoformat(start)
            return Reply({"@odata.count": int(span.total_seconds()), "value": []})
        return Reply({"value": [ENTRY]})

    source, graph = mail(answer)
    source.list("f", Window(NOW, NOW + timedelta(days=3_650)))
    [start, end] = re.findall(r"(?:ge|lt) (\S+?)Z", unquote(graph.asked[-1].target))
    span = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    assert span.total_seconds() <= listing.MOST_SORTED
    assert len(graph.asked) < 40


SENT = fixture("sent_without_headers")


def test_a_link_that_was_made_without_properties_is_not_read_as_one_with_them() -> None:
    """Another process made it, to which Graph refused them: who knows whether such mail is private."""
    source, _ = mail(Reply({"value": [SENT]}))
    page = source.list("f", Window(NOW, WINDOW.end, f"50 {LINK}"), with_heads=True)
    assert [item.head for item in page.items] == [None]


def test_a_link_that_was_made_with_properties_says_so_on_every_page() -> None:
    source, graph = mail(Reply({"value": [SENT], "@odata.nextLink": LINK}))
    cursor = source.list("f", WINDOW, with_heads=True).cursor
    for _ in range(2):
        page = source.list("f", Window(NOW, WINDOW.end, cursor), with_heads=True)
        assert (page.cursor, [item.head is not None for item in page.items]) == (cursor, [True])
    assert LINK.endswith(graph.asked[-1].target)
