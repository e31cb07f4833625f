import os
import signal

import pytest

from dev.processes import PATIENCE
from tests.dev.conftest import StartHost, Work

pytestmark = pytest.mark.stack


def test_a_drained_host_lets_what_runs_finish_and_takes_nothing_new(
    start_host: StartHost, work: Work
) -> None:
    host = start_host("--no-timers", "--drain", str(PATIENCE), work_queue=work.queue.queue_name)
    work.send("sleep 4")
    host.wait_seen("work")
    host.child.process.terminate()
    assert host.child.process.wait(PATIENCE) == 0
    assert len(host.seen("slept")) == 1
    assert work.is_empty()


def test_a_run_that_outlasts_a_short_drain_is_cut_off_and_its_message_comes_back_once_visible(
    start_host: StartHost, work: Work
) -> None:
    short = ("--no-timers", "--drain", "1")
    host = start_host(*short, "--invisibility", "16", work_queue=work.queue.queue_name)
    work.send("sleep 3600")
    host.wait_seen("work")
    host.child.process.terminate()
    assert host.child.process.wait(PATIENCE) == 0
    assert '{"event": "host_stopped", "finished": false}' in host.child.output()
    assert host.seen("slept") == []
    second = start_host(*short, work_queue=work.queue.queue_name)
    assert [line["count"] for line in second.wait_seen("work", 2)] == [1, 2]


def test_an_aborted_run_counts_as_a_try_and_comes_back_after_the_time_of_a_failed_one(
    start_host: StartHost, work: Work
) -> None:
    host = start_host("--no-timers", "--invisibility", "600", work_queue=work.queue.queue_name)
    work.send("sleep 3600")
    host.wait_seen("work")
    os.kill(host.child.pid, signal.SIGUSR1)
    assert host.child.process.wait(PATIENCE) == 1
    assert '{"event": "host_aborted", "given_back": 1}' in host.child.output()
    second = start_host("--no-timers", work_queue=work.queue.queue_name)
    assert [line["count"] for line in second.wait_seen("work", 2)] == [1, 2]
