import time
from datetime import UTC, datetime

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


def test_a_schedule_that_is_none_is_refused() -> None:
    with pytest.raises(HostError, match="NCRONTAB"):
        Schedule("every day")
