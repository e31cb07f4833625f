import os
import signal
from itertools import accumulate

import pytest

from dev.azurite import Azurite
from dev.processes import PATIENCE, wait_for
from tests.dev.conftest import StartHost, Work

pytestmark = pytest.mark.stack


def test_a_message_runs_once_and_is_deleted(start_host: StartHost, work: Work) -> None:
    host = start_host("--no-timers", work_queue=work.queue.queue_name)
    work.send("hello")
    assert [line["body"] for line in host.wait_seen("work")] == ["hello"]
    work.wait_empty()


def test_a_failing_message_is_tried_up_to_the_limit_and_then_put_into_poison(
    start_host: StartHost, work: Work
) -> None:
    host = start_host("--no-timers", work_queue=work.queue.queue_name)
    work.send("fail")
    assert work.wait_poison() == ["ZmFpbA=="]
    assert [line["count"] for line in host.seen("work")] == [1, 2, 3]
    work.wait_empty()


def test_a_message_above_the_limit_goes_to_poison_without_running(start_host: StartHost, work: Work) -> None:
    work.send("crashed before")
    for _ in range(3):
        wait_for(lambda: work.queue.receive_message(visibility_timeout=1), "the message does not come back")
    host = start_host("--no-timers", work_queue=work.queue.queue_name)
    assert len(work.wait_poison()) == 1
    assert host.seen("work") == []


def test_a_message_that_is_not_base64_goes_to_poison_as_it_is(start_host: StartHost, work: Work) -> None:
    work.queue.send_message("plain text!")
    host = start_host("--no-timers", work_queue=work.queue.queue_name)
    assert work.wait_poison() == ["plain text!"]
    assert host.seen("work") == []


def test_a_running_message_stays_hidden_beyond_its_invisibility(start_host: StartHost, work: Work) -> None:
    # Each renewal may be late by half of it.
    host = start_host("--no-timers", "--invisibility", "16", work_queue=work.queue.queue_name)
    work.send("sleep 20")
    host.wait_seen("slept")
    work.wait_empty()
    assert len(host.seen("work")) == 1


def test_a_message_whose_host_was_killed_comes_back_to_another(start_host: StartHost, work: Work) -> None:
    first = start_host("--no-timers", "--invisibility", "2", work_queue=work.queue.queue_name)
    work.send("sleep 3600")
    first.wait_seen("work")
    os.kill(first.child.pid, signal.SIGKILL)
    first.child.process.wait()
    tried = len(first.seen("work"))
    second = start_host("--no-timers", work_queue=work.queue.queue_name)
    line = second.wait_seen("work", tried + 1)[-1]
    assert (line["pid"], line["count"]) == (second.child.pid, tried + 1)


def test_a_stopping_host_lets_a_running_message_finish(start_host: StartHost, work: Work) -> None:
    host = start_host("--no-timers", "--drain", str(PATIENCE), work_queue=work.queue.queue_name)
    work.send("sleep 1")
    host.wait_seen("work")
    host.child.stop(grace=PATIENCE)
    assert len(host.seen("slept")) == 1
    assert work.is_empty()


def test_no_more_messages_run_at_once_than_a_batch_and_the_threshold(
    start_host: StartHost, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_THREADPOOL_THREAD_COUNT", "40")
    for number in range(40):
        work.send(f"sleep 0.4{number}")
    host = start_host("--no-timers", work_queue=work.queue.queue_name)
    host.wait_seen("slept", 40)
    work.wait_empty()
    assert sorted(line["count"] for line in host.seen("work")) == [1] * 40
    steps = [1 if line["what"] == "work" else -1 for line in host.lines()]
    assert max(accumulate(steps)) <= 16 + 8


def test_a_function_on_a_poison_queue_runs_too(start_host: StartHost, azurite: Azurite) -> None:
    host = start_host("--no-timers")
    Work(azurite.connection_string, "work").send("fail")
    assert [line["body"] for line in host.wait_seen("poisoned")] == ["fail"]
