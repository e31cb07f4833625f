"""How often the log is told that an unknown caller was refused: anybody can send requests without a token.

It knows no request. A caller with a genuine token is told of each time, since such tokens are few.
"""

import time
from collections.abc import Callable
from typing import Final

MOST_TOLD: Final = 10
SECONDS: Final = 60.0


class Strangers:
    """Counts refusals of unknown callers in one process: so many a minute are told, and the others counted."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0
        self._told = 0
        self._untold = 0

    def refused(self) -> int:
        """How many refusals the log is to be told of now: this one, with all untold ones of the minute before; or 0."""
        now = self._clock()
        if now >= self._until:
            self._until, self._told = now + SECONDS, 0
        if self._told >= MOST_TOLD:
            self._untold += 1
            return 0
        self._told += 1
        times, self._untold = 1 + self._untold, 0
        return times
