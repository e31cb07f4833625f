"""How the feed is read to its end and again, so that no reader misses an event whose writer was held up.

An event's place is the time just before it was written. So it may come to stand behind places that were read before.
A writer makes sure that it took no longer than `PROMPT`, else it writes the event once more, under a later time. A
reader that has reached the end starts the next time from a place that is older than `LAG`: before that one nothing
new will ever stand. It meets what is younger again, under the same ids.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.domain.filing.entries import foreign_cursor

# How long a write may take that counts. Storage answers within seconds, or after some retries.
PROMPT: Final = timedelta(minutes=1)
# The rest of it is for clocks: those of any two machines may differ by as much again.
LAG: Final = 2 * PROMPT
# Cursors move in such steps: between two of them an unchanged feed has an unchanged ETag, and a cursor says nothing
# of the time of an event that its reader may not see.
STEP: Final = timedelta(minutes=5)
KEPT: Final = timedelta(days=30)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_CURSOR: Final = re.compile(r"([0-9a-f]{1,9})(?:-([A-Za-z0-9_-]+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sweep:
    """One reading of the feed up to its end, in pages.

    It began at `start`, and the next one begins at `rest`. `page` is the cursor within it; '' before its first page.
    """

    start: datetime
    rest: datetime
    page: str = ""

    @classmethod
    def of(cls, cursor: str, now: datetime) -> "Sweep":
        """The sweep that a cursor goes on with, or begins; without a cursor, one that begins now.

        Raises InvalidInput for a foreign cursor.
        """
        safe = _step_before(now - LAG)
        if not cursor:
            return cls(safe, safe)
        found = _CURSOR.fullmatch(cursor)
        if found is None:
            raise foreign_cursor()
        # Not behind the safe time, whatever the clock said by which it was made.
        at = min(_EPOCH + int(found[1], 16) * _SECOND, safe)
        # Within a sweep, what was written late may stand behind its pages: the next one begins where this one said.
        return cls(at, at, found[2]) if found[2] else cls(at, safe)

    def cursor(self, following: str | None) -> str:
        """What the reader sends next: for the next page, or at the end (None) for the next sweep."""
        rest = f"{(self.rest - _EPOCH) // _SECOND:x}"
        return rest if following is None else f"{rest}-{following}"


def kept_from(now: datetime, retention_days: int) -> datetime:
    """Before this time no events are kept. `retention_days`: the organisation's time for mail, 0 = for ever."""
    own = timedelta(days=retention_days)
    return now - (min(own, KEPT) if retention_days else KEPT)


def _step_before(at: datetime) -> datetime:
    return at - (at - _EPOCH) % STEP
