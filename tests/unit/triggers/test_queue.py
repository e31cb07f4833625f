"""The queue boundary: errors become outcomes here and nowhere else."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from dev.processes import PATIENCE
from shared.domain.commands.commands import IngestMessages, SyncMailbox
from shared.domain.commands.families import MAIL
from shared.domain.errors import AccessDenied, Throttled, Unavailable
from shared.services.commands.occupancy import Occupancy
from shared.triggers.queue import MAKE_WAY, MAKE_WAY_AT_MOST, MAX_DEQUEUE_COUNT, SPLIT_AT, Outcomes, handle
from tests.builders import MAILBOX_ID, NOW, TENANT, an_item
from tests.fakes import FakeStorage

SYNC = SyncMailbox(tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW)
INGEST = IngestMessages(
    tenant_id=TENANT, mailbox_id=MAILBOX_ID, first_at=NOW, items=tuple(map(an_item, "abc"))
)


@dataclass
class Message:
    """What the host hands over."""

    text: str
    dequeue_count: int | None = 1

    def get_body(self) -> bytes:
        return self.text.encode()


@dataclass
class Run:
    """A use case that remembers its command, or raises."""

    error: BaseException | None = None
    commands: list[object] = field(default_factory=list)

    def __call__(self, command: object) -> None:
        self.commands.append(command)
        if self.error:
            raise self.error


@pytest.fixture
def storage() -> FakeStorage:
    return FakeStorage()


@pytest.fixture
def outcomes(storage: FakeStorage) -> Outcomes:
    return Outcomes(storage.queue, storage.exceptions, lambda: NOW, Occupancy())


def test_a_command_is_run_once_and_leaves_nothing(storage: FakeStorage, outcomes: Outcomes) -> None:
    run = Run()
    handle(Message(SYNC.to_json()), MAIL, run, outcomes)
    assert run.commands == [SYNC]
    assert (storage.queue.sent, storage.exceptions.all) == ([], [])


def test_a_transient_error_puts_the_command_back_with_one_more_attempt(
    storage: FakeStorage, outcomes: Outcomes
) -> None:
    handle(Message(SYNC.to_json()), MAIL, Run(Unavailable("down")), outcomes)
    [(command, delay)] = storage.queue.sent
    assert command == replace(SYNC, attempt=1)
    assert 2 <= delay <= 2.5


def test_retry_after_is_never_cut_short(storage: FakeStorage, outcomes: Outcomes) -> None:
    handle(Message(SYNC.to_json()), MAIL, Run(Throttled("slow", retry_after=120.5)), outcomes)
    assert 120.5 <= storage.queue.sent[0][1] <= 151


def test_waiting_grows_with_every_attempt(storage: FakeStorage, outcomes: Outcomes) -> None:
    for attempt in (0, 3, 50):
        command = replace(SYNC, attempt=attempt)
        handle(Message(command.to_json()), MAIL, Run(Unavailable("down")), outcomes)
    waits = [delay for _, delay in storage.queue.sent]
    assert waits == sorted(waits)
    assert 3_600 <= waits[-1] <= 4_500


def test_a_command_that_has_failed_for_days_is_still_not_poison(
    storage: FakeStorage, outcomes: Outcomes
) -> None:
    old = replace(SYNC, attempt=500, first_at=NOW - timedelta(days=6))
    handle(Message(old.to_json()), MAIL, Run(Unavailable("down")), outcomes)
    assert storage.queue.commands == [replace(old, attempt=501)]


def test_a_permanent_error_is_recorded_with_the_whole_command(
    storage: FakeStorage, outcomes: Outcomes
) -> None:
    handle(Message(SYNC.to_json()), MAIL, Run(AccessDenied("no consent", "ErrorAccessDenied")), outcomes)
    [failure] = storage.exceptions.all
    assert (failure.command, failure.code, failure.error) == (
        SYNC.to_json(),
        "ErrorAccessDenied",
        "no consent",
    )
    assert storage.queue.sent == []


def test_a_bug_escapes_to_the_host(storage: FakeStorage, outcomes: Outcomes) -> None:
    with pytest.raises(ZeroDivisionError):
        handle(Message(SYNC.to_json()), MAIL, Run(ZeroDivisionError()), outcomes)
    assert (storage.queue.sent, storage.exceptions.all) == ([], [])


@pytest.mark.parametrize(
    ("tries", "is_apart"), [(1, False), (2, False), (3, True), (MAX_DEQUEUE_COUNT, True)]
)
def test_the_mails_of_a_batch_are_taken_in_one_by_one_from_its_third_try_on(
    tries: int, is_apart: bool, outcomes: Outcomes
) -> None:
    run = Run()
    handle(Message(INGEST.to_json(), tries), MAIL, run, outcomes)
    [command] = run.commands
    assert isinstance(command, IngestMessages)
    assert (command.items, command.is_apart) == (INGEST.items, is_apart)


def test_a_single_message_gets_its_last_try(outcomes: Outcomes) -> None:
    run = Run()
    single = replace(INGEST, items=(an_item("a"),))
    handle(Message(single.to_json(), MAX_DEQUEUE_COUNT), MAIL, run, outcomes)
    assert run.commands == [single.apart()]


@pytest.mark.parametrize("text", ["", "not json", '{"command":"IngestMessages"}'])
def test_what_is_no_command_is_recorded_and_finished(
    text: str, storage: FakeStorage, outcomes: Outcomes
) -> None:
    run = Run()
    handle(Message(text), MAIL, run, outcomes)
    assert run.commands == []
    assert [(one.code, one.command) for one in storage.exceptions.all] == [("malformed", text)]


def test_a_put_back_that_fails_escapes_so_that_the_host_keeps_the_message(
    storage: FakeStorage, outcomes: Outcomes
) -> None:
    storage.faults.named["CommandQueue.send"] = Unavailable("storage is down")
    run: Callable[[SyncMailbox], None] = Run(Unavailable("down"))
    with pytest.raises(Unavailable):
        handle(Message(SYNC.to_json()), MAIL, run, outcomes)


def test_a_command_that_was_tried_twice_without_an_end_runs_with_nothing_beside_it(
    storage: FakeStorage, outcomes: Outcomes
) -> None:
    def beside(_: object) -> None:
        """Another message comes while this one runs."""
        with ThreadPoolExecutor(1) as other:
            other.submit(handle, Message(INGEST.to_json()), MAIL, run, outcomes).result(PATIENCE)

    run = Run()
    handle(Message(SYNC.to_json(), SPLIT_AT - 1), MAIL, beside, outcomes)
    assert run.commands == [INGEST]
    handle(Message(SYNC.to_json(), SPLIT_AT), MAIL, beside, outcomes)
    assert run.commands == [INGEST]
    [(command, delay)] = storage.queue.sent
    assert command == INGEST, "it goes back as it came, and no try of it was counted"
    assert MAKE_WAY <= delay <= 2 * MAKE_WAY


def test_who_makes_way_comes_less_often_the_longer_the_process_is_kept(storage: FakeStorage) -> None:
    """A fixed pause of 5 to 10 s made it about 56 times in seven minutes, at three operations of storage each."""
    now, times = 0.0, 0
    occupancy = Occupancy(clock=lambda: now)
    outcomes = Outcomes(storage.queue, storage.exceptions, lambda: NOW, occupancy)
    with ThreadPoolExecutor(1) as other:
        assert other.submit(occupancy.take).result(PATIENCE)
        while now < 7 * 60:
            handle(Message(INGEST.to_json()), MAIL, Run(), outcomes)
            [(command, delay)] = storage.queue.sent
            assert (command, delay <= 2 * MAKE_WAY_AT_MOST) == (INGEST, True)
            storage.queue.sent.clear()
            now, times = now + delay, times + 1
    assert times <= 12
