"""Delta of a folder, with every habit that clients stumble over."""

from collections.abc import Iterator

import pytest

from dev.simulator.client import Control
from tests.simulator.conftest import IMMUTABLE, Graph, a_mail

pytestmark = pytest.mark.stack


def walk(graph: Graph, url: str, **headers: str) -> tuple[list[dict], str, int]:
    """(items, delta link, number of pages)."""
    items, pages = [], 0
    while True:
        page = graph.get(url, **headers)
        items, pages = items + page["value"], pages + 1
        if "@odata.deltaLink" in page:
            assert "@odata.nextLink" not in page
            return items, page["@odata.deltaLink"], pages
        url = page["@odata.nextLink"]


def in_pages_of(size: int) -> dict[str, str]:
    """Headers with that preference."""
    return {"Prefer": f"{IMMUTABLE['Prefer']}, odata.maxpagesize={size}"}


@pytest.fixture
def inbox(mailbox: str) -> str:
    return f"{mailbox}/mailFolders/inbox/messages/delta"


@pytest.fixture
def polite(control: Control) -> Iterator[None]:
    """No empty pages and no repeats, where a test is about something else."""
    control.put_habits(empty_delta_pages=False, repeated_delta_items=False)
    yield


def test_a_walk_over_pages_finds_every_mail(graph: Graph, control: Control, address: str, inbox: str) -> None:
    given = {control.deliver(address, a_mail(n))["id"] for n in range(25)}
    items, _, pages = walk(graph, f"{inbox}?$select=id", **in_pages_of(4))
    assert {one["id"] for one in items} == given
    assert pages >= 7


def test_pages_may_be_empty_and_items_may_come_twice(
    graph: Graph, control: Control, address: str, inbox: str
) -> None:
    for number in range(40):
        control.deliver(address, a_mail(number))
    url, sizes, seen = f"{inbox}?$select=id", [], []
    while url:
        page = graph.get(url, **in_pages_of(2))
        sizes.append(len(page["value"]))
        seen += [one["id"] for one in page["value"]]
        url = page.get("@odata.nextLink")
    assert 0 in sizes
    assert len(seen) > len(set(seen)) == 40


def test_parentheses_and_page_size_by_preference_work(
    graph: Graph, control: Control, address: str, mailbox: str, polite: None
) -> None:
    for number in range(3):
        control.deliver(address, a_mail(number))
    page = graph.get(
        f"{mailbox}/mailFolders('inbox')/messages/delta()?%24select=subject", Prefer="odata.maxpagesize=2"
    )
    assert len(page["value"]) == 2
    assert set(page["value"][0]) == {"@odata.etag", "id", "subject"}


def test_an_update_of_a_known_item_is_partial(
    graph: Graph, control: Control, address: str, inbox: str, polite: None
) -> None:
    item = control.deliver(address, a_mail())["id"]
    _, link, _ = walk(graph, inbox, **IMMUTABLE)
    control.update(address, item, isRead=True)
    (change,), _, _ = walk(graph, link, **IMMUTABLE)
    assert set(change) == {"@odata.etag", "id", "isRead"}
    assert change["id"] == item


def test_a_new_item_that_was_also_updated_comes_whole(
    graph: Graph, control: Control, address: str, inbox: str, polite: None
) -> None:
    _, link, _ = walk(graph, f"{inbox}?$select=subject,isRead", **IMMUTABLE)
    control.update(address, control.deliver(address, a_mail(subject="New"))["id"], isRead=True)
    (change,), _, _ = walk(graph, link, **IMMUTABLE)
    assert (change["subject"], change["isRead"]) == ("New", True)


def test_a_round_of_changes_over_several_pages_tells_each_once_and_whole(
    graph: Graph, control: Control, address: str, inbox: str, polite: None
) -> None:
    _, link, _ = walk(graph, f"{inbox}?$select=subject", **IMMUTABLE)
    given = [control.deliver(address, a_mail(n))["id"] for n in range(5)]
    control.update(address, given[0], isRead=True)
    items, after, pages = walk(graph, link, **in_pages_of(2))
    assert sorted(one["id"] for one in items) == sorted(given)
    assert all("subject" in one for one in items)
    assert pages == 3
    assert walk(graph, after, **IMMUTABLE)[0] == []


