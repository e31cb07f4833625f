"""A mail as a tree of parts: each knows where its octets stand in the mail, and copies none of them.

Boundaries are found as programs write them, not only as RFC 2046 has them. Depth and number of parts are limited, so
that no mail costs more than its length.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from shared.domain.mime.fields import Fields, read_fields
from shared.domain.mime.parameters import Valued, valued
from shared.domain.mime.transfer import undone

MOST_PARTS: Final = 1_000
DEEPEST: Final = 60
MAIL: Final = "message/rfc822"
_TEXT: Final = "text/plain"
# A boundary that is not told stands in the first line that looks like one.
_LOOKS_LIKE_ONE: Final = re.compile(rb"(?m)^--([^\s-][^\r\n]{0,200}?)[ \t]*\r?$")
_TYPE: Final = re.compile(r"[\w.+-]+/[\w.+*-]+")


@dataclass(frozen=True, slots=True)
class Part:
    """A part with its own header. `path` is its place among the parts of those it lies in, '' of the mail itself."""

    raw: bytes = field(repr=False)
    path: str
    fields: Fields
    kind: str
    content_type: Valued
    disposition: Valued
    start: int
    end: int
    head_start: int
    children: tuple["Part", ...] = ()

    @property
    def is_multipart(self) -> bool:
        return bool(self.children)

    @property
    def is_hollow(self) -> bool:
        """Whether it says that it has parts and holds nothing at all."""
        return self.content_type.value.startswith("multipart/") and self.start == self.end

    def content(self) -> bytes:
        """What it holds, its transfer encoding undone."""
        return undone(self.raw[self.start : self.end], self.fields.first("content-transfer-encoding"))

    def whole(self) -> bytes:
        """Header and content as they stand in the mail."""
        return self.raw[self.head_start : self.end]

    def walk(self) -> Iterator["Part"]:
        """This part and all below it, in order."""
        yield self
        for child in self.children:
            yield from child.walk()


def parts_of(raw: bytes) -> Part:
    """The tree of a mail."""
    return _Tree(raw).part(_Place("", 0, len(raw), DEEPEST), _TEXT)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a part stands, and how many levels there may be below it."""

    path: str
    start: int
    end: int
    depth: int


class _Tree:
    """Reads parts, and counts them."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._left = MOST_PARTS

    def part(self, place: _Place, default: str) -> Part:
        fields, body = read_fields(self._raw, place.start, place.end)
        content_type = valued(fields.first("content-type"))
        kind = content_type.value if _TYPE.fullmatch(content_type.value) else default
        children = tuple(self._children(place, body, kind, content_type.get("boundary")))
        return Part(
            raw=self._raw,
            path=place.path,
            fields=fields,
            kind=kind if children or not kind.startswith("multipart/") else _TEXT,
            content_type=content_type,
            disposition=valued(fields.first("content-disposition")),
            start=body,
            end=place.end,
            head_start=place.start,
            children=children,
        )

    def _children(self, place: _Place, body: int, kind: str, boundary: str) -> Iterator[Part]:
        if not (kind.startswith("multipart/") and place.depth):
            return
        default = MAIL if kind == "multipart/digest" else _TEXT
        for number, (start, end) in enumerate(_spans(self._raw, boundary, body, place.end), 1):
            if not self._left:
                return
            self._left -= 1
            path = f"{place.path}.{number}".lstrip(".")
            yield self.part(_Place(path, start, end, place.depth - 1), default)


def _spans(raw: bytes, boundary: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the parts stand, each without the line end that belongs to the boundary behind it."""
    begins: int | None = None
    for line in _delimiters(raw, boundary, start, end):
        if begins is not None:
            yield begins, max(begins, _before(raw, line.start(), begins))
        begins = None if line[1] else min(line.end() + 1, end)
        if begins is None:
            return
    if begins is not None and begins < end:
        yield begins, end


def _delimiters(raw: bytes, boundary: str, start: int, end: int) -> Iterator[re.Match[bytes]]:
    given = boundary.strip().encode("utf-8", "replace")
    if given:
        found = re.compile(rb"(?m)^--" + re.escape(given) + rb"(--)?[ \t]*\r?$").finditer(raw, start, end)
        first = next(found, None)
        if first is not None:
            yield first
            yield from found
            return
    guessed = _LOOKS_LIKE_ONE.search(raw, start, end)
    if guessed:
        yield from re.compile(rb"(?m)^--" + re.escape(guessed[1]) + rb"(--)?[ \t]*\r?$").finditer(
            raw, start, end
        )


def _before(raw: bytes, at: int, least: int) -> int:
    """Without the line end before."""
    at -= raw[max(least, at - 1) : at] == b"\n"
    return at - (raw[max(least, at - 1) : at] == b"\r")
