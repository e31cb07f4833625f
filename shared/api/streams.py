"""Answers whose bytes are read while they are sent."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TypeVar

Piece = TypeVar("Piece", str, bytes)


def begun(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The same pieces, the first of which is read at once: what fails there is answered as any other error.

    The status leaves before the first byte, so that an error of a later read can only break the answer off.
    """
    rest = iter(pieces)
    first = list(islice(rest, 1))
    return chain(first, rest)
