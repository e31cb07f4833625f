"""The tick over any weather: gaps, doubles, killed workers, errors. And who stands in for it."""

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count, pairwise
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bootstrap.compose import UseCases, compose
from shared.bootstrap.dispatch import DONE_BY
from shared.domain.commands.agenda import TAKEN_OVER_AFTER, TIMES, Item, Run
from shared.domain.errors import Unavailable
from tests.builders import NOW
from tests.composed import SETTINGS, use_cases_over
from tests.fakes import FakePorts, Faults, Killed
from tests.fakes.stores.runs import FakeRuns
from tests.log import events, lines

MINUTE = timedelta(minutes=1)


class CountedRuns(FakeRuns):
    """`finished` counts the runs that ended well, by item and time."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self.finished: Counter[tuple[str, datetime]] = Counter()

    def end(self, run: Run) -> None:
        before = self.rows.get(run.item)
        super().end(run)
        if run.finished and self.rows.get(run.item) != before:
            self.finished[run.item, run.due] += 1


@dataclass
class Minutes:
    """A clock, and a process for each tick; `begun` and `done` are what the items' work would be."""

    ports: FakePorts = field(default_factory=FakePorts)
    now: datetime = NOW
    begun: list[tuple[Item, datetime]] = field(default_factory=list)
    done: Counter[tuple[Item, datetime]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.ports.runs = self.runs = CountedRuns(self.ports.faults)

    def tick(self, do: Callable[[Item], None] | None = None) -> None:
        self.process().run_agenda(do or self.do)

    def process(self) -> UseCases:
        return compose(self.ports, SETTINGS, lambda: self.now, lambda: uuid4().hex)

    def do(self, item: Item) -> None:
        self.begun.append((item, self.now))
        self.done[item, TIMES[item].last(self.now)] += 1

    def ended(self, item: Item) -> datetime | None:
        """The time for which an item's last run has ended."""
        run = self.ports.runs.rows.get(item)
        return run.due if run and run.finished else None


def said(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    return events(lines(caplog), event)


@pytest.fixture
def minutes(caplog: pytest.LogCaptureFixture) -> Minutes:
    caplog.set_level(logging.INFO, "postledger")
    return Minutes()


def test_a_tick_says_what_it_has_done(minutes: Minutes, caplog: pytest.LogCaptureFixture) -> None:
    minutes.tick()
    minutes.now += MINUTE
    minutes.tick()
    first, second = said(caplog, "tick_handled")
    assert first["done"] == [
        "poll",
        "wake_stale",
        "outboxes",
        "sweep_poison",
        "sweep_decisions",
        "subscriptions",
        "connections",
        "credential",
        "comparisons",
        "addresses",
        "reconciliations",
        "retention",
        "campaigns",
        "events",
    ]
    assert (second["done"], second["failed"], second["by"]) == (
        ["poll", "wake_stale", "outboxes", "sweep_poison"],
        [],
        "tick",
    )


def test_two_ticks_of_one_minute_do_everything_once(minutes: Minutes) -> None:
    minutes.tick()
    minutes.now += timedelta(seconds=20)
    minutes.tick()
    assert set(minutes.done.values()) == {1}


def test_two_ticks_at_once_do_everything_once(minutes: Minutes) -> None:
    """The second one begins while the first one is at its first item, with the same runs before its eyes."""

    def interrupted(item: Item) -> None:
        if not minutes.begun:
            minutes.begun.append((item, minutes.now))
            minutes.tick()
        minutes.do(item)

    minutes.tick(interrupted)
    assert minutes.done == {(item, times.last(NOW)): 1 for item, times in TIMES.items()}


def test_an_item_that_fails_leaves_the_others_alone_and_comes_again(
    minutes: Minutes, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(item: Item) -> None:
        if item == Item.POLL:
            raise ZeroDivisionError("with words of a mail")
        minutes.do(item)

    minutes.tick(failing)
    assert minutes.ended(Item.POLL) is None
    assert minutes.ports.runs.rows["poll"].error == "ZeroDivisionError"
    assert minutes.ended(Item.RETENTION) == TIMES[Item.RETENTION].last(NOW)
    [line] = said(caplog, "tick_handled")
    assert (line["failed"], line["outcome"]) == (["poll"], "failed")
    assert said(caplog, "agenda_item_failed") == [
        {
            "event": "agenda_item_failed",
            "level": "error",
            "mailbox": "",
            "error": "ZeroDivisionError",
            "item": "poll",
        }
    ]
    assert "words of a mail" not in caplog.text
    minutes.now += MINUTE
    minutes.tick()
    assert minutes.ended(Item.POLL) == TIMES[Item.POLL].last(minutes.now)


@pytest.mark.parametrize("operation", ["Runs.claim", "Runs.end"])
def test_a_storage_that_fails_between_the_items_ends_no_tick(minutes: Minutes, operation: str) -> None:
    minutes.ports.faults.named[operation] = Unavailable("down")
    minutes.tick()
    assert [minutes.ended(item) for item in Item] == [None] * len(Item)
    minutes.ports.faults.clear()
    minutes.now += TAKEN_OVER_AFTER
    minutes.tick()
    assert None not in [minutes.ended(item) for item in Item]


def test_who_was_taken_over_does_not_end_the_run_of_the_other(minutes: Minutes) -> None:
    def slow(item: Item) -> None:
        if item == Item.RETENTION:
            minutes.now += TAKEN_OVER_AFTER
            minutes.process().run_agenda(killed)

    def killed(item: Item) -> None:
        if item == Item.RETENTION:
            raise Killed

    with pytest.raises(Killed):
        minutes.tick(slow)
    assert minutes.ended(Item.RETENTION) is None


@dataclass(frozen=True)
class Step:
    """A tick after so many seconds; killed before (n) or after (-n) its n-th write, or not (0).

    At its item number `double` another process ticks as well.
    """

    seconds: int
    kill: int
    double: int


GAPS = st.integers(0, 120) | st.integers(0, 26 * 3_600)
STEPS = st.lists(st.builds(Step, GAPS, st.integers(-8, 8), st.integers(0, 4)), min_size=1, max_size=12)


def take(minutes: Minutes, step: Step) -> None:
    minutes.now += timedelta(seconds=step.seconds)
    faults = minutes.ports.faults
    faults.clear()
    if step.kill > 0:
        faults.kill_before(step.kill)
    elif step.kill < 0:
        faults.kill_after(-step.kill)
    numbers = count(1)

    def do(item: Item) -> None:
        if next(numbers) == step.double:
            minutes.tick()
        minutes.do(item)

    with suppress(Killed):
        minutes.tick(do)
    faults.clear()


@given(STEPS)
def test_each_last_time_gets_one_finished_run_and_no_run_meets_another_within_ten_minutes(
    steps: list[Step],
) -> None:
    minutes = Minutes()
    for step in steps:
        take(minutes, step)
    # Whatever was left is made up for by the first tick after ten minutes.
    minutes.now += TAKEN_OVER_AFTER
    minutes.tick()
    for item, times in TIMES.items():
        assert minutes.ended(item) == times.last(minutes.now)
        begun = [at for name, at in minutes.begun if name == item]
        for first, second in pairwise(begun):
            is_next_time = times.last(first) != times.last(second)
            assert is_next_time or second - first >= TAKEN_OVER_AFTER
    assert set(minutes.runs.finished.values()) == {1}


def test_every_item_is_done_by_a_use_case() -> None:
    assert list(DONE_BY) == list(Item)
    use_cases = use_cases_over(FakePorts())
    for find in DONE_BY.values():
        find(use_cases)()


class TestStandIn:
    def test_a_tick_that_stopped_is_stood_in_for(
        self, minutes: Minutes, caplog: pytest.LogCaptureFixture
    ) -> None:
        minutes.tick()
        minutes.now += timedelta(minutes=5)
        minutes.process().stand_in(minutes.do)
        assert minutes.ended(Item.POLL) == TIMES[Item.POLL].last(minutes.now)
        assert [line["by"] for line in said(caplog, "tick_handled")] == ["tick", "stand_in"]

    def test_a_tick_of_four_minutes_ago_is_waited_for(self, minutes: Minutes) -> None:
        minutes.tick()
        before = len(minutes.begun)
        minutes.now += timedelta(minutes=4)
        minutes.process().stand_in(minutes.do)
        assert len(minutes.begun) == before

    def test_where_no_tick_ever_was_nothing_is_done(self, minutes: Minutes) -> None:
        minutes.process().stand_in(minutes.do)
        assert minutes.begun == []

    def test_a_process_looks_once_a_minute(self, minutes: Minutes) -> None:
        stand_in = minutes.process().stand_in
        for seconds in (0, 1, 58, 1):
            minutes.now += timedelta(seconds=seconds)
            stand_in(minutes.do)
        assert minutes.ports.faults.reads.count("Runs.all") == 2

    def test_a_storage_that_is_away_keeps_no_command_from_running(
        self, minutes: Minutes, caplog: pytest.LogCaptureFixture
    ) -> None:
        minutes.ports.faults.named["Runs.all"] = Unavailable("down")
        minutes.process().stand_in(minutes.do)
        assert said(caplog, "tick_not_seen") == [{"event": "tick_not_seen", "error": "Unavailable"}]
