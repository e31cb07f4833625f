"""What is due when, and what was missed: once each, and the tick's own age."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.commands.agenda import TIMES, Every, Item, Run, agenda, is_tick_overdue

NOW = datetime(2026, 3, 2, 9, 17, 30, tzinfo=UTC)


def a_run(item: Item, due: datetime, **changes: object) -> Run:
    fields = {"started": due, "by": "a", "finished": due, **changes}
    return Run(item, due, **fields)  # type: ignore[arg-type]


def calm(now: datetime) -> dict[Item, Run]:
    """Everything was done at its last time."""
    return {item: a_run(item, times.last(now)) for item, times in TIMES.items()}


def due(now: datetime, runs: dict[Item, Run]) -> list[str]:
    return [entry.item for entry in agenda(now, runs.values())]


@pytest.mark.parametrize(
    ("item", "last"),
    [
        ("poll", "2026-03-02T09:17"),
        ("wake_stale", "2026-03-02T09:17"),
        ("outboxes", "2026-03-02T09:17"),
        ("sweep_poison", "2026-03-02T09:17"),
        ("sweep_decisions", "2026-03-02T09:15"),
        ("subscriptions", "2026-03-02T09:00"),
        ("connections", "2026-03-02T08:50"),
        ("comparisons", "2026-03-02T06:15"),
        ("addresses", "2026-03-02T01:40"),
        ("reconciliations", "2026-03-02T02:10"),
        ("retention", "2026-03-02T03:40"),
    ],
)
def test_every_item_has_its_times(item: str, last: str) -> None:
    assert TIMES[Item(item)].last(NOW) == datetime.fromisoformat(f"{last}:00+00:00")


def test_every_item_has_times() -> None:
    assert list(TIMES) == list(Item)


def test_a_store_without_runs_has_everything_due_in_order() -> None:
    assert due(NOW, {}) == list(Item)


def test_what_was_done_at_its_last_time_is_not_due() -> None:
    assert due(NOW, calm(NOW)) == []


def test_a_minute_later_only_the_minutes_items_are_due() -> None:
    minutely = ["poll", "wake_stale", "outboxes", "sweep_poison"]
    assert due(NOW + timedelta(minutes=1), calm(NOW)) == minutely


def test_three_missed_nights_are_one_run() -> None:
    runs = calm(NOW)
    runs[Item.RETENTION] = a_run(Item.RETENTION, TIMES[Item.RETENTION].last(NOW) - timedelta(days=3))
    [entry] = agenda(NOW, runs.values())
    assert (entry.item, entry.at) == ("retention", datetime(2026, 3, 2, 3, 40, tzinfo=UTC))


@pytest.mark.parametrize(("minutes", "is_due"), [(9, False), (10, True)])
def test_a_run_that_does_not_end_is_taken_over_after_ten_minutes(minutes: int, is_due: bool) -> None:
    runs = calm(NOW)
    at = TIMES[Item.RETENTION].last(NOW)
    runs[Item.RETENTION] = a_run(Item.RETENTION, at, started=NOW - timedelta(minutes=minutes), finished=None)
    assert due(NOW, runs) == (["retention"] if is_due else [])


@pytest.mark.parametrize(
    ("item", "seconds", "is_due"),
    [
        (Item.POLL, 59, False),
        (Item.POLL, 60, True),
        (Item.RETENTION, 599, False),
        (Item.RETENTION, 600, True),
    ],
)
def test_a_run_that_failed_comes_again_after_its_period_and_no_later_than_ten_minutes(
    item: Item, seconds: int, is_due: bool
) -> None:
    runs = calm(NOW)
    started = NOW - timedelta(seconds=seconds)
    runs[item] = a_run(item, TIMES[item].last(started), started=started, finished=None, error="Unavailable")
    assert due(NOW, runs) == ([item] if is_due else [])


def test_an_item_of_a_later_version_is_passed_over() -> None:
    later = Run("send_mail", NOW, NOW, "a")
    assert due(NOW, calm(NOW) | {"send_mail": later}) == []  # type: ignore[operator]


@pytest.mark.parametrize(("minutes", "is_overdue"), [(4, False), (5, True)])
def test_a_tick_of_five_minutes_ago_is_overdue(minutes: int, is_overdue: bool) -> None:
    runs = [
        a_run(Item.RETENTION, NOW - timedelta(hours=5)),
        a_run(Item.POLL, NOW - timedelta(minutes=minutes)),
    ]
    assert is_tick_overdue(NOW, runs) is is_overdue


def test_where_there_never_was_a_tick_none_is_missed() -> None:
    assert not is_tick_overdue(NOW, [])


@given(
    st.timedeltas(timedelta(minutes=1), timedelta(days=1)),
    st.timedeltas(timedelta(0), timedelta(days=1)),
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_the_last_time_is_the_latest_that_has_come(
    period: timedelta, offset: timedelta, now: datetime
) -> None:
    times = Every(period, offset)
    last = times.last(now)
    assert now - period < last <= now
    assert times.last(last) == last


@pytest.mark.parametrize(("item", "minutes"), [("poll", 3), ("sweep_decisions", 10), ("retention", 10)])
def test_an_item_whose_worker_was_killed_is_taken_over_after_three_of_its_times_at_most_ten_minutes(
    item: str, minutes: int
) -> None:
    late = timedelta(minutes=minutes)
    killed = a_run(Item(item), NOW - late, finished=None)
    assert due(NOW, calm(NOW) | {Item(item): killed}) == [item]
    still_at_it = a_run(Item(item), NOW - late + timedelta(seconds=1), finished=None)
    assert due(NOW, calm(NOW) | {Item(item): still_at_it}) == []
