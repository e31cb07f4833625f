"""Answers of mail servers, line by line: an odd line costs what stands on it, and no other line.

`data` is what `imaplib` collects of one kind of answer: a line is octets, or a tuple of octets and the literal that
they announce; what stands behind a literal follows as an element of its own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from imapclient.response_parser import parse_fetch_response, parse_response

Octets = bytes | tuple[bytes, bytes] | None

_ROW: Final = re.compile(rb"\d+ +\(")
_NUMBERS: Final = re.compile(rb"(?:\d+[ \t]*)*")
_QUOTED: Final = rb'"(?:[^"\\]|\\.)*"'
_FOLDER: Final = re.compile(rb"\(([^()]*)\) +(NIL|" + _QUOTED + rb") +(.+)", re.IGNORECASE | re.DOTALL)
_QUOTED_NAME: Final = re.compile(_QUOTED, re.DOTALL)
_LITERAL: Final = re.compile(rb"\{\d+\+?\}$")
_ESCAPED: Final = re.compile(rb'\\(["\\])')
# No command can name a folder with one of these.
_UNSPEAKABLE: Final = re.compile(rb"[\r\n\0]")


@dataclass(frozen=True, slots=True)
class Line:
    """A folder as a server lists it: `flags` as written, `separator` empty where there is none."""

    flags: tuple[bytes, ...]
    separator: bytes
    name: bytes

    @classmethod
    def of(cls, told: Octets) -> Self | None:
        """None for what names no folder (RFC 3501, 7.2.2; RFC 5258 lets more stand behind the name)."""
        head, literal = told if isinstance(told, tuple) else (told or b"", None)
        found = _FOLDER.fullmatch(head)
        name = _name(found[3], literal) if found else b""
        if found is None or not name or _UNSPEAKABLE.search(name):
            return None
        separator = b"" if found[2].upper() == b"NIL" else _unquoted(found[2])
        return cls(tuple(found[1].split()), separator, name)


def numbers(data: Iterable[Octets]) -> list[int]:
    """The numbers of a search, each once: a server may tell them in several lines, and something else behind them."""
    found: dict[int, None] = {}
    for told in data:
        if isinstance(told, bytes) and (line := _NUMBERS.match(told)):
            found |= dict.fromkeys(map(int, line[0].split()))
    return list(found)


def rows(data: Sequence[Octets]) -> Mapping[int, Mapping[bytes, Any]]:
    """What is told of mails, by their numbers. A row that names no number was not asked for: a server tells changed
    flags like that. Places in the folder say nothing: they move when a mail goes in the middle of an answer.
    """
    found: dict[int, dict[bytes, Any]] = {}
    for told in _by_row(data):
        for row in parse_fetch_response(told, normalise_times=False, uid_is_key=False).values():
            if b"UID" in row:
                found.setdefault(row[b"UID"], {}).update(row)
    return found


def folders(data: Iterable[Octets]) -> list[Line]:
    """The lines of a list that name a folder."""
    return [line for told in data if (line := Line.of(told)) is not None]


def prefixes(data: Sequence[Octets]) -> list[tuple[bytes, ...]]:
    """The prefixes of a server's namespaces: own ones, other people's, shared ones (RFC 2342). Raises ValueError."""
    told = parse_response(list(data))
    if len(told) != 3:
        raise ValueError("these are no three kinds of namespaces")
    return [tuple(map(_prefix, kind or ())) for kind in told]


def _by_row(data: Sequence[Octets]) -> Iterator[list[Octets]]:
    row: list[Octets] = []
    for told in data:
        head = told[0] if isinstance(told, tuple) else told
        if row and head is not None and _ROW.match(head):
            yield row
            row = []
        if head is not None:
            row.append(told)
    if row:
        yield row


def _prefix(space: object) -> bytes:
    """Something may stand behind prefix and separator."""
    if not isinstance(space, tuple) or not space or not isinstance(space[0], bytes):
        raise ValueError("this is no namespace")
    return space[0]


def _name(written: bytes, literal: bytes | None) -> bytes:
    """A literal, a quoted name, or, as some servers write names with blanks, all that is left of the line."""
    if literal is not None:
        return literal if _LITERAL.fullmatch(written) else b""
    quoted = _QUOTED_NAME.match(written)
    if quoted:
        return _unquoted(quoted[0])
    name = written.strip()
    return b"" if name.upper() == b"NIL" or name[:1] in (b'"', b"(") else name


def _unquoted(text: bytes) -> bytes:
    return _ESCAPED.sub(rb"\1", text[1:-1])
