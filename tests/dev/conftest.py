"""Azurite and local hosts for the tests of the development tools."""

import base64
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueServiceClient

from dev.azurite import Azurite, start_azurite
from dev.host.server import HOST_ID_SETTING
from dev.processes import Child, wait_for, wait_for_ready
from tests.dev.proxied import proxy

__all__ = ["proxy"]

HERE = Path(__file__).parent
APP = HERE / "app"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Their processes have much to start, build and compile, which a busy machine stretches."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(3_600))


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    with start_azurite(tmp_path_factory.mktemp("azurite") / "azurite.log") as running:
        yield running


@dataclass(kw_only=True)
class Seen:
    """What the fixture app has seen, in whichever process."""

    seen_file: Path

    def lines(self) -> list[dict[str, Any]]:
        if not self.seen_file.exists():
            return []
        text = self.seen_file.read_text()
        whole = text[: text.rfind("\n") + 1]  # the last line may be under way
        return [json.loads(line) for line in whole.splitlines()]

    def seen(self, what: str) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["what"] == what]

    def wait_seen(self, what: str, count: int = 1) -> list[dict[str, Any]]:
        def look() -> list[dict[str, Any]] | None:
            found = self.seen(what)
            return found if len(found) >= count else None

        return wait_for(look, f"{what} not seen {count} times:\n{self.output()}")

    def output(self) -> str:
        return ""


@dataclass(kw_only=True)
class HostUnderTest(Seen):
    """A running local host with the fixture app."""

    child: Child
    url: str

    def output(self) -> str:
        return self.child.output()


class Work:
    """The fixture app's queue, written to as the Functions queue trigger expects."""

    def __init__(self, connection_string: str, name: str) -> None:
        service = QueueServiceClient.from_connection_string(connection_string)
        self.queue = service.get_queue_client(name)
        with suppress(ResourceExistsError):  # the host makes it too
            self.queue.create_queue()
        self.poison = service.get_queue_client(f"{name}-poison")

    def send(self, text: str) -> None:
        self.queue.send_message(base64.b64encode(text.encode()).decode())

    def is_empty(self) -> bool:
        return self.queue.get_queue_properties().approximate_message_count == 0

    def wait_empty(self) -> None:
        wait_for(lambda: self.is_empty() or None, "the queue is not empty", every=0.1)

    def wait_poison(self, count: int = 1) -> list[str]:
        def look() -> list[str] | None:
            try:
                found = [message.content for message in self.poison.peek_messages(32)]
            except ResourceNotFoundError:
                return None
            return found if len(found) >= count else None

        return wait_for(look, "nothing in the poison queue", every=0.1)


StartHost = Callable[..., HostUnderTest]


@pytest.fixture
def start_host(azurite: Azurite, tmp_path: Path) -> Iterator[StartHost]:
    children: list[Child] = []
    host_id = uuid.uuid4().hex  # a timer's lease that another test's host has left is none of this one's

    def start(*arguments: str, work_queue: str = "work", storage: str = "") -> HostUnderTest:
        number = len(children)
        ready, seen = tmp_path / f"ready-{number}.json", tmp_path / "seen.jsonl"
        command = [
            sys.executable,
            "-m",
            "dev.host",
            "--app-dir",
            str(APP),
            "--ready-file",
            str(ready),
            *arguments,
        ]
        env = {
            **os.environ,
            "AzureWebJobsStorage": storage or azurite.connection_string,
            "WORK_QUEUE": work_queue,
            "SEEN": str(seen),
            HOST_ID_SETTING: host_id,
        }
        child = Child.start("host", command, log=tmp_path / f"host-{number}.log", env=env)
        children.append(child)
        url = wait_for_ready(child, ready)["url"]
        return HostUnderTest(child=child, url=url, seen_file=seen)

    yield start
    for child in children:
        child.stop()


@pytest.fixture
def work(azurite: Azurite) -> Work:
    """A queue of this test's own."""
    return Work(azurite.connection_string, f"work-{time.time_ns()}")
