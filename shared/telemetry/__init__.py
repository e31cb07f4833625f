"""The log: one JSON object a line with an event's name and identifiers, never a body, a subject or an address.

A command has one line, written when it ends; what happens while it runs is noted in there, since each line costs a
kilobyte. The Functions host passes messages to Application Insights and drops `extra`: the message is JSON.
"""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from shared.telemetry.limits import Limit
from shared.telemetry.lines import Counted, Line
from shared.telemetry.traces import cut_trace, place_of

__all__ = [
    "Counted",
    "Line",
    "alert",
    "count",
    "cut_trace",
    "delayed",
    "event",
    "failure",
    "keep_libraries_quiet",
    "measured",
    "overdue",
    "place_of",
    "row_waits",
    "started",
]

# The events that alert an admin; docs/operations.md explains them.
AUDIT_NOT_WRITTEN: Final = "audit_not_written"
COMMAND_OVERDUE: Final = "command_overdue"
EXCEPTION_RECORDED: Final = "exception_recorded"
GRAPH_OPTION_REFUSED: Final = "graph_option_refused"
OPERATORS_PAUSE: Final = "operators_pause"
POISON_MESSAGE: Final = "poison_message"
POISON_REPLAYED: Final = "poison_replayed"
REQUEST_REFUSED: Final = "request_refused"
STORAGE_INCOMPLETE: Final = "storage_incomplete"

_LOGGER = logging.getLogger("postledger")
_line: ContextVar[Line | None] = ContextVar("line", default=None)
_limit = Limit()
# These log request paths, which contain addresses, and links, which contain tokens, also in warnings.
_TALKATIVE = ("azure", "urllib3", "msal", "requests")


def keep_libraries_quiet() -> None:
    """Keep the libraries' log lines about requests out of telemetry."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)


def started(**fields: object) -> None:
    """Say in a line of its own that a worker has started; `fields` say what it runs."""
    _say(logging.INFO, "worker_started", fields)


def event(name: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Note an event in the line of the running command; without a command, write a line.

    `name` is constant snake_case; fields are ids, counts and durations.
    """
    line = _line.get()
    if line is None:
        _say(level, name, fields)
    else:
        line.note(name, level, fields)


def _say(level: int, name: str, fields: Mapping[str, object]) -> None:
    # `default=str`: a log line must not fail on an id that is no JSON value.
    if _LOGGER.isEnabledFor(level):
        _LOGGER.log(level, json.dumps({"event": name, **fields}, default=str))


def alert(name: str, **fields: object) -> None:
    """Write at once, as a line of its own, what an admin should know even if the worker is killed next.

    For what is rare by nature: a state that changes. Of one name 30 are written a minute; the others are counted.
    """
    if _limit.allows(name, time.monotonic()):
        held_back = _limit.take_held_back(name)
        _say(logging.WARNING, name, {**fields, "held_back": held_back} if held_back else fields)


def row_waits(mailbox: str, attempt: int, error: BaseException, wait: float) -> None:
    """Note that a row of a mailbox's worklist waits again: the error, and the wait in seconds."""
    event("row_waits", mailbox=mailbox, attempt=attempt, error=type(error).__name__, seconds=round(wait))


def overdue(mailbox: str, attempt: int, error: BaseException, wait: float) -> None:
    """Note the same of a command or row whose long wait an admin should know."""
    event(
        COMMAND_OVERDUE,
        level=logging.WARNING,
        mailbox=mailbox,
        attempt=attempt,
        error=type(error).__name__,
        seconds=round(wait),
    )


def failure(name: str, error: BaseException, **fields: object) -> None:
    """Note a failure by the error's type: its text may contain text of people."""
    event(name, level=logging.ERROR, error=type(error).__name__, **fields)


def count(what: Counted, times: int = 1) -> None:
    """Add to the figures of the running command; without a command, do nothing.

    A thread that has a copy of the command's context counts for the command.
    """
    line = _line.get()
    if line is not None:
        line.count(what, times)


def delayed(seconds: float) -> None:
    """A live mail was kept so many seconds after its receipt; without a command, do nothing."""
    line = _line.get()
    if line is not None:
        line.delay(round(seconds))


@contextmanager
def measured(name: str, **fields: object) -> Iterator[Line]:
    """Write one line when the block ends: `fields`, duration, costs, and what the block has counted and noted."""
    started_at, busy = time.monotonic(), time.thread_time()
    line = Line(fields)
    before = _line.set(line)
    try:
        yield line
    finally:
        _line.reset(before)
        line.add(
            milliseconds=round((time.monotonic() - started_at) * 1000),
            cpu_milliseconds=round((time.thread_time() - busy) * 1000),
        )
        _say(line.level, name, line.content())
