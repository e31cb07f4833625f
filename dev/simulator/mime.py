"""Reads one RFC 822 mail into the content that a mailbox stores. Degrades like Exchange on garbage and never raises.

Rules: MS-OXCMAIL for bodies and attachments. `winmail.dat` stays a file, which Exchange unpacks itself where it comes
by SMTP and is whole. Knows nothing of mailboxes, ids or HTTP.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import Message
from functools import lru_cache

from dev.simulator import body as bodies
from dev.simulator import headers as mail_headers
from dev.simulator.attachments import Attachment, is_inline, referenced_images, safe_name, unnamed
from dev.simulator.content import MEETING_ANSWERS, Content

MAX_BYTES = 150 * 1024 * 1024
_MAX_PARTS = 1000
_MAX_DEPTH = 60
_MAX_TEXT = 2_000_000
_EVENTS = {"REQUEST": "meetingRequest", "CANCEL": "meetingCancelled"}
# Graph shows these nowhere but in the MIME of the whole mail.
_REPORTED = frozenset({"message/delivery-status", "message/disposition-notification", "text/rfc822-headers"})


@dataclass
class _Reading:
    """What has been gathered so far while walking the parts of one mail."""

    html: str | None = None
    plain: str | None = None
    attachments: list[tuple[Attachment, bool]] = field(default_factory=list)
    is_event: bool = False
    meeting: str | None = None
    parts: int = 0
    report: list[bytes] = field(default_factory=list)

    @property
    def has_body(self) -> bool:
        return self.html is not None or self.plain is not None


def _guarded(read: Callable[[], object]) -> str:
    """A value of the email package that may raise on a broken header."""
    try:
        value = read()
    except (LookupError, ValueError, TypeError, AttributeError, AssertionError):
        return ""
    return mail_headers.clean(value) if isinstance(value, str) else ""


def _payload(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (LookupError, ValueError, TypeError, AttributeError):
        data = None
    if isinstance(data, bytes):
        return data
    text = part.get_payload()
    return text.encode("utf-8", "replace") if isinstance(text, str) else b""


def _text(part: Message) -> str:
    charset = _guarded(lambda: part.get_param("charset"))
    return mail_headers.clean(mail_headers.decode_bytes(_payload(part)[:_MAX_TEXT], charset))


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _type(part: Message) -> str:
    """Without what follows a missing semicolon: a line break in it would be one in an answer's header."""
    found = (_guarded(part.get_content_type) or "").split()
    return found[0] if found else "text/plain"


def _is_attached(part: Message) -> bool:
    return _guarded(part.get_content_disposition) == "attachment"


def _name(part: Message) -> str:
    return safe_name(mail_headers.decode_words(_guarded(part.get_filename)))


def _whole(part: Message) -> bytes:
    try:
        return part.as_bytes()
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError):
        return _payload(part)


def _best_alternative(part: Message) -> Message | None:
    """The child of multipart/alternative that Exchange shows: HTML wins over plain, whatever wraps it."""
    children = [child for child in _children(part) if _type(child) != "text/calendar"]
    for wanted in ("text/html", "multipart/", "text/plain"):
        for child in reversed(children):
            if _type(child).startswith(wanted) and _holds_text(child, depth=0):
                return child
    return children[-1] if children else None


def _holds_text(part: Message, *, depth: int) -> bool:
    """Whether a part is a body or holds one: some programs wrap nothing but pictures."""
    if _type(part).startswith("multipart/") and depth < _MAX_DEPTH:
        return any(_holds_text(child, depth=depth + 1) for child in _children(part))
    return _type(part) in ("text/plain", "text/html") and not _is_attached(part)


def _event(part: Message, reading: _Reading) -> None:
    text = _text(part)
    method = (
        _guarded(lambda: part.get_param("method")) or "".join(re.findall(r"^METHOD:(\w+)", text, re.M)[:1])
    ).upper()
    answer = re.search(r"PARTSTAT=([A-Z]+)", text)
    reading.is_event = True
    reading.meeting = _EVENTS.get(method) or (
        MEETING_ANSWERS.get(answer[1]) if method == "REPLY" and answer else None
    )


