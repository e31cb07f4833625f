"""What the host gave up on: run once more by itself, recorded the second time, removed once it is stored."""

import json
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain import names
from shared.domain.capture.screening import RULES_VERSION
from shared.domain.commands.commands import IngestMessages, SyncMailbox
from shared.domain.commands.families import MAIL
from shared.domain.errors import Unavailable
from shared.services.commands.occupancy import Occupancy
from shared.triggers.queue import MAX_DEQUEUE_COUNT, Outcomes, handle
from tests.builders import MAILBOX_ID, NOW, TENANT, an_item
from tests.composed import use_cases_over
from tests.fakes import FakePorts
from tests.log import events, lines
from tests.unit.triggers.test_queue import Message, Run

SYNC = SyncMailbox(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW, attempt=3)
INGEST = IngestMessages(
    tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW, items=(an_item("a"),), silent=True
)


@pytest.fixture
def ports() -> FakePorts:
    return FakePorts()


@pytest.fixture
def outcomes(ports: FakePorts) -> Outcomes:
    return Outcomes(ports.queue, ports.exceptions, lambda: NOW, Occupancy())


def alerts(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [json.loads(one.message)["event"] for one in caplog.records if one.levelno == logging.WARNING]


def sweep(ports: FakePorts, *texts: str, later: timedelta = timedelta(), queue: str = names.MAIL) -> None:
    """The host gives these up, then the tick comes."""
    for text in texts:
        ports.poison.give_up(queue, text)
    use_cases_over(ports, lambda: NOW + later).sweep_poison()


def test_a_command_that_killed_its_workers_is_run_once_more(
    ports: FakePorts, caplog: pytest.LogCaptureFixture
) -> None:
    sweep(ports, SYNC.to_json())
    assert ports.queue.sent == [(replace(SYNC, attempt=0, replays=1), 0.0)]
    assert ports.exceptions.all == []
    assert alerts(caplog) == ["poison_replayed"]
    assert ports.poison.lying == {"mail": {}, "work": {}, "outbound": {}}


def test_the_second_time_it_is_recorded(ports: FakePorts, caplog: pytest.LogCaptureFixture) -> None:
    again = replace(INGEST, replays=1)
    for _ in range(2):
        sweep(ports, again.to_json())
    [failure] = ports.exceptions.all
    assert (failure.code, failure.command, failure.queue) == ("poison", again.to_json(), "mail")
    assert (failure.item, failure.rules_version, failure.mailbox_id) == (
        an_item("a"),
        RULES_VERSION,
        MAILBOX_ID,
    )
    assert ports.queue.sent == []
    assert alerts(caplog) == ["exception_recorded", "poison_message", "poison_message"]


def test_a_bug_is_recorded_on_the_last_try_and_needs_a_person(
    ports: FakePorts, outcomes: Outcomes, caplog: pytest.LogCaptureFixture
) -> None:
    for count in range(1, MAX_DEQUEUE_COUNT + 1):
        with pytest.raises(ZeroDivisionError):
            handle(Message(SYNC.to_json(), count), MAIL, Run(ZeroDivisionError("secret words")), outcomes)
    [failure] = ports.exceptions.all
    assert failure.code == "bug"
    assert failure.error.startswith("ZeroDivisionError in __call__, line ")
    assert "secret" not in repr(failure), "an error's text may quote a mail"
    sweep(ports, SYNC.to_json())
    assert ports.queue.sent == []
    assert len(ports.exceptions.all) == 1
    assert [line["event"] for line in events(lines(caplog), "exception_recorded")] == ["exception_recorded"]
    assert alerts(caplog) == ["poison_message"]


def test_before_the_last_try_a_bug_is_not_recorded(ports: FakePorts, outcomes: Outcomes) -> None:
    with pytest.raises(ZeroDivisionError):
        handle(Message(SYNC.to_json(), MAX_DEQUEUE_COUNT - 1), MAIL, Run(ZeroDivisionError()), outcomes)
    assert ports.exceptions.all == []


def test_a_storage_that_is_away_on_the_last_try_is_no_bug(ports: FakePorts, outcomes: Outcomes) -> None:
    ports.faults.named["CommandQueue.send"] = Unavailable("storage is down")
    with pytest.raises(Unavailable):
        handle(Message(SYNC.to_json(), MAX_DEQUEUE_COUNT), MAIL, Run(Unavailable("down")), outcomes)
    assert ports.exceptions.all == []
    ports.faults.clear()
    sweep(ports, SYNC.to_json())
    assert ports.queue.commands == [replace(SYNC, attempt=0, replays=1)]


def test_what_an_admin_replayed_is_not_run_by_itself_as_well(ports: FakePorts) -> None:
    sweep(ports, replace(SYNC, replays=2).to_json())
    assert ports.queue.sent == []
    assert [one.code for one in ports.exceptions.all] == ["poison"]


@pytest.mark.parametrize(
    ("text", "tenant"),
    [
        ("not json", "unknown"),
        ("", "unknown"),
        ("[]", "unknown"),
        ("\x00\ud800", "unknown"),
        ("[" * 100_000, "unknown"),
        ('{"tenant_id": "../../x"}', "unknown"),
        (json.dumps({"command": "SyncMailbox", "tenant_id": TENANT}), TENANT),
    ],
)
def test_what_is_no_command_is_recorded_once(
    text: str, tenant: str, ports: FakePorts, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        sweep(ports, text)
    [failure] = ports.exceptions.all
    assert (failure.code, failure.command, failure.tenant_id) == ("malformed", text, tenant)
    assert "poison_message" in alerts(caplog)
    assert ports.poison.lying["mail"] == {}


def test_a_command_of_another_queue_is_kept_as_it_came(ports: FakePorts) -> None:
    sweep(ports, SYNC.to_json(), queue=names.WORK)
    [failure] = ports.exceptions.all
    assert (failure.code, failure.command, failure.queue) == ("malformed", SYNC.to_json(), "work")


def test_a_failure_told_twice_is_one_exception(ports: FakePorts) -> None:
    """The worker was killed between recording and removing; a later time says nothing new."""
    again = replace(INGEST, replays=1)
    sweep(ports, again.to_json())
    sweep(ports, again.to_json(), later=timedelta(hours=1))
    assert [one.at for one in ports.exceptions.all] == [NOW]


@pytest.mark.parametrize("number", [1, 2])
def test_a_message_lies_there_until_it_is_stored(ports: FakePorts, number: int) -> None:
    """Storing it, removing it: whichever write fails, the message is there again, and comes again."""
    ports.faults.before[number] = Unavailable("storage is down")
    sweep(ports, replace(SYNC, replays=1).to_json())
    assert len(ports.poison.lying["mail"]) == 1
    ports.faults.clear()
    ports.poison.hidden.clear()
    sweep(ports)
    assert ports.poison.lying["mail"] == {}
    assert [one.code for one in ports.exceptions.all] == ["poison"]


def test_one_that_cannot_be_stored_leaves_the_others_alone(
    ports: FakePorts, caplog: pytest.LogCaptureFixture
) -> None:
    ports.faults.before[1] = RuntimeError("whatever")
    sweep(ports, "first", "second")
    assert [one.command for one in ports.exceptions.all] == ["second"]
    assert list(ports.poison.lying["mail"].values()) == ["first"]
    assert [one for one in caplog.messages if "poison_left" in one] == [
        '{"event": "poison_left", "error": "RuntimeError", "queue": "mail"}'
    ]


def test_a_full_queue_is_emptied_in_one_sweep(ports: FakePorts) -> None:
    sweep(ports, *(f"text {number}" for number in range(70)))
    assert ports.poison.lying["mail"] == {}
    assert len(ports.exceptions.all) == 70
