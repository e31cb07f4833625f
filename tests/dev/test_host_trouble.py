"""What the real host does when storage, a queue, a message or the Python worker fails it."""

import base64
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceNotFoundError

from dev.azurite import Azurite, start_azurite
from dev.host.configuration import FAILED
from dev.host.server import HOST_ID_SETTING
from dev.hosts import HostOptions, Hosts
from dev.processes import PATIENCE, wait_for
from tests.dev.conftest import APP, HostUnderTest, Seen, StartHost, Work
from tests.dev.proxied import Proxy

pytestmark = pytest.mark.stack
NEVER = 24 * 3_600.0


@pytest.fixture
def poison(azurite: Azurite) -> Work:
    """The queue of the function that works on a poison queue, empty."""
    work = Work(azurite.connection_string, "work-poison")
    work.queue.clear_messages()
    return work


@pytest.fixture
def start_watched(azurite: Azurite, tmp_path: Path) -> Iterator[Callable[..., Hosts]]:
    """Starts the fixture app in one process that is started again when it ends."""
    started: list[Hosts] = []

    def start(work_queue: str, *, timers: bool = False) -> Hosts:
        options = HostOptions(app_dir=APP, count=1, in_groups=False, timers=timers, look=NEVER)
        hosts = Hosts(tmp_path, options, lambda _: None)
        started.append(hosts)
        settings = {
            "AzureWebJobsStorage": azurite.connection_string,
            "WORK_QUEUE": work_queue,
            "SEEN": str(tmp_path / "seen.jsonl"),
            HOST_ID_SETTING: uuid.uuid4().hex,
        }
        hosts.start({**os.environ, **settings})
        hosts.watch()
        return hosts

    yield start
    for hosts in started:
        hosts.stop()


def _bodies(host: HostUnderTest, what: str) -> list[str]:
    return [line["body"] for line in host.seen(what)]


def test_what_fails_on_a_poison_queue_is_not_released(start_host: StartHost, poison: Work) -> None:
    host = start_host("--no-timers")
    poison.send("fail there too")
    host.wait_seen("poisoned")
    poison.send("the next one")
    host.wait_seen("poisoned", 2)
    assert _bodies(host, "poisoned") == ["fail there too", "the next one"]
    wait_for(lambda: _count(poison) == 1 or None, "the second message was not deleted", every=0.1)


def test_what_cannot_be_decoded_on_a_poison_queue_stays_there(start_host: StartHost, poison: Work) -> None:
    poison.queue.send_message("no base64!")
    host = start_host("--no-timers")
    wait_for(lambda: "queue_message_poisoned" in host.child.output() or None, "not met", every=0.1)
    poison.send("the next one")
    host.wait_seen("poisoned")
    wait_for(lambda: _count(poison) == 1 or None, "the second message was not deleted", every=0.1)
    assert _bodies(host, "poisoned") == ["the next one"]


def _count(work: Work) -> int:
    return work.queue.get_queue_properties().approximate_message_count or 0


def test_a_missing_queue_is_not_made_and_is_served_once_it_is_there(
    start_host: StartHost, work: Work, poison: Work
) -> None:
    work.queue.delete_queue()
    host = start_host("--no-timers", work_queue=work.queue.queue_name)
    poison.send("it polls")
    host.wait_seen("poisoned")
    with pytest.raises(ResourceNotFoundError):
        work.queue.get_queue_properties()
    work.queue.create_queue()
    work.send("hello")
    host.wait_seen("work")
    assert "queue_poll_failed" not in host.child.output()


def test_a_host_that_cannot_delete_what_has_run_ends_and_one_that_only_polls_lives(
    start_host: StartHost, tmp_path: Path
) -> None:
    with start_azurite(tmp_path / "own.log") as own:
        busy, idle = Work(own.connection_string, "busy"), Work(own.connection_string, "idle")
        arguments = ("--no-timers", "--shorten", "4")
        working = start_host(*arguments, work_queue="busy", storage=own.connection_string)
        polling = start_host(*arguments, work_queue="idle", storage=own.connection_string)
        busy.send(f"until {tmp_path / 'storage is gone'}")
        working.wait_seen("work")
        assert _count(idle) == 0
    (tmp_path / "storage is gone").touch()
    assert working.child.process.wait(PATIENCE) == FAILED
    assert "host_stopping" in working.child.output()
    wait_for(lambda: "queue_poll_failed" in polling.child.output() or None, "polls did not fail")
    assert polling.child.process.poll() is None


