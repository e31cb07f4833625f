"""What the body of a write may hold: names and types as Graph's metadata (CSDL of v1.0) has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from dev.simulator.errors import GraphError, bad_request


@dataclass(frozen=True, slots=True)
class Many:
    """A collection of one kind."""

    of: "Kind"


# A primitive by its Edm name, the members of an enumeration, a complex type by its properties, or many of one.
Kind: TypeAlias = "str | tuple[str, ...] | Mapping[str, Kind] | Many"

_PERSON: Mapping[str, Kind] = {"emailAddress": {"name": "String", "address": "String"}}
_BODY: Mapping[str, Kind] = {"contentType": ("text", "html"), "content": "String"}
_DATE: Mapping[str, Kind] = {"dateTime": "String", "timeZone": "String"}
_FLAG: Mapping[str, Kind] = {
    "flagStatus": ("notFlagged", "complete", "flagged"),
    "startDateTime": _DATE,
    "dueDateTime": _DATE,
    "completedDateTime": _DATE,
}
ATTACHMENT: Mapping[str, Kind] = {
    "id": "String",
    "name": "String",
    "contentType": "String",
    "size": "Int32",
    "isInline": "Boolean",
    "lastModifiedDateTime": "DateTimeOffset",
    "contentId": "String",
    "contentLocation": "String",
    "contentBytes": "String",
}
# Filled below: a mail may hold mails.
_ITEM: dict[str, Kind] = {}
ITEM_ATTACHMENT: Mapping[str, Kind] = {
    **{
        name: kind
        for name, kind in ATTACHMENT.items()
        if not name.startswith("content") or name == "contentType"
    },
    "item": _ITEM,
}
MESSAGE: Mapping[str, Kind] = {
    **dict.fromkeys(("id", "changeKey", "subject", "bodyPreview", "internetMessageId"), "String"),
    **dict.fromkeys(("conversationId", "parentFolderId", "webLink", "conversationIndex"), "String"),
    **dict.fromkeys(("isRead", "isDraft", "hasAttachments"), "Boolean"),
    **dict.fromkeys(("isDeliveryReceiptRequested", "isReadReceiptRequested"), "Boolean"),
    **dict.fromkeys(("createdDateTime", "lastModifiedDateTime"), "DateTimeOffset"),
    **dict.fromkeys(("receivedDateTime", "sentDateTime"), "DateTimeOffset"),
    **dict.fromkeys(("from", "sender"), _PERSON),
    **dict.fromkeys(("toRecipients", "ccRecipients", "bccRecipients", "replyTo"), Many(_PERSON)),
    **dict.fromkeys(("body", "uniqueBody"), _BODY),
    "categories": Many("String"),
    "importance": ("low", "normal", "high"),
    "inferenceClassification": ("focused", "other"),
    "flag": _FLAG,
    "internetMessageHeaders": Many({"name": "String", "value": "String"}),
    "attachments": Many({**ATTACHMENT, **ITEM_ATTACHMENT}),
    "singleValueExtendedProperties": Many({"id": "String", "value": "String"}),
    "multiValueExtendedProperties": Many({"id": "String", "value": Many("String")}),
}
_ITEM.update(MESSAGE)
SUBSCRIPTION: Mapping[str, Kind] = {
    **dict.fromkeys(("id", "applicationId", "creatorId", "resource", "changeType", "clientState"), "String"),
    **dict.fromkeys(("notificationUrl", "lifecycleNotificationUrl", "notificationQueryOptions"), "String"),
    **dict.fromkeys(("encryptionCertificate", "encryptionCertificateId", "notificationUrlAppId"), "String"),
    **dict.fromkeys(("vapidPublicKey", "webPushEncryptionP256dhPublicKey"), "String"),
    "webPushEncryptionSecret": "String",
    "latestSupportedTlsVersion": "String",
    "expirationDateTime": "DateTimeOffset",
    "includeResourceData": "Boolean",
}


def check_attachment(given: Mapping[str, object]) -> None:
    """An attachment by its own type. Raises GraphError 400."""
    is_item = str(given.get("@odata.type") or "").lower().endswith("itemattachment")
    shape, name = (ITEM_ATTACHMENT, "itemAttachment") if is_item else (ATTACHMENT, "fileAttachment")
    check(given, shape, name)


def check(given: Mapping[str, object], shape: Mapping[str, Kind], name: str) -> None:
    """Raises GraphError 400 that names the first property that the type does not have, or that has another type."""
    for key, value in given.items():
        # Annotations, as `@odata.type` or `toRecipients@odata.type`.
        if "@" in key:
            continue
        if key not in shape:
            raise _wrong(
                f"The property '{key}' does not exist on type 'microsoft.graph.{name}'. "
                "Make sure to only use property names that are defined by the type."
            )
        if value is not None and not _fits(value, shape[key]):
            raise _wrong(f"Cannot convert the value of the property '{key}' to the expected type.")
        _check_inside(value, shape[key], key)


def _check_inside(value: object, kind: Kind, name: str) -> None:
    inner = kind.of if isinstance(kind, Many) else kind
    if not isinstance(inner, Mapping):
        return
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, Mapping):
            check(item, inner, name)


def _fits(value: object, kind: Kind) -> bool:
    if isinstance(kind, Many):
        return isinstance(value, list) and all(_fits(item, kind.of) for item in value)
    if isinstance(kind, Mapping):
        return isinstance(value, Mapping)
    if isinstance(kind, tuple):
        return isinstance(value, str) and value.lower() in [member.lower() for member in kind]
    match kind:
        case "Boolean":
            return isinstance(value, bool)
        case "Int32":
            return isinstance(value, int) and not isinstance(value, bool)
        case "DateTimeOffset":
            return isinstance(value, str) and _is_date(value)
    return isinstance(value, str)


def _is_date(text: str) -> bool:
    try:
        return datetime.fromisoformat(text[:19]).year > 0
    except ValueError:
        return False


def _wrong(message: str) -> GraphError:
    return bad_request(message, "RequestBodyRead")
