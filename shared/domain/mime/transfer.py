"""Content-Transfer-Encoding (RFC 2045, 6), undone. What is not in the alphabet is passed over."""

import binascii
from contextlib import suppress
from typing import Final

_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64: Final = bytes(set(range(256)) - set(_BASE64))
_UU: Final = ("uuencode", "x-uuencode", "uue", "x-uue")


def undone(data: bytes, encoding: str) -> bytes:
    """The octets that were sent. An unknown encoding changes nothing."""
    words = encoding.casefold().split()
    named = words[0].strip(";\"'") if words else ""
    if named == "base64":
        return _from_base64(data)
    if named == "quoted-printable":
        return binascii.a2b_qp(data)
    return _from_uu(data) if named in _UU else data


def _from_base64(data: bytes) -> bytes:
    """Several texts with padding of their own may stand behind each other."""
    bare = data.translate(None, _NOT_BASE64)
    pieces = (piece for piece in bare.split(b"=") if piece)
    return b"".join(map(_piece, pieces))


def _piece(bare: bytes) -> bytes:
    # One letter over carries six bits: no octet.
    whole = bare[: len(bare) - 1] if len(bare) % 4 == 1 else bare
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _from_uu(data: bytes) -> bytes:
    lines = data.splitlines()
    begins = next((number for number, line in enumerate(lines) if line.startswith(b"begin ")), -1)
    return b"".join(_uu_line(line) for line in lines[begins + 1 :] if line and not line.startswith(b"end"))


def _uu_line(line: bytes) -> bytes:
    """Some programs write too many characters; the first one says how many octets count."""
    length = (line[0] - 32) & 63
    for candidate in (line, line[: (length * 4 + 5) // 3 + 1]):
        with suppress(binascii.Error):
            return binascii.a2b_uu(candidate)
    return b""
