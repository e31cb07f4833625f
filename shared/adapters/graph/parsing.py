"""Graph's message JSON as mail of the domain. Fields may be missing, null or odd, as in real mailboxes."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from shared.adapters.graph.session import Json
from shared.domain.errors import Rejected
from shared.domain.mail import authentication, automatic, conversations, senders
from shared.domain.mail.addresses import Person, normalise
from shared.domain.mail.items import ItemRef
from shared.domain.mail.message_ids import MAX_REFERENCES, message_id, parse_ids
from shared.domain.mail.messages import Attachment, FetchedMessage, MessageHead

# PidTagSensitivity, PidTagInReplyToId, PidTagInternetReferences: sent and internal mail has them here only.
SENSITIVITY: Final = "Integer 0x0036"
IN_REPLY_TO: Final = "String 0x1042"
REFERENCES: Final = "String 0x1039"

# What later rules look at: automatic mail, bounces, lists, loops, forwarding. The rest is not kept in memory.
KEPT_HEADERS: Final = (
    automatic.HEADERS | senders.HEADERS | {authentication.HEADER, conversations.HEADER, "sensitivity"}
)
KEPT_PREFIXES: Final = ("list-",)
LONGEST_HEADER: Final = 2_000

_SENSITIVITIES: Final = {"personal": 1, "private": 2, "company-confidential": 3}
_KINDS: Final = {
    "#microsoft.graph.itemattachment": "item",
    "#microsoft.graph.referenceattachment": "reference",
}
_WHOLE: Final = ("receivedDateTime", "sentDateTime", "parentFolderId", "isDraft", "subject", "toRecipients")
# Exchange writes year 1 where it has no date.
_FIRST_YEAR: Final = 1970


def is_removed(entry: Json) -> bool:
    """Whether a delta entry says that the item left the folder."""
    return "@removed" in entry


def is_whole(entry: Json) -> bool:
    """Whether a delta entry carries the message and not only what changed of it. Drafts may lack a sender."""
    has_sender = "from" in entry or "sender" in entry or entry.get("isDraft") is True
    return has_sender and all(name in entry for name in _WHOLE) and received_at(entry) is not None


def item_of(graph_id: object) -> ItemRef:
    """Immutable ids name an item in the whole mailbox, wherever it lies ("Obtain immutable identifiers")."""
    return ItemRef("", str(graph_id))


def head(message: Json) -> MessageHead:
    """The headers of a message. Raises Rejected for an item without any date."""
    received = received_at(message)
    if received is None:
        raise Rejected("Microsoft Graph returned an item without a date.", "NoDate")
    headers = _headers(message)
    properties = extended_properties(message)
    sender, on_behalf_of = _senders(message)
    return MessageHead(
        item=item_of(message["id"]),
        folder_id=message.get("parentFolderId") or "",
        message_id=message_id(message.get("internetMessageId") or ""),
        sender=sender,
        subject=message.get("subject") or "",
        sent_at=moment(message.get("sentDateTime")) or received,
        received_at=received,
        to=_people(message.get("toRecipients")),
        cc=_people(message.get("ccRecipients")),
        bcc=_people(message.get("bccRecipients")),
        reply_to=_people(message.get("replyTo")),
        on_behalf_of=on_behalf_of,
        in_reply_to=_ids("in-reply-to", IN_REPLY_TO, headers, properties),
        references=_ids("references", REFERENCES, headers, properties),
        conversation_id=message.get("conversationId") or "",
        conversation_index=message.get("conversationIndex") or "",
        is_draft=message.get("isDraft") is True,
        has_attachments=message.get("hasAttachments") is True,
        sensitivity=_sensitivity(headers, properties),
        headers=tuple((name, value[:LONGEST_HEADER]) for name, value in headers if _is_kept(name)),
    )


def whole(message: Json) -> FetchedMessage:
    """A message with its body and the list of its attachments."""
    body = message.get("body") or {}
    content = body.get("content") or ""
    is_text = str(body.get("contentType") or "").casefold() == "text"
    attachments = enumerate(message.get("attachments") or ())
    return FetchedMessage(
        head=head(message),
        html="" if is_text else content,
        text=content if is_text else "",
        attachments=tuple(attachment(number, one) for number, one in attachments),
    )


def attachment(number: int, entry: Json) -> Attachment:
    """One attachment; its own id is its place in the list."""
    return Attachment(
        id=str(number),
        source_id=str(entry["id"]),
        name=entry.get("name") or "",
        content_type=entry.get("contentType") or "",
        size=entry.get("size") or 0,
        inline=entry.get("isInline") is True,
        content_id=str(entry.get("contentId") or "").strip("<>"),
        kind=_KINDS.get(str(entry.get("@odata.type") or "").casefold(), "file"),
    )


def moment(text: object) -> datetime | None:
    """A Graph date in UTC, or None."""
    if not isinstance(text, str):
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return aware.astimezone(UTC) if aware.year >= _FIRST_YEAR else None


def stamp(at: datetime) -> str:
    """A date as Graph's filters and bodies take it; receivedDateTime has whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def extended_properties(entry: Json) -> dict[str, str]:
    """The single-value extended properties, by normalised id."""
    return {
        _property_id(str(one.get("id") or "")): str(one.get("value") or "")
        for one in entry.get("singleValueExtendedProperties") or ()
    }


