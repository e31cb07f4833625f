"""Conversation index and id as Exchange computes them (MS-OXOMSG 2.2.1.2 and 2.2.1.3)."""

import base64
import binascii
import hashlib
from datetime import UTC, datetime

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def _filetime(moment: datetime) -> bytes:
    ticks = int((moment - _EPOCH).total_seconds() * 10_000_000)
    return max(ticks, 0).to_bytes(8, "big")


def decode_thread_index(value: str | None) -> bytes | None:
    """The bytes of a Thread-Index header, or None when there is none of at least 22 bytes."""
    try:
        data = base64.b64decode("".join((value or "").split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if len(data) >= 22 else None


def new_index(moment: datetime, seed: str) -> bytes:
    """The 22 bytes that open a conversation: 01, the high bytes of the FILETIME, a GUID."""
    return b"\x01" + _filetime(moment)[:5] + hashlib.md5(seed.encode(), usedforsecurity=False).digest()


def reply_index(parent: bytes, moment: datetime) -> bytes:
    """The parent's index with five bytes more."""
    return parent + _filetime(moment)[2:7]


def conversation_id(mailbox_id: str, index: bytes, topic: str) -> str:
    """Differs by mailbox. Without a usable index, unrelated mails of one topic share it."""
    if len(index) >= 22 and index[0] == 1:
        unique = index[6:22]
    else:
        unique = hashlib.md5(
            topic[:255].upper().encode("utf-16-le", "replace"), usedforsecurity=False
        ).digest()
    data = b"\x00\x04\x24\x00" + mailbox_id.encode() + b"\x00\x10\x00" + unique
    return base64.urlsafe_b64encode(data).decode("ascii")
