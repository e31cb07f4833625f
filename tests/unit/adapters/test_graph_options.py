"""Which parts of a request are left out, and what is not held against them."""

import json
from collections.abc import Callable

import pytest

from shared.adapters.graph.errors import Broken, NotTaken, ServerError
from shared.adapters.graph.options import REFUSALS, Option, Options, Parts
from shared.domain.errors import Throttled

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
