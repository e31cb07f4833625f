"""Encoded-words of headers (RFC 2047) as text: what cannot be decoded stays as it is."""

import binascii
from email.errors import HeaderParseError
from email.header import decode_header


def decoded(text: str) -> str:
    """The text with every encoded-word in it decoded; an unknown charset is read as UTF-8."""
    if "=?" not in text:
        return text
    try:
        return "".join(_part(part, charset) for part, charset in decode_header(text))
    except (HeaderParseError, binascii.Error, ValueError):
        return text


def _part(part: bytes | str, charset: str | None) -> str:
    if isinstance(part, str):
        return part
    try:
        return part.decode(charset or "utf-8", "replace")
    except (LookupError, UnicodeError):
        return part.decode("utf-8", "replace")
