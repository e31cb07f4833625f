import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.data.tables import TableServiceClient

from dev.azurite import ROOT
from dev.processes import PATIENCE, wait_for
from shared.domain.names import TABLES
from tests import patient_http

pytestmark = pytest.mark.stack

CONTRACT = {
    "api_url",
    "simulator_url",
    "ca_file",
    "home_tenant_id",
    "storage_connection_string",
    "client_id",
    "pids",
}


class Up:
    """`python -m dev.up` as a tool outside the project runs it."""

    def __init__(self, ready_file: Path, *arguments: str) -> None:
        self._ready_file = ready_file
        command = [sys.executable, "-m", "dev.up", "--ready-file", str(ready_file), "--no-timers", *arguments]
        self._log = ready_file.with_suffix(".log")
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)

    def ready(self) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            assert self.process.poll() is None, self._log.read_text()
            return json.loads(self._ready_file.read_text()) if self._ready_file.exists() else None

        return wait_for(look, "dev.up did not get ready")

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE)


StartUp = Callable[..., Up]


@pytest.fixture
def start_up(tmp_path: Path) -> Iterator[StartUp]:
    started: list[Up] = []

    def start(*arguments: str) -> Up:
        up = Up(tmp_path / f"ready-{len(started)}.json", *arguments)
        started.append(up)
        return up

    yield start
    for up in started:
        if up.process.poll() is None:
            up.stop()


def answers(ready: dict[str, Any]) -> bool | None:
    try:
        return patient_http.get(f"{ready['api_url']}/health").status_code < 500 or None
    except httpx.TransportError:
        return None


def test_all_is_reachable_once_the_ready_file_is_there_and_gone_after_sigterm(start_up: StartUp) -> None:
    up = start_up("--hosts", "2")
    ready = up.ready()
    assert set(ready) >= CONTRACT
    assert ready["api_url"].endswith("/api/v1")
    assert len(ready["pids"]["host"]) == 2
    assert answers(ready)
    trusted = ssl.create_default_context(cafile=ready["ca_file"])
    assert patient_http.get(f"{ready['simulator_url']}/_control/faults", verify=trusted).status_code == 200
    tables = TableServiceClient.from_connection_string(ready["storage_connection_string"]).list_tables()
    assert {table.name for table in tables} == set(TABLES)
    assert up.stop() == 0
    pids = ready["pids"]
    for pid in [*pids["host"], pids["azurite"], pids["simulator"], pids["storage_proxy"]]:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_with_identity_there_is_no_connection_string(start_up: StartUp) -> None:
    ready = start_up("--identity").ready()
    assert set(ready) >= CONTRACT
    assert ready["storage_connection_string"] == ""
    assert "client_secret" not in ready
    assert answers(ready)


def test_nothing_goes_on_when_dev_up_itself_is_killed(start_up: StartUp) -> None:
    up = start_up()
    pids = up.ready()["pids"]
    up.process.kill()
    for pid in [*pids["host"], pids["azurite"], pids["simulator"], pids["storage_proxy"]]:
        assert wait_for(lambda pid=pid: _gone(pid), f"{pid} goes on")  # a host has 10 s to drain


def test_a_killed_host_is_started_again(start_up: StartUp) -> None:
    up = start_up()
    before = up.ready()["pids"]["host"]
    os.kill(before[0], signal.SIGKILL)
    after = wait_for(lambda: _other(up, before), "no other host")
    assert wait_for(lambda: answers(after), "the new host does not answer")


def test_in_groups_every_function_group_has_a_process_that_the_ready_file_names(start_up: StartUp) -> None:
    ready = start_up("--groups").ready()
    groups = ready["host_groups"]
    assert {len(pids) for pids in groups.values()} == {1}
    assert len(groups["http"]) == 1
    assert len(groups) > 2
    assert sorted(ready["pids"]["host"]) == sorted(pids[0] for pids in groups.values())
    assert answers(ready)


def test_a_data_directory_keeps_storage_and_ids_across_runs(start_up: StartUp, tmp_path: Path) -> None:
    kept = ("--data-dir", str(tmp_path / "data"))
    first = start_up(*kept)
    one = first.ready()
    table = TableServiceClient.from_connection_string(one["storage_connection_string"]).get_table_client(
        TABLES[0]
    )

    def is_on_disk() -> bool | None:
        # Azurite saves every few seconds, and may miss a row that comes while it does: so each look writes.
        table.upsert_entity({"PartitionKey": "kept", "RowKey": "row"})
        saved = (tmp_path / "data" / "azurite" / "__azurite_db_table__.json").read_text("utf-8")
        return '"kept"' in saved or None

    wait_for(is_on_disk, "the row did not come to disk", every=0.5)
    first.stop()
    two = start_up(*kept).ready()
    table = TableServiceClient.from_connection_string(two["storage_connection_string"]).get_table_client(
        TABLES[0]
    )
    assert table.get_entity("kept", "row")["RowKey"] == "row"
    assert (one["home_tenant_id"], one["client_id"]) == (two["home_tenant_id"], two["client_id"])


def _other(up: Up, before: list[int]) -> dict[str, Any] | None:
    ready = up.ready()
    return ready if ready["pids"]["host"] != before else None


def _gone(pid: int) -> bool | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return None
