"""Which parts of a request are left out, and what is not held against them."""

import json
from collections.abc import Callable, Iterable

import pytest

from shared.adapters.graph.errors import Broken, NotTaken, ServerError
from shared.adapters.graph.options import REFUSALS, Option, Options, Parts, Recalled
from shared.domain.errors import Throttled, Unavailable

BOTH = frozenset({Option.CONTENT_IDS, Option.PROPERTIES})
ONE = frozenset({Option.PROPERTIES})


class Graph:
    """Refuses requests that have one of these parts, or all; counts what it was asked with."""

    def __init__(
        self, *refused: Option, error: type[NotTaken | Broken] = NotTaken, always: bool = False
    ) -> None:
        self.refused, self.error, self.always = refused, error, always
        self.asked: list[Parts] = []

    def __call__(self, given: Parts) -> Parts:
        self.asked.append(given)
        if self.always or given & set(self.refused):
            raise self.error("no")
        return given


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("error", [NotTaken, Broken])
@pytest.mark.parametrize("part", sorted(BOTH))
def test_a_refused_part_is_found_among_several_and_left_out_from_then_on(
    part: Option, error: type[NotTaken | Broken]
) -> None:
    options, graph = Options(), Graph(part, error=error)
    assert options.attempt(BOTH, graph) == BOTH - {part}
    graph.asked.clear()
    assert options.attempt(BOTH, graph) == BOTH - {part}
    assert graph.asked == [BOTH - {part}]


def test_two_refused_parts_are_left_out_together() -> None:
    options, graph = Options(), Graph(*BOTH)
    assert options.attempt(BOTH, graph) == frozenset()
    assert options.usable(BOTH) == frozenset()


def test_a_request_that_fails_without_any_part_is_no_part_s_fault() -> None:
    options, graph = Options(), Graph(always=True)
    with pytest.raises(NotTaken):
        options.attempt(BOTH, graph)
    assert graph.asked == [BOTH, frozenset()]
    assert options.usable(BOTH) == BOTH


def test_a_500_that_passes_is_held_against_nothing() -> None:
    answers: list[Callable[[], None]] = [_break]

    def ask(given: Parts) -> Parts:
        if answers:
            answers.pop()()
        return given

    options = Options()
    assert options.attempt(ONE, ask) == ONE
    assert options.usable(ONE) == ONE


def _break() -> None:
    raise Broken("no")


def test_a_500_is_not_held_against_a_part_that_was_taken_before() -> None:
    options, graph = Options(), Graph()
    options.attempt(ONE, graph)
    broken = Graph(Option.PROPERTIES, error=Broken)
    with pytest.raises(Broken):
        options.attempt(ONE, broken)
    assert broken.asked == [ONE]


def test_one_400_is_not_held_against_a_part_that_was_taken_before() -> None:
    """One item was odd: others are asked for with the part."""
    options = Options()
    options.attempt(ONE, Graph())
    assert options.attempt(ONE, Graph(Option.PROPERTIES)) == frozenset()
    assert options.usable(ONE) == ONE


def test_400s_in_a_row_are_held_against_a_part_that_was_taken_before() -> None:
    """Another back end serves the tenant by now."""
    options = Options()
    options.attempt(ONE, Graph())
    for _ in range(REFUSALS - 1):
        options.attempt(ONE, Graph(Option.PROPERTIES))
    options.attempt(ONE, Graph())
    for left in range(REFUSALS, 0, -1):
        assert options.usable(ONE) == ONE, f"{left} more refusals"
        options.attempt(ONE, Graph(Option.PROPERTIES))
    assert options.usable(ONE) == frozenset()


@pytest.mark.parametrize("error", [NotTaken, Broken])
def test_a_refused_part_is_tried_again_after_an_hour(error: type[NotTaken | Broken]) -> None:
    clock = Clock()
    options = Options(clock=clock)
    options.attempt(ONE, Graph(Option.PROPERTIES, error=error))
    clock.now = 3_599
    assert options.usable(ONE) == frozenset()
    clock.now = 3_601
    assert options.usable(ONE) == ONE
    assert options.attempt(ONE, Graph()) == ONE


def test_a_part_that_is_left_out_alerts_an_admin_once_while_it_is(caplog: pytest.LogCaptureFixture) -> None:
    options = Options("contoso")
    for _ in range(5):
        options.attempt(ONE, Graph(Option.PROPERTIES))
    [line] = caplog.records
    assert (line.levelname, json.loads(line.message)) == (
        "WARNING",
        {
            "event": "graph_option_refused",
            "tenant": "contoso",
            "options": ["properties"],
            "error": "NotTaken",
        },
    )


@pytest.mark.parametrize("error", [Throttled("wait", 3), ServerError("504")])
def test_what_is_no_refusal_is_raised_at_once(error: Exception) -> None:
    asked: list[Parts] = []

    def ask(given: Parts) -> Parts:
        asked.append(given)
        raise error

    with pytest.raises(type(error)):
        Options().attempt(ONE, ask)
    assert asked == [ONE]


RARE = frozenset({Option.DELTA_PROPERTIES})


