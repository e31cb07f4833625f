"""Writes MIME: of a draft's JSON, and of a stored mail as Exchange regenerates it. The reverse of `mime`."""

import base64
import re
from collections.abc import Mapping
from datetime import datetime
from email import message_from_bytes, policy
from email.header import Header
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, formataddr

from dev.simulator.attachments import Attachment
from dev.simulator.content import Content

_REBUILT = ("content-", "mime-version")
_POLICY = policy.compat32.clone(linesep="\r\n", max_line_length=0)


def _header_value(value: str) -> str:
    flat = re.sub(r"[\r\n\x00]+", " ", value)
    return flat if flat.isascii() else Header(flat, "utf-8", maxlinelen=998).encode(maxlinelen=998)


def _person(recipient: Mapping[str, object]) -> str:
    email = recipient.get("emailAddress")
    if not isinstance(email, Mapping):
        return ""
    address = re.sub(r"[\s<>,;]", "", str(email.get("address") or ""))
    name = re.sub(r"[\r\n]", " ", str(email.get("name") or ""))
    if not address.isascii():
        return f"<{address}>"
    return formataddr((name if name != address else "", address))


def _people(value: object) -> str:
    return ", ".join(filter(None, (_person(one) for one in value))) if isinstance(value, list) else ""


def _part(attachment: Attachment) -> Message:
    main, _, sub = (attachment.content_type or "application/octet-stream").partition("/")
    if attachment.kind == "item":
        part = MIMEBase("message", "rfc822")
        part.set_payload(attachment.data.decode("utf-8", "replace"))
        return part
    multipart = main == "multipart"
    part = MIMEBase(
        "application" if multipart else main, "octet-stream" if multipart else sub or "octet-stream"
    )
    part.set_payload(base64.encodebytes(attachment.data).decode("ascii"))
    part["Content-Transfer-Encoding"] = "base64"
    part.add_header(
        "Content-Disposition",
        "inline" if attachment.is_inline else "attachment",
        filename=("utf-8", "", attachment.name),
    )
    if attachment.content_id:
        part["Content-ID"] = f"<{attachment.content_id}>"
    return part


def _gather(kind: str, parts: list[Message]) -> Message:
    if len(parts) == 1:
        return parts[0]
    whole = MIMEMultipart(kind)
    for part in parts:
        whole.attach(part)
    return whole


def _body(text: str | None, markup: str | None, attachments: tuple[Attachment, ...]) -> Message:
    texts: list[Message] = [] if text is None else [MIMEText(text, "plain", "utf-8")]
    if markup is not None:
        texts.append(MIMEText(markup, "html", "utf-8"))
    inline = [_part(attachment) for attachment in attachments if attachment.is_inline]
    attached = [
        _part(attachment)
        for attachment in attachments
        if not attachment.is_inline and attachment.kind != "reference"
    ]
    return _gather("mixed", [_gather("related", [_gather("alternative", texts), *inline]), *attached])


def _report(content: Content, markup: str | None) -> Message:
    """multipart/report (RFC 6522): text, what happened, and the mail that it is about."""
    whole = MIMEMultipart("report")
    whole.set_param("report-type", "delivery-status")
    whole.attach(_body(content.text, markup, ()))
    for raw in content.report:
        whole.attach(message_from_bytes(raw))
    for attachment in content.attachments:
        if attachment.kind != "reference":
            whole.attach(_part(attachment))
    return whole


def compose(fields: Mapping[str, object], attachments: tuple[Attachment, ...], *, now: datetime) -> bytes:
    """The MIME of a draft. `fields` is message JSON plus `_headers`, those that the server itself sets."""
    body = fields.get("body")
    content = str(body.get("content") or "") if isinstance(body, Mapping) else ""
    is_html = isinstance(body, Mapping) and str(body.get("contentType")).lower() == "html"
    message = _body(None if is_html else content, content if is_html else None, attachments)
    for name, key in (
        ("To", "toRecipients"),
        ("Cc", "ccRecipients"),
        ("Bcc", "bccRecipients"),
        ("Reply-To", "replyTo"),
    ):
        if people := _people(fields.get(key)):
            message[name] = people
    for name, key in (("From", "from"), ("Sender", "sender")):
        person = fields.get(key)
        if isinstance(person, Mapping) and (written := _person(person)):
            message[name] = written
    message["Subject"] = _header_value(str(fields.get("subject") or ""))
    message["Date"] = format_datetime(now)
    message["Message-ID"] = _header_value(str(fields.get("internetMessageId") or ""))
    importance = str(fields.get("importance") or "").lower()
    if importance in ("low", "high"):
        message["Importance"] = importance
    receipts = {
        "Disposition-Notification-To": "isReadReceiptRequested",
        "Return-Receipt-To": "isDeliveryReceiptRequested",
    }
    for name, key in receipts.items():
        if fields.get(key) is True:
            message[name] = message["From"]
    for name, value in _extra_headers(fields):
        message[name] = _header_value(value)
    return message.as_bytes(policy=_POLICY)


def _extra_headers(fields: Mapping[str, object]) -> list[tuple[str, str]]:
    given = fields.get("internetMessageHeaders")
    own = fields.get("_headers")
    named = (
        [(str(item.get("name")), str(item.get("value"))) for item in given if isinstance(item, Mapping)]
        if isinstance(given, list)
        else []
    )
    return named + [
        (str(name), str(value)) for name, value in (own.items() if isinstance(own, Mapping) else ())
    ]


def regenerate(content: Content) -> bytes:
    """A stored mail as `$value` gives it: Exchange keeps no MIME, so boundaries, order and encodings differ."""
    signed = next((one for one in content.attachments if one.content_type == "multipart/signed"), None)
    if signed:
        return signed.data
    markup = None if content.plain is not None else content.markup
    message = _report(content, markup) if content.report else _body(content.text, markup, content.attachments)
    for name, value in content.headers:
        if not name.lower().startswith(_REBUILT) and re.fullmatch(r"[!-9;-~]+", name):
            message[name] = _header_value(value)
    message["X-MS-Exchange-Organization-AuthSource"] = "mail.contoso.example"
    return message.as_bytes(policy=_POLICY)
