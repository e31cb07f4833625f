"""A mail's octets as the mail of the domain: its head from the header block alone, and the whole of it.

What people wrote is cut to a length that memory can bear. A mail that cannot be read fails alone: Unreadable.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, islice
from typing import Final

from shared.domain.errors import NotFound
from shared.domain.foreign_text import (
    LONGEST_FIELD,
    LONGEST_REFERENCES,
    MOST_ATTACHMENTS,
    MOST_HEADERS,
    MOST_PEOPLE,
    guarded,
    or_else,
    taken,
)
from shared.domain.mail.addresses import Person, undisguised
from shared.domain.mail.charsets import text_in
from shared.domain.mail.encoded_words import decoded
from shared.domain.mail.items import ItemRef
from shared.domain.mail.kept_headers import is_kept, kept, stated_sensitivity
from shared.domain.mail.message_ids import MAX_REFERENCES, message_id, parse_ids
from shared.domain.mail.messages import FetchedMessage, MessageHead
from shared.domain.mime.bodies import CALENDAR, content_of
from shared.domain.mime.fields import Fields, read_fields
from shared.domain.mime.parts import parts_of
from shared.domain.mime.people import moment, people

_ANSWER_TO_INVITATION: Final = ("content-type", "text/calendar; method=REPLY")


@dataclass(frozen=True, slots=True)
class Copy:
    """What the mailbox knows of a copy and the mail does not say."""

    item: ItemRef
    folder_id: str
    received_at: datetime
    is_draft: bool = False


@guarded
def head_of(header: bytes, copy: Copy) -> MessageHead:
    """The head of a mail from its header block; what stands behind it is not looked at. Raises Unreadable."""
    fields, _ = read_fields(header, 0, len(header))
    return _head(fields, copy)


@or_else(None)
def arrived_at(raw: bytes) -> datetime | None:
    """When a mail came, as it says itself: by the last server that passed it on, else by its Date."""
    fields, _ = read_fields(raw, 0, len(raw))
    return moment(fields.first("received").rpartition(";")[2]) or moment(fields.first("date"))


@guarded
def whole_of(raw: bytes, copy: Copy) -> FetchedMessage:
    """A mail with its body and the list of its attachments. Raises Unreadable."""
    mail = parts_of(raw)
    content = content_of(mail)
    head = _head(mail.fields, copy)
    attachments = content.attachments[:MOST_ATTACHMENTS]
    if content.method == "REPLY":
        head = replace(head, headers=(*head.headers, _ANSWER_TO_INVITATION))
    return FetchedMessage(
        head=replace(head, has_attachments=any(not attachment.inline for attachment in attachments)),
        html=taken(content.html or "", None),
        text=taken(content.text or "", None) if content.html is None else "",
        attachments=attachments,
    )


@guarded
def calendar_in(raw: bytes) -> str:
    """The first calendar among a mail's parts, which no mailbox shows as a text; '' = it has none."""
    parts = (part for part in parts_of(raw).walk() if part.kind == CALENDAR)
    found = next(parts, None)
    return text_in(found.content(), found.content_type.get("charset")) if found else ""


@guarded
def part_of(raw: bytes, source_id: str) -> bytes:
    """What an attachment holds, by the id that `whole_of` gave it. Raises NotFound."""
    found = next((part for part in parts_of(raw).walk() if (part.path or "0") == source_id), None)
    if found is None or found.is_multipart:
        raise NotFound("There is no such part.")
    return found.content()


def _head(fields: Fields, copy: Copy) -> MessageHead:
    sender, on_behalf_of = _senders(fields)
    headers = [(name, value) for name, value in fields.items if is_kept(name)][:MOST_HEADERS]
    return MessageHead(
        item=copy.item,
        folder_id=copy.folder_id,
        message_id=message_id(fields.first("message-id")),
        sender=sender,
        subject=subject_in(fields),
        sent_at=moment(fields.first("date")) or copy.received_at,
        received_at=copy.received_at,
        to=_named(fields, "to"),
        cc=_named(fields, "cc"),
        bcc=_named(fields, "bcc"),
        reply_to=_named(fields, "reply-to"),
        on_behalf_of=on_behalf_of,
        in_reply_to=_ids(fields, "in-reply-to"),
        references=_ids(fields, "references"),
        conversation_index=fields.first("thread-index")[:LONGEST_FIELD],
        is_draft=copy.is_draft,
        sensitivity=stated_sensitivity(fields.all("sensitivity")),
        headers=kept(headers),
    )


def subject_in(fields: Fields) -> str:
    """The subject as it is to be read."""
    return undisguised(taken(" ".join(decoded(fields.first("subject")).split()), LONGEST_FIELD))


def _senders(fields: Fields) -> tuple[Person, Person | None]:
    """Who it is from, and who sent it for them where that is somebody else."""
    author = next(iter(_named(fields, "from")), None)
    sender = next(iter(_named(fields, "sender")), None)
    if author is None:
        return sender or Person("", ""), None
    differs = sender is not None and bool(sender.address) and sender.address != author.address
    return author, sender if differs else None


def _named(fields: Fields, name: str) -> tuple[Person, ...]:
    found = chain.from_iterable(map(people, fields.all(name)))
    return tuple(islice(found, MOST_PEOPLE))


def _ids(fields: Fields, name: str) -> tuple[str, ...]:
    """The last ones, which are the nearest."""
    return parse_ids(" ".join(fields.all(name))[-LONGEST_REFERENCES:])[-MAX_REFERENCES:]
