"""The product over a Graph that is awkward: nothing is lost, and a refused option costs a few calls, not a mailbox."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest

from dev.simulator.serve import Simulator, running_simulator
from shared.domain.capture.folders import Role
from shared.domain.capture.windows import Window, is_done
from shared.domain.commands.commands import ReconcileMailbox
from shared.domain.errors import PageBroken, Throttled, TransientError
from shared.domain.mail.items import ItemRef
from shared.ports.mail import Listed, OpenMailbox
from tests.builders import AGENT, NOW
from tests.contract.graph_world import GraphWorld

pytestmark = pytest.mark.stack

STEADY = {"empty_delta_pages": False, "repeated_delta_items": False}
WINDOW = Window.of(NOW - timedelta(days=1), NOW + timedelta(days=1))
IMAGE = b"\x89PNG" + bytes(200)
# Named by mails that have them as parents, as long as a chain is that Exchange cuts in a list.
CHAIN = tuple(f"{number:02}-{'x' * 40}@fabrikam.example" for number in range(12))


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture
def world(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[GraphWorld]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", simulator.ca_file)
    simulator.control.put_habits(**STEADY)
    made = GraphWorld(simulator)
    made.control.clear_stats()
    yield made
    simulator.control.put_habits()
    simulator.control.clear_faults()


def conversations(world: GraphWorld, count: int) -> None:
    """So many mails of the buyer, and an answer to each."""
    for number in range(count):
        at = world.now - timedelta(minutes=2 * count - 2 * number)
        world.arrive(f"in{number:03}", received=at)
        answered = (f"in{number:03}@fabrikam.example",)
        world.arrive(f"out{number:03}", "sentitems", received=at + timedelta(minutes=1), answers=answered)


def box_of(world: GraphWorld) -> OpenMailbox:
    return world.mail.open(world.mailbox)


def folder_of(world: GraphWorld, role: Role) -> str:
    return next(folder.folder_id for folder in box_of(world).folders({}) if folder.role is role)


def listed(world: GraphWorld, role: Role, *, with_heads: bool = True) -> list[Listed]:
    """A whole window, page after page."""
    folder, rest = folder_of(world, role), WINDOW
    found: list[Listed] = []
    while rest is not None:
        page = box_of(world).list(folder, rest, with_heads=with_heads)
        rest = rest.after([item.received_at for item in page.items], page.cursor)
        found += [item for item in page.items if is_done(item.received_at, rest)]
    return found


def test_a_kept_search_is_no_folder_of_the_walk(world: GraphWorld) -> None:
    """It shows mail of the junk folder too, which is not captured."""
    search = {"sourceFolderIds": ["inbox", "junkemail"], "filterQuery": "isDraft eq false"}
    kept = world.control.folders(AGENT, "All of it", "inbox", search=search)
    world.arrive("in1")
    world.arrive("junk1", "junkemail")
    world.settle()
    assert kept not in {folder.folder_id for folder in box_of(world).folders({})}
    assert len(world.filed()) == 1


def test_mail_of_which_the_store_does_not_say_whether_it_was_read_counts_as_unread(world: GraphWorld) -> None:
    for name in ("read", "unread", "unknown"):
        world.arrive(name, received=NOW)
    states = {"<read@fabrikam.example>": True, "<unknown@fabrikam.example>": None}
    ids = {mail["internetMessageId"]: mail["id"] for mail in world.control.messages(AGENT)}
    for name, state in states.items():
        world.control.update(AGENT, ids[name], isRead=state)
    found = box_of(world).list(folder_of(world, Role.INBOX), WINDOW, unread=True)
    unread = {ids["<unread@fabrikam.example>"], ids["<unknown@fabrikam.example>"]}
    assert {entry.item.item_id for entry in found.items} == unread


def test_a_first_walk_reads_each_mail_once_and_the_heads_of_mail_that_shows_none(world: GraphWorld) -> None:
    conversations(world, 100)
    world.settle()
    read = world.reads()
    assert read.delta == 2 + 2 + 1, "the inbox, sent items, the archive"
    assert read.messages == 200 + 100, "sent mail shows no headers"
    assert read.round_trips <= 26
    assert len(world.filed()) == 200


def test_mail_with_headers_costs_the_walk_no_second_read(world: GraphWorld) -> None:
    for number in range(30):
        world.arrive(f"m{number}")
    world.walk()
    assert world.reads().messages == 0


def test_sent_mail_that_is_filed_already_is_not_read_again_by_the_walk(world: GraphWorld) -> None:
    world.settle()
    item = world.arrive("sent", "sentitems")
    world.notify(ItemRef("", item))
    world.control.clear_stats()
    world.settle()
    assert (world.filed(), world.reads().messages) == (["sent"], 0)


def test_mail_that_is_marked_private_is_withheld_with_and_without_headers(world: GraphWorld) -> None:
    world.arrive("open")
    world.arrive("private", sensitivity="private")
    world.arrive("sent in private", "sentitems", sensitivity="private")
    world.settle()
    assert world.filed() == ["open"]


def test_sent_mail_is_withheld_while_graph_does_not_say_whether_it_is_private(world: GraphWorld) -> None:
    world.control.put_habits(**STEADY, refuses=["properties"])
    world.arrive("received")
    for name in ("sent", "sent in private"):
        world.arrive(name, "sentitems", sensitivity="private" if "private" in name else "")
    world.settle()
    assert world.filed() == ["received"]


OPTIONS = [
    "delta_headers",
    "page_size",
    "properties",
    "nested_select",
    "content_id_cast",
    "folder_properties",
]


@pytest.mark.parametrize("refusal", [400, 500])
@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_that_graph_refuses_is_left_out_and_all_mail_is_filed(
    world: GraphWorld, option: str, refusal: int
) -> None:
    world.control.put_habits(**STEADY, refuses=[option], refusal=refusal)
    # Nothing tells sent mail that is private without its properties.
    world.configure(sensitivity=False)
    conversations(world, 30)
    world.settle()
    assert len(world.filed()) == 60
    refused = world.calls(refusal) - (world.NAMES_THAT_ARE_NO_FOLDERS if refusal == 400 else 0)
    assert 0 < refused <= 5
    known, trips = world.calls(refusal), world.reads().round_trips
    world.arrive("later", received=world.now)
    world.now += timedelta(minutes=1)
    world.settle()
    assert "later" in world.filed()
    assert world.calls(refusal) == known, "the process remembers"
    assert trips < 40


def test_a_folder_s_headers_are_read_by_id_where_the_delta_refuses_to_show_them(world: GraphWorld) -> None:
    world.control.put_habits(**STEADY, refuses=["delta_headers"])
    conversations(world, 30)
    world.walk()
    assert world.reads().messages == 60


def test_content_ids_are_listed_where_the_message_cannot_carry_them(world: GraphWorld) -> None:
    world.control.put_habits(**STEADY, refuses=["content_id_cast"])
    shown = ItemRef("", world.arrive("shown", image=IMAGE))
    plain = ItemRef("", world.arrive("plain", attachment=b"%PDF"))
    found = box_of(world).messages([shown, plain])
    assert [file.content_id for file in found[shown].attachments] == ["plan@fabrikam.example"]
    assert [file.name for file in found[plain].attachments] == ["plan.pdf"]


def test_lists_ask_for_their_size_where_graph_ignores_the_preference(world: GraphWorld) -> None:
    conversations(world, 110)
    world.control.clear_stats()
    assert len(listed(world, Role.INBOX, with_heads=False)) == 110
    assert world.reads().lists == 1


@pytest.mark.parametrize("refusal", [400, 500])
@pytest.mark.parametrize("option", ["orderby", "list_properties"])
@pytest.mark.parametrize("with_heads", [False, True])
def test_a_list_does_without_what_is_refused(
    world: GraphWorld, option: str, refusal: int, *, with_heads: bool
) -> None:
    world.control.put_habits(**STEADY, refuses=[option], refusal=refusal)
    conversations(world, 70)
    found = listed(world, Role.SENT, with_heads=with_heads)
    assert [item.received_at for item in found] == sorted(item.received_at for item in found)
    assert len({item.item for item in found}) == len(found) == 70
    refused = world.calls(refusal) - (world.NAMES_THAT_ARE_NO_FOLDERS if refusal == 400 else 0)
    assert refused <= 5


def test_a_chain_of_parents_that_a_list_cuts_is_read_by_id(world: GraphWorld) -> None:
    world.arrive("short", "sentitems", answers=CHAIN[:2])
    world.arrive("long", "sentitems", answers=CHAIN)
    heads = [item.head for item in listed(world, Role.SENT)]
    assert [head.references for head in heads if head] == [CHAIN[:2]]
    assert heads.count(None) == 1


def test_where_lists_are_not_cut_no_chain_is_read_again(world: GraphWorld) -> None:
    world.control.put_habits(**STEADY, cut_properties=False)
    world.arrive("short", "sentitems", answers=CHAIN[:2])
    assert [item.head is not None for item in listed(world, Role.SENT)] == [True]


def test_a_list_that_takes_too_long_goes_on_in_smaller_pages_from_the_last_date(world: GraphWorld) -> None:
    conversations(world, 120)
    world.control.put_faults(page_limit=50)
    assert len(listed(world, Role.INBOX, with_heads=False)) == 120


def test_a_crowded_second_is_read_to_its_end_although_its_pages_turn_out_too_large(
    world: GraphWorld,
) -> None:
    for number in range(60):
        world.arrive(f"m{number}", received=NOW)
    inbox, window = folder_of(world, Role.INBOX), Window.second(NOW)
    first = box_of(world).list(inbox, window, with_heads=True)
    assert (len(first.items), first.cursor != "") == (50, True)
    world.control.put_faults(page_limit=10)
    found: set[ItemRef] = set()
    rest: Window | None = Window(window.start, window.end, first.cursor)
    while rest is not None:
        page = box_of(world).list(inbox, rest, with_heads=True)
        rest = rest.after([item.received_at for item in page.items], page.cursor)
        found |= {item.item for item in page.items}
    assert len(found) == 60


def test_a_broken_page_is_no_option_s_fault(world: GraphWorld) -> None:
    """It is the first that this process asks for: what it is asked with is not known yet."""
    items = [world.arrive(f"m{number}") for number in range(3)]
    world.control.put_faults(poison_ids=[items[-1]])
    inbox = folder_of(world, Role.INBOX)
    for _ in range(2):
        with pytest.raises(PageBroken):
            box_of(world).changes(inbox, "", None)
    world.control.clear_faults()
    world.control.clear_stats()
    world.settle()
    assert (len(world.filed()), world.reads().messages) == (3, 3)


def test_reconciliation_finds_sent_mail_that_no_walk_has_seen(world: GraphWorld) -> None:
    world.settle()
    world.arrive("missed", "sentitems")
    world.run(ReconcileMailbox.of(world.mailbox, world.now))
    world.work()
    assert world.filed() == ["missed"]


@pytest.mark.parametrize("answer", ["400", "500"])
def test_no_delta_asks_for_what_graph_refuses_there(world: GraphWorld, answer: str) -> None:
    world.control.put_habits(**STEADY, delta_expand=answer, delta_top="refused")
    conversations(world, 2)
    world.settle()
    assert (len(world.filed()), world.calls(500)) == (4, 0)
    assert world.calls(400) == world.NAMES_THAT_ARE_NO_FOLDERS


def test_many_mailboxes_are_looked_up_fifteen_at_a_time(world: GraphWorld) -> None:
    ids = [world.control.users(world.mailbox.tenant_id, f"u{n}@contoso.example") for n in range(31)]
    found = world.graph_probe().users(world.mailbox.tenant_id, ids)
    assert (len(found), world.calls(400)) == (31, 0)


@pytest.mark.parametrize("by_case", [True, False])
def test_a_mailbox_is_found_by_its_alias(world: GraphWorld, *, by_case: bool) -> None:
    world.control.put_habits(**STEADY, proxies_by_case=by_case)
    world.control.users(world.mailbox.tenant_id, AGENT, aliases=["alex@contoso.example"])
    assert world.found_by("alex@contoso.example") == AGENT


def test_chats_that_are_notified_from_a_folder_that_graph_does_not_list_cost_one_walk(
    world: GraphWorld,
) -> None:
    world.settle()
    world.now += timedelta(hours=2)
    chats = [world.arrive(f"chat{number}", "TeamsMessagesData") for number in range(20)]
    world.control.clear_stats()
    for item in chats:
        world.notify(ItemRef("", item))
    world.work()
    asked = world.reads()
    assert (asked.messages, asked.delta, asked.folders) == (20, 3, 2)
    assert {world.outcome(ItemRef("", item)) for item in chats} == {("skipped", "folder_unlisted")}
    assert world.filed() == []


@pytest.mark.parametrize(("kind", "wait"), [("503", 0), ("503", 1.5), ("504", 1.5), ("429", 0)])
def test_a_batch_that_fails_as_a_whole_loses_nothing(world: GraphWorld, kind: str, wait: float) -> None:
    conversations(world, 5)
    world.control.put_faults(batch_errors=1, error_kinds=[kind], busy_retry_after_s=wait)
    with suppress(TransientError):  # the queue tries again
        world.walk()
    assert world.control.faults()["struck"]["batch_errors"] >= 1
    world.control.clear_faults()
    world.wait_out(1 if kind == "429" else wait)
    world.settle()
    assert len(world.filed()) == 10


def test_where_graph_says_how_long_it_is_busy_it_is_not_asked_before(world: GraphWorld) -> None:
    world.control.put_faults(error_rate=1, error_kinds=["503"], busy_retry_after_s=30.5)
    for _ in range(3):
        with pytest.raises(Throttled):
            box_of(world).folders({})
    assert (world.calls(), world.control.stats()["calls_before_retry_after"]) == (1, 0)
