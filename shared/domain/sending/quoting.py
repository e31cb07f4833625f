"""The mail that is answered or forwarded, as it stands below the new one: cleaned, and told as Outlook tells it.

What its author wrote never stops an answer: what runs or spies is taken out, the readable text stays.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from html import escape, unescape
from typing import Final
from urllib.parse import unquote

from shared.domain.foreign_text import guarded
from shared.domain.mail.addresses import undisguised
from shared.domain.mail.html import safe_html
from shared.domain.mail.html_text import to_text
from shared.domain.mail.messages import Attachment, Document
from shared.domain.sending import quote_headers
from shared.domain.sending.quote_headers import Head

LONGEST_QUOTED_TEXT: Final = 200_000
ROOM_FOR_PICTURES: Final = 1_000_000
_IMAGE: Final = re.compile(r"<img\b[^<>]*>")
_SOURCE: Final = re.compile(r'\ssrc="https?:', re.IGNORECASE)
# A picture that nobody sees tells its sender who reads.
_UNSEEN: Final = re.compile(
    r'\s(?:width|height)="?[0-3](?:px)?"?[\s/>]|display:\s*none|visibility:\s*hidden|opacity:\s*0(?:\.0+)?[;"]'
    r"|[\s;\"](?:max-)?(?:width|height):\s*[0-3](?:px|pt)?\s*[;\"]",
    re.IGNORECASE,
)
_HIDDEN_BOX: Final = re.compile(
    r'<(div|span|p)\b[^<>]*style="[^"<>]*display:\s*none[^"<>]*"[^<>]*>[^<>]*(?:<img\b[^<>]*>[^<>]*)*</\1>',
    re.IGNORECASE,
)
_LINK: Final = re.compile(r'\shref="([^"]*)"')
_URL: Final = re.compile(r"https?://[^\s<>\"']{1,4000}", re.IGNORECASE)
_RULE: Final = "_" * 32
_FONT: Final = 'face="Calibri, sans-serif" style="font-size:11pt" color="#000000"'


@dataclass(frozen=True, slots=True)
class Reading:
    """Who reads: the language and the time zone of the mailbox, as far as known, and what never goes to others.

    `own_links` are the beginnings of our signed addresses; whoever has one may act for its person.
    """

    language: str = ""
    zone: tzinfo | None = None
    own_links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """The quoted mail in both forms, and the pictures that the HTML shows, with the Content-IDs that it names."""

    html: str = ""
    text: str = ""
    pictures: tuple[tuple[Attachment, str], ...] = ()


@guarded
def chain_of(
    document: Document, key: str, reading: Reading, domain: str, room: int = ROOM_FOR_PICTURES
) -> Chain:
    """The chain below an answer. `key` is that of the stored message, `domain` that of the Content-IDs.

    Its pictures go along while they have room, in bytes: what others sent does not make the answer too large.
    """
    head = Head(
        document.sender, document.sent_at, document.to, document.cc, undisguised(document.subject).strip()
    )
    told = quote_headers.lines(head, reading.language, reading.zone)
    shown = _Pictures(document.attachments, key, domain, room)
    body = _cleaned(document, reading, shown)
    text = without_own_links(_text_of(document), reading.own_links)
    return Chain(
        html=f"{_header_html(told)}{body}",
        text="\n".join([_RULE, *(f"{label} {value}" for label, value in told), "", text]),
        pictures=tuple(shown.used.values()),
    )


def without_own_links(text: str, beginnings: Sequence[str]) -> str:
    """A text without our signed addresses, wrapped into another one or not."""
    if not beginnings:
        return text
    return _URL.sub(lambda match: "" if _is_own(match[0], beginnings) else match[0], text)


@dataclass(slots=True)
class _Pictures:
    """The inline pictures of the quoted mail; those that its HTML shows get Content-IDs of this mail."""

    attachments: tuple[Attachment, ...]
    key: str
    domain: str
    room: int
    used: dict[str, tuple[Attachment, str]] = field(default_factory=dict)

    def address(self, content_id: str) -> str | None:
        named = (each for each in self.attachments if each.content_id.strip("<>") == content_id)
        attachment = next(named, None)
        if attachment is None or (attachment.id not in self.used and attachment.size > self.room):
            return None
        self.room -= 0 if attachment.id in self.used else attachment.size
        digest = hashlib.sha256(f"{self.key}/{attachment.id}".encode()).hexdigest()[:24]
        self.used[attachment.id] = (attachment, f"{digest}@{self.domain}")
        return f"cid:{digest}@{self.domain}"


def _cleaned(document: Document, reading: Reading, shown: _Pictures) -> str:
    safe = safe_html(document.html, remote_images=True, cid_url=shown.address)
    if not safe.html:
        text = without_own_links(_text_of(document), reading.own_links)
        return f'<div style="white-space:pre-wrap">{escape(text, quote=False)}</div>'
    seen = _IMAGE.sub(lambda match: "" if _is_unseen(match[0]) else match[0], _HIDDEN_BOX.sub("", safe.html))
    if not reading.own_links:
        return seen
    unlinked = _LINK.sub(
        lambda match: "" if _is_own(unescape(match[1]), reading.own_links) else match[0], seen
    )
    return without_own_links(unlinked, reading.own_links)


def _is_unseen(image: str) -> bool:
    return _SOURCE.search(image) is not None and _UNSEEN.search(image) is not None


def _is_own(url: str, beginnings: Sequence[str]) -> bool:
    """Whether an address is, or leads on to, one of ours: gateways wrap links, percent-encoded, once or twice."""
    unwrapped = unescape(url)
    for _ in range(3):
        if any(beginning in unwrapped for beginning in beginnings):
            return True
        unwrapped = unquote(unwrapped)
    return False


def _text_of(document: Document) -> str:
    return (document.text or to_text(document.html))[:LONGEST_QUOTED_TEXT]


def _header_html(told: Sequence[tuple[str, str]]) -> str:
    """As Outlook on the web writes it: mail programs, and our own reader, know the container by its name."""
    written = "<br>".join(f"<b>{escape(label)}</b> {escape(value, quote=False)}" for label, value in told)
    return (
        '<hr style="display:inline-block;width:98%" tabindex="-1">'
        f'<div id="divRplyFwdMsg" dir="ltr"><font {_FONT}>{written}</font><div>&nbsp;</div></div>'
    )
