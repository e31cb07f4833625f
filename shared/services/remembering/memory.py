"""What a process has read a moment ago, so that it need not be read again. Knows no port and no rule."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from shared.ports.work import Clock

K = TypeVar("K")
V = TypeVar("V")


class Memory(Generic[K, V]):
    """Values by key, each for so long after it was read; of too many, those that were read first go. Thread-safe."""

    def __init__(self, lasts: timedelta, size: int, clock: Clock, keeps: Callable[[V], bool]) -> None:
        self._lasts = lasts
        self._size = size
        self._clock = clock
        self._keeps = keeps
        self._held: dict[K, tuple[datetime, V]] = {}
        self._forgotten = 0
        self._lock = Lock()

    def read(
        self,
        keys: Collection[K],
        load: Callable[[list[K]], Mapping[K, V]],
        *,
        is_remembered: bool = True,
    ) -> dict[K, V]:
        """The values of these keys: those remembered, if these will do, the others from `load`.

        `load` may leave some out. What was read is remembered in any case.
        """
        # Before the read: a value is at least as new as its time says.
        now = self._clock()
        with self._lock:
            wanted = keys if is_remembered else ()
            found = {key: self._held[key][1] for key in wanted if self._is_fresh(key, now)}
            forgotten = self._forgotten
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        loaded = load(missing) if missing else {}
        self._keep(loaded, now, forgotten)
        return {**found, **loaded}

    def forget(self, is_gone: Callable[[K, V], bool]) -> None:
        """Drop the values that a write has changed."""
        with self._lock:
            # What is being read meanwhile may be from before the write: it is not remembered either.
            self._forgotten += 1
            for key in [key for key, (_, value) in self._held.items() if is_gone(key, value)]:
                del self._held[key]

    def _is_fresh(self, key: K, now: datetime) -> bool:
        if key not in self._held:
            return False
        age = now - self._held[key][0]
        # A clock that was set back must not keep a value for ever.
        return timedelta() <= age < self._lasts

    def _keep(self, loaded: Mapping[K, V], now: datetime, forgotten: int) -> None:
        kept = {key: value for key, value in loaded.items() if self._keeps(value)}
        if not kept:
            return
        with self._lock:
            if self._forgotten != forgotten:
                return
            for key, value in kept.items():
                self._held.pop(key, None)
                self._held[key] = (now, value)
            too_many = max(len(self._held) - self._size, 0)
            for key in list(self._held)[:too_many]:
                del self._held[key]
