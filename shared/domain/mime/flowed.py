"""Text whose lines a program broke to be joined again: `format=flowed` (RFC 3676)."""

import re
from typing import Final

_QUOTE: Final = re.compile(r"(>*) ?(.*)", re.DOTALL)
_SIGNATURE: Final = "-- "


def unflowed(text: str, *, joins_words: bool = False) -> str:
    """The text with each paragraph on a line; quoted lines keep their marks. `joins_words` is `delsp=yes`."""
    made: list[str] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        marks, words = _divided(line.removesuffix("\r"))
        if open_depth == len(marks) and words != _SIGNATURE:
            made[-1] += words
        else:
            made.append(f"{marks} {words}" if marks else words)
        flows = words.endswith(" ") and words != _SIGNATURE
        if flows and joins_words:
            made[-1] = made[-1][:-1]
        open_depth = len(marks) if flows else None
    return "\n".join(made)


def _divided(line: str) -> tuple[str, str]:
    """The marks of a quote, and the rest without the blank that stuffs it."""
    found = _QUOTE.match(line)
    return (found[1], found[2]) if found else ("", line)
