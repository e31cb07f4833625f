"""Text whose lines a program broke to be joined again: `format=flowed` (RFC 3676)."""

import re
from typing import Final

_QUOTE: Final = re.compile(r"(>*) ?(.*)", re.DOTALL)
_SIGNATURE: Final = "-- "


def unflowed(text: str, *, joins_words: bool = False) -> str:
    """The text with each paragraph on a line; quoted lines keep their marks. `joins_words` is `delsp=yes`."""
    # Each paragraph in its pieces: a text that grows piece by piece is copied each time.
    paragraphs: list[list[str]] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        marks, words = _divided(line.removesuffix("\r"))
        flows = words.endswith(" ") and words != _SIGNATURE
        piece = words[:-1] if flows and joins_words else words
        if open_depth == len(marks) and words != _SIGNATURE:
            paragraphs[-1].append(piece)
        else:
            paragraphs.append([f"{marks} ", piece] if marks else [piece])
        open_depth = len(marks) if flows else None
    return "\n".join(map("".join, paragraphs))


def _divided(line: str) -> tuple[str, str]:
    """The marks of a quote, and the rest without the blank that stuffs it."""
    found = _QUOTE.match(line)
    return (found[1], found[2]) if found else ("", line)
