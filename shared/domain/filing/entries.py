"""Rows of a timeline: what a reader of a record sees of a mail, newest first, a page at a time."""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Final

from shared.domain.errors import InvalidInput
from shared.domain.filing.filing import SENT, StoredMessage
from shared.domain.mail.addresses import Person
from shared.domain.mail.messages import Direction, Document
from shared.domain.matching.decisions import Link

KINDS: Final = (SENT, "reply", "synced", "note", "acknowledgement")
# `synced` is what the reader calls all mail that came in by capture.
FILTERS: Final = {**{kind: (kind,) for kind in KINDS}, "all": KINDS, "synced": ("reply", "synced")}

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_LAST_MILLISECOND: Final = 10**14
# No key of a table holds any ("Understanding the Table service data model").
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_INVERTED: Final = re.compile("[0-9]{15}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. `id` names it within its timeline and orders it; its link says by which rule it stands here.

    `automatic` is what kind of automatic mail it is, '' = a person's; `bounced` are addresses it did not reach.
    `unauthenticated`: nothing proves its sender's domain. `attachments` are the names of its files. `thread` is its
    thread's id; `answered` the entry id of the stored mail that it answers, `in_reply_to` that one's Message-ID.
    """

    id: str
    message_key: str
    internet_message_id: str
    kind: str
    direction: Direction
    at: datetime
    subject: str
    sender: Person
    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    preview: str
    has_attachments: bool
    link: Link
    agent: str
    automatic: str = ""
    unauthenticated: bool = False
    bounced: tuple[str, ...] = ()
    thread: str = ""
    answered: str = ""
    in_reply_to: str = ""
    attachments: tuple[str, ...] = ()


def entries_of(stored: StoredMessage, document: Document) -> tuple[Entry, ...]:
    """One timeline row per linked record."""
    return tuple(
        Entry(
            id=entry_id(stored.at, stored.key),
            message_key=stored.key,
            internet_message_id=stored.message_id,
            kind="note" if link.as_note else stored.kind,
            direction=stored.direction,
            at=stored.at,
            subject=document.subject,
            sender=document.sender,
            to=document.to,
            cc=document.cc,
            preview=document.preview,
            has_attachments=any(not attachment.inline for attachment in document.attachments),
            link=link,
            agent=stored.agent,
            automatic=stored.automatic,
            unauthenticated=stored.unauthenticated,
            bounced=tuple(bounce.address for bounce in stored.bounces),
            thread=stored.thread,
            answered=stored.answered,
            in_reply_to=in_reply_to(stored, document),
            attachments=document.file_names,
        )
        for link in stored.decision.links
    )


def in_reply_to(stored: StoredMessage, document: Document) -> str:
    """The Message-ID of the stored mail that a mail answers; '' where that one is not stored."""
    return next(iter(document.answers), "") if stored.answered else ""


def entry_id(at: datetime, message_key: str) -> str:
    """The row's key: inverted time in milliseconds, then the message; ascending order is newest first."""
    milliseconds = (at - _EPOCH) // _MILLISECOND
    return f"{_LAST_MILLISECOND - milliseconds:015d}-{message_key}"


def message_key_of(entry_id: str) -> str:
    """The message key behind an entry's id."""
    return entry_id.partition("-")[2]


def inverted(at: datetime) -> str:
    """The time part of a key that sorts newest first."""
    return entry_id(at, "")[:-1]


def ordered(at: datetime) -> str:
    """The time part of a key that sorts oldest first."""
    return f"{(at - _EPOCH) // _MILLISECOND:015d}"


def at_of(key: str) -> datetime:
    """The time behind an inverted key, to the millisecond. Raises InvalidInput for what is none, as a cursor may be."""
    found = _INVERTED.match(key)
    if found is None:
        raise foreign_cursor()
    try:
        return _EPOCH + (_LAST_MILLISECOND - int(found[0])) * _MILLISECOND
    except OverflowError as error:
        raise foreign_cursor() from error


def kind_of(direction: Direction, parent_direction: Direction | None, *, is_ours: bool = False) -> str:
    """`sent` for what left through the outbox, `reply` for an incoming answer to a stored mail of an agent.

    `synced` is every other captured mail.
    """
    if is_ours:
        return SENT
    is_reply = direction is Direction.IN and parent_direction is Direction.OUT
    return "reply" if is_reply else "synced"


def kinds_of(filters: Iterable[str]) -> frozenset[str]:
    """The entry kinds behind names of FILTERS."""
    return frozenset(chain.from_iterable(FILTERS[name] for name in filters))


def encode_cursor(key: str) -> str:
    """An opaque page cursor: continue behind this key."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """The key behind a cursor. Raises InvalidInput when it was not made here."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise foreign_cursor() from error
    if _CONTROL.search(key):
        raise foreign_cursor()
    return key


def foreign_cursor() -> InvalidInput:
    return InvalidInput("'cursor' must be a value that this list gave; start again without it.")
