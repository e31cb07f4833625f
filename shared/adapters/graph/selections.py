"""What is asked of a message: its headers, its body, its attachments' metadata."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from shared.adapters.graph import parsing, properties
from shared.adapters.graph.options import Option, Parts
from shared.adapters.graph.session import Json, query

FIELDS: Final = (
    "id,internetMessageId,subject,from,sender,toRecipients,ccRecipients,bccRecipients,replyTo,"
    "sentDateTime,receivedDateTime,parentFolderId,conversationId,conversationIndex,isDraft,hasAttachments"
)
HEAD_FIELDS: Final = f"{FIELDS},internetMessageHeaders"
_PROPERTY_FILTER: Final = " or ".join(f"id eq '{name}'" for name in properties.ASKED)
PROPERTIES: Final = f"singleValueExtendedProperties($filter={_PROPERTY_FILTER})"
# Without a selection the attachments come with all their bytes.
_ATTACHMENT_FIELDS: Final = "id,name,contentType,size,isInline"
# Only files have a content id: without the cast Graph does not know the name.
_CONTENT_ID: Final = "microsoft.graph.fileAttachment/contentId"


def _attachment_fields(*, with_content_ids: bool) -> str:
    return f"{_ATTACHMENT_FIELDS},{_CONTENT_ID}" if with_content_ids else _ATTACHMENT_FIELDS


def _head(given: Parts) -> str:
    return query(select=HEAD_FIELDS, expand=PROPERTIES if Option.PROPERTIES in given else None)


def _whole(given: Parts) -> str:
    return query(select=f"{HEAD_FIELDS},isRead,body", expand=_expanded(given))


def _frame(given: Parts) -> str:
    return query(select="id", expand=_expanded(given))


def _expanded(given: Parts) -> str | None:
    attachments = f"attachments($select={_attachment_fields(with_content_ids=Option.CONTENT_IDS in given)})"
    expanded = {Option.PROPERTIES: PROPERTIES, Option.ATTACHMENTS: attachments}
    wanted = [text for option, text in expanded.items() if option in given]
    return ",".join(wanted) or None


def _attachments(given: Parts) -> str:
    return query(select=_attachment_fields(with_content_ids=Option.LISTED_CONTENT_IDS in given))


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read of one message, or of what is `below` it.

    `options` says it in Graph's words, with those of the optional `parts` given.
    """

    parts: Parts
    options: Callable[[Parts], str]
    below: tuple[str, ...] = ()

    def answered(self, message: Json, given: Parts) -> Json:
        """An answer to a request with these parts: what was not asked for is not taken for absent."""
        lacks_properties = Option.PROPERTIES in self.parts - given
        return parsing.of_unread_sensitivity(message) if lacks_properties else message


HEAD: Final = Reading(frozenset({Option.PROPERTIES}), _head)
"""Headers."""
WHOLE: Final = Reading(frozenset({Option.PROPERTIES, Option.ATTACHMENTS, Option.CONTENT_IDS}), _whole)
"""Headers, body and attachments' metadata."""
FRAME: Final = Reading(WHOLE.parts, _frame)
"""What is optional of a whole message, and nothing besides: no text of it is read."""
ATTACHMENTS: Final = Reading(frozenset({Option.LISTED_CONTENT_IDS}), _attachments, ("attachments",))
"""Attachments' metadata alone."""
