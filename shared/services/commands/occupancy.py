"""Who works in this process, and who has it alone.

A mail may kill its worker, and what runs beside it dies with it: each death is a try of everything there. So what was
tried before runs with nothing else in its process, and whoever comes meanwhile is turned away instead of waiting there.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, get_ident
from typing import Final

# Seconds that the others get to end; a turn at a mailbox ends with its group of mails when somebody waits for that.
PATIENCE: Final = 60.0


@dataclass(slots=True)
class Occupancy:
    """Counts by thread, since a command keeps its own. Nobody waits but one: who wants the process alone."""

    patience: float = PATIENCE
    present: set[int] = field(default_factory=set)
    owner: int | None = None
    changed: Condition = field(default_factory=Condition)

    @contextmanager
    def room(self, *, alone: bool) -> Iterator[bool]:
        """A command's stay. Whether it may run: not while somebody else has the process alone."""
        if not self._enter():
            yield False
            return
        try:
            if not alone:
                yield True
                return
            with self.alone() as is_alone:
                yield is_alone
        finally:
            self._leave()

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """The process for the caller alone, once the others have ended. Whether it is, within the patience."""
        is_mine = self.owner == get_ident()
        is_alone = is_mine or self._claim()
        try:
            yield is_alone
        finally:
            if is_alone and not is_mine:
                self._give_up()

    @property
    def is_wanted(self) -> bool:
        """Whether somebody else waits for the caller to end."""
        return self.owner not in {None, get_ident()}

    def _enter(self) -> bool:
        with self.changed:
            if self.owner is not None:
                return False
            self.present.add(get_ident())
            return True

    def _leave(self) -> None:
        with self.changed:
            self.present.discard(get_ident())
            self.changed.notify_all()

    def _claim(self) -> bool:
        """Nobody else comes in from here on."""
        deadline = time.monotonic() + self.patience
        with self.changed:
            if self.owner is not None:
                return False
            self.owner = get_ident()
            while self.present - {self.owner}:
                if not self.changed.wait(deadline - time.monotonic()):
                    self.owner = None
                    return False
            return True

    def _give_up(self) -> None:
        with self.changed:
            self.owner = None