def test_a_move_is_a_removal_in_one_folder_and_an_addition_in_the_other(
    graph: Graph, control: Control, address: str, mailbox: str, inbox: str, polite: None
) -> None:
    item = control.deliver(address, a_mail())["id"]
    archive = f"{mailbox}/mailFolders/archive/messages/delta"
    _, from_inbox, _ = walk(graph, inbox, **IMMUTABLE)
    _, from_archive, _ = walk(graph, archive, **IMMUTABLE)
    control.move(address, item, "archive")
    removed, _, _ = walk(graph, from_inbox, **IMMUTABLE)
    added, _, _ = walk(graph, from_archive, **IMMUTABLE)
    assert removed == [
        {"@odata.type": "#microsoft.graph.message", "id": item, "@removed": {"reason": "changed"}}
    ]
    assert [one["id"] for one in added] == [item]


def test_a_lost_move_is_told_in_the_folder_that_was_left_only(
    graph: Graph, control: Control, address: str, mailbox: str, inbox: str, polite: None
) -> None:
    item = control.deliver(address, a_mail())["id"]
    archive = f"{mailbox}/mailFolders/archive/messages/delta"
    _, from_inbox, _ = walk(graph, inbox, **IMMUTABLE)
    _, from_archive, _ = walk(graph, archive, **IMMUTABLE)
    control.put_faults(lost_moves=1.0)
    control.move(address, item, "archive")
    assert [(one["id"], "@removed" in one) for one in walk(graph, from_inbox, **IMMUTABLE)[0]] == [
        (item, True)
    ]
    assert walk(graph, from_archive, **IMMUTABLE)[0] == []
    assert [one["id"] for one in walk(graph, archive, **IMMUTABLE)[0]] == [item]
    assert control.faults()["struck"]["lost_moves"] == 1


def test_an_item_that_left_and_came_back_is_reported_removed_and_never_again(
    graph: Graph, control: Control, address: str, inbox: str, polite: None
) -> None:
    item = control.deliver(address, a_mail())["id"]
    _, link, _ = walk(graph, inbox, **IMMUTABLE)
    control.move(address, item, "archive")
    control.move(address, item, "inbox")
    items, link, _ = walk(graph, link, **IMMUTABLE)
    assert [(one["id"], "@removed" in one) for one in items] == [(item, True)]
    assert walk(graph, link, **IMMUTABLE)[0] == []


def test_with_mutable_ids_the_same_detour_shows_the_new_id(
    graph: Graph, control: Control, address: str, inbox: str, polite: None
) -> None:
    item = control.deliver(address, a_mail())["id"]
    (before,), link, _ = walk(graph, inbox)
    control.move(address, item, "archive")
    after = control.move(address, item, "inbox")["mutableId"]
    items, _, _ = walk(graph, link)
    assert {(one["id"], "@removed" in one) for one in items} == {(before["id"], True), (after, False)}


def test_a_deleted_item_is_removed_for_good(
    graph: Graph, control: Control, address: str, inbox: str, polite: None
) -> None:
    item = control.deliver(address, a_mail())["id"]
    _, link, _ = walk(graph, inbox, **IMMUTABLE)
    control.delete(address, item, hard=True)
    (gone,), _, _ = walk(graph, link, **IMMUTABLE)
    assert gone["@removed"] == {"reason": "deleted"}


def test_the_window_filter_holds_for_later_rounds(
    graph: Graph, control: Control, address: str, inbox: str, polite: None
) -> None:
    control.deliver(address, a_mail(1), received="2026-01-01T00:00:00Z")
    new = control.deliver(address, a_mail(2), received="2026-02-01T00:00:00Z")["id"]
    items, link, _ = walk(graph, f"{inbox}?$filter=receivedDateTime ge 2026-01-15T00:00:00Z", **IMMUTABLE)
    assert [one["id"] for one in items] == [new]
    control.deliver(address, a_mail(3), received="2026-01-02T00:00:00Z")
    assert walk(graph, link, **IMMUTABLE)[0] == []


@pytest.mark.parametrize(
    "options",
    [
        "$filter=isRead eq false",
        "$orderby=subject",
        "$search=x",
        "$filter=receivedDateTime lt 2026-01-01T00:00:00Z",
    ],
)
def test_delta_takes_no_other_options(graph: Graph, inbox: str, options: str) -> None:
    assert graph("GET", f"{inbox}?{options}").status_code == 400


