"""Cursors of the feed: they pass no place behind which something may still come to stand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import InvalidInput
from shared.domain.events.events import Change, Event, What, days, place_of, time_of
from shared.domain.events.feed import KEPT, LAG, PROMPT, STEP, Sweep, kept_from
from tests.builders import KEY, NOW

times = st.integers(0, 10**15).map(
    lambda microseconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)


def test_without_a_cursor_a_sweep_begins_a_safe_time_ago_and_rests_there() -> None:
    sweep = Sweep.of("", datetime(2026, 3, 2, 9, 1, 59, tzinfo=UTC))
    assert sweep.start == sweep.rest == datetime(2026, 3, 2, 8, 55, tzinfo=UTC)


@given(times, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_no_cursor_at_the_end_passes_the_safe_time(now: datetime, later: timedelta) -> None:
    first = Sweep.of("", now)
    second = Sweep.of(first.cursor(None), now + later)
    assert second.start == first.rest <= now - LAG
    assert now + later - LAG - STEP < second.rest <= now + later - LAG


@given(times, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_a_sweep_rests_where_its_first_page_said_however_long_it_takes(
    now: datetime, later: timedelta
) -> None:
    first = Sweep.of("", now)
    page = first.cursor("YWJj")
    second = Sweep.of(page, now + later)
    assert (second.rest, second.page) == (first.rest, "YWJj")
    assert second.cursor(None) == first.cursor(None)


def test_a_cursor_made_under_a_clock_that_is_ahead_is_taken_back_to_the_safe_time() -> None:
    ahead = Sweep.of("", NOW + timedelta(hours=1)).cursor(None)
    assert Sweep.of(ahead, NOW) == Sweep.of("", NOW)


def test_the_cursor_of_a_quiet_feed_stays_for_a_step() -> None:
    start = datetime(2026, 3, 2, 9, 2, tzinfo=UTC)
    cursors = {Sweep.of("", start + timedelta(seconds=seconds)).cursor(None) for seconds in range(300)}
    assert len(cursors) == 1


@pytest.mark.parametrize("foreign", ["x", "-", "69a554ac-", "69A554AC", "f" * 10, "69a554ac-=", "é"])
def test_a_foreign_cursor_is_refused(foreign: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        Sweep.of(foreign, NOW)


def test_writers_have_half_of_the_lag_and_clocks_the_other_half() -> None:
    assert timedelta(minutes=1) <= LAG - PROMPT


@pytest.mark.parametrize(("retention", "kept"), [(0, KEPT), (400, KEPT), (7, timedelta(days=7))])
def test_events_are_kept_no_longer_than_the_organisation_keeps_mail(retention: int, kept: timedelta) -> None:
    assert kept_from(NOW, retention) == NOW - kept


@given(times, times)
def test_places_sort_as_times_do(first: datetime, second: datetime) -> None:
    change = Change(What.INBOX_ADDED, KEY, "1")
    one, other = (Event("ab", at, change).id for at in (first, second))
    assert (one < other) == (first < second)
    assert time_of(one) == first
    assert place_of(first) < one


def test_days_are_those_of_utc_both_ends_included() -> None:
    late = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
    assert [day.isoformat() for day in days(late, late + timedelta(minutes=2))] == [
        "2026-03-01",
        "2026-03-02",
    ]
    assert list(days(late, late - timedelta(days=1))) == []