def _attach(part: Message, reading: _Reading, *, in_body: bool) -> None:
    content_type = _type(part)
    name = _name(part)
    if content_type == "message/rfc822" and (children := _children(part)):
        raw = _whole(children[0])
        subject = mail_headers.decode_words(
            mail_headers.first(mail_headers.header_items(children[0]), "Subject") or ""
        )
        attachment = Attachment("item", subject or name or "Untitled", None, raw)
    elif content_type == "message/external-body" and (url := _guarded(lambda: part.get_param("url"))):
        attachment = Attachment("reference", name or url, None, url.encode())
    else:
        data = _whole(part) if part.is_multipart() else _payload(part)
        headers = mail_headers.header_items(part)
        content_id = (mail_headers.first(headers, "Content-ID") or "").strip().strip("<>") or None
        name = name or unnamed(content_type, len(reading.attachments) + 1)
        location = mail_headers.first(headers, "Content-Location")
        attachment = Attachment("file", name, content_type, data, content_id, location)
    reading.attachments.append((attachment, in_body))


def _smime(part: Message, reading: _Reading) -> bool:
    """Signed or encrypted mail arrives as exactly one smime.p7m; a clear-signed one's bytes are the whole MIME."""
    protocol = _guarded(lambda: part.get_param("protocol")).lower()
    if _type(part) in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        reading.attachments.append((Attachment("file", "smime.p7m", _type(part), _payload(part)), False))
        return True
    if _type(part) == "multipart/signed" and "pkcs7" in protocol:
        shown = _Reading()
        for child in _children(part)[:1]:
            _visit(child, shown, depth=1, in_body=False)
        reading.html, reading.plain = shown.html, shown.plain
        reading.attachments.append((Attachment("file", "smime.p7m", "multipart/signed", _whole(part)), False))
        return True
    return False


def _visit(part: Message, reading: _Reading, *, depth: int, in_body: bool) -> None:
    reading.parts += 1
    content_type = _type(part)
    if content_type in _REPORTED:
        reading.report.append(_whole(part))
        return
    if depth > _MAX_DEPTH or reading.parts > _MAX_PARTS or _smime(part, reading):
        return
    children = _children(part)
    if content_type.startswith("multipart/") and children:
        _visit_multipart(part, children, reading, depth=depth)
    elif content_type == "text/calendar" and not _is_attached(part):
        _event(part, reading)
    elif (
        content_type in ("text/plain", "text/html")
        and not reading.has_body
        and not _is_attached(part)
        and not _name(part)
    ):
        text = _text(part)
        if content_type == "text/html":
            reading.html = text
        else:
            reading.plain = text
    else:
        _attach(part, reading, in_body=in_body)


def _visit_multipart(part: Message, children: list[Message], reading: _Reading, *, depth: int) -> None:
    kind = _type(part)
    if kind == "multipart/alternative" and not reading.has_body:
        shown = _best_alternative(part)
        for child in children:
            if child is shown or not _holds_text(child, depth=0):
                _visit(child, reading, depth=depth + 1, in_body=False)
        return
    for child in children:
        _visit(child, reading, depth=depth + 1, in_body=kind in ("multipart/related", "multipart/mixed"))


def _content(message: Message) -> Content:
    reading = _Reading()
    _visit(message, reading, depth=0, in_body=False)
    plain = reading.plain if reading.html is None else None
    if reading.html is None and plain is None:
        plain = ""
    markup = bodies.as_document(reading.html) if reading.html is not None else bodies.wrap_plain(plain or "")
    ids, locations = referenced_images(markup)
    attachments = tuple(
        replace(attachment, is_inline=in_body and is_inline(attachment, ids, locations))
        for attachment, in_body in reading.attachments
    )
    headers = tuple(mail_headers.header_items(message))
    return Content(
        headers, markup, plain, attachments, reading.meeting, reading.is_event, tuple(reading.report)
    )


def _plainly(raw: bytes) -> Content:
    """The last resort: headers as far as they can be read, the rest as text."""
    head, _, rest = raw[:_MAX_TEXT].replace(b"\r\n", b"\n").partition(b"\n\n")
    headers = tuple(mail_headers.header_items(message_from_bytes(head[:65_536])))
    plain = mail_headers.clean(mail_headers.decode_bytes(rest, None))
    return Content(headers, bodies.wrap_plain(plain), plain)


@lru_cache(maxsize=512)
def read_mail(raw: bytes) -> Content:
    """The content of a mail, whatever its state."""
    try:
        return _content(message_from_bytes(raw[:MAX_BYTES]))
    except (RecursionError, LookupError, ValueError, TypeError, AttributeError, AssertionError):
        return _plainly(raw)
