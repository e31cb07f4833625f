"""A slice of the kill matrix, `python -m bench.kill_matrix`, and whether it would see a fault."""

from itertools import islice

import pytest

from bench.kill_matrix import BUSY, WAYS, Run, Way, outcome, runs
from shared.domain.sending.outcomes import Found
from shared.services.sending.visits import Visit

# No divisor of any dimension, so that the slice has every value of each.
EVERY = 61


def test_a_kill_anywhere_sends_nothing_twice_and_loses_nothing() -> None:
    wrong = {run: found for run in islice(runs(), 0, None, EVERY) if (found := outcome(run))}
    assert wrong == {}


def test_there_are_more_than_two_thousand_runs() -> None:
    assert sum(1 for _ in runs()) >= 2_000


@pytest.mark.parametrize(
    ("answer", "seen"), [(("send", True, BUSY), Found.NOTHING), (("draft", True, BUSY), Found.DELETED)]
)
def test_a_worker_that_looks_wrongly_is_found_out(
    monkeypatch: pytest.MonkeyPatch, answer: tuple[str, bool, object], seen: Found
) -> None:
    def look(visit: Visit) -> None:
        visit.found = seen

    monkeypatch.setattr(Visit, "look", look)
    assert outcome(Run(WAYS[0], True, True, answer, 14, "after", 0))  # type: ignore[arg-type]


def test_a_worker_that_lays_a_copy_without_a_look_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(visit: Visit) -> None:
        visit.found = Found.NOTHING

    submitted = Way(keeps_drafts=False, lays_copies=False)
    wrong = set()
    for first in range(1, 15):
        run = Run(submitted, True, False, None, first, "after", 0)
        assert outcome(run) == ""
        with monkeypatch.context() as patched:
            patched.setattr(Visit, "look", look)
            wrong.add(outcome(run))
    assert "2 copies" in wrong
