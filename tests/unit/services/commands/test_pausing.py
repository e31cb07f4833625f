"""The operator's pause: commands wait as they are, nothing is due, and it is said."""

from datetime import timedelta
from typing import Any

import pytest

from shared.bootstrap.compose import UseCases
from shared.bootstrap.dispatch import carry_out
from shared.domain.commands.agenda import Item, is_tick_overdue
from shared.domain.commands.commands import ReportBack, SyncMailbox
from shared.domain.commands.families import MAIL
from shared.domain.errors import Forbidden
from shared.services.commands.occupancy import Occupancy
from shared.services.commands.pausing import LOOK_EVERY
from shared.triggers.queue import ON_PAUSE, Outcomes, handle
from tests.builders import MAILBOX_ID, NOW, TENANT
from tests.composed import use_cases_over
from tests.fakes import FakePorts
from tests.log import events, lines
from tests.unit.services.commands.test_trials import ADMINISTERS, OPERATES
from tests.unit.triggers.test_queue import Message

SYNC = SyncMailbox(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW, attempt=3)


class Process:
    """One process of the deployment at `now`."""

    def __init__(self, ports: FakePorts) -> None:
        self.ports = ports
        self.now = NOW
        self.use_cases: UseCases = use_cases_over(ports, lambda: self.now)
        self.ran: list[object] = []
        self.done: list[Item] = []

    def take(self, text: str) -> None:
        """As `bootstrap.carry_out` does."""

        def run(command: Any) -> None:
            self.use_cases.heed_pause(command)
            self.ran.append(command)

        outcomes = Outcomes(self.ports.queue, self.ports.exceptions, lambda: self.now, Occupancy())
        handle(Message(text), MAIL, run, outcomes)

    def tick(self) -> None:
        self.use_cases.run_agenda(self.done.append)

    def ask(self, *, paused: bool) -> None:
        self.use_cases.ask_pause(OPERATES, paused=paused)


@pytest.fixture
def process() -> Process:
    return Process(FakePorts())


def test_a_command_waits_as_it_is_and_runs_when_the_pause_is_over(process: Process) -> None:
    process.ask(paused=True)
    process.take(SYNC.to_json())
    [(command, delay)] = process.ports.queue.sent
    assert (process.ran, command, process.ports.exceptions.all) == ([], SYNC, [])
    assert ON_PAUSE <= delay <= 2 * ON_PAUSE
    process.now += LOOK_EVERY
    process.ask(paused=False)
    process.take(command.to_json())
    assert process.ran == [SYNC]


def test_every_process_sees_it_within_seconds(process: Process) -> None:
    other = Process(process.ports)
    other.take(SYNC.to_json())
    process.ask(paused=True)
    other.take(SYNC.to_json())
    other.now += LOOK_EVERY
    other.take(SYNC.to_json())
    assert len(other.ran) == 2


def test_a_deployment_can_be_tried_while_it_is_paused(process: Process) -> None:
    process.ask(paused=True)
    process.use_cases.ask_trial(OPERATES)
    [command] = process.ports.queue.take(ReportBack)
    process.take(command.to_json())
    assert process.ran == [command]
    carry_out(process.use_cases, command)
    condition = process.use_cases.read_condition()
    assert condition.trial == command.trial
    assert condition.paused_since == NOW


def test_nothing_is_due_and_every_tick_says_why(process: Process, caplog: pytest.LogCaptureFixture) -> None:
    process.ask(paused=True)
    caplog.clear()
    for minutes in (1, 20):
        process.now = NOW + timedelta(minutes=minutes)
        process.tick()
    assert process.done == []
    said = lines(caplog)
    assert [(line["event"], line["outcome"]) for line in said] == [("tick_handled", "paused")] * 2
    assert [noted["seconds"] for noted in events(said, "operators_pause")] == [60, 1_200]
    assert process.use_cases.read_condition().tick_age == 0
    assert not is_tick_overdue(process.now, process.ports.runs.all())
    process.ask(paused=False)
    process.tick()
    assert Item.POLL in process.done
    assert process.use_cases.read_condition().paused_since is None


def test_asked_twice_it_is_done_once(process: Process) -> None:
    process.ask(paused=False)
    assert process.ports.runs.all() == []
    process.ask(paused=True)
    process.now += timedelta(minutes=5)
    process.ask(paused=True)
    assert process.use_cases.read_condition().paused_since == NOW
    process.ask(paused=False)
    process.ask(paused=True)
    assert process.use_cases.read_condition().paused_since == process.now


def test_a_pause_that_nobody_could_ask_about_holds_nobody_up(process: Process) -> None:
    with pytest.raises(Forbidden):
        process.use_cases.ask_pause(ADMINISTERS, paused=True)
    process.take(SYNC.to_json())
    assert process.ran == [SYNC]


def test_a_process_asks_once_in_a_quarter_of_a_minute(process: Process) -> None:
    for _ in range(5):
        process.take(SYNC.to_json())
    assert process.ports.faults.reads.count("Runs.all") == 1
