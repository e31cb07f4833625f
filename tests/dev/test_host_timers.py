import time
from datetime import UTC, datetime, timedelta

import pytest

from dev.host.configuration import HostError
from dev.host.timers import Schedule
from tests.dev.conftest import StartHost, Work

pytestmark = pytest.mark.stack


def test_a_timer_runs_at_its_times_on_one_of_two_hosts(start_host: StartHost) -> None:
    first = start_host()
    second = start_host()
    lines = first.wait_seen("timer", 4)
    assert len({line["pid"] for line in lines}) == 1
    assert {line["pid"] for line in lines} <= {first.child.pid, second.child.pid}
    due = [datetime.fromisoformat(line["due"]).timestamp() for line in lines]
    assert due == sorted(set(due))
    assert all(line["at"] > moment - 0.1 for line, moment in zip(lines, due, strict=True))


def test_a_stopped_host_hands_its_timer_on_and_a_missed_time_is_past_due(start_host: StartHost) -> None:
    first = start_host()
    first.wait_seen("timer", 2)
    first.child.stop()
    before = len(first.seen("timer"))
    time.sleep(1.2)
    second = start_host()
    lines = second.wait_seen("timer", before + 2)
    assert lines[before]["past_due"] is True
    assert lines[before + 1]["past_due"] is False


def test_no_timers_switches_the_schedule_off(start_host: StartHost, work: Work) -> None:
    without = start_host("--no-timers", work_queue=work.queue.queue_name)
    work.send("it listens")
    without.wait_seen("work")
    host = start_host()
    assert {line["pid"] for line in host.wait_seen("timer", 3)} == {host.child.pid}


def test_a_schedule_has_seconds_and_is_utc() -> None:
    noon = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    assert Schedule("0 */5 * * * *").after(noon) == datetime(2026, 11, 20, 12, 5, tzinfo=UTC)
    assert Schedule("30 2 * * *").after(noon) == datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
    assert Schedule("0 0 3 1 * MON").after(noon) == datetime(2027, 2, 1, 3, 0, tzinfo=UTC)


def test_a_run_that_outlasts_its_interval_is_followed_by_the_next_at_once() -> None:
    noon = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    schedule = Schedule("0 */5 * * * *")
    in_time, late = noon + timedelta(minutes=1), noon + timedelta(minutes=7, seconds=3)
    assert schedule.following(noon, in_time) == noon + timedelta(minutes=5)
    assert schedule.following(noon, late) == late


@pytest.mark.parametrize(
    ("expression", "away", "missed"),
    [
        ("0 */5 * * * *", timedelta(minutes=4), None),
        ("0 */5 * * * *", timedelta(minutes=31), timedelta(minutes=5)),
        ("0 */2 * * * *", timedelta(minutes=31), None),
    ],
    ids=["not yet due", "missed", "another schedule"],
)
def test_a_time_is_missed_that_has_passed_and_is_one_of_this_schedule(
    expression: str, away: timedelta, missed: timedelta | None
) -> None:
    noon = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    status = {
        "Last": noon.isoformat(),
        "Next": (noon + timedelta(minutes=5)).isoformat(),
        "LastUpdated": (noon + timedelta(seconds=20)).isoformat(),
    }
    expected = noon + missed if missed else None
    assert Schedule(expression).missed(status, noon + away) == expected


def test_a_run_that_outlasts_its_interval_leaves_none_that_is_past_due(
    start_host: StartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIMER_TAKES", "2.5")
    lines = start_host().wait_seen("timer", 3)
    assert [line["past_due"] for line in lines[:3]] == [False] * 3


def test_a_changed_schedule_has_missed_nothing(
    start_host: StartHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start_host()
    first.wait_seen("timer", 2)
    first.child.stop()
    before = len(first.seen("timer"))
    monkeypatch.setenv("TIMER_SCHEDULE", "0,7,13,19,29,37,43,53 * * * * *")
    lines = start_host().wait_seen("timer", before + 1)
    assert lines[before]["past_due"] is False


def test_a_schedule_that_is_none_is_refused() -> None:
    with pytest.raises(HostError, match="NCRONTAB"):
        Schedule("every day")
