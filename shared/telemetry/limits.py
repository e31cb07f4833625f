"""How often a process may write a line of one name: a stranger must not be able to fill the log."""

from dataclasses import dataclass, field
from threading import Lock
from typing import Final

MOST: Final = 30
SECONDS: Final = 60.0


@dataclass(slots=True)
class _Minute:
    began: float
    written: int = 0
    held_back: int = 0


@dataclass(slots=True)
class Limit:
    """At most 30 lines of a name a minute. The first line of a later minute says how many were held back."""

    _minutes: dict[str, _Minute] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def allows(self, name: str, now: float) -> bool:
        """Whether the line may be written; `now` is in seconds of any clock that never goes back."""
        with self._lock:
            minute = self._minutes.setdefault(name, _Minute(now))
            if now - minute.began >= SECONDS:
                minute.began, minute.written = now, 0
            is_allowed = minute.written < MOST
            minute.written += is_allowed
            minute.held_back += not is_allowed
            return is_allowed

    def take_held_back(self, name: str) -> int:
        """How many lines of this name were held back since this was last asked."""
        with self._lock:
            minute = self._minutes[name]
            held_back, minute.held_back = minute.held_back, 0
            return held_back
