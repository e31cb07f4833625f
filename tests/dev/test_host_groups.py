import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.azurite import Azurite
from dev.hosts import HostOptions, Hosts
from dev.processes import wait_for
from tests import patient_http
from tests.dev.conftest import APP, StartHost, Work

pytestmark = pytest.mark.stack

GROUPS = {"http", "every_second", "poisoned", "work"}


@pytest.fixture
def start_hosts(azurite: Azurite, tmp_path: Path) -> Iterator[Callable[[int], Hosts]]:
    """Starts the fixture app in groups, so many processes each."""
    started: list[Hosts] = []

    def start(count: int) -> Hosts:
        options = HostOptions(app_dir=APP, count=count, in_groups=True, timers=False)
        hosts = Hosts(tmp_path, options, lambda changed: started_again.set())
        started.append(hosts)
        settings = {"AzureWebJobsStorage": azurite.connection_string, "WORK_QUEUE": "grouped"}
        hosts.start({**os.environ, **settings, "SEEN": str(tmp_path / "seen.jsonl")})
        hosts.watch()
        return hosts

    started_again = threading.Event()
    yield start
    for hosts in started:
        hosts.stop()


def test_http_functions_are_one_group_and_every_other_function_is_one_of_its_own(
    start_hosts: Callable[[int], Hosts],
) -> None:
    assert set(start_hosts(1).pids_by_group) == GROUPS


def test_two_hosts_in_groups_are_two_processes_for_each_group(start_hosts: Callable[[int], Hosts]) -> None:
    hosts = start_hosts(2)
    assert {group: len(pids) for group, pids in hosts.pids_by_group.items()} == dict.fromkeys(GROUPS, 2)
    url = f"http://127.0.0.1:{hosts.port}/api/things/x"
    answering = {patient_http.get(url).json()["pid"] for _ in range(40)}
    assert answering == set(hosts.pids_by_group["http"])
    assert sorted(hosts.pids) == sorted(pid for pids in hosts.pids_by_group.values() for pid in pids)


def test_a_killed_process_of_a_group_is_started_again_and_the_others_go_on(
    start_hosts: Callable[[int], Hosts],
) -> None:
    hosts = start_hosts(1)
    before = hosts.pids_by_group
    os.kill(before["work"][0], signal.SIGKILL)
    after = wait_for(
        lambda: hosts.pids_by_group if hosts.pids_by_group["work"] != before["work"] else None,
        "the process was not started again",
    )
    assert {group: pids for group, pids in after.items() if group != "work"} == {
        group: pids for group, pids in before.items() if group != "work"
    }


def test_a_queue_function_alone_serves_no_route(start_host: StartHost, work: Work) -> None:
    host = start_host("--group", "work", work_queue=work.queue.queue_name)
    work.send("hello")
    host.wait_seen("work")
    assert patient_http.get(f"{host.url}/api/things/x").status_code == 404


def test_the_http_group_leaves_messages_alone_and_runs_any_function_by_hand(
    start_host: StartHost, work: Work
) -> None:
    host = start_host("--group", "http", work_queue=work.queue.queue_name)
    work.send("left alone")
    assert patient_http.post(f"{host.url}/admin/functions/work", json={"input": "by hand"}).status_code == 202
    assert [line["body"] for line in host.wait_seen("work")] == ["by hand"]
    assert not work.is_empty()


def test_a_group_that_the_app_does_not_have_is_refused_with_the_names_of_those_it_has(
    azurite: Azurite, tmp_path: Path
) -> None:
    settings = {"AzureWebJobsStorage": azurite.connection_string, "WORK_QUEUE": "x", "SEEN": str(tmp_path)}
    command = [sys.executable, "-m", "dev.host", "--app-dir", str(APP), "--group", "mails"]
    ended = subprocess.run(
        command, env={**os.environ, **settings}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == (
        "error: no function group 'mails'; there are http, every_second, poisoned, work"
    )