def test_unknown_and_expired_tokens_are_gone(graph: Graph, control: Control, inbox: str) -> None:
    for token in ("nonsense", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"):
        answer = graph("GET", f"{inbox}?$deltatoken={token}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (410, "SyncStateNotFound")
    _, link, _ = walk(graph, inbox)
    control.put_faults(expire_delta_tokens=1.0)
    assert graph("GET", link).status_code == 410
    assert control.faults()["struck"]["expire_delta_tokens"] == 1


def test_a_poisonous_item_and_a_large_page_fail(
    graph: Graph, control: Control, address: str, mailbox: str, inbox: str, polite: None
) -> None:
    bad = control.deliver(address, a_mail(1))["id"]
    control.put_faults(poison_ids=[bad])
    assert graph("GET", inbox).status_code == 500
    assert graph("GET", f"{mailbox}/messages").status_code == 500
    control.put_faults(page_limit=5)
    assert graph("GET", inbox, **in_pages_of(6)).status_code == 504
    assert graph("GET", inbox, **in_pages_of(5)).status_code == 200


@pytest.mark.parametrize(("habit", "shown"), [("caps", 5), ("ignored", 12)])
def test_top_caps_the_whole_round_or_is_ignored(
    graph: Graph, control: Control, address: str, inbox: str, habit: str, shown: int
) -> None:
    control.put_habits(delta_top=habit, empty_delta_pages=False, repeated_delta_items=False)
    for number in range(12):
        control.deliver(address, a_mail(number))
    items, link, _ = walk(graph, f"{inbox}?$select=id&$top=5", **in_pages_of(2))
    assert len(items) == shown
    new = control.deliver(address, a_mail(99))["id"]
    assert [one["id"] for one in walk(graph, link, **IMMUTABLE)[0]] == [new]


def test_top_may_be_refused(graph: Graph, control: Control, inbox: str) -> None:
    control.put_habits(delta_top="refused")
    assert graph("GET", f"{inbox}?$top=5").status_code == 400
    assert graph("GET", inbox).status_code == 200


@pytest.mark.parametrize(("habit", "status"), [("400", 400), ("500", 500), ("ignored", 200), ("taken", 200)])
def test_extended_properties_are_refused_unless_told_otherwise(
    graph: Graph, control: Control, address: str, inbox: str, habit: str, status: int
) -> None:
    control.put_habits(delta_expand=habit)
    control.deliver(address, a_mail())
    properties = "singleValueExtendedProperties($filter=id eq 'String 0x1042')"
    answer = graph("GET", f"{inbox}?$select=subject&$expand={properties}")
    assert answer.status_code == status
    if habit == "400":
        assert "(Parameter 'initialState')" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("habit", "shown"), [("ignored", 0), ("taken", 255)])
def test_properties_are_cut_as_in_a_list_or_not_shown_at_all(
    graph: Graph, control: Control, address: str, inbox: str, habit: str, shown: int
) -> None:
    control.put_habits(delta_expand=habit, empty_delta_pages=False)
    chain = " ".join(f"<{number:02}-{'x' * 40}@fabrikam.example>" for number in range(12))
    control.deliver(address, a_mail(extra=f"References: {chain}\r\n"))
    properties = "singleValueExtendedProperties($filter=id eq 'String 0x1039')"
    [entry] = graph("GET", f"{inbox}?$select=subject&$expand={properties}").json()["value"]
    assert sum(len(found["value"]) for found in entry.get("singleValueExtendedProperties", ())) == shown


def test_headers_and_page_size_are_taken_unless_they_are_refused(
    graph: Graph, control: Control, inbox: str
) -> None:
    headers = f"{inbox}?$select=internetMessageHeaders"
    assert graph("GET", headers).status_code == 200
    control.put_habits(refuses=["delta_headers", "page_size"])
    assert graph("GET", headers).status_code == 400
    assert graph("GET", inbox, **in_pages_of(5)).status_code == 400
    assert graph("GET", inbox).status_code == 200
    control.put_habits(refuses=["delta_headers"], refusal=500)
    assert graph("GET", headers).status_code == 500
