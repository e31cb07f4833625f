"""Time windows by which folders are listed: half-open, in whole seconds: providers give receipt times no finer.

A window is read from its old end, page by page, and shrinks with each: nobody asks for a list of which a provider
would answer only a part, and where to go on is a moment, not a cursor that a provider may forget.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` up to but without `end`. `cursor` goes on inside the first second, where it is a crowded one."""

    start: datetime
    end: datetime
    cursor: str = ""

    @classmethod
    def of(cls, start: datetime, end: datetime) -> Self:
        """The whole seconds that cover both moments and all between them."""
        return cls(second_of(start), second_of(end) + SECOND)

    @classmethod
    def second(cls, moment: datetime) -> Self:
        """The second of a moment."""
        return cls(second_of(moment), second_of(moment) + SECOND)

    @property
    def is_empty(self) -> bool:
        return self.start >= self.end

    def from_second_after(self, moment: datetime) -> Self:
        """The rest of the window behind the second of a moment."""
        return type(self)(second_of(moment) + SECOND, self.end)

    def after(self, received: Sequence[datetime], cursor: str) -> Self | None:
        """What is left of the window once a page of it was read; None when that was all.

        A page that another one follows (`cursor`) may end in the middle of a second: that second is read again,
        whole, unless it is the window's first, in which the cursor leads on. `is_done` says what counts now.
        """
        if not cursor:
            return None
        last = second_of(max(received, default=self.start))
        if last > self.start:
            return type(self)(last, self.end)
        return type(self)(self.start, self.end, cursor)


def is_done(received: datetime, rest: Window | None) -> bool:
    """Whether an item of a page counts now; else it comes again with the rest of the window."""
    return rest is None or bool(rest.cursor) or received < rest.start


def second_of(moment: datetime) -> datetime:
    """A moment without its fraction of a second."""
    return moment.replace(microsecond=0)
