"""What the host gave up on: run once more by itself, recorded the second time, finished either way."""

import json
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.capture.screening import RULES_VERSION
from shared.domain.commands.commands import IngestMessages, SyncMailbox
from shared.domain.commands.families import MAIL
from shared.domain.errors import Unavailable
from shared.triggers.poison import take_poison
from shared.triggers.queue import MAX_DEQUEUE_COUNT, Outcomes, handle
from tests.builders import MAILBOX_ID, NOW, TENANT, an_item
from tests.fakes import FakeStorage
from tests.unit.triggers.test_queue import Message, Run

SYNC = SyncMailbox(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW, attempt=3)
INGEST = IngestMessages(
    tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW, items=(an_item("a"),), silent=True
)


@pytest.fixture
def storage() -> FakeStorage:
    return FakeStorage()


@pytest.fixture
def outcomes(storage: FakeStorage) -> Outcomes:
    return Outcomes(storage.queue, storage.exceptions, lambda: NOW)


def alerts(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [json.loads(one.message)["event"] for one in caplog.records if one.levelno == logging.WARNING]


def test_a_command_that_killed_its_workers_is_run_once_more(
    storage: FakeStorage, outcomes: Outcomes, caplog: pytest.LogCaptureFixture
) -> None:
    take_poison(Message(SYNC.to_json()), MAIL, outcomes)
    assert storage.queue.sent == [(replace(SYNC, attempt=0, replays=1), 0.0)]
    assert storage.exceptions.all == []
    assert alerts(caplog) == ["poison_replayed"]


def test_the_second_time_it_is_recorded(
    storage: FakeStorage, outcomes: Outcomes, caplog: pytest.LogCaptureFixture
) -> None:
    again = replace(INGEST, replays=1)
    for _ in range(2):
        take_poison(Message(again.to_json()), MAIL, outcomes)
    [failure] = storage.exceptions.all
    assert (failure.code, failure.command, failure.queue) == ("poison", again.to_json(), "mail")
    assert (failure.item, failure.rules_version, failure.mailbox_id) == (
        an_item("a"),
        RULES_VERSION,
        MAILBOX_ID,
    )
    assert storage.queue.sent == []
    assert alerts(caplog) == ["exception_recorded", "poison_message", "poison_message"]


def test_a_bug_is_recorded_on_the_last_try_and_needs_a_person(
    storage: FakeStorage, outcomes: Outcomes, caplog: pytest.LogCaptureFixture
) -> None:
    for count in range(1, MAX_DEQUEUE_COUNT + 1):
        with pytest.raises(ZeroDivisionError):
            handle(Message(SYNC.to_json(), count), MAIL, Run(ZeroDivisionError("secret words")), outcomes)
    [failure] = storage.exceptions.all
    assert failure.code == "bug"
    assert failure.error.startswith("ZeroDivisionError in __call__, line ")
    assert "secret" not in repr(failure), "an error's text may quote a mail"
    take_poison(Message(SYNC.to_json()), MAIL, outcomes)
    assert storage.queue.sent == []
    assert len(storage.exceptions.all) == 1
    assert alerts(caplog) == ["exception_recorded", "poison_message"]


def test_before_the_last_try_a_bug_is_not_recorded(storage: FakeStorage, outcomes: Outcomes) -> None:
    with pytest.raises(ZeroDivisionError):
        handle(Message(SYNC.to_json(), MAX_DEQUEUE_COUNT - 1), MAIL, Run(ZeroDivisionError()), outcomes)
    assert storage.exceptions.all == []


def test_a_storage_that_is_away_on_the_last_try_is_no_bug(storage: FakeStorage, outcomes: Outcomes) -> None:
    storage.faults.named["CommandQueue.put"] = Unavailable("storage is down")
    with pytest.raises(Unavailable):
        handle(Message(SYNC.to_json(), MAX_DEQUEUE_COUNT), MAIL, Run(Unavailable("down")), outcomes)
    assert storage.exceptions.all == []
    storage.faults.clear()
    take_poison(Message(SYNC.to_json()), MAIL, outcomes)
    assert storage.queue.commands == [replace(SYNC, attempt=0, replays=1)]


def test_what_an_admin_replayed_is_not_run_by_itself_as_well(
    storage: FakeStorage, outcomes: Outcomes
) -> None:
    take_poison(Message(replace(SYNC, replays=2).to_json()), MAIL, outcomes)
    assert storage.queue.sent == []
    assert [one.code for one in storage.exceptions.all] == ["poison"]


@pytest.mark.parametrize(
    ("text", "tenant"),
    [
        ("not json", "unknown"),
        ("[]", "unknown"),
        ('{"tenant_id": "../../x"}', "unknown"),
        (json.dumps({"command": "SyncMailbox", "tenant_id": TENANT}), TENANT),
    ],
)
def test_what_is_no_command_is_recorded_once(
    text: str, tenant: str, storage: FakeStorage, outcomes: Outcomes, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        take_poison(Message(text), MAIL, outcomes)
    [failure] = storage.exceptions.all
    assert (failure.code, failure.command, failure.tenant_id) == ("malformed", text, tenant)
    assert "poison_message" in alerts(caplog)


def test_a_failure_told_twice_is_one_exception(storage: FakeStorage, outcomes: Outcomes) -> None:
    """The worker was killed between recording and finishing; a later time says nothing new."""
    late = replace(outcomes, clock=lambda: NOW + timedelta(hours=1))
    again = replace(INGEST, replays=1)
    take_poison(Message(again.to_json()), MAIL, outcomes)
    take_poison(Message(again.to_json()), MAIL, late)
    assert [one.at for one in storage.exceptions.all] == [NOW]
