"""Drafts: made from JSON or MIME, as answers, edited, and turned into what goes on the wire."""

import base64
import binascii
import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import format_datetime

from dev.simulator.attachments import Attachment
from dev.simulator.body import inside_body
from dev.simulator.compose import compose
from dev.simulator.content import Content
from dev.simulator.directory import User
from dev.simulator.errors import GraphError, bad_request
from dev.simulator.items import StoredMessage
from dev.simulator.mailbox import Mailbox
from dev.simulator.mime import read_mail
from dev.simulator.properties import in_headers, property_id
from dev.simulator.threading_index import new_index, reply_index

_MAX_HEADERS = 5
_MAIL = "#microsoft.graph.message"
_STRIPPED = ("Bcc", "Auto-Submitted", "Return-Path")  # Exchange drops Auto-Submitted from submitted mail

Fields = dict[str, object]


def new_message_id() -> str:
    return f"<{uuid.uuid4().hex.upper()}@server.outlook.example>"


def check_headers(fields: Mapping[str, object]) -> None:
    """Only `x-` headers, five at most, only at creation. Raises GraphError 400."""
    given = fields.get("internetMessageHeaders")
    if not isinstance(given, list):
        return
    names = [str(one.get("name") if isinstance(one, Mapping) else "") for one in given]
    if any(not name.lower().startswith("x-") for name in names):
        message = f"The internet message header name '{names[0]}' should start with 'x-' or 'X-'."
        raise bad_request(message, "InvalidInternetMessageHeader")
    if len(names) > _MAX_HEADERS:
        message = "Maximum number of headers in one message should be less than or equal to 5."
        raise bad_request(message, "InvalidInternetMessageHeaderCollection")


