"""Who works in this process, and who has it alone.

A mail may kill its worker, and what runs beside it dies with it: each death is a try of everything there. So what was
tried before runs with nothing else in its process, and whoever comes meanwhile is turned away instead of waiting there.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, get_ident
from typing import Final

# Seconds that the others get to end; a turn at a mailbox ends with its group of mails when somebody waits for that.
PATIENCE: Final = 60.0
# Seconds between two that have it alone within which it counts as kept: after a crash several follow each other.
BREAK: Final = 30.0
# Seconds for which it is kept without the others: then they have as long. Where storage is slow, or instances crash
# again and again, much of what waits was tried before, and a backlog would stand still behind it.
KEPT_AT_MOST: Final = 60.0


@dataclass(slots=True)
class Occupancy:
    """Counts by thread, since a command keeps its own. Nobody waits but one: who wants the process alone."""

    patience: float = PATIENCE
    clock: Callable[[], float] = time.monotonic
    present: set[int] = field(default_factory=set)
    owner: int | None = None
    is_kept: bool = False
    since: float | None = None
    until: float | None = None
    closed_until: float | None = None
    changed: Condition = field(default_factory=Condition)

    @contextmanager
    def room(self, *, alone: bool) -> Iterator[bool]:
        """A command's stay, `alone` to its end or not. Whether it may run: not while somebody else has the process."""
        if not self._enter():
            yield False
            return
        try:
            has_room = not alone or self.take()
            self.is_kept = alone and has_room
            yield has_room
        finally:
            self._leave()

    def take(self) -> bool:
        """The process for the caller alone, until he shares it, once the others have ended. Not if that takes too long.

        Who has several things to run alone keeps it in between: letting others in each time costs a wait each.
        """
        if self.owner != get_ident():
            return self._claim()
        if self.is_kept or self.kept_for < KEPT_AT_MOST:
            return True
        self.share()
        return False

    def share(self) -> None:
        """Let others in again; a command that has the process to its end keeps it."""
        with self.changed:
            if self.owner == get_ident() and not self.is_kept:
                self._open()

    @property
    def is_wanted(self) -> bool:
        """Whether somebody else waits for the caller to end."""
        return self.owner not in {None, get_ident()}

    @property
    def is_mine(self) -> bool:
        """Whether the caller has the process alone."""
        return self.owner == get_ident()

    @property
    def kept_for(self) -> float:
        """Seconds for which one after the other has had it alone, or waited for that; 0 while nobody does."""
        with self.changed:
            return self.clock() - self.since if self.owner is not None and self.since is not None else 0.0

    @property
    def closed_for(self) -> float:
        """Seconds until it may be had alone again; 0 while it may be."""
        with self.changed:
            return self._closed_for(self.clock())

    def _enter(self) -> bool:
        with self.changed:
            if self.owner is not None:
                return False
            self.present.add(get_ident())
            return True

    def _leave(self) -> None:
        with self.changed:
            if self.owner == get_ident():
                self._open()
                self.is_kept = False
            self.present.discard(get_ident())
            self.changed.notify_all()

    def _claim(self) -> bool:
        """Nobody else comes in from here on."""
        deadline = time.monotonic() + self.patience
        now = self.clock()
        with self.changed:
            if self.owner is not None or self._closed_for(now):
                return False
            self.owner = get_ident()
            if self.since is None or self.until is None or now - self.until > BREAK:
                self.since = now
            while self.present - {self.owner}:
                if not self.changed.wait(deadline - time.monotonic()):
                    self._open()
                    return False
            return True

    def _closed_for(self, now: float) -> float:
        return max(self.closed_until - now, 0.0) if self.closed_until is not None else 0.0

    def _open(self) -> None:
        now = self.clock()
        self.owner, self.until = None, now
        if self.since is not None and now - self.since >= KEPT_AT_MOST:
            self.since, self.closed_until = None, now + KEPT_AT_MOST
