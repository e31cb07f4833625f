"""Own text and quoted text of a mail, told apart and marked, never cut.

The answer is ranges of the stored text. A mail that is a forward, or would keep nothing of its own, is its
author's throughout: showing a quote is a blemish, hiding what somebody wrote is a fault.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from shared.domain.foreign_text import guarded, or_else
from shared.domain.mail import quote_finders
from shared.domain.mail.inline_answers import answers_within

LONGEST_SPLIT: Final = 200_000
MOST_LINES_SPLIT: Final = 5_000

_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
# Of no width: a line that holds nothing else looks empty, and `>` behind one is a quote all the same.
_INVISIBLE: Final = re.compile("[\ufeff\u200b-\u200d\u2060]")

# Of no width, or blank, in every script.
_FILLER: Final = re.compile("[\u00ad\u034f\u115f\u1160\u180e\u200b\u2060-\u2064\u2800\u3164\ufeff\uffa0]")
# Between two letters (Persian), or two emojis, they say something.
_JOINERS: Final = re.compile(r"(?<!\S)[\u200c-\u200f]+|[\u200c-\u200f]+(?!\S)")


@dataclass(frozen=True, slots=True)
class QuoteRanges:
    """Half-open character ranges of the quoted text: sorted, apart, within the text they were made from."""

    quoted: tuple[tuple[int, int], ...] = ()


EVERYTHING_OWN: Final = QuoteRanges()


@or_else(EVERYTHING_OWN)
def split(
    text: str, *, html_only: bool, parent_text: str | None, is_forward: bool, container: int | None = None
) -> QuoteRanges:
    """Where `text` quotes earlier mail. Never raises.

    `text` is the mail's text part or, with `html_only`, the text made from its HTML, where quotes have no `>` and
    headers of quoted mails are looked for first, in all languages. `parent_text`, the text of the mail answered,
    finds quotes without any mark, and answers within them. `container` is where the container begins into which
    the mail program has put its quote: it tells in every language. Of longer texts the first 5,000 lines or 200,000
    characters are split; a quote that reaches that far goes on to the end.
    """
    if is_forward or not text.strip():
        return EVERYTHING_OWN
    head = _head(text)
    spans = _line_spans(head)
    visible = [_INVISIBLE.sub("", head[start:end].rstrip("\r\n")) for start, end in spans]
    lines = quote_finders.blunted(visible)
    contained = None if container is None else _line_at(spans, container)
    own = _own_lines(lines, contained, html_only=html_only, parent_text=parent_text)
    if own is None or not any(lines[index].strip() for index in own):
        return EVERYTHING_OWN
    own -= _introduction(lines, own)
    own |= answers_within(lines, _first_quoted(lines, own), parent_text)
    return QuoteRanges(_ranges(spans, lines, own, end=len(text)))


@guarded
def own_text(text: str, ranges: QuoteRanges) -> str:
    """What is left of `text` without its quotes, without blanks at its ends."""
    starts = [0, *(end for _, end in ranges.quoted)]
    ends = [*(start for start, _ in ranges.quoted), len(text)]
    return "".join(text[start:end] for start, end in zip(starts, ends, strict=True)).strip()


@guarded
def quoted_text(text: str, ranges: QuoteRanges) -> str:
    """The quotes of `text`, in order."""
    return "".join(text[start:end] for start, end in ranges.quoted).strip()


@guarded
def behind(text: str, before: str) -> int | None:
    """Where `text` goes on behind `before`, blanks apart; None where it does not begin with it."""
    position = 0
    for char in "".join(before.split()):
        while position < len(text) and text[position].isspace():
            position += 1
        if position == len(text) or text[position] != char:
            return None
        position += 1
    return position


@guarded
def without_notice(own_text: str, notices: Iterable[str]) -> str:
    """What stands below the notice that the receiving server has put above a mail from outside; all where none does."""
    ends = (behind(own_text, notice) for notice in notices)
    return own_text[max(filter(None, ends), default=0) :].lstrip()


@guarded
def preview(own_text: str, limit: int = 255) -> str:
    """The first `limit` characters on one line; shortened at a word, with an ellipsis that counts.

    Without what fills a line and cannot be seen: newsletters put hundreds of such characters behind their first one.
    """
    visible = _FILLER.sub("", own_text[: limit * 100])
    line = " ".join(_JOINERS.sub("", visible).split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    at_word = cut.rpartition(" ")[0] if line[limit - 1] != " " else cut
    return (at_word if len(at_word) > limit // 2 else cut).rstrip() + "…"


def _line_spans(head: str) -> list[tuple[int, int]]:
    return [match.span() for match in islice(_LINE.finditer(head), MOST_LINES_SPLIT) if match[0]]


def _head(text: str) -> str:
    if len(text) <= LONGEST_SPLIT:
        return text
    cut = text.rfind("\n", 0, LONGEST_SPLIT)
    return text[: cut + 1] if cut > 0 else text[:LONGEST_SPLIT]


def _line_at(spans: Sequence[tuple[int, int]], position: int) -> int:
    """The number of the line that begins at a position, or behind it."""
    return next((number for number, (start, _) in enumerate(spans) if start >= position), len(spans))


def _first_quoted(lines: Sequence[str], own: set[int]) -> int:
    quoted = (number for number, line in enumerate(lines) if line.strip() and number not in own)
    return next(quoted, len(lines))


def _introduction(lines: Sequence[str], own: set[int]) -> set[int]:
    """The line by which a program, in whatever language, introduces the quote right below it.

    Not the author's only line, nor one that has own text below it.
    """
    written = [number for number in sorted(own) if lines[number].strip()]
    first = _first_quoted(lines, own)
    if len(written) < 2 or written[-1] > first or not quote_finders.introduces(lines[written[-1]]):
        return set()
    return {written[-1]}


def _own_lines(
    lines: Sequence[str], contained: int | None, *, html_only: bool, parent_text: str | None
) -> set[int] | None:
    """The numbers of the author's lines, or None when the finders give no answer."""
    cut = contained
    if cut is None and html_only:
        cut = quote_finders.first_header_line(lines)
    candidates = lines[:cut]
    found = quote_finders.new_lines(candidates, parent_text)
    return None if found is None else _aligned(candidates, found)


