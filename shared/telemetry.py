"""What the service says of itself: one JSON object a line, an event name and identifiers.

Never a body, a subject or an address. The Functions host passes log lines to Application Insights
as they are, while `extra` would be lost; hence JSON as the message.
"""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

# What an admin should hear of: the names of alerts, explained in docs/operations.md.
AUDIT_NOT_WRITTEN: Final = "audit_not_written"
COMMAND_OVERDUE: Final = "command_overdue"
EXCEPTION_RECORDED: Final = "exception_recorded"
POISON_MESSAGE: Final = "poison_message"
POISON_REPLAYED: Final = "poison_replayed"

_LOGGER = logging.getLogger("postledger")
# These write request paths, which hold addresses, and links, which hold tokens; some of them in warnings.
_TALKATIVE = ("azure", "urllib3", "msal", "requests")


def keep_libraries_quiet() -> None:
    """Let what libraries log of requests stay out of telemetry."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)


def event(name: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Say that something happened. `name` is constant snake_case; fields are ids, counts, durations."""
    _say(level, name, fields)


def _say(level: int, name: str, fields: Mapping[str, object]) -> None:
    if _LOGGER.isEnabledFor(level):
        _LOGGER.log(level, json.dumps({"event": name, **fields}, default=str))


def alert(name: str, **fields: object) -> None:
    """Say something that an admin should hear of."""
    event(name, level=logging.WARNING, **fields)


def failure(name: str, error: BaseException, **fields: object) -> None:
    """Say that something failed, by the error's type; its text may hold what people wrote."""
    event(name, level=logging.ERROR, error=type(error).__name__, **fields)


@contextmanager
def measured(name: str, mailbox: str) -> Iterator[dict[str, object]]:
    """Say once, when the block ends, how long it took; what it puts into the yielded dict is said along."""
    started, busy = time.monotonic(), time.thread_time()
    more: dict[str, object] = {}
    try:
        yield more
    finally:
        content = {
            "mailbox": mailbox,
            "milliseconds": round((time.monotonic() - started) * 1000),
            "cpu_milliseconds": round((time.thread_time() - busy) * 1000),
            **more,
        }
        _say(logging.INFO, name, content)
