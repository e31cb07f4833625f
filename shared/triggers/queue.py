"""The queue boundary: a message becomes a command, and the one place where errors become outcomes."""

import logging
import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from shared import telemetry
from shared.domain.commands.commands import IngestMessages
from shared.domain.commands.envelope import Command, tenant_named_in
from shared.domain.commands.families import Family
from shared.domain.commands.retries import delay, delay_for_newer, is_overdue
from shared.domain.errors import (
    MalformedCommand,
    NewerCommand,
    Noted,
    OnPause,
    PermanentError,
    TransientError,
)
from shared.ports.stores.exceptions import Exceptions
from shared.ports.work import Clock, CommandQueue
from shared.services.commands.failures import failure_of, failure_of_bug, failure_of_text, record
from shared.services.commands.occupancy import Occupancy

# host.json says the same. A drained instance aborts its runs, and each abort counts as a try.
MAX_DEQUEUE_COUNT = 10
# Seconds, and up to twice as many, between two looks at whether the operator's pause is over.
ON_PAUSE = 60.0
# What comes so often without an end may kill its worker: nothing else runs beside it. Of a batch one mail may be the
# reason: each goes on alone, in the worklist.
SPLIT_AT = 3
# Seconds after which a command comes again that has made way for such a one, at least and at most; spread, since
# many do at once.
MAKE_WAY = 5.0
MAKE_WAY_AT_MOST = 60.0


class QueueMessage(Protocol):
    """The part of azure.functions.QueueMessage that is read here."""

    @property
    def dequeue_count(self) -> int | None: ...

    def get_body(self) -> bytes: ...


def text_of(message: QueueMessage) -> str:
    """What the message says; bytes that are no UTF-8 make it no command, and are kept readable."""
    return message.get_body().decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Where failed commands go."""

    queue: CommandQueue
    exceptions: Exceptions
    clock: Clock
    occupancy: Occupancy


def handle(message: QueueMessage, family: Family, run: Callable[[Command], None], outcomes: Outcomes) -> None:
    """Run the command in a queue message. What only a newer version can run goes back as it is.

    A transient failure puts it back with a growing delay and finishes; a permanent one is recorded and
    finishes; anything else is a bug and escapes, so that the host tries again and then gives up on it. Where another
    command has this process alone, this one goes back unchanged.
    """
    try:
        command = family.read(text_of(message))
    except NewerCommand as error:
        leave_for_newer(message, family.queue, error, outcomes)
        return
    except MalformedCommand as error:
        record_malformed(message, family.queue, error, outcomes)
        return
    is_last = _tries(message) >= MAX_DEQUEUE_COUNT
    is_suspect = _tries(message) >= SPLIT_AT
    if is_suspect and isinstance(command, IngestMessages):
        command = command.apart()
    with (
        _line_of(command, family.queue) as line,
        outcomes.occupancy.room(alone=is_suspect) as has_room,
    ):
        if not has_room:
            line.add(outcome=_make_way(command, outcomes, alone=is_suspect))
            return
        try:
            line.add(outcome=_attempt(command, run, outcomes, line))
        except Exception as error:
            line.add(level=logging.ERROR, outcome="raised", error=type(error).__name__)
            _note_bug(command, error, outcomes, is_last=is_last)
            raise


def _line_of(command: Command, queue: str) -> AbstractContextManager[telemetry.Line]:
    return telemetry.measured(
        f"{queue}_handled",
        command=type(command).__name__,
        tenant=command.tenant_id,
        mailbox=command.mailbox_id,
        attempt=command.attempt,
    )


def _note_bug(command: Command, error: Exception, outcomes: Outcomes, *, is_last: bool) -> None:
    # The host then moves the message to poison, and the error is known to nobody but this worker.
    if is_last and not isinstance(error, TransientError):
        record(outcomes.exceptions, failure_of_bug(command, error, outcomes.clock()))
    telemetry.cut_trace(error)


def _attempt(
    command: Command, run: Callable[[Command], None], outcomes: Outcomes, line: telemetry.Line
) -> str:
    try:
        run(command)
    except OnPause:
        outcomes.queue.send(command, delay=ON_PAUSE * (1 + random.random()))
        return "paused"
    except TransientError as error:
        _put_back(command, error, outcomes, line)
        return "put_back"
    except Noted:
        return "noted"
    except PermanentError as error:
        record(outcomes.exceptions, failure_of(command, error, outcomes.clock()))
        line.add(level=logging.ERROR, error=type(error).__name__, code=error.code)
        return "failed"
    return "done"


def _make_way(command: Command, outcomes: Outcomes, *, alone: bool) -> str:
    """Into the queue again: waiting here, it would die with the one that has the process.

    It waits for as long again as the process has been kept, or until it may be had `alone`: each time costs three
    operations of storage.
    """
    occupancy = outcomes.occupancy
    wait = min(max(MAKE_WAY, occupancy.kept_for, occupancy.closed_for if alone else 0.0), MAKE_WAY_AT_MOST)
    outcomes.queue.send(command, delay=wait * (1 + random.random()))
    return "made_way"


def _put_back(command: Command, error: TransientError, outcomes: Outcomes, line: telemetry.Line) -> None:
    wait = delay(command.attempt, error.retry_after, random.random())
    outcomes.queue.send(command.again(), delay=wait)
    line.add(error=type(error).__name__, wait_seconds=round(wait))
    if is_overdue(command.first_at, outcomes.clock()):
        telemetry.overdue(command.mailbox_id, command.attempt, error, wait)


def _tries(message: QueueMessage) -> int:
    return message.dequeue_count or 1


def leave_for_newer(message: QueueMessage, queue: str, error: NewerCommand, outcomes: Outcomes) -> None:
    """Put the message back byte for byte: while two versions run, the newer one takes it. After a day a person is told.

    A roll-back leaves such commands behind, and nobody knows whether the newer version comes again.
    """
    wait = delay_for_newer(error.first_at, outcomes.clock())
    if wait is None:
        record_malformed(message, queue, error, outcomes)
        return
    text = text_of(message)
    with telemetry.measured(f"{queue}_handled", tenant=tenant_named_in(text), mailbox="") as line:
        outcomes.queue.send_as_it_is(queue, text, delay=wait)
        line.add(level=logging.WARNING, outcome="newer", wait_seconds=round(wait))


def record_malformed(message: QueueMessage, queue: str, error: MalformedCommand, outcomes: Outcomes) -> None:
    """Keep a message that is no command of this version: with the organisation it names, else with nobody's."""
    text = text_of(message)
    tenant = tenant_named_in(text)
    with telemetry.measured(f"{queue}_handled", tenant=tenant, mailbox="", outcome="malformed") as line:
        line.add(level=logging.ERROR, error=type(error).__name__)
        record(outcomes.exceptions, failure_of_text(text, tenant, queue, error, outcomes.clock()))
