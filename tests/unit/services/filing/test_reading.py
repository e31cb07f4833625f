"""What stands on timelines once mail is filed, and how far a search looks."""

from typing import Any

from shared.adapters.storage.stores.timeline import SEARCHED, AzureTimeline, _row
from shared.domain.filing.entries import KINDS, encode_cursor
from shared.ports.stores.filing import EntryFilter
from tests.builders import TENANT, a_record, a_ref, an_entry
from tests.unit.services.world import World


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

    def __init__(self) -> None:
        self.read = 0

    def rows(self, *_: Any, **__: Any) -> Any:
        for number in range(10 * SEARCHED):
            self.read += 1
            yield _row(TENANT, an_entry(message_key=f"{number:032x}"))


def test_a_search_looks_at_a_bounded_number_of_rows_and_says_where_to_go_on() -> None:
    timeline = AzureTimeline.__new__(AzureTimeline)
    table = timeline._table = CountedRows()  # type: ignore[assignment]
    wanted = EntryFilter(frozenset(KINDS), text="nowhere")
    found, following = timeline.page(TENANT, a_ref(), wanted, limit=50, after="")
    assert (found, table.read) == ([], SEARCHED + 1)
    assert following.endswith(f"{SEARCHED - 1:032x}")
    assert encode_cursor(following)
