"""The header block of a mail or of a part: where it ends, and its fields, with names in lower case.

What stands in it against all rules is taken as far as it can be understood: bytes above ASCII, lines that are no
fields, the envelope line of an mbox.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shared.domain.mail.charsets import text_in

LONGEST_BLOCK: Final = 1_000_000
MOST_FIELDS: Final = 2_000
_LINE: Final = re.compile(rb"[^\n]*\n?")
_NAME: Final = re.compile(rb"[!-9;-~]{1,100}[ \t]*:")
# A line with a name that no field may have; nobody reads it, and it ends no block.
_ODD_NAME: Final = re.compile(rb"[^\s:][^:]{0,200}:")
# Behind a line that is none either, the block goes on where one of these follows before an empty line.
_WELL_KNOWN: Final = rb"from|to|cc|subject|date|message-id|mime-version|content-type|received|return-path"
_GOES_ON: Final = re.compile(rb"(?:[^\r\n]+\r?\n){0,20}?(?:" + _WELL_KNOWN + rb")[ \t]*:", re.IGNORECASE)
_ENVELOPE: Final = re.compile(rb">?From |\xef\xbb\xbf")


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields in order: names in lower case, values unfolded, encoded words as they are."""

    items: tuple[tuple[str, str], ...] = ()

    def first(self, name: str) -> str:
        """The first field of a name; '' where there is none."""
        return next(self.all(name), "")

    def all(self, name: str) -> Iterator[str]:
        return (value for given, value in self.items if given == name)


def read_fields(raw: bytes, start: int, end: int) -> tuple[Fields, int]:
    """The fields from `start` on, and where the body begins.

    A block without an empty line at its end ends before the first line that cannot be a part of it.
    """
    found: list[tuple[str, bytearray]] = []
    at = start
    for line in _LINE.finditer(raw, start, min(end, start + LONGEST_BLOCK)):
        text = line[0]
        stripped = text.rstrip(b"\r\n")
        if not stripped:
            at = line.end() if text else at
            break
        is_taken = _take(found, stripped, is_first=line.start() == start)
        if not is_taken and _GOES_ON.match(raw, line.end(), end) is None:
            break
        at = line.end()
    return Fields(tuple(_field(name, value) for name, value in found[:MOST_FIELDS])), at


def _take(found: list[tuple[str, bytearray]], line: bytes, *, is_first: bool) -> bool:
    """Add a line to the block; False where it belongs to the body."""
    if line[:1] in (b" ", b"\t"):
        if found:
            found[-1][1].extend(line)
        return bool(found) or not line.strip()
    if is_first and _ENVELOPE.match(line):
        line = line.removeprefix(b"\xef\xbb\xbf")
        if _NAME.match(line) is None:
            return True
    name = _NAME.match(line)
    if name is None:
        return not is_first and _ODD_NAME.match(line) is not None
    found.append((name[0][:-1].strip().decode("ascii").casefold(), bytearray(line[name.end() :])))
    return True


def _field(name: str, value: bytearray) -> tuple[str, str]:
    return name, text_in(bytes(value)).replace("\r", " ").replace("\0", "").strip()
