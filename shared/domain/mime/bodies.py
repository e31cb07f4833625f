"""Which parts of a mail are its body, and which hang on it, as Exchange tells them (MS-OXCMAIL 2.2.3).

So that a mail that came over IMAP shows the same body and the same files as one that came through Exchange.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import unquote

from shared.domain.mail.addresses import undisguised
from shared.domain.mail.charsets import html_in, text_in
from shared.domain.mail.encoded_words import decoded
from shared.domain.mail.kept_headers import MAIL_ENDING, MAIL_TYPE
from shared.domain.mail.messages import Attachment
from shared.domain.mime.fields import read_fields
from shared.domain.mime.flowed import unflowed
from shared.domain.mime.parts import Part

HTML: Final = "text/html"
PLAIN: Final = "text/plain"
CALENDAR: Final = "text/calendar"
_ALTERNATIVE: Final = "multipart/alternative"
_SHOWN_WITHIN: Final = frozenset(("multipart/related", "multipart/mixed"))
_PICTURES: Final = frozenset(("image/jpeg", "image/jpg", "image/gif", "image/bmp", "image/png"))
# What a server says to a server. The bounce reader asks for the whole mail.
_REPORTED: Final = frozenset(
    ("message/delivery-status", "message/disposition-notification", "text/rfc822-headers")
)
_ENDINGS: Final = {PLAIN: "txt", HTML: "htm"}
_LONGEST_NAME: Final = 255
_IN_NO_NAME: Final = re.compile(r'[\x00-\x1f<>:"|?*]')
_SHOWN: Final = re.compile(r"(?:src|background|url)\s*[=(]\s*[\"']?\s*cid:([^\"'\s>)]{1,500})", re.IGNORECASE)
_METHOD: Final = re.compile(r"^METHOD:(\w{1,20})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Hanging:
    """A part that is no body. `may_be_shown`: it lies where pictures of the body lie."""

    part: Part
    may_be_shown: bool


@dataclass(slots=True)
class Content:
    """What a mail holds: the best body of each form, what hangs on it, and the method of an invitation."""

    html: str | None = None
    text: str | None = None
    hanging: list[Hanging] = field(default_factory=list)
    method: str = ""

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """With the bodies' pictures marked; `source_id` is the part's path."""
        shown = frozenset(unquote(found) for found in _SHOWN.findall(self.html or ""))
        return tuple(_attachment(number, item, shown) for number, item in enumerate(self.hanging))


def content_of(mail: Part) -> Content:
    """The content of a mail's tree."""
    found = Content()
    for part, may_be_shown in _leaves(mail, may_be_shown=False):
        _take(found, part, may_be_shown=may_be_shown, is_only=part is mail)
    return found


def _leaves(part: Part, *, may_be_shown: bool) -> Iterator[tuple[Part, bool]]:
    """Parts that hold something. Of alternatives every form is kept: the body chooses among them."""
    if not part.children:
        yield part, may_be_shown
        return
    children = _best(part.children) if part.kind == _ALTERNATIVE else part.children
    for child in children:
        yield from _leaves(child, may_be_shown=may_be_shown or part.kind in _SHOWN_WITHIN)


def _best(forms: Sequence[Part]) -> list[Part]:
    """Of alternatives in the same form the last one, which is the best (RFC 2046, 5.1.4)."""
    last = {part.kind: part for part in forms}
    return [part for part in forms if part.kind not in (PLAIN, HTML) or part is last[part.kind]]


def _take(found: Content, part: Part, *, may_be_shown: bool, is_only: bool) -> None:
    if part.kind in _REPORTED or part.is_hollow:
        return
    if part.kind == CALENDAR and part.disposition.value != "attachment":
        found.method = found.method or _method(part)
    elif _is_body(found, part, is_only=is_only):
        _take_body(found, part)
    else:
        found.hanging.append(Hanging(part, may_be_shown))


def _method(part: Part) -> str:
    given = part.content_type.get("method")
    inside = _METHOD.search(text_in(part.content(), part.content_type.get("charset")))
    return (given or (inside[1] if inside else "")).upper()


def _is_body(found: Content, part: Part, *, is_only: bool) -> bool:
    """The first text of each form that nobody calls a file. A mail of one part is its body whatever it is called."""
    if part.disposition.value == "attachment" or (not is_only and name_of(part)):
        return False
    if part.kind == HTML:
        return found.html is None
    return part.kind == PLAIN and found.text is None and found.html is None


def _take_body(found: Content, part: Part) -> None:
    charset = part.content_type.get("charset")
    if part.kind == HTML:
        found.html = html_in(part.content(), charset)
    else:
        found.text = _text(part, charset)


def _text(part: Part, charset: str) -> str:
    text = text_in(part.content(), charset)
    if part.content_type.get("format").casefold() != "flowed":
        return text
    return unflowed(text, joins_words=part.content_type.get("delsp").casefold() == "yes")


def name_of(part: Part) -> str:
    """The file name that a part gives itself, without a path and without what file systems refuse; '' for none."""
    given = part.disposition.get("filename") or part.content_type.get("name")
    last = re.split(r"[\\/]", given.strip())[-1]
    return undisguised(_IN_NO_NAME.sub("_", last).strip()[:_LONGEST_NAME])


def subject_of(mail: Part) -> str:
    """The subject of a mail that is a part of another."""
    content = mail.content()
    fields, _ = read_fields(content, 0, len(content))
    return undisguised(decoded(fields.first("subject")))


def _attachment(number: int, item: Hanging, shown: frozenset[str]) -> Attachment:
    part = item.part
    content_id = part.fields.first("content-id").strip().strip("<>").strip()
    kind = part.kind if "/" in part.kind else "application/octet-stream"
    made = Attachment(
        id=str(number),
        source_id=part.path or "0",
        name=name_of(part) or f"ATT{number + 1:05}.{_ENDINGS.get(kind, 'bin')}",
        content_type=kind,
        size=len(part.content()),
        inline=item.may_be_shown and kind in _PICTURES and content_id in shown and bool(content_id),
        content_id=content_id,
    )
    return replace(made, kind="item", name=_mail_name(part)) if kind == MAIL_TYPE else made


def _mail_name(part: Part) -> str:
    name = subject_of(part) or name_of(part) or "Untitled"
    return name if name.casefold().endswith(MAIL_ENDING) else name + MAIL_ENDING
