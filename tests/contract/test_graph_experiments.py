"""The mailbox test tries what sources disagree about: each habit comes out either way, and the product goes by it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from dev.simulator.serve import Simulator, running_simulator
from shared.domain.connections.habits import TRIED, Habit
from shared.domain.privacy.callers import ADMIN, Caller
from tests.builders import AGENT, TENANT
from tests.contract.graph_world import GraphWorld
from tests.contract.test_graph_habits import CHAIN, STEADY

pytestmark = pytest.mark.stack

AN_ADMIN = Caller(TENANT, frozenset({ADMIN}), "oid-admin", "admin@contoso.example")
# A habit's switch in the simulator, and the answer under it.
OUTCOMES: list[tuple[Habit, dict[str, Any], bool]] = [
    (Habit.CHANGES_WITH_PROPERTIES, {"delta_expand": "taken"}, True),
    (Habit.CHANGES_WITH_PROPERTIES, {"delta_expand": "400"}, False),
    (Habit.CHANGES_WITH_PROPERTIES, {"delta_expand": "500"}, False),
    (Habit.CHANGES_WITH_PROPERTIES, {"delta_expand": "ignored"}, False),
    (Habit.MAIL_WITH_ATTACHMENTS, {}, True),
    (Habit.MAIL_WITH_ATTACHMENTS, {"refuses": ["nested_select"]}, False),
    (Habit.MAIL_WITH_ATTACHMENTS, {"refuses": ["nested_select"], "refusal": 500}, False),
    (Habit.MAIL_WITH_CONTENT_IDS, {}, True),
    (Habit.MAIL_WITH_CONTENT_IDS, {"refuses": ["content_id_cast"]}, False),
    (Habit.MAIL_WITH_PROPERTIES, {}, True),
    (Habit.MAIL_WITH_PROPERTIES, {"refuses": ["properties"]}, False),
    (Habit.LISTS_OF_PREFERRED_SIZE, {"list_page_size": True}, True),
    (Habit.LISTS_OF_PREFERRED_SIZE, {"list_page_size": False}, False),
    (Habit.LISTS_WITH_WHOLE_TEXTS, {"cut_properties": False}, True),
    (Habit.LISTS_WITH_WHOLE_TEXTS, {"cut_properties": True}, False),
    (Habit.ADDRESSES_IN_ANY_CASE, {"proxies_by_case": False}, True),
    (Habit.ADDRESSES_IN_ANY_CASE, {"proxies_by_case": True}, False),
]


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


def tried(world: GraphWorld) -> dict[Habit, bool | None]:
    """What an admin's test of the mailbox shows, known or not."""
    known = world.test_mailbox(AN_ADMIN, AGENT, {}).habits
    assert known is not None
    return {habit: known[habit].holds if habit in known else None for habit in TRIED}


@pytest.mark.parametrize(("habit", "switch", "holds"), OUTCOMES)
def test_each_habit_is_found_out_either_way(
    world: GraphWorld, habit: Habit, switch: dict[str, Any], *, holds: bool
) -> None:
    world.control.put_habits(**switch)
    world.arrive("first", answers=CHAIN)
    world.arrive("second")
    assert tried(world)[habit] is holds
    assert world.storage.habits.of(TENANT)[habit].at == world.now


def test_both_outcomes_of_every_tried_habit_stand_above() -> None:
    assert {(habit, holds) for habit, _, holds in OUTCOMES} == {
        (habit, holds) for habit in TRIED for holds in (True, False)
    }


def test_an_empty_mailbox_tells_what_needs_no_mail_and_forgets_nothing(world: GraphWorld) -> None:
    found = tried(world)
    assert found.pop(Habit.ADDRESSES_IN_ANY_CASE) is False
    # That a delta refuses the option shows without mail too.
    assert found.pop(Habit.CHANGES_WITH_PROPERTIES) is False
    assert set(found.values()) == {None}
    world.arrive("first")
    world.arrive("second")
    assert tried(world)[Habit.MAIL_WITH_ATTACHMENTS] is True
    world.mail.add_mailbox(AGENT)
    assert tried(world)[Habit.MAIL_WITH_ATTACHMENTS] is True


