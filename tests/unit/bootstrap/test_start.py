"""The start of a process: what needs the store looks at it, and nothing else waits for that."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from dev.processes import PATIENCE
from shared import bootstrap
from shared.adapters.storage import version
from shared.domain.commands import families
from shared.domain.commands.agenda import Item, Run
from shared.domain.commands.commands import SyncMailbox
from shared.domain.errors import Unavailable
from shared.services.commands.occupancy import Occupancy
from shared.triggers.queue import Outcomes, handle
from tests.builders import MAILBOX_ID, NOW, TENANT
from tests.fakes import FakePorts, FakeStorage
from tests.unit.bootstrap.test_compose import ENVIRONMENT
from tests.unit.triggers.test_queue import Message

CACHED = (
    bootstrap._settings,
    bootstrap._ports,
    bootstrap._lacks_parts,
    bootstrap._check_layout,
    bootstrap._use_cases,
)
SYNC = SyncMailbox(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW)


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is missing in storage, and nobody asks."""
    monkeypatch.setattr(bootstrap, "_lacks_parts", lambda: False)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that has not begun, under settings of its own."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for remembered in CACHED:
        remembered.cache_clear()
    yield
    for remembered in CACHED:
        remembered.cache_clear()


@pytest.mark.usefixtures("complete")
def test_a_webhook_does_not_wait_while_another_thread_looks_at_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, answered = Event(), Event()

    def slow(_connection: object) -> str:
        asked.set()
        assert answered.wait(PATIENCE)
        return ""

    monkeypatch.setattr(version, "refusal", slow)
    with ThreadPoolExecutor(2) as pool:
        looking = pool.submit(bootstrap.use_cases)
        assert asked.wait(PATIENCE)
        try:
            found = pool.submit(bootstrap.webhook_use_cases).result(PATIENCE)
        finally:
            answered.set()
        assert looking.result(PATIENCE) is found


@pytest.mark.usefixtures("complete")
def test_a_command_that_finds_storage_down_at_the_start_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is raised at the host, which would soon give the command up."""

    def down(_connection: object) -> str:
        raise Unavailable("down")

    monkeypatch.setattr(version, "refusal", down)
    storage = FakeStorage()
    assert isinstance(bootstrap.outcomes(), Outcomes)
    outcomes = Outcomes(storage.queue, storage.exceptions, lambda: NOW, Occupancy())
    handle(Message(SYNC.to_json()), families.MAIL, bootstrap.carry_out, outcomes)
    assert [(type(command), command.attempt) for command in storage.queue.commands] == [(SyncMailbox, 1)]


def test_a_command_does_what_a_missing_tick_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "_check_store", lambda: None)
    ports: Any = FakePorts()
    monkeypatch.setattr(bootstrap, "_ports", lambda: ports)
    ports.runs.claim(Run(Item.POLL, NOW, NOW, "a tick of long ago"))
    bootstrap.carry_out(SYNC)
    assert {run.item for run in ports.runs.all() if run.finished} == set(Item)


def test_what_storage_lacks_is_told_once_at_the_start_and_its_layout_is_not_looked_at(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ports: Any = FakePorts()
    ports.parts.lacking = ["queue mail-poison", "table Runs"]
    monkeypatch.setattr(bootstrap, "_ports", lambda: ports)
    monkeypatch.setattr(version, "refusal", lambda _: pytest.fail("there is no table to read it from"))
    for _ in range(2):
        bootstrap.use_cases()
    assert [line for line in caplog.messages if "storage_incomplete" in line] == [
        '{"event": "storage_incomplete", "missing": ["queue mail-poison", "table Runs"]}'
    ]
