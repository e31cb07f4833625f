"""Text that strangers wrote: how much of it is taken in, and what becomes of a parser that chokes on it.

Every reader of such text is guarded here, so that a header nested 500 deep, a charset with a NUL in its name or
whatever comes next is one mail's failure, never its page's or its mailbox's. Knows no mail and no parser.
"""

import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from shared.domain.errors import PostledgerError, Unreadable

# What a head may hold; beyond it lies no mail that people write. The readers have narrower limits of their own.
LONGEST_NAME: Final = 4_000
LONGEST_FIELD: Final = 10_000
LONGEST_REFERENCES: Final = 100_000
MOST_PEOPLE: Final = 5_000
MOST_HEADERS: Final = 1_000
MOST_ATTACHMENTS: Final = 5_000

_HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")

P = ParamSpec("P")
R = TypeVar("R")
N = TypeVar("N")


def guarded(read: Callable[P, R]) -> Callable[P, R]:
    """The reader with Unreadable in place of whatever it, or a parser below it, raises on a text."""

    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return read(*args, **kwargs)
        except (PostledgerError, MemoryError):  # want of memory passes, and says nothing of the text
            raise
        except Exception as error:  # noqa: BLE001 - parsers of others raise what they like on hostile text
            # Without its cause: the trace of a deep recursion fills the log with megabytes.
            raise Unreadable(f"The mail cannot be read: {type(error).__name__} in {read.__name__}.") from None

    return reading


def or_else(nothing: N) -> Callable[[Callable[P, R]], Callable[P, R | N]]:
    """The same for readers of what a mail may do without: `nothing` is what they find in an unreadable text."""

    def decorated(read: Callable[P, R]) -> Callable[P, R | N]:
        safe = guarded(read)

        @wraps(read)
        def reading(*args: P.args, **kwargs: P.kwargs) -> R | N:
            try:
                return safe(*args, **kwargs)
            except Unreadable:
                return nothing

        return reading

    return decorated


def taken(text: str, longest: int | None = LONGEST_FIELD) -> str:
    """The first characters of a text (None: all), each of them whole.

    JSON can spell half a character (an unpaired surrogate), where Exchange cuts a subject within an emoji: no
    storage takes it.
    """
    return _HALF_CHARACTER.sub("\ufffd", text[:longest])


def json_value(data: bytes | str) -> object:
    """The value of a JSON text. Raises ValueError for what is none, or nests deeper than can be read."""
    try:
        value: object = json.loads(data)
    except RecursionError:
        raise ValueError("the JSON is nested too deep") from None
    return value
