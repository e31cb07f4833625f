"""Time windows by which folders are listed: half-open, in whole seconds, as Graph's receivedDateTime has them.

A window is read from its old end, page by page, and shrinks with each: nobody asks for a list of which Graph
would answer only a part (a filtered delta ends at 5,000 messages), and where to go on is a moment, not a link.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` up to but without `end`. `link` goes on inside the first second, where it is a crowded one."""

    start: datetime
    end: datetime
    link: str = ""

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

    def after(self, received: Sequence[datetime], link: str) -> Self | None:
        """What is left of the window once a page of it was read; None when that was all.

        A page that another one follows (`link`) may end in the middle of a second: that second is read again,
        whole, unless it is the window's first, in which the link leads on. `is_done` says what counts now.
        """
        if not link:
            return None
        last = second_of(max(received, default=self.start))
        if last > self.start:
            return type(self)(last, self.end)
        return type(self)(self.start, self.end, link)


def is_done(received: datetime, rest: Window | None) -> bool:
    """Whether an item of a page counts now; else it comes again with the rest of the window."""
    return rest is None or bool(rest.link) or received < rest.start


def second_of(moment: datetime) -> datetime:
    """A moment without its fraction of a second."""
    return moment.replace(microsecond=0)
