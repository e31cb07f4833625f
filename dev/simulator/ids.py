"""Mints the opaque ids of folders, messages and attachments. Knows their outward shape, not what they stand for.

Shapes follow the Outlook pages: base64url, case-sensitive, at least 120 characters, ending in `=` as real ones do.
"""

import base64
import hashlib
import re

_MUTABLE = b"\x00\x03\x24\x00"  # becomes "AAMkA"
_IMMUTABLE = b"\x00\x09\x00\x2e\x00\x00\x00\x00\x00"  # becomes "AAkALg"
_WELL_FORMED = re.compile(r"A[AQ][A-Za-z0-9_\-]{100,}={0,2}")


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii")


def _digest(kind: str, mailbox_id: str, number: int) -> bytes:
    return hashlib.blake2b(f"{kind}|{mailbox_id}|{number}".encode(), digest_size=32).digest()


def mutable_id(mailbox_id: str, number: int) -> str:
    """The id that a message has until it is moved."""
    body = (
        _MUTABLE + mailbox_id.encode() + b"\x00F\x00\x00\x00\x00\x00" + _digest("message", mailbox_id, number)
    )
    return _encode((body + number.to_bytes(8, "big")).ljust(113, b"\x00"))


def immutable_id(mailbox_id: str, number: int) -> str:
    """The id that a message keeps while it stays in its mailbox."""
    return _encode((_IMMUTABLE + _digest("immutable", mailbox_id, number)).ljust(92, b"\x00"))


def folder_id(mailbox_id: str, number: int) -> str:
    """The id of a folder: constant, the same in both id formats."""
    return _encode(
        (_MUTABLE + mailbox_id.encode() + b"\x00." + _digest("folder", mailbox_id, number)).ljust(89, b"\x00")
    )


def attachment_id(message_id: str, number: int) -> str:
    """The id of an attachment, scoped to one instance of its message."""
    digest = _digest("attachment", message_id, number)
    return _encode((_MUTABLE + digest + hashlib.sha256(digest).digest()).ljust(143, b"\x00"))


def change_key(mailbox_id: str, version: int) -> str:
    """The version of an item, as in `@odata.etag`."""
    return "CQAAABYAAAB" + _encode(_digest("change", mailbox_id, version)[:18])


def is_well_formed(item_id: str) -> bool:
    """Whether Exchange could have made this id; others are answered 400 ErrorInvalidIdMalformed."""
    return _WELL_FORMED.fullmatch(item_id) is not None
