"""The log: one JSON object a line with an event's name and identifiers, never a body, a subject or an address.

The Functions host passes messages to Application Insights and drops `extra`; therefore the message is JSON.
"""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from threading import Lock
from types import TracebackType
from typing import Final

# The events that alert an admin; docs/operations.md explains them.
AUDIT_NOT_WRITTEN: Final = "audit_not_written"
COMMAND_OVERDUE: Final = "command_overdue"
EXCEPTION_RECORDED: Final = "exception_recorded"
GRAPH_OPTION_REFUSED: Final = "graph_option_refused"
POISON_MESSAGE: Final = "poison_message"
POISON_REPLAYED: Final = "poison_replayed"
REQUEST_REFUSED: Final = "request_refused"

_LOGGER = logging.getLogger("postledger")
_counts: ContextVar[dict["Counted", int] | None] = ContextVar("counts", default=None)
_counting = Lock()
# These log request paths, which contain addresses, and links, which contain tokens, also in warnings.
_TALKATIVE = ("azure", "urllib3", "msal", "requests")


# What of a trace is kept for the log: enough to find the place, and no more than a screen.
MOST_FRAMES: Final = 40
FIRST_FRAMES: Final = 15
MOST_CAUSES: Final = 5


class Counted(StrEnum):
    """The costs of a command, counted while it runs; workbook and alerts sum them.

    A call to Graph is one request or one item of a batch: Graph's limits count each.
    """

    GRAPH_CALLS = "graph_calls"
    GRAPH_THROTTLED = "graph_throttled"
    STORAGE_CALLS = "storage_calls"


def keep_libraries_quiet() -> None:
    """Keep the libraries' log lines about requests out of telemetry."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)


def event(name: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Log an event. `name` is constant snake_case; fields are ids, counts and durations."""
    _say(level, name, fields)


def _say(level: int, name: str, fields: Mapping[str, object]) -> None:
    # `default=str`: a log line must not fail on an id that is no JSON value.
    if _LOGGER.isEnabledFor(level):
        _LOGGER.log(level, json.dumps({"event": name, **fields}, default=str))


def alert(name: str, **fields: object) -> None:
    """Log an event that alerts an admin."""
    event(name, level=logging.WARNING, **fields)


def put_back(mailbox: str, attempt: int, error: BaseException, wait: float) -> None:
    """Log that a command waits again: the error, and the wait in seconds."""
    _say(logging.INFO, "command_put_back", _wait(mailbox, attempt, error, wait))


def row_waits(mailbox: str, attempt: int, error: BaseException, wait: float) -> None:
    """Log that a row of a mailbox's worklist waits again."""
    _say(logging.INFO, "row_waits", _wait(mailbox, attempt, error, wait))


def overdue(mailbox: str, attempt: int, error: BaseException, wait: float) -> None:
    """Log the same of a command whose long wait an admin should know."""
    _say(logging.WARNING, COMMAND_OVERDUE, _wait(mailbox, attempt, error, wait))


def _wait(mailbox: str, attempt: int, error: BaseException, wait: float) -> dict[str, object]:
    return {"mailbox": mailbox, "attempt": attempt, "error": type(error).__name__, "seconds": round(wait)}


def failure(name: str, error: BaseException, **fields: object) -> None:
    """Log a failure by the error's type: its text may contain text of people."""
    event(name, level=logging.ERROR, error=type(error).__name__, **fields)


def cut_trace(error: BaseException) -> None:
    """Shorten the trace of an error that escapes, and those of its causes: the host logs each whole, every time.

    A deep recursion would fill megabytes an hour. The first frames say who called, the last ones where it broke.
    """
    for cause in _causes(error):
        cause.__traceback__ = _cut(cause.__traceback__)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it came of, the nearest first; the chain ends behind the last of them."""
    chain = [error]
    while following := chain[-1].__cause__ or chain[-1].__context__:
        if len(chain) > MOST_CAUSES:
            chain[-1].__cause__ = chain[-1].__context__ = None
            break
        chain.append(following)
    return chain


def _cut(trace: TracebackType | None) -> TracebackType | None:
    frames: list[TracebackType] = []
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    kept = frames
    if len(frames) > MOST_FRAMES:
        kept = frames[:FIRST_FRAMES] + frames[FIRST_FRAMES - MOST_FRAMES :]
    cut: TracebackType | None = None
    for frame in reversed(kept):
        cut = TracebackType(cut, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return cut


def count(what: Counted, times: int = 1) -> None:
    """Add to the costs of the running command; without a command, do nothing.

    A thread that has a copy of the command's context counts for the command.
    """
    counts = _counts.get()
    if counts is not None:
        with _counting:
            counts[what] += times


@contextmanager
def measured(name: str, mailbox: str) -> Iterator[dict[str, object]]:
    """Log the duration and the costs when the block ends, with the fields that the block adds to the yielded dict."""
    started, busy = time.monotonic(), time.thread_time()
    more: dict[str, object] = {}
    counts = dict.fromkeys(Counted, 0)
    before = _counts.set(counts)
    try:
        yield more
    finally:
        _counts.reset(before)
        content = {
            "mailbox": mailbox,
            "milliseconds": round((time.monotonic() - started) * 1000),
            "cpu_milliseconds": round((time.thread_time() - busy) * 1000),
            **{str(what): times for what, times in counts.items()},
            **more,
        }
        _say(logging.INFO, name, content)
