"""What Graph took and refused outlasts a process, in words that are not Graph's."""

from datetime import timedelta

from shared.adapters.graph.options import Option, Recalled
from shared.adapters.graph.remembered import HABITS, Remembered
from shared.domain.connections.habits import Habit, Learnt
from shared.domain.errors import Unavailable
from tests.builders import NOW, TENANT
from tests.fakes import Faults
from tests.fakes.stores.connections import FakeHabits

LATER = NOW + timedelta(hours=2)


def test_every_part_of_a_request_is_a_habit_of_its_own() -> None:
    assert set(HABITS) == set(Option)
    assert len(set(HABITS.values())) == len(HABITS)


def test_what_one_process_notes_another_one_recalls_with_its_age() -> None:
    habits = FakeHabits()
    Remembered(habits, TENANT, lambda: NOW).note([Option.PROPERTIES, Option.ORDER], is_taken=False)
    Remembered(habits, TENANT, lambda: LATER).note([Option.ORDER], is_taken=True)
    assert Remembered(habits, TENANT, lambda: LATER).recall() == {
        Option.PROPERTIES: Recalled(is_taken=False, age=7_200.0),
        Option.ORDER: Recalled(is_taken=True, age=0.0),
    }
    assert Remembered(habits, "another tenant", lambda: LATER).recall() == {}


def test_what_is_no_part_of_a_request_is_not_recalled() -> None:
    habits = FakeHabits()
    habits.put(TENANT, [Learnt(Habit.ADDRESSES_IN_ANY_CASE, holds=True, at=NOW)])
    assert Remembered(habits, TENANT, lambda: NOW).recall() == {}


def test_a_clock_that_runs_behind_makes_no_age_negative() -> None:
    habits = FakeHabits()
    Remembered(habits, TENANT, lambda: LATER).note([Option.ORDER], is_taken=False)
    assert Remembered(habits, TENANT, lambda: NOW).recall()[Option.ORDER].age == 0.0


def test_storage_that_is_busy_keeps_no_mail_from_being_read() -> None:
    faults = Faults()
    faults.named["Habits.put"] = Unavailable("busy")
    Remembered(FakeHabits(faults), TENANT, lambda: NOW).note([Option.ORDER], is_taken=False)
    assert faults.writes
