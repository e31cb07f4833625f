"""What a reader asks to see of a message: $select, $expand and Prefer. Knows no stored message."""

import re
from dataclasses import dataclass, field, replace

from dev.simulator.call import Call, Preferences
from dev.simulator.errors import bad_request
from dev.simulator.properties import property_id
from dev.simulator.query import split_outside

_CONTENT = frozenset({"body", "bodyPreview", "uniqueBody"})
_ONLY_SELECTED = frozenset({"internetMessageHeaders", "uniqueBody"})
DEFAULTS = [
    "id",
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "categories",
    "receivedDateTime",
    "sentDateTime",
    "hasAttachments",
    "internetMessageId",
    "subject",
    "bodyPreview",
    "importance",
    "parentFolderId",
    "conversationId",
    "conversationIndex",
    "isDeliveryReceiptRequested",
    "isReadReceiptRequested",
    "isRead",
    "isDraft",
    "webLink",
    "inferenceClassification",
    "body",
    "sender",
    "from",
    "toRecipients",
    "ccRecipients",
    "bccRecipients",
    "replyTo",
    "flag",
]
_EVENT_FIELDS = ("meetingMessageType",)
_KNOWN = {name.lower(): name for name in (*DEFAULTS, *_ONLY_SELECTED, *_EVENT_FIELDS)}


@dataclass(frozen=True, slots=True)
class View:
    """The options of one read. `attachment_fields` None: attachments not expanded.

    `basic`: the reader's right is Mail.ReadBasic, which leaves out body, preview, attachments, extended properties.
    `is_listed`: the message stands in a list.
    """

    select: frozenset[str] | None = None
    attachment_fields: frozenset[str] | None = None
    tags: tuple[str, ...] | None = None
    preferences: Preferences = field(default_factory=Preferences)
    basic: bool = False
    is_listed: bool = False

    @classmethod
    def of(cls, call: Call) -> "View":
        return cls.parse(call.query.get("$select"), call.query.get("$expand"), call.preferences)

    @classmethod
    def parse(cls, select: str | None, expand: str | None, preferences: Preferences) -> "View":
        """Raises GraphError 400 for names that a message does not have."""
        attachment_fields, tags = None, None
        for piece in split_outside(expand or "", ","):
            name, _, options = piece.partition("(")
            lower = name.strip().lower()
            if lower == "attachments":
                attachment_fields = chosen(nested_select(options))
            elif lower in ("singlevalueextendedproperties", "multivalueextendedproperties"):
                asked = re.findall(r"id\s+eq\s+'([^']*)'", options)
                tags = (*(tags or ()), *map(property_id, asked))
            elif lower not in ("extensions", "microsoft.graph.eventmessage/event"):
                raise bad_request(
                    f"Could not find a property named '{name}' on type 'microsoft.graph.message'."
                )
        return cls(_selected(select), attachment_fields, tags, preferences)

    def limited(self, *, basic: bool) -> "View":
        """As a reader with that right sees it."""
        return replace(self, basic=True, attachment_fields=None, tags=None) if basic else self

    def wants(self, name: str) -> bool:
        if self.basic and name in _CONTENT:
            return False
        return name not in _ONLY_SELECTED if self.select is None else name in self.select


def nested_select(options: str) -> str:
    """The `$select` within an `$expand`; '' where there is none."""
    found = re.search(r"\$?select=([^;)]*)", options)
    return found[1] if found else ""


def chosen(select: str) -> frozenset[str]:
    """The names in a `$select` of attachments, without casts."""
    return frozenset(name.strip().rpartition("/")[2] for name in select.split(",") if name.strip())


def _selected(select: str | None) -> frozenset[str] | None:
    if not select:
        return None
    names = set()
    for piece in select.split(","):
        name = piece.strip().rpartition("/")[2]
        if name.lower() not in _KNOWN:
            raise bad_request(f"Could not find a property named '{name}' on type 'microsoft.graph.message'.")
        names.add(_KNOWN[name.lower()])
    return frozenset(names)