def test_a_graph_that_fails_meanwhile_says_nothing(world: GraphWorld) -> None:
    world.arrive("first")
    world.control.put_faults(error_rate=1.0, error_kinds=["503"])
    assert set(world.graph_probe().habits(world.mailbox).values()) == {None}


def test_the_test_only_reads_and_reads_no_text(world: GraphWorld) -> None:
    world.arrive("first", attachment=b"%PDF")
    tried(world)
    stats = world.control.stats()
    assert {row["endpoint"].partition(" ")[0] for row in stats["graph"]["calls"]} == {"GET"}
    # The mailbox test itself reads one preview, to see whether it may.
    assert (stats["bodies_read"], stats["attachments_read"]) == ({}, {})
    assert world.calls() <= 25


def test_an_agent_s_own_test_tries_none_of_it(world: GraphWorld) -> None:
    agent = Caller(TENANT, frozenset({"Agent"}), "oid", AGENT)
    assert world.test_mailbox(agent, AGENT, {}).habits is None
    assert world.storage.habits.of(TENANT) == {}


def test_what_a_test_saw_refused_is_not_asked_for_by_any_process(world: GraphWorld) -> None:
    world.control.put_habits(**STEADY, refuses=["nested_select", "properties"])
    world.configure(sensitivity=False)
    world.arrive("first")
    tried(world)
    for name in ("this", "another"):
        world.arrive(name)
        world.control.clear_stats()
        world.settle()
        assert name in world.filed()
        assert world.calls(400) <= world.NAMES_THAT_ARE_NO_FOLDERS, name
        world.become_another_process()


def test_what_was_refused_at_work_is_not_asked_for_by_the_next_process(world: GraphWorld) -> None:
    world.control.put_habits(**STEADY, refuses=["content_id_cast"])
    world.arrive("first")
    world.settle()
    assert world.storage.habits.of(TENANT)[Habit.MAIL_WITH_CONTENT_IDS].holds is False
    world.become_another_process()
    world.arrive("second")
    world.control.clear_stats()
    world.settle()
    assert world.filed() == ["first", "second"]
    assert world.calls(400) <= world.NAMES_THAT_ARE_NO_FOLDERS


def conversation(world: GraphWorld) -> None:
    world.arrive("question", received=world.now - timedelta(minutes=3))
    answered = ("question@fabrikam.example",)
    world.arrive("answer", "sentitems", answers=answered, received=world.now - timedelta(minutes=2))
    world.arrive("private", "sentitems", sensitivity="private")


def test_a_walk_reads_sent_mail_with_its_changes_where_a_test_saw_that_it_can(world: GraphWorld) -> None:
    world.control.put_habits(**STEADY, delta_expand="taken")
    world.arrive("first")
    assert tried(world)[Habit.CHANGES_WITH_PROPERTIES] is True
    conversation(world)
    world.become_another_process()
    world.control.clear_stats()
    world.walk()
    assert world.reads().messages == 0
    world.work()
    assert world.filed() == ["answer", "first", "question"], "a private mail is told without headers as well"
    world.arrive("later", "sentitems", answers=("answer@fabrikam.example",))
    world.control.clear_stats()
    world.walk()
    assert (world.filed()[-2:], world.reads().messages) == (["later", "question"], 1), (
        "read once, to be filed"
    )


def test_a_walk_goes_on_where_graph_takes_back_what_a_test_saw(world: GraphWorld) -> None:
    world.control.put_habits(**STEADY, delta_expand="taken")
    world.arrive("first")
    tried(world)
    conversation(world)
    world.control.put_habits(**STEADY)
    world.become_another_process()
    world.settle()
    assert world.filed() == ["answer", "first", "question"]
    assert world.storage.habits.of(TENANT)[Habit.CHANGES_WITH_PROPERTIES].holds is False


def test_a_chain_that_a_delta_cuts_is_read_by_id(world: GraphWorld) -> None:
    world.control.put_habits(**STEADY, delta_expand="taken")
    world.arrive("first")
    tried(world)
    world.arrive("long", "sentitems", answers=CHAIN)
    world.arrive("short", "sentitems", answers=CHAIN[:2])
    world.control.clear_stats()
    world.walk()
    assert world.reads().messages == 1