def attachment_of(value: Mapping[str, object]) -> Attachment:
    """A fileAttachment, or an itemAttachment that holds a mail, from its JSON. Raises GraphError 400."""
    kind = str(value.get("@odata.type", "#microsoft.graph.fileAttachment")).lower()
    if "itemattachment" in kind:
        return _item_attachment(value)
    if "fileattachment" not in kind:
        raise bad_request("Only files and items can be attached here.", "ErrorInvalidRequest")
    try:
        data = base64.b64decode(str(value.get("contentBytes") or ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_request("Cannot convert the literal to the expected type 'Edm.Binary'.") from error
    content_id = value.get("contentId")
    content_type = str(value.get("contentType") or "application/octet-stream")
    return Attachment(
        "file",
        str(value.get("name") or "Untitled"),
        content_type,
        data,
        str(content_id) if content_id else None,
        is_inline=bool(value.get("isInline")),
    )


def _item_attachment(value: Mapping[str, object]) -> Attachment:
    item = value.get("item")
    if not isinstance(item, Mapping) or str(item.get("@odata.type", _MAIL)).lower() != _MAIL.lower():
        raise bad_request("The item of an item attachment must be a message here.", "ErrorInvalidRequest")
    given = item.get("attachments")
    attachments = tuple(attachment_of(inner) for inner in given) if isinstance(given, list) else ()
    raw = compose(dict(item), attachments, now=datetime.now(UTC))
    return Attachment("item", str(value.get("name") or item.get("subject") or "Untitled"), None, raw)


def _person(user: User) -> Fields:
    return {"emailAddress": {"name": user.name, "address": user.address}}


def _store(
    mailbox: Mailbox, fields: Fields, attachments: tuple[Attachment, ...], now: datetime
) -> StoredMessage:
    content = read_mail(compose(fields, attachments, now=now))
    draft = mailbox.add(
        content, mailbox.well_known["drafts"], received=now, origin="draft", now=now, is_read=True
    )
    draft.draft_fields = fields
    _take_tags(draft, fields)
    if isinstance(categories := fields.get("categories"), list):
        draft.categories = [str(category) for category in categories]
    if isinstance(flag := fields.get("flag"), Mapping):
        draft.flag = dict(flag)
    return draft


def _take_tags(message: StoredMessage, fields: Mapping[str, object]) -> None:
    tags = fields.get("singleValueExtendedProperties")
    for tag in tags if isinstance(tags, list) else []:
        if isinstance(tag, Mapping):
            message.extended[property_id(str(tag.get("id"))).lower()] = str(tag.get("value"))


def draft_from_json(
    user: User, mailbox: Mailbox, given: Mapping[str, object], now: datetime
) -> StoredMessage:
    """A new draft. Raises GraphError 400."""
    check_headers(given)
    fields: Fields = {"from": _person(user), "internetMessageId": new_message_id(), **given}
    subject, message_id = str(fields.get("subject") or ""), str(fields["internetMessageId"])
    index = base64.b64encode(new_index(now, message_id)).decode("ascii")
    fields["_headers"] = {"Thread-Topic": subject, "Thread-Index": index}
    given_attachments = given.get("attachments")
    listed = given_attachments if isinstance(given_attachments, list) else []
    return _store(mailbox, fields, tuple(attachment_of(one) for one in listed), now)


def keep_headers(draft: StoredMessage) -> None:
    """Has the X- headers of its MIME lie with a draft as properties, named in lower case."""
    named = ((name.lower(), value) for name, value in draft.content.headers)
    draft.extended |= {in_headers(name).lower(): value for name, value in named if name.startswith("x-")}


def draft_from_mime(
    user: User, mailbox: Mailbox, body: bytes, now: datetime, headers: Mapping[str, str] | None = None
) -> StoredMessage:
    """A draft from base64 MIME (`Content-Type: text/plain`), and `headers` that it lacks. Raises GraphError 400."""
    try:
        raw = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_request(
            "Invalid base64 string for MIME content.", "ErrorMimeContentInvalidBase64String"
        ) from error
    message = message_from_bytes(raw)
    own = {"From": f"<{user.address}>", "Message-ID": new_message_id(), "Date": format_datetime(now)}
    for name, value in {**own, **(headers or {})}.items():
        if name not in message:
            message[name] = value
    raw = message.as_bytes()
    draft = mailbox.add(
        read_mail(raw), mailbox.well_known["drafts"], received=now, origin="draft", now=now, is_read=True
    )
    draft.draft_fields = {"_raw": raw}
    return draft


def _fields_of(content: Content) -> Fields:
    """The JSON that a MIME draft would have been made of."""
    people = (
        ("toRecipients", "To"),
        ("ccRecipients", "Cc"),
        ("bccRecipients", "Bcc"),
        ("replyTo", "Reply-To"),
    )
    own = ("In-Reply-To", "References", "Thread-Index", "Thread-Topic")
    return {
        "subject": content.subject,
        "internetMessageId": content.message_id or new_message_id(),
        "body": {"contentType": "html", "content": content.markup},
        "from": content.from_.as_json() if content.from_ else {},
        "_headers": {name: value for name in own if (value := content.header(name))},
        **{key: [one.as_json() for one in content.people(name)] for key, name in people},
    }


def edit_draft(
    mailbox: Mailbox, message: StoredMessage, changes: Mapping[str, object], now: datetime
) -> None:
    """Applies the content of a PATCH to a draft; of other mail only extended properties are taken."""
    _take_tags(message, changes)
    if message.is_draft and set(changes) != {"singleValueExtendedProperties"}:
        fields = _fields_of(message.content) if "_raw" in message.draft_fields else message.draft_fields
        message.draft_fields = {**fields, **changes}
        content = compose(message.draft_fields, message.content.attachments, now=now)
        mailbox.rewrite(message, read_mail(content))


def name_sender(mailbox: Mailbox, draft: StoredMessage, sender: User) -> None:
    """Say who sends the draft on behalf of whom it is from."""
    raw = draft.draft_fields.get("_raw")
    if isinstance(raw, bytes):
        message = message_from_bytes(raw)
        del message["Sender"]
        message["Sender"] = f"<{sender.address}>"
        draft.draft_fields = {"_raw": message.as_bytes()}
        mailbox.rewrite(draft, read_mail(message.as_bytes()))
        return
    draft.draft_fields = {**draft.draft_fields, "sender": _person(sender)}
    mailbox.rewrite(
        draft, read_mail(compose(draft.draft_fields, draft.content.attachments, now=draft.created))
    )


def add_attachment(mailbox: Mailbox, message: StoredMessage, attachment: Attachment, now: datetime) -> None:
    """Appends a file to a draft. Raises GraphError 400 for other mail."""
    if not message.is_draft:
        raise bad_request("Attachments can be added to drafts only.", "ErrorInvalidRequest")
    fields = _fields_of(message.content) if "_raw" in message.draft_fields else message.draft_fields
    message.draft_fields = fields
    mailbox.rewrite(message, read_mail(compose(fields, (*message.content.attachments, attachment), now=now)))
    mailbox.update(message, {"hasAttachments": True}, now)


def remove_attachment(mailbox: Mailbox, message: StoredMessage, place: int, now: datetime) -> None:
    """Takes one attachment away, of a draft or of any mail."""
    attachments = message.content.attachments
    left = attachments[:place] + attachments[place + 1 :]
    message.detached.append(message.attachment_number(place))
    if message.is_draft:
        fields = _fields_of(message.content) if "_raw" in message.draft_fields else message.draft_fields
        message.draft_fields = fields
        mailbox.rewrite(message, read_mail(compose(fields, left, now=now)))
    else:
        mailbox.rewrite(message, replace(message.content, attachments=left))
    mailbox.update(message, {"hasAttachments": True}, now)


def answer_draft(
    user: User,
    mailbox: Mailbox,
    parent: StoredMessage,
    *,
    kind: str,
    given: Mapping[str, object],
    now: datetime,
) -> StoredMessage:
    """createReply, createReplyAll or createForward: the server sets In-Reply-To, References and the thread index."""
    message = given.get("message")
    changes = dict(message) if isinstance(message, Mapping) else {}
    check_headers(changes)
    if "comment" in given and "body" in changes:
        raise bad_request("Comment and Body are mutually exclusive.", "ErrorInvalidRequest")
    content, forward = parent.content, kind == "forward"
    subject = re.sub(r"(?i)^(re|fw|fwd):\s*", "", content.subject)
    fields: Fields = {
        "subject": f"{'FW' if forward else 'RE'}: {subject}",
        "internetMessageId": new_message_id(),
        "from": _person(user),
        "body": {"contentType": "html", "content": _quoted(str(given.get("comment") or ""), content)},
        **_answer_recipients(user, content, kind),
        **changes,
        "_headers": _threading(parent, kind, now),
    }
    return _store(mailbox, fields, content.attachments if forward else (), now)


def answer_from_mime(
    user: User, mailbox: Mailbox, parent: StoredMessage, *, kind: str, body: bytes, now: datetime
) -> StoredMessage:
    """The same of base64 MIME: recipients, subject and text are what it says. Raises GraphError 400."""
    return draft_from_mime(user, mailbox, body, now, _threading(parent, kind, now))


def _threading(parent: StoredMessage, kind: str, now: datetime) -> dict[str, str]:
    """The headers with which the server ties an answer to its parent."""
    content = parent.content
    references = " ".join([*dict.fromkeys((*content.references, parent.internet_message_id))])
    index = base64.b64encode(reply_index(parent.index, now)).decode("ascii")
    headers = {"References": references, "Thread-Topic": content.topic, "Thread-Index": index}
    return headers if kind == "forward" else {**headers, "In-Reply-To": parent.internet_message_id}


def _answer_recipients(user: User, content: Content, kind: str) -> Fields:
    if kind == "forward":
        return {"toRecipients": []}
    own = {user.address.lower(), *(alias.lower() for alias in user.aliases)}
    to = content.people("Reply-To") or content.people("From")
    if kind == "reply":
        return {"toRecipients": [one.as_json() for one in to]}
    others = [one for one in (*to, *content.people("To")) if one.address.lower() not in own]
    return {
        "toRecipients": [one.as_json() for one in others],
        "ccRecipients": [one.as_json() for one in content.people("Cc") if one.address.lower() not in own],
    }


def _quoted(comment: str, content: Content) -> str:
    inner = inside_body(content.markup)
    sender = content.from_.address if content.from_ else ""
    sent = content.sent.strftime("%A, %B %d, %Y %H:%M") if content.sent else ""
    return (
        f"<html><head></head><body>{comment}<hr tabindex='-1' style='display:inline-block; width:98%'>"
        f'<div id="divRplyFwdMsg" dir="ltr"><b>From:</b> {sender}<br><b>Sent:</b> {sent}<br>'
        f"<b>Subject:</b> {content.subject}<div>&nbsp;</div></div>{inner}</body></html>"
    )


def for_the_wire(draft: StoredMessage, now: datetime) -> tuple[Content, bytes, tuple[str, ...]]:
    """(content of the sent copy, raw mail without Bcc, recipients). Raises GraphError 400 when nobody is addressed."""
    fields = draft.draft_fields
    raw = fields.get("_raw")
    complete = raw if isinstance(raw, bytes) else compose(fields, draft.content.attachments, now=now)
    content = read_mail(complete)
    recipients = tuple(one.address for name in ("To", "Cc", "Bcc") for one in content.people(name))
    if not recipients or any("@" not in address for address in recipients):
        raise GraphError(400, "ErrorInvalidRecipients", "At least one recipient is not valid.")
    message = message_from_bytes(complete)
    for name in _STRIPPED:
        del message[name]
    return content, message.as_bytes(), recipients
