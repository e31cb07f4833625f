"""A file on its way in, piece by piece, and how long it is kept."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Self

from shared.domain.errors import InvalidInput, WrongState

MEBIBYTE: Final = 1024 * 1024
# The host takes no body over 100 MB, and holds it in memory whole.
LARGEST_PIECE: Final = 8 * MEBIBYTE
# Exchange Online takes no larger file (Graph: "Attach large files to Outlook messages").
LARGEST_FILE: Final = 150_000_000
MOST_PIECES: Final = 2_000
# A file that nobody sends, and one that was sent or is to be tried again.
KEPT_UNUSED: Final = timedelta(days=2)
KEPT_AFTER_SENDING: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as its uploader describes it. `size` and `received` are in bytes, `offsets` say where pieces begin.

    `by` is the caller as the audit names it; nobody else may send the file. It is forgotten at `keep_until`.
    """

    id: str
    tenant_id: str
    by: str
    name: str
    content_type: str
    size: int
    keep_until: datetime
    offsets: tuple[int, ...] = ()
    received: int = 0
    etag: str = ""

    @property
    def is_complete(self) -> bool:
        return self.received == self.size

    def has(self, offset: int, length: int) -> bool:
        """Whether this piece has come already: its answer was lost, and it is sent again."""
        ends = (*self.offsets[1:], self.received)
        return (offset, offset + length) in zip(self.offsets, ends, strict=False)

    def after(self, offset: int, length: int) -> Self:
        """With a piece of so many bytes. Raises InvalidInput, and WrongState for a piece out of order."""
        if length > LARGEST_PIECE:
            raise InvalidInput(f"A piece may have {LARGEST_PIECE // MEBIBYTE} MiB at most.")
        if not length:
            raise InvalidInput("The piece is empty: send its bytes as the body.")
        if offset != self.received:
            raise WrongState(f"The next piece begins at {self.received:,} of {self.size:,} bytes.")
        if offset + length > self.size:
            raise InvalidInput(
                f"The file was announced with {self.size:,} bytes, and this piece goes beyond."
            )
        if len(self.offsets) == MOST_PIECES:
            raise InvalidInput(f"A file may come in {MOST_PIECES:,} pieces. Send larger ones.")
        return replace(self, offsets=(*self.offsets, offset), received=offset + length)

    def kept_until(self, moment: datetime) -> Self:
        """Kept until then at least."""
        return replace(self, keep_until=max(self.keep_until, moment))


def check_size(size: int) -> None:
    """Raises InvalidInput, which says the limit."""
    if not 0 <= size <= LARGEST_FILE:
        raise InvalidInput(f"A file may have {LARGEST_FILE // 1_000_000} MB at most. Send a link instead.")
