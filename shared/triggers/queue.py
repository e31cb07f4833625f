"""The queue boundary: a message becomes a command, and the one place where errors become outcomes."""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from shared import telemetry
from shared.domain.commands import Command, IngestMessages
from shared.domain.errors import Busy, MalformedCommand, Noted, PermanentError, TransientError
from shared.domain.retries import delay, is_overdue
from shared.ports import Clock, CommandQueue, Exceptions, Failure
from shared.services.failures import failure_of

# host.json: the host gives a message five tries; before the last one a batch is split.
MAX_DEQUEUE_COUNT = 5
# Another worker is on this mailbox: come back soon, and not all at once. Seconds.
BUSY_DELAY = (1.0, 4.0)

C = TypeVar("C", bound=Command)


class QueueMessage(Protocol):
    """The part of azure.functions.QueueMessage that is read here."""

    @property
    def dequeue_count(self) -> int | None: ...

    def get_body(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Where failed commands go."""

    queue: CommandQueue
    exceptions: Exceptions
    clock: Clock


def handle(message: QueueMessage, kind: type[C], run: Callable[[C], None], outcomes: Outcomes) -> None:
    """Run the command in a queue message.

    A transient failure puts it back with a growing delay and finishes; a permanent one is recorded and
    finishes; anything else is a bug and escapes, so that the host tries again and then gives up on it.
    """
    try:
        command = kind.from_json(message.get_body().decode("utf-8", "replace"))
    except MalformedCommand as error:
        _record_malformed(message, error, outcomes)
        return
    if _is_last_try(message) and isinstance(command, IngestMessages) and len(command.ids) > 1:
        _split(command, outcomes)
        return
    with telemetry.measured(f"{kind.queue}_handled", mailbox=command.mailbox_id) as said:
        said["outcome"] = _attempt(command, run, outcomes)


def _attempt(command: C, run: Callable[[C], None], outcomes: Outcomes) -> str:
    try:
        run(command)
    except Busy:
        outcomes.queue.put(command, delay=random.uniform(*BUSY_DELAY))
        return "busy"
    except TransientError as error:
        _put_back(command, error, outcomes)
        return "put_back"
    except Noted:
        return "noted"
    except PermanentError as error:
        outcomes.exceptions.record(failure_of(command, error, outcomes.clock()))
        telemetry.failure("command_failed", error, mailbox=command.mailbox_id, code=error.code)
        return "failed"
    return "done"


def _put_back(command: Command, error: TransientError, outcomes: Outcomes) -> None:
    wait = delay(command.attempt, error.retry_after, random.random())
    outcomes.queue.put(command.again(), delay=wait)
    overdue = is_overdue(command.first_at, outcomes.clock())
    telemetry.event(
        "command_overdue" if overdue else "command_put_back",
        level=logging.WARNING if overdue else logging.INFO,
        mailbox=command.mailbox_id,
        attempt=command.attempt,
        error=type(error).__name__,
        seconds=round(wait),
    )


def _is_last_try(message: QueueMessage) -> bool:
    return (message.dequeue_count or 1) >= MAX_DEQUEUE_COUNT


def _split(command: IngestMessages, outcomes: Outcomes) -> None:
    """One bad mail must not take nineteen along: each goes on alone."""
    telemetry.event("command_split", mailbox=command.mailbox_id, ids=len(command.ids))
    for one in command.ids:
        outcomes.queue.put(replace(command, ids=(one,)))


def _record_malformed(message: QueueMessage, error: MalformedCommand, outcomes: Outcomes) -> None:
    text = message.get_body().decode("utf-8", "replace")
    outcomes.exceptions.record(
        Failure(
            id=f"malformed-{random.getrandbits(64):016x}",
            tenant_id="unknown",
            mailbox_id="",
            command=text,
            error=str(error),
            code="malformed",
            at=outcomes.clock(),
        )
    )
    telemetry.failure("command_malformed", error)
