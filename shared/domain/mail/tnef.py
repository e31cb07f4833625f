"""Unpacks `winmail.dat`: the body and the files that Outlook put into one part (TNEF, MS-OXTNEF).

Exchange unpacks what it receives itself; a copy that came another way, or within another mail, is seen as it is.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from typing import Final

from compressed_rtf import decompress

from shared.domain.foreign_text import LONGEST_NAME, guarded
from shared.domain.mail.code_pages import codec_of
from shared.domain.mail.messages import Attachment
from shared.domain.mail.rtf import html_and_text

# The whole is held in memory.
LONGEST: Final = 20_000_000
MOST_FILES: Final = 500
DEEPEST: Final = 3
# More of them than any mail holds would be read for seconds.
MOST_PARTS: Final = 20_000
# What rich text comes to is up to eight times as much, and is read sign by sign.
LONGEST_RICH_TEXT: Final = 100_000
TYPES: Final = frozenset(("application/ms-tnef", "application/vnd.ms-tnef"))
NAME: Final = "winmail.dat"

_SIGNATURE: Final = 0x223E9F78
_START: Final = 6
_OF_MAIL, _OF_FILE = 1, 2
_HEAD: Final = struct.Struct("<BHHI")
_CHECKSUM: Final = 2

# Attributes (MS-OXTNEF 2.1.3.2) and properties (MS-OXPROPS) by id.
_BODY, _SUBJECT, _PROPERTIES, _CODE_PAGE = 0x800C, 0x8004, 0x9003, 0x9007
_FILE_BEGINS, _FILE_DATA, _FILE_TITLE, _FILE_PROPERTIES = 0x9002, 0x800F, 0x8010, 0x9005
_P_SUBJECT, _P_TEXT, _P_RICH, _P_HTML, _P_CODE_PAGE = 0x0037, 0x1000, 0x1009, 0x1013, 0x3FDE
_P_DATA, _P_NAME, _P_LONG_NAME, _P_SHOWN_NAME, _P_TYPE, _P_CONTENT_ID = (
    *(0x3701, 0x3704, 0x3707, 0x3001, 0x370E, 0x3712),
)
_SIZES: Final[Mapping[int, int]] = {
    **{0x02: 2, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 2, 0x14: 8, 0x40: 8, 0x48: 16}
}
_ANSI, _UNICODE, _BINARY, _OBJECT = 0x1E, 0x1F, 0x0102, 0x0D
_VARIABLE: Final = frozenset((_ANSI, _UNICODE, _BINARY, _OBJECT))
_SEVERAL: Final = 0x1000
_NAMED: Final = 0x8000
_INTERFACE: Final = 16


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file within; a mail within is one, too, as MIME."""

    name: str
    data: bytes = field(repr=False)
    content_type: str = ""
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What was packed: a body, if any, and the files in order."""

    html: str = ""
    text: str = ""
    files: tuple[PackedFile, ...] = ()
    subject: str = ""


def is_packed(attachment: Attachment) -> bool:
    """Whether an attachment looks like one that can be unpacked."""
    is_named = attachment.name.casefold() == NAME
    bare = attachment.content_type.partition(";")[0].strip().casefold()
    return attachment.kind == "file" and (is_named or bare in TYPES)


@guarded
def unpack(data: bytes) -> Unpacked:
    """Body and files. Raises Unreadable for what is no TNEF, is cut short, or is larger than `LONGEST`."""
    if len(data) > LONGEST:
        raise ValueError("the file is too large")
    return _unpacked(memoryview(data), 0)


@dataclass(slots=True)
class _Cursor:
    """A place in bytes that somebody else has measured."""

    data: memoryview
    place: int = 0

    def take(self, size: int) -> memoryview:
        found = self.data[self.place : self.place + size]
        if len(found) < size:
            raise ValueError("the file is cut short")
        self.place += size
        return found

    def take_padded(self, size: int) -> memoryview:
        """Values begin at multiples of four."""
        found = self.take(size)
        self.place += -size % 4
        return found

    def number(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def short(self) -> int:
        return int.from_bytes(self.take(2), "little")


@dataclass(frozen=True, slots=True)
class _Value:
    kind: int
    data: memoryview

    def text(self, codec: str) -> str:
        codec = "utf-16-le" if self.kind == _UNICODE else codec
        return _text(self.data, codec)

    @property
    def number(self) -> int:
        return int.from_bytes(self.data, "little")


def _text(data: memoryview, codec: str) -> str:
    return str(data, codec, "replace").rstrip("\0")


def _unpacked(data: memoryview, depth: int) -> Unpacked:
    if depth > DEEPEST or int.from_bytes(data[:4], "little") != _SIGNATURE:
        raise ValueError("the file is no TNEF")
    codec, found = "cp1252", Unpacked()
    files: list[dict[int, memoryview]] = []
    for level, name, value in _attributes(data):
        if name == _FILE_BEGINS and len(files) < MOST_FILES:
            files.append({})
        elif level == _OF_FILE and files:
            files[-1].setdefault(name, value)
        elif name == _CODE_PAGE:
            codec = codec_of(int.from_bytes(value[:4], "little"))
        else:
            found = _with_attribute(found, name, value, codec)
    return replace(found, files=tuple(_file(attributes, codec, depth) for attributes in files))


def _with_attribute(found: Unpacked, name: int, value: memoryview, codec: str) -> Unpacked:
    """What the mail has once this attribute is known; of a text given twice the first one counts."""
    if name == _BODY:
        return replace(found, text=found.text or _text(value, codec))
    if name == _SUBJECT:
        return replace(found, subject=found.subject or _text(value, codec))
    return _with_properties(found, _properties(value), codec) if name == _PROPERTIES else found


def _attributes(data: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """(level, id, value) of each."""
    cursor = _Cursor(data, _START)
    for _ in range(MOST_PARTS):
        if len(data) - cursor.place < _HEAD.size:
            return
        level, name, _, length = _HEAD.unpack(cursor.take(_HEAD.size))
        if level not in (_OF_MAIL, _OF_FILE):
            # Whatever somebody has put behind the last one.
            return
        yield level, name, cursor.take(length)
        cursor.take(_CHECKSUM)
    raise ValueError("the file has too many attributes")


def _with_properties(found: Unpacked, properties: Mapping[int, _Value], codec: str) -> Unpacked:
    def text(name: int, codec: str) -> str:
        return properties[name].text(codec) if name in properties else ""

    page = properties.get(_P_CODE_PAGE)
    html = text(_P_HTML, codec_of(page.number) if page else codec)
    plain = text(_P_TEXT, codec)
    if not html and _P_RICH in properties:
        html, rich = _rich(bytes(properties[_P_RICH].data))
        plain = plain or rich
    return replace(
        found,
        html=html or found.html,
        text=plain or found.text,
        subject=text(_P_SUBJECT, codec) or found.subject,
    )


def _rich(data: bytes) -> tuple[str, str]:
    if len(data) > LONGEST_RICH_TEXT:
        return "", ""
    try:
        # The end of its last token may be left out, and is asked for.
        return html_and_text(decompress(data + b"\0"))
    except Exception:  # noqa: BLE001 - the library raises Exception itself; text or files are there without it
        return "", ""


def _properties(data: memoryview) -> dict[int, _Value]:
    """Single values by id; of several values the first. Named properties are passed over."""
    cursor = _Cursor(data)
    found: dict[int, _Value] = {}
    count = cursor.number()
    if count > MOST_PARTS:
        raise ValueError("the file has too many properties")
    for _ in range(count):
        kind, name = cursor.short(), cursor.short()
        if name >= _NAMED:
            _pass_name(cursor)
        for value in _values(cursor, kind):
            found.setdefault(name, _Value(kind & ~_SEVERAL, value))
    return found


def _pass_name(cursor: _Cursor) -> None:
    cursor.take(_INTERFACE)
    if cursor.number():
        cursor.take_padded(cursor.number())
    else:
        cursor.number()


def _values(cursor: _Cursor, kind: int) -> Iterator[memoryview]:
    bare = kind & ~_SEVERAL
    if bare in _VARIABLE:
        for _ in range(cursor.number()):
            yield cursor.take_padded(cursor.number())
    elif bare in _SIZES:
        count = cursor.number() if kind & _SEVERAL else 1
        values = cursor.take_padded(count * _SIZES[bare])
        yield values[: _SIZES[bare]]
    elif bare not in (0, 1):
        raise ValueError("a property is of no known type")


def _file(attributes: Mapping[int, memoryview], codec: str, depth: int) -> PackedFile:
    properties = _properties(attributes[_FILE_PROPERTIES]) if _FILE_PROPERTIES in attributes else {}
    title = _text(attributes[_FILE_TITLE], codec) if _FILE_TITLE in attributes else ""
    names = (properties[name].text(codec) for name in (_P_LONG_NAME, _P_NAME) if name in properties)
    shown = properties[_P_SHOWN_NAME].text(codec) if _P_SHOWN_NAME in properties else ""
    name = next(filter(None, (*names, title, shown)), "")[:LONGEST_NAME]
    held = properties.get(_P_DATA)
    if held is not None and held.kind == _OBJECT:
        return _object(name, held.data[_INTERFACE:], depth)
    data = attributes.get(_FILE_DATA, held.data if held else memoryview(b""))

    def text(name: int) -> str:
        return properties[name].text(codec)[:LONGEST_NAME] if name in properties else ""

    return PackedFile(name, bytes(data), text(_P_TYPE), text(_P_CONTENT_ID).strip("<>"))


def _object(name: str, data: memoryview, depth: int) -> PackedFile:
    """A mail within, or what only the program that made it can open."""
    if int.from_bytes(data[:4], "little") != _SIGNATURE:
        return PackedFile(name, bytes(data))
    inner = _unpacked(data, depth + 1)
    title = inner.subject or name
    return PackedFile(f"{title[:LONGEST_NAME]}.eml", _as_mime(inner), "message/rfc822")


def _as_mime(inner: Unpacked) -> bytes:
    mail = EmailMessage()
    mail["Subject"] = " ".join(inner.subject.split())
    if inner.html:
        mail.set_content(_printable(inner.html), subtype="html")
    else:
        mail.set_content(_printable(inner.text))
    for packed in inner.files:
        # Its own type may be anything; a mail program goes by the name.
        mail.add_attachment(packed.data, maintype="application", subtype="octet-stream", filename=packed.name)
    return mail.as_bytes()


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