class Store:
    """What other processes of the tenant know; counts how often it is asked."""

    def __init__(self, **known: tuple[bool, float]) -> None:
        self.known = {Option(part): Recalled(*found) for part, found in known.items()}
        self.noted: list[tuple[frozenset[Option], bool]] = []
        self.asked = 0

    def recall(self) -> dict[Option, Recalled]:
        self.asked += 1
        return self.known

    def note(self, parts: Iterable[Option], *, is_taken: bool) -> None:
        self.noted.append((frozenset(parts), is_taken))


def test_what_another_process_saw_refused_is_left_out_for_the_rest_of_its_hour() -> None:
    clock, store = Clock(), Store(properties=(False, 3_000.0))
    options = Options(clock=clock, memory=store)
    assert options.usable(BOTH) == BOTH - ONE
    clock.now = 599
    assert options.usable(BOTH) == BOTH - ONE
    clock.now, store.known = 601, {Option.PROPERTIES: Recalled(is_taken=False, age=3_601.0)}
    assert options.usable(BOTH) == BOTH


def test_what_this_process_sees_refused_is_told_to_the_others() -> None:
    store = Store()
    Options(memory=store).attempt(BOTH, Graph(Option.PROPERTIES))
    assert store.noted == [(ONE, False)]


def test_a_refusal_that_is_over_is_taken_back_once_graph_takes_the_part() -> None:
    store = Store(properties=(False, 3_601.0))
    options = Options(memory=store)
    for _ in range(2):
        options.attempt(ONE, Graph())
    assert store.noted == [(ONE, True)]


def test_others_are_asked_every_ten_minutes() -> None:
    clock, store = Clock(), Store()
    options = Options(clock=clock, memory=store)
    for clock.now in (0, 300, 599, 600, 700):
        options.usable(ONE)
    assert store.asked == 2


def test_what_others_know_is_asked_for_again_where_storage_was_busy() -> None:
    class Busy(Store):
        def recall(self) -> dict[Option, Recalled]:
            super().recall()
            raise Unavailable("busy")

    store = Busy()
    options = Options(memory=store)
    for _ in range(2):
        with pytest.raises(Unavailable):
            options.usable(ONE)
    assert store.asked == 2


def test_that_others_saw_a_part_taken_does_not_clear_it_of_a_500() -> None:
    """Else a back end that breaks over it would keep the mailbox from being read for ever."""
    options = Options(memory=Store(properties=(True, 0.0)))
    assert options.attempt(ONE, Graph(Option.PROPERTIES, error=Broken)) == frozenset()
    assert options.usable(ONE) == frozenset()


@pytest.mark.parametrize(("known", "usable"), [({}, False), ({"delta_properties": (False, 9_999.0)}, False)])
def test_an_unusual_part_is_not_asked_for_by_itself(
    known: dict[str, tuple[bool, float]], *, usable: bool
) -> None:
    assert (Options(memory=Store(**known)).usable(RARE) == RARE) is usable


def test_an_unusual_part_is_asked_for_where_a_test_saw_it_taken_until_it_is_refused() -> None:
    store = Store(delta_properties=(True, 99_999.0))
    options = Options(memory=store)
    assert options.attempt(RARE, Graph()) == RARE
    for _ in range(REFUSALS):
        options.attempt(RARE, Graph(Option.DELTA_PROPERTIES))
    assert options.usable(RARE) == frozenset()
    assert store.noted == [(RARE, False)]


def test_what_a_test_found_out_counts_at_once() -> None:
    options = Options()
    options.learn({Option.DELTA_PROPERTIES: True, Option.PROPERTIES: False})
    assert options.usable(RARE | ONE) == RARE
    options.learn({Option.DELTA_PROPERTIES: False, Option.PROPERTIES: True})
    assert options.usable(RARE | ONE) == ONE


def test_a_trial_says_what_was_taken_and_what_was_refused_and_warns_of_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Store()
    trial = Options(memory=store, is_trial=True)
    assert trial.found(Option.PROPERTIES) is None
    trial.attempt(BOTH, Graph(Option.PROPERTIES))
    assert [trial.found(part) for part in (Option.PROPERTIES, Option.CONTENT_IDS)] == [False, True]
    assert (caplog.records, store.noted) == ([], [])


HEADERS = frozenset({Option.HEADER_TAGS})


def test_what_an_item_shows_of_an_unusual_part_counts_at_once_and_is_told_once() -> None:
    store = Store()
    options = Options(memory=store)
    options.observe(Option.HEADER_TAGS, holds=False)
    assert (options.usable(HEADERS), store.noted) == (frozenset(), [])
    for holds in (True, True, False, False):
        options.observe(Option.HEADER_TAGS, holds=holds)
        assert bool(options.usable(HEADERS)) is holds
    assert store.noted == [(HEADERS, True), (HEADERS, False)]


def test_what_an_item_showed_to_another_process_counts_too() -> None:
    store = Store(header_tags=(True, 99_999.0))
    options = Options(memory=store)
    options.observe(Option.HEADER_TAGS, holds=True)
    assert (options.usable(HEADERS), store.noted) == (HEADERS, [])
