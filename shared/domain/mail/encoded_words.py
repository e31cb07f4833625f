"""Encoded-words of headers (RFC 2047) as text: what cannot be decoded stays as it is."""

import binascii
from email.errors import HeaderParseError
from email.header import decode_header
from typing import Final

from shared.domain.mail.charsets import text_in

# Decoding costs the square of the words. Twenty long ids stay below this.
LONGEST: Final = 8_000


def decoded(text: str) -> str:
    """The text with every encoded-word in it decoded; an unknown charset is read as UTF-8.

    Of a longer text only the first 8,000 characters count.
    """
    if "=?" not in text:
        return text
    text = text[:LONGEST]
    try:
        return "".join(_part(part, charset) for part, charset in decode_header(text))
    except (HeaderParseError, binascii.Error, ValueError):
        return text


def _part(part: bytes | str, charset: str | None) -> str:
    return part if isinstance(part, str) else text_in(part, charset or "")
