"""Pages of rows of which a caller may not see all.

Neither the length of a page nor its cursor may tell of a hidden row: a page is filled with rows from further on, and
its cursor names a row that the page shows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from shared.domain.errors import Rejected
from shared.domain.filing.entries import decode_cursor, encode_cursor, foreign_cursor
from shared.ports.credentials import Seal

# Each hidden row costs a query, and a request must end: behind so many a page is given up half full.
MOST_HIDDEN: Final = 500
_LATER_ROWS: Final = 50
# Keys of rows begin with a digit.
_SEALED: Final = "~"


class Placed(Protocol):
    """A row as it is shown; `id` is its place in its list."""

    @property
    def id(self) -> str: ...


Row = TypeVar("Row")
Shown = TypeVar("Shown", bound=Placed)


@dataclass(frozen=True, slots=True)
class VisiblePages:
    """Fills pages with what a caller may see."""

    seal: Seal

    def __call__(
        self,
        read: Callable[[int, str], tuple[Sequence[Row], str]],
        show: Callable[[Sequence[Row]], Sequence[Shown]],
        *,
        about: str,
        limit: int,
        cursor: str,
    ) -> tuple[Sequence[Shown], str | None]:
        """A page, and the cursor of the next one; None if nothing follows that the caller may see.

        `read` takes a number and a place, and gives rows behind that place and the place to go on from, '' at the
        end. `show` gives those that the caller may see. `about` names the list. Raises InvalidInput for a foreign
        cursor.
        """
        place = self._opened(cursor, about)
        shown: list[Shown] = []
        seen, asked = 0, limit + 1
        while True:
            rows, place = read(asked, place)
            shown += show(rows)
            seen += len(rows)
            if len(shown) > limit:
                return shown[:limit], encode_cursor(shown[limit - 1].id)
            if not place:
                return shown, None
            # A text search gives fewer rows than asked for when it has looked at its share.
            if len(rows) < asked or seen - len(shown) >= MOST_HIDDEN:
                return shown, self._sealed(place, about)
            asked = max(limit + 1, _LATER_ROWS)

    def _sealed(self, place: str, about: str) -> str:
        """A cursor whose place may be a hidden row's."""
        # Only here: a seal differs each time, and with it the ETag for which callers poll.
        return encode_cursor(_SEALED + self.seal.seal(place, about))

    def _opened(self, cursor: str, about: str) -> str:
        place = decode_cursor(cursor) if cursor else ""
        if not place.startswith(_SEALED):
            return place
        try:
            return self.seal.open(place.removeprefix(_SEALED), about)
        except Rejected as error:
            raise foreign_cursor() from error
