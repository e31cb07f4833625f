"""Links by hand: audited, and stronger than every rule, whatever is ingested again."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import InvalidInput, Unknown
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.person_decisions import LINK
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.domain.privacy.callers import SERVICE, Caller
from shared.services.capture.scopes import hasher_of
from shared.services.filing.inbox import Wanted
from tests.builders import AGENT, HASH_KEY, TENANT, a_record, a_ref
from tests.fakes import Killed
from tests.unit.services.world import World

ANN = Caller(TENANT, frozenset({AGENT_ROLE}), oid="ann", address=AGENT)
BEN = Caller(TENANT, frozenset({AGENT_ROLE}), oid="ben", address="ben@contoso.example")
CRM = Caller(TENANT, frozenset({SERVICE}), oid="crm-principal", client_id="crm", app_only=True)
FIRST = "first@fabrikam.example"
KEY = hasher_of(HASH_KEY, TENANT).message_id(FIRST)


def a_world() -> World:
    """A filed mail of a contact with a client."""
    world = World()
    world.records(
        a_record(client="K-1"),
        a_record("client/K-1", domains=()),
        a_record("contact/C-2", addresses=("else@adatum.example",), client="K-2"),
        a_record("client/K-2", domains=()),
        a_record("project/P-1"),
    )
    arrive(world)
    return world


@pytest.fixture
def world() -> World:
    return a_world()


def arrive(world: World) -> None:
    """The mail, as often as one likes."""
    if not world.storage.messages.rows:
        world.item = world.deliver(message_id=FIRST)  # type: ignore[attr-defined]
    world.notify(world.item)  # type: ignore[attr-defined]


def stored(world: World) -> StoredMessage:
    found = world.storage.messages.get(TENANT, KEY)
    assert found is not None
    return found


def links(world: World) -> list[str]:
    return sorted(str(one.ref) for one in stored(world).decision.links)


def on_timelines(world: World) -> list[str]:
    return sorted(str(ref) for (_, ref), rows in world.storage.timeline.rows.items() if rows)


def test_a_message_is_put_on_a_record_and_on_its_contacts_client(world: World) -> None:
    world.link_message(ANN, KEY, a_ref("contact/C-2"))
    world.work()
    every = ["client/K-1", "client/K-2", "contact/C-1", "contact/C-2"]
    assert (links(world), on_timelines(world)) == (every, every)
    assert world.timeline("contact/C-2")[0].link.rule == "by_hand"


def test_a_service_may_and_is_named_by_its_client(world: World) -> None:
    world.link_message(CRM, KEY, a_ref("project/P-1"))
    world.work()
    assert world.timeline("project/P-1")[0].link.by == "app:crm"
    world.unlink_message(CRM, KEY, a_ref("project/P-1"))
    world.work()
    assert [(row.by, row.what) for row in world.storage.audit.of(TENANT)] == [
        ("app:crm", "link"),
        ("app:crm", "unlink"),
    ]


def test_both_are_audited(world: World) -> None:
    world.link_message(ANN, KEY, a_ref("project/P-1"))
    world.unlink_message(BEN, KEY, a_ref("contact/C-1"))
    world.work()
    assert [(one.by, one.what, one.subjects) for one in world.storage.audit.of(TENANT)] == [
        ("ann", "link", (f"message/{KEY}", "project/P-1")),
        ("ben", "unlink", (f"message/{KEY}", "contact/C-1")),
    ]
    assert "fabrikam" not in repr(world.storage.audit.rows)


def test_what_was_taken_away_does_not_come_back_when_the_mail_is_ingested_again(world: World) -> None:
    world.unlink_message(ANN, KEY, a_ref("contact/C-1"))
    world.work()
    arrive(world)
    world.work()
    assert (links(world), on_timelines(world)) == (["client/K-1"], ["client/K-1"])


def test_what_was_put_there_stays_when_the_mail_is_ingested_again(world: World) -> None:
    world.link_message(ANN, KEY, a_ref("contact/C-1"))
    arrive(world)
    world.work()
    assert {str(one.ref): one.by for one in stored(world).decision.links} == {
        "contact/C-1": AGENT,
        "client/K-1": "postledger",
    }


def test_what_was_taken_away_can_be_put_there_again(world: World) -> None:
    world.unlink_message(ANN, KEY, a_ref("contact/C-1"))
    world.work()
    world.link_message(ANN, KEY, a_ref("contact/C-1"))
    world.work()
    assert links(world) == on_timelines(world) == ["client/K-1", "contact/C-1"]


def test_taken_from_its_last_record_it_waits_in_my_inbox_and_is_private_again(world: World) -> None:
    for ref in ("contact/C-1", "client/K-1"):
        world.unlink_message(ANN, KEY, a_ref(ref))
    world.work()
    assert on_timelines(world) == []
    [mail] = world.read_inbox(ANN, limit=9, cursor="").mails
    assert mail.item.reason == "unlinked"
    for caller in (BEN, CRM):
        with pytest.raises(Unknown):
            world.link_message(caller, KEY, a_ref("project/P-1"))
    world.decide(ANN, KEY, Wanted(LINK, refs=(a_ref("project/P-1"),)))
    world.work()
    assert on_timelines(world) == ["project/P-1"]


def test_taken_from_its_last_record_by_hand_an_earlier_decision_no_longer_counts(world: World) -> None:
    world.rewrite(capture="everything")
    item = world.deliver(sender="x@adatum.example", message_id="x@adatum.example")
    world.notify(item)
    key = hasher_of(HASH_KEY, TENANT).message_id("x@adatum.example")
    world.decide(ANN, key, Wanted(LINK, refs=(a_ref("project/P-1"),)))
    world.work()
    world.unlink_message(ANN, key, a_ref("project/P-1"))
    world.work()
    assert [one.item.reason for one in world.read_inbox(ANN, limit=9, cursor="").mails] == ["unlinked"]


def test_doing_it_again_changes_nothing(world: World) -> None:
    steps = [(world.link_message, "project/P-1"), (world.unlink_message, "contact/C-1")]
    for act, ref in steps:
        act(ANN, KEY, a_ref(ref))
        world.work()
        before = world.rows()
        act(ANN, KEY, a_ref(ref))
        assert (world.storage.queue.sent, world.rows()) == ([], before)
    assert len(world.storage.audit.of(TENANT)) == 2


def test_what_cannot_be_is_said(world: World) -> None:
    with pytest.raises(InvalidInput, match="There is no record project/P-404"):
        world.link_message(ANN, KEY, a_ref("project/P-404"))
    with pytest.raises(Unknown, match="not on project/P-1"):
        world.unlink_message(ANN, KEY, a_ref("project/P-1"))
    with pytest.raises(Unknown):
        world.link_message(ANN, "f" * 32, a_ref("project/P-1"))
    assert world.storage.inbox.pending == {}


ACTS: dict[str, Any] = {
    "link": lambda world: world.link_message(ANN, KEY, a_ref("contact/C-2")),
    "unlink": lambda world: world.unlink_message(ANN, KEY, a_ref("contact/C-1")),
}


def run_all(world: World) -> None:
    while world.storage.queue.sent:
        command = world.storage.queue.sent[0][0]
        try:
            world.run(command)
        except Killed:
            continue
        world.storage.queue.sent.pop(0)


@pytest.mark.parametrize("number", range(1, 10))
@pytest.mark.parametrize("name", ACTS)
def test_killed_after_any_write_it_is_whole_once_it_is_asked_for_again(name: str, number: int) -> None:
    finished = a_world()
    ACTS[name](finished)
    finished.work()
    world = a_world()
    world.storage.faults.clear()
    world.storage.faults.kill_after(number)
    try:
        ACTS[name](world)
    except Killed:
        ACTS[name](world)
    run_all(world)
    assert links(world) == links(finished)
    assert on_timelines(world) == on_timelines(finished)
    assert stored(world).state == "done"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["link", "unlink", "arrive", "work"]), st.sampled_from(["C-1", "C-2"])),
        max_size=8,
    )
)
def test_in_whatever_order_timelines_say_what_the_message_says(steps: list[tuple[str, str]]) -> None:
    world = a_world()
    wanted: dict[str, bool] = {"contact/C-1": True, "contact/C-2": False}
    for step, contact in steps:
        ref = a_ref(f"contact/{contact}")
        if step == "link":
            world.link_message(ANN, KEY, ref)
            wanted[str(ref)] = True
        elif step == "unlink" and wanted[str(ref)]:
            world.unlink_message(ANN, KEY, ref)
            wanted[str(ref)] = False
        elif step == "arrive":
            arrive(world)
        elif step == "work":
            world.work()
    world.work()
    assert [one for one in links(world) if one in wanted] == sorted(one for one in wanted if wanted[one])
    assert on_timelines(world) == links(world)