def _aligned(lines: Sequence[str], found: Sequence[str]) -> set[int]:
    """Which of `lines` the `found` lines are; both in order, blanks ignored.

    A found line that is nowhere was rewritten by the finder: all lines of the gap around it count as found.
    """
    keys = [_key(line) for line in lines]
    own: set[int] = set()
    position = gap_start = 0
    lost = False
    for key in filter(None, map(_key, found)):
        at = _next(keys, key, position)
        if at is None:
            lost = True
            continue
        own.update(range(gap_start, at + 1) if lost else (at,))
        position = gap_start = at + 1
        lost = False
    # Rather too much shown than something of the author's hidden.
    if lost:
        own.update(range(gap_start, len(lines)))
    return own


def _next(keys: Sequence[str], key: str, position: int) -> int | None:
    for index in range(position, len(keys)):
        if keys[index] == key:
            return index
    # A finder may have cut the end of a line off.
    return next((index for index in range(position, len(keys)) if keys[index].startswith(key)), None)


def _key(line: str) -> str:
    return " ".join(line.split())


def _ranges(
    spans: Sequence[tuple[int, int]], lines: Sequence[str], own: set[int], *, end: int
) -> tuple[tuple[int, int], ...]:
    """Runs of lines that are not own; blank lines between two quoted lines belong to the quote."""
    ranges: list[tuple[int, int]] = []
    goes_on = False
    for index, (start, stop) in enumerate(spans):
        if index in own:
            goes_on = False
        elif lines[index].strip():
            ranges[len(ranges) - goes_on :] = [(ranges[-1][0] if goes_on else start, stop)]
            goes_on = True
    if goes_on:
        ranges[-1] = (ranges[-1][0], end)
    return tuple(ranges)
