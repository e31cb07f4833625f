"""The queue boundary: a message becomes a command, and the one place where errors become outcomes."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from shared import telemetry
from shared.domain.commands.commands import IngestMessages
from shared.domain.commands.envelope import Command, tenant_named_in
from shared.domain.commands.families import Family
from shared.domain.commands.retries import delay, is_overdue
from shared.domain.errors import Busy, MalformedCommand, Noted, PermanentError, TransientError
from shared.ports.stores.exceptions import Exceptions
from shared.ports.work import Clock, CommandQueue
from shared.services.commands.failures import failure_of, failure_of_bug, failure_of_text, record

# host.json says the same. A drained instance aborts its runs, and each abort counts as a try.
MAX_DEQUEUE_COUNT = 10
# A batch that fails again and again for passing reasons may do so for one of its mails only.
SPLIT_AT_ATTEMPT = 3
# Another worker is on this mailbox: come back soon, and not all at once. Seconds.
BUSY_DELAY = (1.0, 4.0)
# After an hour of that somebody is told with each try, so there are fewer of them.
OVERDUE_DELAY = (30.0, 60.0)


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


def handle(message: QueueMessage, family: Family, run: Callable[[Command], None], outcomes: Outcomes) -> None:
    """Run the command in a queue message.

    A transient failure puts it back with a growing delay and finishes; a permanent one is recorded and
    finishes; anything else is a bug and escapes, so that the host tries again and then gives up on it.
    """
    try:
        command = family.read(text_of(message))
    except MalformedCommand as error:
        record_malformed(message, family.queue, error, outcomes)
        return
    is_last = _is_last_try(message)
    if is_last and isinstance(command, IngestMessages) and len(command.items) > 1:
        _split(command, outcomes)
        return
    with telemetry.measured(f"{family.queue}_handled", mailbox=command.mailbox_id) as fields:
        fields["command"] = type(command).__name__
        try:
            fields["outcome"] = _attempt(command, run, outcomes)
        except Exception as error:
            fields["outcome"] = "raised"
            _note_bug(command, error, outcomes, is_last=is_last)
            raise


def _note_bug(command: Command, error: Exception, outcomes: Outcomes, *, is_last: bool) -> None:
    # The host then moves the message to poison, and the error is known to nobody but this worker.
    if is_last and not isinstance(error, TransientError):
        record(outcomes.exceptions, failure_of_bug(command, error, outcomes.clock()))
    telemetry.cut_trace(error)


def _attempt(command: Command, run: Callable[[Command], None], outcomes: Outcomes) -> str:
    try:
        run(command)
    except Busy as error:
        _stand_back(command, error, outcomes)
        return "busy"
    except TransientError as error:
        _put_back(command, error, outcomes)
        return "put_back"
    except Noted:
        return "noted"
    except PermanentError as error:
        record(outcomes.exceptions, failure_of(command, error, outcomes.clock()))
        telemetry.failure("command_failed", error, mailbox=command.mailbox_id, code=error.code)
        return "failed"
    return "done"


def _stand_back(command: Command, error: Busy, outcomes: Outcomes) -> None:
    """The same try again: soon, or once a wait is over."""
    overdue = is_overdue(command.first_at, outcomes.clock())
    asked = (error.retry_after or 0.0) * (1 + random.random() / 4)
    wait = max(random.uniform(*(OVERDUE_DELAY if overdue else BUSY_DELAY)), asked)
    outcomes.queue.put(command, delay=wait)
    if overdue:
        telemetry.overdue(command.mailbox_id, command.attempt, error, wait)


def _put_back(command: Command, error: TransientError, outcomes: Outcomes) -> None:
    wait = delay(command.attempt, error.retry_after, random.random())
    for part in _parts(command):
        outcomes.queue.put(part.again(), delay=wait)
    if is_overdue(command.first_at, outcomes.clock()):
        telemetry.overdue(command.mailbox_id, command.attempt, error, wait)
    else:
        telemetry.put_back(command.mailbox_id, command.attempt, error, wait)


def _parts(command: Command) -> list[Command]:
    """The command itself, or one for each mail of a batch that has failed several times."""
    if not isinstance(command, IngestMessages) or command.attempt < SPLIT_AT_ATTEMPT:
        return [command]
    return [replace(command, items=(item,)) for item in command.items]


def _is_last_try(message: QueueMessage) -> bool:
    return (message.dequeue_count or 1) >= MAX_DEQUEUE_COUNT


def _split(command: IngestMessages, outcomes: Outcomes) -> None:
    """One bad mail must not take nineteen along: each goes on alone."""
    telemetry.event("command_split", mailbox=command.mailbox_id, ids=len(command.items))
    for item in command.items:
        outcomes.queue.put(replace(command, items=(item,)))


def record_malformed(message: QueueMessage, queue: str, error: MalformedCommand, outcomes: Outcomes) -> None:
    """Keep a message that is no command: with the organisation it names, else with nobody's."""
    text = text_of(message)
    record(outcomes.exceptions, failure_of_text(text, tenant_named_in(text), queue, error, outcomes.clock()))
    telemetry.failure("command_malformed", error)
