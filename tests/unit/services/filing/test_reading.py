"""What stands on timelines once mail is filed, and how far a search looks."""

from dataclasses import replace
from typing import Any

import pytest

from shared.adapters.storage.stores.timeline import SEARCHED, SEARCHED_TEXT, AzureTimeline, _rows
from shared.domain.filing import searching
from shared.domain.filing.entries import KINDS, encode_cursor
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.domain.privacy.callers import Caller
from shared.ports.stores.filing import EntryFilter
from tests.builders import AGENT, TENANT, a_record, a_ref, an_entry
from tests.unit.services.world import World

ANN = Caller(TENANT, frozenset({AGENT_ROLE}), oid="ann", address=AGENT)


def test_a_client_s_timeline_shows_the_mail_of_its_contacts_and_it_is_one_message() -> None:
    world = World()
    world.records(a_record("client/CL-7", domains=()), a_record(client="CL-7"))
    world.notify(world.deliver())
    (on_contact,) = world.timeline("contact/C-1")
    (on_client,) = world.timeline("client/CL-7")
    assert on_contact.message_key == on_client.message_key
    assert len(world.storage.messages.rows) == 1


def test_a_preview_is_the_sender_s_own_text_without_the_chain() -> None:
    world = World()
    world.records(a_record())
    text = "Thursday suits us.\n\nOn Monday, Ann wrote:\n> Which day?\n"
    world.notify(world.deliver(html="", text=text))
    assert world.timeline()[0].preview == "Thursday suits us."


class CountedRows:
    """A table that has more rows than anybody wants to read."""

    def __init__(self, **entry: Any) -> None:
        self.read = 0
        self.entry = entry

    def rows(self, *_: Any, **__: Any) -> Any:
        for number in range(10 * SEARCHED):
            self.read += 1
            yield next(_rows(TENANT, an_entry(message_key=f"{number:032x}", **self.entry)))


def test_a_search_looks_at_a_bounded_number_of_rows_and_says_where_to_go_on() -> None:
    timeline = AzureTimeline.__new__(AzureTimeline)
    table = timeline._table = CountedRows()  # type: ignore[assignment]
    wanted = EntryFilter(frozenset(KINDS), text="nowhere")
    found, following = timeline.page(TENANT, a_ref(), wanted, limit=50, after="")
    assert (found, table.read) == ([], SEARCHED + 1)
    assert following.endswith(f"{SEARCHED - 1:032x}")
    assert encode_cursor(following)


def test_a_search_through_mail_to_thousands_looks_at_a_bounded_amount_of_text() -> None:
    timeline = AzureTimeline.__new__(AzureTimeline)
    people = tuple(f"{number:08}@fabrikam.example" for number in range(2_000))
    table = timeline._table = CountedRows(cc=people)  # type: ignore[assignment]
    wanted = EntryFilter(frozenset(KINDS), text="nowhere")
    found, following = timeline.page(TENANT, a_ref(), wanted, limit=50, after="")
    assert found == []
    assert following
    assert table.read <= SEARCHED_TEXT // len("".join(people)) + 2


def test_a_search_goes_on_by_its_cursor_to_the_end_and_never_says_the_end_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    world.records(a_record())
    subjects = ["Harbour Road: an offer", *["Other"] * 7, "Offer for 12 Harbour Road"]
    rows = [
        an_entry(message_key=f"{number:032x}", subject=subject) for number, subject in enumerate(subjects)
    ]
    world.use_cases.ports.timeline.put(TENANT, rows)
    plain = world.storage.timeline.page

    def bounded(*args: Any, limit: int, **options: Any) -> Any:
        """Rows of the timeline two at a time, of which a search shows what it finds."""
        wanted = args[2]
        found, following = plain(*args[:2], replace(wanted, text=""), limit=2, **options)
        words = searching.words_of(wanted.text)
        return [one for one in found if searching.says(searching.text_of(one), words)], following

    monkeypatch.setattr(world.storage.timeline, "page", bounded)
    wanted = EntryFilter(frozenset(KINDS), text="offer HARBOUR")
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        page = world.read_timeline(ANN, a_ref(), wanted, limit=50, cursor=cursor)
        seen += [entry.subject for entry in page.entries]
        cursor, pages = page.cursor, pages + 1
    assert (seen, pages) == ([subjects[0], subjects[-1]], 5)