def extended_property(entry: Json, name: str) -> str:
    """One extended property's value; '' when there is none."""
    return extended_properties(entry).get(_property_id(name), "")


def _property_id(text: str) -> str:
    """`String 0x0037` and `String 0x37` are the same: Graph answers without leading zeros."""
    kind, _, tag = text.partition(" ")
    try:
        return f"{kind.casefold()} {int(tag, 16):x}"
    except ValueError:
        return text.casefold()


def received_at(message: Json) -> datetime | None:
    """When it was received; a draft may have its other date only."""
    return moment(message.get("receivedDateTime")) or moment(message.get("sentDateTime"))


def _senders(message: Json) -> tuple[Person, Person | None]:
    """Who it is from, and who sent it for them where that is somebody else."""
    author, sender = _person(message.get("from")), _person(message.get("sender"))
    if author is None:
        return sender or Person("", ""), None
    differs = sender is not None and bool(sender.address) and sender.address != author.address
    return author, sender if differs else None


def _people(recipients: Iterable[Json] | None) -> tuple[Person, ...]:
    return tuple(person for one in recipients or () if (person := _person(one)) is not None)


def _person(recipient: Json | None) -> Person | None:
    """Exchange repeats the address as the name of nameless people; X.500 names are no addresses."""
    given: Mapping[str, Any] = (recipient or {}).get("emailAddress") or {}
    address = normalise(given.get("address") or "") or ""
    name = " ".join((given.get("name") or "").split())
    if address and normalise(name) == address:
        name = ""
    return Person(name, address) if name or address else None


def _headers(message: Json) -> list[tuple[str, str]]:
    """Names in lower case, in order."""
    found = message.get("internetMessageHeaders") or ()
    return [(str(one.get("name") or "").lower(), str(one.get("value") or "")) for one in found]


def _ids(
    header: str, name: str, headers: list[tuple[str, str]], properties: Mapping[str, str]
) -> tuple[str, ...]:
    """The ids of a threading header, or else of its property; the last ones, which are the nearest."""
    in_header = parse_ids(" ".join(value for given, value in headers if given == header))
    return (in_header or parse_ids(properties.get(_property_id(name), "")))[-MAX_REFERENCES:]


def _sensitivity(headers: list[tuple[str, str]], properties: Mapping[str, str]) -> int:
    in_headers = [
        _SENSITIVITIES.get(value.strip().casefold(), 0) for name, value in headers if name == "sensitivity"
    ]
    value = properties.get(_property_id(SENSITIVITY), "")
    return max([*in_headers, int(value) if value.isdigit() else 0])


def _is_kept(name: str) -> bool:
    return name in KEPT_HEADERS or name.startswith(KEPT_PREFIXES)
