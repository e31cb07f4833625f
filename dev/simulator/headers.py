"""Reads mail headers as Exchange would: RFC 2047 words, 8-bit bytes, address lists, dates. Never raises on garbage."""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime

_WORD = re.compile(r"=\?([^?\s]+)\?([bBqQ])\?([^?]*)\?=")
_FOLD = re.compile(r"\r?\n[ \t]?|\r")
# A word that is encoded may hold a bare comma: it ends no address.
_TOKEN = re.compile(
    r"=\?[^?\s]{1,80}\?[bBqQ]\?[^?]{0,2000}\?="
    r'|"(?:\\.|[^"\\])*"|\((?:\\.|[^()\\])*\)|<[^>]*>|[,;:]|[^"(<,;:=]+|.',
    re.S,
)
_MAX_HEADER = 65_536
_CHARSET_ALIASES = {
    "x-mac-cyrillic": "mac_cyrillic",
    "ks_c_5601-1987": "cp949",
    "gb2312": "gb18030",
    "iso-8859-1": "cp1252",
}


@dataclass(frozen=True, slots=True)
class Address:
    """A display name and an address as written; either may be empty."""

    name: str
    address: str

    def as_json(self) -> dict[str, object]:
        return {"emailAddress": {"name": self.name or self.address, "address": self.address}}


def decode_bytes(data: bytes, charset: str | None) -> str:
    """Text of bytes in a charset that may be unknown or wrong: then UTF-8, then Windows-1252."""
    named = (charset or "").strip().strip("\"'").lower().split("*")[0].removeprefix("charset=")
    for candidate in (_CHARSET_ALIASES.get(named, named), "utf-8"):
        try:
            return data.decode(candidate)
        except (LookupError, ValueError):
            continue
    return data.decode("cp1252", "replace")


def clean(text: str) -> str:
    """Text that JSON, UTF-8 and a database can hold: no lone surrogates, no NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")


def _from_raw(value: str) -> str:
    raw = value[:_MAX_HEADER]
    if not any("\udc80" <= character <= "\udcff" for character in raw):
        return raw
    return decode_bytes(raw.encode("utf-8", "surrogateescape"), "utf-8")


def header_items(message: Message) -> list[tuple[str, str]]:
    """All headers in order, unfolded, RFC 2047 words undecoded."""
    return [
        (clean(_from_raw(name)), clean(_FOLD.sub(" ", _from_raw(str(value)))).strip())
        for name, value in message.raw_items()
    ]


def first(items: list[tuple[str, str]], name: str) -> str | None:
    """The first header of that name, whatever its case."""
    wanted = name.lower()
    return next((value for key, value in items if key.lower() == wanted), None)


def _word_bytes(encoding: str, text: str) -> bytes:
    if encoding in "qQ":
        return quopri.decodestring(text.replace("_", " ").encode("utf-8"))
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return text.encode("utf-8")


def decode_words(value: str) -> str:
    """RFC 2047 decoded; neighbouring words of one charset are joined first, as a character may be split over two."""
    out: list[str] = []
    pending, pending_charset, position = b"", "", 0
    for match in _WORD.finditer(value):
        gap = value[position : match.start()]
        charset = match[1].lower()
        if gap.strip() or charset != pending_charset:
            out.append(decode_bytes(pending, pending_charset))
            out.append(gap if gap.strip() or not pending_charset else "")
            pending = b""
        pending, pending_charset, position = pending + _word_bytes(match[2], match[3]), charset, match.end()
    out.append(decode_bytes(pending, pending_charset))
    return clean("".join(out) + value[position:])


def _pieces(value: str) -> Iterator[str]:
    """Splits an address list at commas and semicolons outside quotes, comments and angle brackets.

    Comments and the names of groups are dropped.
    """
    piece: list[str] = []
    has_at = False
    for token in _TOKEN.findall(value):
        if token in (",", ";"):
            yield "".join(piece)
            piece, has_at = [], False
        elif token == ":" and not has_at:
            piece = []
        elif not token.startswith("(") or len(token) == 1:
            piece.append(token)
            has_at = has_at or "@" in token
    yield "".join(piece)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text.strip().strip('"').strip())


def _bare(address: str) -> str:
    """An address without quotes around all of it; those around its local part belong to it."""
    stripped = address.strip()
    is_around = stripped.startswith('"') == stripped.endswith('"')
    return _unquoted(stripped) if is_around else stripped


def addresses(value: str | None) -> list[Address]:
    """The people of an address header. Of `john@evil.example <real@example.com>` the last `<>` counts."""
    found = []
    for piece in _pieces((value or "")[:_MAX_HEADER]):
        start, end = piece.rfind("<"), piece.rfind(">")
        if start >= 0:
            name, address = piece[:start], piece[start + 1 : end if end > start else None]
        else:
            words = piece.split()
            at = next((word for word in words if "@" in word), words[0] if len(words) == 1 else "")
            name, address = " ".join(word for word in words if word != at), at
        address = clean("".join(_bare(address).split()))
        if address:
            found.append(Address(decode_words(_unquoted(name)), address))
    return found


def date(value: str | None) -> datetime | None:
    """The moment of a Date header in UTC, or None when it cannot be read."""
    try:
        moment = parsedate_to_datetime(value or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
