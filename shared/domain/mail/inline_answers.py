"""Answers that stand within a quote: what the mail that is quoted does not say, its answerer has written.

Rather too much shown than something of the author's hidden: but a quote of another mail proves nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

LONGEST_PARENT: Final = 100_000
# Each line is looked for in the whole parent.
MOST_LINES: Final = 2_000
# Shorter lines (`Yes.`) may stand in the parent by chance, in the middle of a word: they must be a line of it.
_SHORTEST_PART: Final = 12
# Mail programs fold quoted lines near column 72: what they cut off a long line stands below it without a mark.
_FOLDED_FROM: Final = 55
_LEAST_COVERED: Final = 0.5
_MARK: Final = re.compile(r"[\s>|]*")


@dataclass(frozen=True, slots=True)
class Parent:
    """The text of the mail that is answered, without blanks: whole, and line by line."""

    whole: str
    lines: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Self:
        lines = [_key(line) for line in text[:LONGEST_PARENT].splitlines()]
        return cls("".join(lines), frozenset(lines) - {""})

    def says(self, key: str) -> bool:
        return key in self.lines or (len(key) >= _SHORTEST_PART and key in self.whole)

    def is_quoted(self, keys: Sequence[str]) -> bool:
        """Whether so much of it is among these lines that they are a quote of it."""
        said = {key for key in keys if self.says(key)}
        covered = sum(map(len, said))
        least = min(len(self.whole), sum(map(len, keys)))
        return covered >= _LEAST_COVERED * least


def answers_within(lines: Sequence[str], start: int, parent_text: str | None) -> set[int]:
    """The numbers of the lines from `start`, where the quote begins, that answer it; none where nothing tells."""
    if parent_text and len(lines) - start <= MOST_LINES:
        parent = Parent.of(parent_text)
        keys = [_key(line) for line in lines[start:]]
        if parent.is_quoted(keys):
            return {start + number for number in _unsaid(keys, parent)}
    return {start + number for number in _unmarked(lines[start:])}


def _unsaid(keys: Sequence[str], parent: Parent) -> list[int]:
    """What stands below the quote's introduction and is not in the parent, nor goes on with a line that is."""
    said = [number for number, key in enumerate(keys) if key and parent.says(key)]
    first = min(said, default=len(keys))
    known = set(said)
    for before, number in pairwise(range(first, len(keys))):
        if before in known and keys[number] and keys[before] + keys[number] in parent.whole:
            known.add(number)
    return [number for number in range(first, len(keys)) if keys[number] and number not in known]


def _unmarked(lines: Sequence[str]) -> list[int]:
    """The lines without `>` among and below those with it; what was folded off a long quoted line belongs to it."""
    marked = [number for number, line in enumerate(lines) if line.lstrip().startswith(">")]
    if not marked:
        return []
    found = []
    for number in range(marked[0] + 1, len(lines)):
        line, before = lines[number], lines[number - 1].lstrip()
        is_folded = before.startswith(">") and len(before) >= _FOLDED_FROM
        if line.strip() and not line.lstrip().startswith(">") and not is_folded:
            found.append(number)
    return found


def _key(line: str) -> str:
    return "".join(line[_MARK.match(line).end() :].split()).casefold()  # type: ignore[union-attr]