def test_a_message_whose_deletion_failed_runs_again(
    start_host: StartHost, work: Work, proxy: Proxy, tmp_path: Path
) -> None:
    name = work.queue.queue_name
    first = start_host(
        "--no-timers",
        "--shorten",
        "4",
        "--invisibility",
        "20",
        work_queue=name,
        storage=proxy.connection_string,
    )
    work.send(f"until {tmp_path / 'storage fails'}")
    first.wait_seen("work")
    with proxy.failing(storage_busy=1.0):
        (tmp_path / "storage fails").touch()
        assert first.child.process.wait(PATIENCE) == FAILED
    second = start_host("--no-timers", work_queue=name)
    assert [line["count"] for line in second.wait_seen("work", 2)] == [1, 2]
    assert len(second.seen("ended")) >= 1


def test_a_timer_whose_owner_was_killed_goes_on_elsewhere_with_one_run_that_is_past_due(
    start_host: StartHost,
) -> None:
    first = start_host("--shorten", "4")
    first.wait_seen("timer", 2)
    second = start_host("--shorten", "4")
    os.kill(first.child.pid, signal.SIGKILL)
    first.child.process.wait()
    before = len(second.seen("timer"))
    lines = second.wait_seen("timer", before + 3)[before:]
    assert {line["pid"] for line in lines} == {second.child.pid}
    assert [line["past_due"] for line in lines[:3]] == [True, False, False]


def test_a_timer_runs_on_two_hosts_while_its_owner_cannot_reach_its_lease_and_the_owner_ends_then(
    start_host: StartHost, proxy: Proxy
) -> None:
    first = start_host("--shorten", "4", storage=proxy.connection_string)
    first.wait_seen("timer", 2)
    second = start_host("--shorten", "4")
    with proxy.failing(storage_busy=1.0):

        def both() -> bool | None:
            latest = [line["pid"] for line in second.seen("timer")[-4:]]
            return True if set(latest) == {first.child.pid, second.child.pid} else None

        wait_for(both, "they did not both run it", every=0.1)
    assert first.child.process.wait(PATIENCE) == FAILED
    assert second.child.process.poll() is None


def test_what_ran_in_a_worker_that_died_is_released_and_counts_as_a_try_of_all_of_it(
    start_watched: Callable[..., Hosts], work: Work, tmp_path: Path
) -> None:
    """Neither is at fault for the other, and both come to poison. The one dies once the other runs."""
    start_watched(work.queue.queue_name)
    seen = Seen(seen_file=tmp_path / "seen.jsonl")
    work.send("sleep 3600")
    seen.wait_seen("work")
    work.send("die beside sleep 3600")
    bodies = ["die beside sleep 3600", "sleep 3600"]
    assert sorted(base64.b64decode(content).decode() for content in work.wait_poison(2)) == bodies
    for body in bodies:
        assert [line["count"] for line in seen.seen("work") if line["body"] == body] == [1, 2, 3]


def test_a_timer_goes_on_at_once_where_only_the_worker_died(
    start_watched: Callable[..., Hosts], work: Work, tmp_path: Path
) -> None:
    """Its lease is asked for but once: one that had to run out first would never be had."""
    hosts = start_watched(work.queue.queue_name, timers=True)
    seen = Seen(seen_file=tmp_path / "seen.jsonl")
    seen.wait_seen("timer")
    first = hosts.pids
    work.send("die")

    def by_another() -> bool | None:
        return True if seen.seen("timer")[-1]["pid"] not in first else None

    wait_for(by_another, "the timer did not go on", every=0.1)


def test_white_space_in_base64_is_ignored(start_host: StartHost, work: Work) -> None:
    work.queue.send_message("aGVs bG8=\n")
    host = start_host("--no-timers", work_queue=work.queue.queue_name)
    assert [line["body"] for line in host.wait_seen("work")] == ["hello"]


def test_a_message_that_is_no_text_fails_before_the_function_is_called(
    start_host: StartHost, work: Work
) -> None:
    content = base64.b64encode(b"\xff\xfe").decode()
    work.queue.send_message(content)
    host = start_host("--no-timers", work_queue=work.queue.queue_name)
    assert work.wait_poison() == [content]
    assert host.seen("work") == []
    assert host.child.output().count("function_not_called") == 3
