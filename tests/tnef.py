"""Makes TNEF, the bytes of a `winmail.dat`, as MS-OXTNEF describes it."""

import struct
from collections.abc import Sequence

MAIL, FILE = 1, 2
Property = tuple[int, int, bytes]


def attribute(level: int, name: int, value: bytes, kind: int = 6) -> bytes:
    checksum = sum(value) & 0xFFFF
    return struct.pack("<BHHI", level, name, kind, len(value)) + value + struct.pack("<H", checksum)


def variable(kind: int, name: int, value: bytes) -> bytes:
    """A property of one text, binary or object."""
    return struct.pack("<HHII", kind, name, 1, len(value)) + value + bytes(-len(value) % 4)


def number(name: int, value: int) -> bytes:
    return struct.pack("<HHI", 3, name, value)


def properties(*encoded: bytes) -> bytes:
    return struct.pack("<I", len(encoded)) + b"".join(encoded)


def unicode(name: int, text: str) -> bytes:
    return variable(0x1F, name, f"{text}\0".encode("utf-16-le", "surrogatepass"))


def a_file(name: str, data: bytes, *more: bytes, title: bytes = b"SHORT~1.PDF\0") -> bytes:
    """A file; its long name stands among the properties."""
    return b"".join(
        (
            attribute(FILE, 0x9002, bytes(14)),
            attribute(FILE, 0x8010, title),
            attribute(FILE, 0x800F, data),
            attribute(FILE, 0x9005, properties(*([unicode(0x3707, name)] if name else []), *more)),
        )
    )


def a_mail_within(inner: bytes) -> bytes:
    held = properties(variable(0x0D, 0x3701, bytes(16) + inner))
    return attribute(FILE, 0x9002, bytes(14)) + attribute(FILE, 0x9005, held)


def tnef(*parts: bytes, message: Sequence[bytes] = (), code_page: int = 1252) -> bytes:
    """The whole; `message` are properties of the mail itself."""
    return b"".join(
        (
            struct.pack("<IH", 0x223E9F78, 1),
            attribute(MAIL, 0x9007, struct.pack("<II", code_page, 0)),
            attribute(MAIL, 0x9003, properties(*message)),
            *parts,
        )
    )
