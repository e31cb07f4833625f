"""What is asked of a message: its headers, its body, its attachments' metadata."""

from typing import Final

from shared.adapters.graph import parsing
from shared.adapters.graph.session import query

HEAD_FIELDS: Final = (
    "id,internetMessageId,subject,from,sender,toRecipients,ccRecipients,bccRecipients,replyTo,"
    "sentDateTime,receivedDateTime,parentFolderId,conversationId,conversationIndex,isDraft,hasAttachments,"
    "internetMessageHeaders"
)
_PROPERTY_FILTER: Final = " or ".join(
    f"id eq '{name}'" for name in (parsing.SENSITIVITY, parsing.IN_REPLY_TO, parsing.REFERENCES)
)
PROPERTIES: Final = f"singleValueExtendedProperties($filter={_PROPERTY_FILTER})"
_ATTACHMENT_FIELDS: Final = "id,name,contentType,size,isInline"
# Without a selection the attachments come with all their bytes. Not every server knows the cast for content ids.
ATTACHMENT_SELECTS: Final = (
    f"{_ATTACHMENT_FIELDS},microsoft.graph.fileAttachment/contentId",
    _ATTACHMENT_FIELDS,
)
HEAD: Final = query(select=HEAD_FIELDS, expand=PROPERTIES)
WITHOUT_ATTACHMENTS: Final = query(select=f"{HEAD_FIELDS},body", expand=PROPERTIES)
WHOLE: Final = query(
    select=f"{HEAD_FIELDS},body",
    expand=f"{PROPERTIES},attachments($select={ATTACHMENT_SELECTS[0]})",
)
