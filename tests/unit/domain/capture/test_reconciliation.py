"""What a reconciliation counts, and which rows of the ledger it doubts."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.capture.reconciliation import QUEUE_PATIENCE, Reconciliation, is_in_doubt
from tests.builders import NOW, a_sighting

FRESH = {"outcome": "queued", "queued_at": NOW - QUEUE_PATIENCE / 2}
STALE = {"outcome": "queued", "queued_at": NOW - QUEUE_PATIENCE}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (FRESH, False),
        (STALE, True),
        ({"outcome": "queued"}, True),
        ({"outcome": "failed"}, True),
        ({"outcome": "filed"}, False),
        ({"outcome": "triage"}, False),
        ({"outcome": "skipped", "reason": "unknown_people"}, False),
        ({"outcome": "skipped", "reason": "folder:junkemail", "final": False}, True),
    ],
)
def test_what_is_in_doubt(row: dict[str, Any], expected: bool) -> None:
    assert is_in_doubt(a_sighting(**row), NOW) is expected


def test_history_may_wait_for_hours_and_is_not_doubted() -> None:
    queued = a_sighting(outcome="queued", queued_at=NOW - timedelta(hours=3))
    assert not is_in_doubt(queued, NOW)
    assert is_in_doubt(queued, NOW + timedelta(days=1))


def test_what_is_unknown_is_in_doubt() -> None:
    assert is_in_doubt(None, NOW)


def test_each_mail_is_counted_once() -> None:
    rows = [
        a_sighting(outcome="filed"),
        a_sighting(outcome="filed"),
        a_sighting(outcome="triage"),
        a_sighting(outcome="queued"),
        a_sighting(outcome="failed"),
        a_sighting(outcome="skipped", reason="staff_only"),
    ]
    once = Reconciliation(NOW, NOW - timedelta(days=2)).counting(rows, repaired=1)
    twice = once.counting(rows, repaired=0)
    assert (twice.seen, twice.filed, twice.triaged, twice.waiting, twice.repaired) == (12, 4, 2, 4, 1)
    assert twice.skipped == {"staff_only": 2}
    assert twice.seen == twice.filed + twice.triaged + twice.waiting + sum(twice.skipped.values())


def test_it_comes_back_as_it_was_kept() -> None:
    rows = [a_sighting(outcome="skipped", reason="staff_only"), a_sighting(outcome="filed")]
    counted = Reconciliation(NOW, NOW - timedelta(days=2)).counting(rows, repaired=2)
    assert Reconciliation.from_json(counted.to_json()) == counted
