"""Graph's message JSON as mail of the domain. Fields may be missing, null or odd, as in real mailboxes.

What people wrote is cut to a length that memory can bear. A message that cannot be read fails alone: Unreadable.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from shared.adapters.graph.dates import moment
from shared.adapters.graph.properties import (
    IN_REPLY_TO,
    REFERENCES,
    SENSITIVITY,
    TAG,
    TAG_IN_HEADER,
    extended_properties,
    property_id,
)
from shared.adapters.graph.session import Json
from shared.domain.errors import PermanentError, Rejected, Unreadable
from shared.domain.foreign_text import (
    LONGEST_FIELD,
    LONGEST_NAME,
    LONGEST_REFERENCES,
    MOST_ATTACHMENTS,
    MOST_HEADERS,
    MOST_PEOPLE,
    guarded,
    taken,
)
from shared.domain.mail.addresses import Person, normalise, undisguised
from shared.domain.mail.items import ItemRef
from shared.domain.mail.kept_headers import (
    MAIL_ENDING,
    MAIL_TYPE,
    SENSITIVITIES,
    is_kept,
    kept,
    stated_sensitivity,
)
from shared.domain.mail.message_ids import MAX_REFERENCES, message_id, parse_ids
from shared.domain.mail.messages import Attachment, FetchedMessage, MessageHead
from shared.domain.sending.marks import TAG_HEADER

_THREADING: Final = frozenset(("in-reply-to", "references"))

# Exchange cuts texts in a list at this length; read alone, they are whole.
LISTED_PROPERTY: Final = 255

_KINDS: Final = {
    "#microsoft.graph.itemattachment": "item",
    "#microsoft.graph.referenceattachment": "reference",
}
_CALENDAR_ANSWER: Final = "#microsoft.graph.eventmessageresponse"
_WHOLE: Final = ("receivedDateTime", "sentDateTime", "parentFolderId", "isDraft", "subject", "toRecipients")
# `isdigit` takes superscripts and 5,000 digits as well, and `int` neither.
_NUMBER: Final = re.compile(r"[0-9]{1,4}")

_Headers = Sequence[tuple[str, str]]


def is_removed(entry: Json) -> bool:
    """Whether a delta entry says that the item left the folder."""
    return "@removed" in entry


def is_whole(entry: Json) -> bool:
    """Whether a delta entry carries the message and not only what changed of it. Drafts may lack a sender."""
    has_sender = "from" in entry or "sender" in entry or entry.get("isDraft") is True
    return has_sender and all(name in entry for name in _WHOLE) and received_at(entry) is not None


def shows_headers(entry: Json) -> bool:
    """Whether an entry carries the headers that its mail came with. Sent and internal mail came with none.

    Then nothing is asked for besides: In-Reply-To and References stand in them, and so does Sensitivity. Exchange
    makes the extended property from that header, and writes the header of mail that comes from another
    organisation of Exchange. Only who marks a mail as private in their own mailbox changes the property alone; the
    change comes as a partial entry, and the mail is read by its id, with the property.
    """
    return bool(entry.get("internetMessageHeaders"))


def shows_properties(entry: Json) -> bool:
    """Whether an entry carries extended properties, and none that Exchange may have cut."""
    found = extended_properties(entry)
    return bool(found) and not any(len(value) >= LISTED_PROPERTY for value in found.values())


def of_unread_sensitivity(entry: Json) -> Json:
    """A message that was read without its extended properties: private, unless it has headers to say what it is."""
    if shows_headers(entry):
        return entry
    return {
        **entry,
        "singleValueExtendedProperties": [{"id": SENSITIVITY, "value": str(SENSITIVITIES["private"])}],
    }


def shown_head(entry: Json) -> MessageHead | None:
    """The headers that an entry of a page shows; None for an entry that is not whole, or cannot be read.

    Such a one is asked for by its id, where it fails alone.
    """
    try:
        return head(entry) if is_whole(entry) else None
    except PermanentError:
        return None


def listed_head(entry: Json, with_properties: bool) -> MessageHead | None:
    """The same of an entry of a list, which may be expanded; None too where a parent may be missing."""
    if shows_headers(entry):
        return shown_head(entry)
    is_cut = any(len(value) >= LISTED_PROPERTY for value in extended_properties(entry).values())
    return shown_head(entry) if with_properties and not is_cut else None


def item_of(graph_id: object) -> ItemRef:
    """Immutable ids name an item in the whole mailbox, wherever it lies ("Obtain immutable identifiers")."""
    return ItemRef("", str(graph_id))


def head(message: Json) -> MessageHead:
    """The headers of a message. Raises Rejected for an item without any date, else Unreadable."""
    received = received_at(message)
    if received is None:
        raise Rejected("Microsoft Graph returned an item without a date.", "NoDate")
    try:
        return _head(message, received)
    except Unreadable as error:
        raise Unreadable(str(error), received) from None


def whole(message: Json) -> FetchedMessage:
    """A message with its body and the list of its attachments. Raises as `head` does."""
    return _whole(message, head(message))


@guarded
def _head(message: Json, received: datetime) -> MessageHead:
    headers = _headers(message)
    properties = extended_properties(message)
    sender, on_behalf_of = _senders(message)
    return MessageHead(
        item=item_of(message["id"]),
        folder_id=message.get("parentFolderId") or "",
        message_id=message_id(_text(message, "internetMessageId")),
        sender=sender,
        subject=undisguised(_text(message, "subject")),
        sent_at=moment(message.get("sentDateTime")) or received,
        received_at=received,
        to=_people(message.get("toRecipients")),
        cc=_people(message.get("ccRecipients")),
        bcc=_people(message.get("bccRecipients")),
        reply_to=_people(message.get("replyTo")),
        on_behalf_of=on_behalf_of,
        in_reply_to=_ids("in-reply-to", IN_REPLY_TO, headers, properties),
        references=_ids("references", REFERENCES, headers, properties),
        conversation_id=_text(message, "conversationId"),
        conversation_index=_text(message, "conversationIndex"),
        is_draft=message.get("isDraft") is True,
        is_read=message.get("isRead") is True,
        has_attachments=message.get("hasAttachments") is True,
        sensitivity=_sensitivity(headers, properties),
        headers=(*kept(headers), *_marks(headers, properties), *_of_kind(message)),
        tag=properties.get(property_id(TAG), ""),
    )


@guarded
def _whole(message: Json, head: MessageHead) -> FetchedMessage:
    body = _object(message, "body")
    content = _text(body, "content", None)
    is_text = _text(body, "contentType").casefold() == "text"
    entries = list(message.get("attachments") or ())[:MOST_ATTACHMENTS]
    return FetchedMessage(
        head=head,
        html="" if is_text else content,
        text=content if is_text else "",
        attachments=tuple(attachment(number, entry) for number, entry in enumerate(entries)),
    )


def attachment(number: int, entry: Json) -> Attachment:
    """An attachment; its own id is its place in the list. An attached mail has the type and the ending of one."""
    kind = _KINDS.get(_text(entry, "@odata.type").casefold(), "file")
    name, content_type = undisguised(_text(entry, "name")), _text(entry, "contentType")
    if kind == "item" and not content_type:
        # Graph names no type of an item that is attached, and gives a mail as MIME.
        content_type = MAIL_TYPE
        name = name if name.casefold().endswith(MAIL_ENDING) else name + MAIL_ENDING
    return Attachment(
        id=str(number),
        source_id=str(entry["id"]),
        name=name,
        content_type=content_type,
        size=entry.get("size") or 0,
        inline=entry.get("isInline") is True,
        content_id=_text(entry, "contentId").strip("<>"),
        kind=kind,
    )


def received_at(message: Json) -> datetime | None:
    """When it was received; a draft may have its other date only."""
    return moment(message.get("receivedDateTime")) or moment(message.get("sentDateTime"))


def _text(entry: Json, name: str, longest: int | None = LONGEST_FIELD) -> str:
    return taken(str(entry.get(name) or ""), longest)


def _object(entry: Json | None, name: str) -> Json:
    return (entry or {}).get(name) or {}


def _senders(message: Json) -> tuple[Person, Person | None]:
    """Who it is from, and who sent it for them where that is somebody else."""
    author, sender = _person(message.get("from")), _person(message.get("sender"))
    if author is None:
        return sender or Person("", ""), None
    differs = sender is not None and bool(sender.address) and sender.address != author.address
    return author, sender if differs else None


def _people(recipients: Iterable[Json] | None) -> tuple[Person, ...]:
    named = map(_person, list(recipients or ())[:MOST_PEOPLE])
    return tuple(person for person in named if person is not None)


def _person(recipient: Json | None) -> Person | None:
    """Exchange repeats the address as the name of nameless people; X.500 names are no addresses."""
    given = _object(recipient, "emailAddress")
    address = normalise(_text(given, "address")) or ""
    name = " ".join(_text(given, "name")[:LONGEST_NAME].split())
    if normalise(name) == address:
        name = ""
    return Person(name, address) if name or address else None


def _headers(message: Json) -> list[tuple[str, str]]:
    """Those that somebody reads, names in lower case, in order."""
    found = message.get("internetMessageHeaders") or ()
    named = ((_text(item, "name").lower(), item) for item in found)
    wanted = [(name, item) for name, item in named if is_kept(name) or name in _THREADING]
    return [(name, _text(item, "value", LONGEST_REFERENCES)) for name, item in wanted[:MOST_HEADERS]]


def _ids(header: str, name: str, headers: _Headers, properties: Mapping[str, str]) -> tuple[str, ...]:
    """The ids of a threading header, or else of its property; the last ones, which are the nearest."""
    values = (value for given, value in headers if given == header)
    in_header = parse_ids(" ".join(values)[-LONGEST_REFERENCES:])
    return (in_header or parse_ids(properties.get(property_id(name), "")))[-MAX_REFERENCES:]


def _marks(headers: _Headers, properties: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """The header that marks mail of ours, where the item shows it as a property alone: sent mail shows no headers."""
    name, value = TAG_HEADER.lower(), properties.get(property_id(TAG_IN_HEADER), "")
    is_shown = any(given == name for given, _ in headers)
    return [(name, value)] if value and not is_shown else []


def _of_kind(message: Json) -> Iterable[tuple[str, str]]:
    """What the mail's parts say of an answer to an invitation, and Graph by the item's type: as iCalendar says it."""
    is_answer = _text(message, "@odata.type").casefold() == _CALENDAR_ANSWER
    return [("content-type", "text/calendar; method=REPLY")] if is_answer else []


def _sensitivity(headers: _Headers, properties: Mapping[str, str]) -> int:
    stated = stated_sensitivity(value for name, value in headers if name == "sensitivity")
    value = properties.get(property_id(SENSITIVITY), "")
    return max(stated, int(value) if _NUMBER.fullmatch(value) else 0)
