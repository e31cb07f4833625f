"""Who was in Bcc is not to be inferred: not from timelines, messages, links, answers, reports or explanations."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.errors import InvalidInput, Unknown
from shared.domain.filing.entries import FILTERS, decode_cursor
from shared.domain.privacy.callers import ADMIN, Caller
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.ports.stores.filing import EntryFilter
from shared.services.filing import visible_pages
from shared.services.filing.explain import Explanation
from tests.builders import AGENT, CONTACT, NOW, TENANT, a_record, a_ref
from tests.unit.services.matching.test_bounce_notes import BOUNCE, REPORT
from tests.unit.services.world import World

SECRET = "hidden@adatum.example"
STRANGER = "stranger@tailspin.example"
ID = "sent@contoso.example"
ANN = Caller(TENANT, frozenset({AGENT_ROLE, ADMIN}), oid="ann", address=AGENT)
BEN = Caller(TENANT, frozenset({AGENT_ROLE, ADMIN}), oid="ben", address="ben@contoso.example")
FAILED = (*BOUNCE["headers"], ("x-failed-recipients", SECRET))
CALLERS = pytest.mark.parametrize(("caller", "sees"), [(ANN, True), (BEN, False)])


@pytest.fixture
def world() -> World:
    """Ann has written to a contact, with another contact in Bcc."""
    made = World()
    made.records(a_record(), a_record("contact/C-9", addresses=(SECRET,), client="K-9"))
    made.records(a_record("client/K-9", domains=("adatum.example",)))
    return made


def send(world: World, to: str = CONTACT, **mail: Any) -> None:
    sent: dict[str, Any] = {"sender": AGENT, "to": (to,), "bcc": (SECRET,), "message_id": ID, **mail}
    world.notify(world.deliver(folder="sentitems", **sent))


def key(world: World, message_id: str = ID) -> str:
    return world.scope(world.mailbox).hasher.message_id(message_id)


def timeline(world: World, caller: Caller, ref: str) -> list[Any]:
    wanted = EntryFilter(frozenset(FILTERS["all"]))
    return list(world.read_timeline(caller, a_ref(ref), wanted, limit=50, cursor="").entries)


def pages_of_one(world: World, caller: Caller, ref: str = "contact/C-9") -> list[tuple[list[str], str]]:
    """The pages of a timeline read an entry at a time: the keys on each, and what its cursor decodes to."""
    wanted, pages, cursor = EntryFilter(frozenset(FILTERS["all"])), [], ""
    while not pages or cursor:
        page = world.read_timeline(caller, a_ref(ref), wanted, limit=1, cursor=cursor)
        cursor = page.cursor or ""
        pages.append(([entry.message_key for entry in page.entries], decode_cursor(cursor) if cursor else ""))
    return pages


def hidden_and_shown(world: World, order: str) -> tuple[list[str], list[str]]:
    """Mails of a timeline, newest first: `h` rests on the Bcc, `s` is for all to see. Their keys."""
    keys: dict[str, list[str]] = {"h": [], "s": []}
    for number, kind in enumerate(order):
        name, at = f"{kind}{number}@x.example", NOW - timedelta(minutes=number + 1)
        if kind == "h":
            send(world, message_id=name, received_at=at)
        else:
            world.notify(world.deliver(sender=SECRET, message_id=name, received_at=at))
        keys[kind].append(key(world, name))
    return keys["h"], keys["s"]


def read(world: World, caller: Caller) -> Any:
    return world.read_message(caller, key(world))


def explain(world: World, caller: Caller) -> Explanation:
    return world.explain(caller, ID)


def refs(links: Any) -> set[str]:
    return {str(link.ref) for link in links}


@CALLERS
@pytest.mark.parametrize("ref", ["contact/C-9", "client/K-9"])
def test_the_entry_is_on_the_timeline_of_the_bcc_d_contact_for_the_sender_alone(
    world: World, caller: Caller, sees: bool, ref: str
) -> None:
    send(world)
    assert len(timeline(world, caller, ref)) == sees
    assert len(timeline(world, caller, "contact/C-1")) == 1


@pytest.mark.parametrize("order", ["h", "hs", "sh", "shs", "hhshhsh", "ss"])
def test_neither_a_page_nor_its_cursor_betrays_an_entry_that_is_hidden(world: World, order: str) -> None:
    hidden, shown = hidden_and_shown(world, order)
    pages = pages_of_one(world, BEN)
    assert [keys for keys, _ in pages] == ([[key] for key in shown] or [[]])
    assert [place[16:] for _, place in pages] == [*shown[:-1], ""]
    assert len(pages_of_one(world, ANN)) == len(hidden) + len(shown)


def test_where_too_much_is_hidden_for_one_request_the_cursor_can_be_read_by_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visible_pages, "MOST_HIDDEN", 2)
    monkeypatch.setattr(visible_pages, "_LATER_ROWS", 1)
    hidden, shown = hidden_and_shown(world, "shhhhhs")
    pages = pages_of_one(world, BEN)
    assert [key for keys, _ in pages for key in keys] == shown
    assert len(pages) > len(shown)
    told = [place for _, place in pages]
    assert not [place for place in told if any(key in place for key in hidden)]
    days = {place[:8] for place in told if place and not place.startswith("~")}
    assert not [place for place in told if place.startswith("~") and any(day in place for day in days)]


def test_a_sealed_cursor_is_for_its_own_list_and_as_it_was_given(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visible_pages, "MOST_HIDDEN", 1)
    hidden_and_shown(world, "hhhhh")
    wanted = EntryFilter(frozenset(FILTERS["all"]))
    cursor = world.read_timeline(BEN, a_ref("contact/C-9"), wanted, limit=1, cursor="").cursor
    for ref, given in (("contact/C-1", cursor), ("contact/C-9", f"{cursor[:-4]}AAAA")):
        with pytest.raises(InvalidInput, match="start again"):
            world.read_timeline(BEN, a_ref(ref), wanted, limit=1, cursor=given)


@CALLERS
def test_its_links_are_shown_to_the_sender_alone(world: World, caller: Caller, sees: bool) -> None:
    send(world)
    hidden = {"contact/C-9", "client/K-9"} if sees else set()
    assert refs(read(world, caller).links) == {"contact/C-1", *hidden}
    assert refs(explain(world, caller).links) == {"contact/C-1", *hidden}
    assert (SECRET in repr(explain(world, caller))) is sees


def test_a_mail_that_nothing_but_a_bcc_files_is_the_sender_s_own(world: World) -> None:
    send(world, to=STRANGER)
    assert refs(read(world, ANN).links) == {"contact/C-9", "client/K-9"}
    with pytest.raises(Unknown):
        read(world, BEN)
    told = explain(world, BEN)
    assert (told.outcome, told.links) == ("filed", ())
    assert "not for you to see" in told.steps[-1]


def test_who_is_reached_by_bcc_and_for_all_to_see_is_shown_by_the_latter_to_everybody(world: World) -> None:
    send(world, cc=("li@adatum.example",))
    [entry] = timeline(world, BEN, "client/K-9")
    assert entry.link.evidence.text == "cc li@adatum.example"
    assert timeline(world, BEN, "contact/C-9") == []


def test_an_answer_is_not_filed_where_nothing_but_a_bcc_led(world: World) -> None:
    send(world)
    world.notify(world.deliver(in_reply_to=(ID,), message_id="answer@fabrikam.example"))
    assert len(timeline(world, ANN, "contact/C-1")) == 2
    assert len(timeline(world, ANN, "contact/C-9")) == 1


def test_a_stranger_s_answer_to_it_is_kept_and_waits_for_the_sender(world: World) -> None:
    send(world, to=STRANGER)
    answer = world.deliver(sender=STRANGER, in_reply_to=(ID,), message_id="answer@tailspin.example")
    world.notify(answer)
    assert world.outcome(answer) == ("triage", "no_match")
    assert [item.agent for item in world.storage.inbox.of(TENANT, AGENT)] == [AGENT]


@CALLERS
def test_a_report_on_the_bcc_is_told_to_the_sender_alone(world: World, caller: Caller, sees: bool) -> None:
    send(world)
    report = REPORT.replace("gone@fabrikam.example", SECRET).replace("out@contoso.example", ID)
    world.notify(world.deliver(**{**BOUNCE, "mime": report.encode(), "headers": FAILED}))
    world.work()
    bounced = [SECRET] if sees else []
    assert [bounce.address for bounce in read(world, caller).message.bounces] == bounced
    assert list(timeline(world, caller, "contact/C-1")[-1].bounced) == bounced


@CALLERS
def test_a_link_by_hand_answers_with_what_its_maker_may_see(world: World, caller: Caller, sees: bool) -> None:
    send(world)
    world.records(a_record("project/P-1"))
    answer = world.link_message(caller, key(world), a_ref("project/P-1"))
    hidden = {"contact/C-9", "client/K-9"} if sees else set()
    assert refs(answer.links) == {"contact/C-1", "project/P-1", *hidden}


def test_who_does_not_see_a_link_cannot_find_out_by_taking_it_away(world: World) -> None:
    send(world)
    said = []
    for ref in ("contact/C-9", "project/P-1"):
        with pytest.raises(Unknown) as error:
            world.unlink_message(BEN, key(world), a_ref(ref))
        said.append(str(error.value).replace(ref, ""))
    assert said[0] == said[1]
    assert refs(world.unlink_message(ANN, key(world), a_ref("contact/C-9")).links) == {
        "contact/C-1",
        "client/K-9",
    }


def test_a_link_by_hand_takes_the_place_of_one_that_rests_on_a_bcc(world: World) -> None:
    send(world)
    world.link_message(BEN, key(world), a_ref("contact/C-9"))
    world.work()
    assert refs(read(world, BEN).links) == {"contact/C-1", "contact/C-9", "client/K-9"}
    assert len(timeline(world, BEN, "client/K-9")) == 1


@pytest.mark.parametrize("is_late", [True, False])
def test_an_answer_hears_of_a_link_by_hand_in_the_place_of_a_bcc_whichever_comes_first(
    world: World, is_late: bool
) -> None:
    send(world)
    answer = world.deliver(in_reply_to=(ID,), message_id="answer@fabrikam.example")
    if not is_late:
        world.notify(answer)
    world.link_message(BEN, key(world), a_ref("contact/C-9"))
    world.work()
    if is_late:
        world.notify(answer)
    assert len(timeline(world, BEN, "contact/C-9")) == 2
