"""Answers that stand within a quote: what the mail that is quoted does not say, its answerer has written.

Rather too much shown than something of the author's hidden: but a quote of another mail proves nothing.
"""

import re
from collections.abc import Collection, Iterable, Sequence
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
_ENDS: Final = (".", "?", "!", ":", "…")
_LEAST_COVERED: Final = 0.5
# A header of a quoted mail, with two lines of recipients.
MOST_INTRODUCING: Final = 20
LONGEST_INTRODUCING: Final = 300
_MOST_BETWEEN: Final = 4
_LEAST_FIELDS: Final = 2
_FIELD: Final = re.compile(r"[>*_\s]*\w[^:：]{0,28}[:：]\**(?:\s|$)")
# `Von: ...`, or `On ... wrote:`
_SAYS_WHO: Final = re.compile(rf"{_FIELD.pattern}|.{{0,300}}[:：]\W{{0,3}}$")
_BANNER: Final = re.compile(r"\W{3,100}(?:\w.{0,60}\W{3,40})?")
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


def answers_within(
    lines: Sequence[str], start: int, parent_text: str | None, outside: Collection[int] = ()
) -> set[int]:
    """The numbers of the lines from `start`, where the quote begins, that answer it; none where nothing tells.

    `outside` are lines that the mail's HTML has outside of the blocks that it marks as quotes.
    """
    begins = start + introduction(lines[start:])
    keys = [_key(line) for line in lines[begins:]]
    if not parent_text or len(keys) > MOST_LINES:
        return _told_by_marks(lines, start, begins, outside)
    parent = Parent.of(parent_text)
    if parent.is_quoted(keys):
        return {begins + number for number in _unsaid(lines[begins:], keys, parent)}
    found = _told_by_marks(lines, start, begins, outside)
    return {number for number in found if not parent.says(keys[number - begins])}


def introduction(lines: Sequence[str]) -> int:
    """How many lines a program has put above a quote: who wrote it and when, or its header.

    Up to the last line of the first paragraph that says so; where none does, all of it. A banner may stand apart.
    """
    end = 0
    says_who = False
    for number, whole in enumerate(lines[:MOST_INTRODUCING]):
        line = whole.strip()[:LONGEST_INTRODUCING]
        is_over = not line and (says_who or (number and not end))
        if is_over or line.startswith(">") or (end and number - end >= _MOST_BETWEEN):
            return end or number
        if _BANNER.fullmatch(line) or _SAYS_WHO.match(line):
            end, says_who = number + 1, says_who or not _BANNER.fullmatch(line)
    return end


def is_marked(lines: Sequence[str]) -> bool:
    """Whether a quote that begins with these lines has `>` before its own: not those of older mails within it."""
    begins = introduction(lines)
    return not _has_header(lines[:begins]) and any(line.lstrip().startswith(">") for line in lines[begins:])


def _told_by_marks(lines: Sequence[str], start: int, begins: int, outside: Collection[int]) -> set[int]:
    if outside:
        # A signature below a quote answers nothing, and what is quoted stays one piece that can be folded.
        ends = min(
            (number for number in outside if number >= begins and _is_delimiter(lines[number])), default=None
        )
        return {number for number in outside if number >= begins and (ends is None or number < ends)}
    # Below a header that stands for a whole mail, marks are those of older mails within it.
    is_told = not _has_header(lines[start:begins])
    return {begins + number for number in _unmarked(lines[begins:])} if is_told else set()


def _is_delimiter(line: str) -> bool:
    """Whether a signature begins (RFC 3676, 4.3)."""
    return line.strip() == "--"


def _has_header(lines: Iterable[str]) -> bool:
    return sum(1 for line in lines if _FIELD.match(line)) >= _LEAST_FIELDS


def _unsaid(lines: Sequence[str], keys: Sequence[str], parent: Parent) -> list[int]:
    """What is not in the parent, nor goes on with a line that is; where the quote has marks, nothing with a mark."""
    known = {number for number, key in enumerate(keys) if key and parent.says(key)}
    for before, number in pairwise(range(len(keys))):
        if before in known and keys[number] and keys[before] + keys[number] in parent.whole:
            known.add(number)
    marked = {number for number, line in enumerate(lines) if line.lstrip().startswith(">")}
    # Quoted lines may be spelt otherwise than in the parent: a link written out, a word left out.
    quoted = known | marked if 2 * len(known & marked) > len(known) else known
    return [number for number, key in enumerate(keys) if key and number not in quoted]


def _unmarked(lines: Sequence[str]) -> list[int]:
    """The lines without `>` among and below those with it; what was folded off a long quoted line belongs to it."""
    marked = [number for number, line in enumerate(lines) if line.lstrip().startswith(">")]
    if not marked:
        return []
    found = []
    for number in range(marked[0] + 1, len(lines)):
        line, before = lines[number], lines[number - 1].strip()
        if line.strip() and not line.lstrip().startswith(">") and not _is_folded(before):
            found.append(number)
    return found


def _is_folded(quoted: str) -> bool:
    """Whether a quoted line may go on below without a mark: it is long, and no sentence ends with it."""
    return quoted.startswith(">") and len(quoted) >= _FOLDED_FROM and not quoted.endswith(_ENDS)


def _key(line: str) -> str:
    return "".join(line[_MARK.match(line).end() :].split()).casefold()  # type: ignore[union-attr]
