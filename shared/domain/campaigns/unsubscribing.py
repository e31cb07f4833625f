"""The way out of campaigns: a signed address of ours, and where it stands in a mail (RFC 8058, RFC 2369).

The address names nobody: it holds the organisation, a keyed hash of the recipient's address and the campaign. It has
no end, since mails are read for years; the key that signs it is made of the one key that never changes.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from html import escape
from typing import Final

from shared.domain.mail.html_text import to_text

PLACEHOLDER: Final = "unsubscribe_url"
ONE_CLICK: Final = "List-Unsubscribe=One-Click"
PATH: Final = "/api/v1/unsubscribe/"
# Gmail shows about 102 kB of a mail, and hides what follows.
SHOWN_BYTES: Final = 100_000
_VERSION: Final = b"\x01"
_MAC_BYTES: Final = 16
_LENGTH: Final = 1 + 16 + 16 + 16
_SIGNED: Final = re.compile(r"[A-Za-z0-9_-]{87}")
_BODY: Final = re.compile(r"<body\b[^<>]{0,2000}>", re.IGNORECASE)
_END: Final = re.compile(r"</(?:body|html)\s*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WayOut:
    """Who leaves: the organisation, the keyed hash of the address, and the campaign that had the link. All in hex."""

    tenant_id: str
    hashed: str
    campaign: str


def signed(way_out: WayOut, secret: bytes) -> str:
    """The last part of the address: 87 characters of URL-safe base64."""
    ids = (way_out.tenant_id.replace("-", ""), way_out.hashed, way_out.campaign)
    payload = _VERSION + bytes.fromhex("".join(ids))
    return urlsafe_b64encode(payload + _mac(payload, secret)).decode().rstrip("=")


def read(text: str, secret: bytes) -> WayOut | None:
    """Who leaves by this address; None for one that we have not made. A changed character makes it another one."""
    if not _SIGNED.fullmatch(text):
        return None
    data = urlsafe_b64decode(text + "=")
    payload, mac = data[:_LENGTH], data[_LENGTH:]
    # Several texts stand for the same bytes: only the one that was written counts.
    is_ours = hmac.compare_digest(mac, _mac(payload, secret)) and payload[:1] == _VERSION
    if not is_ours or urlsafe_b64encode(data).decode().rstrip("=") != text:
        return None
    return WayOut(_guid(payload[1:17].hex()), payload[17:33].hex(), payload[33:49].hex())


def _guid(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def with_way_out(html: str, text: str, url: str) -> tuple[str, str]:
    """Both bodies with the address where a reader sees it, unless it stands there already."""
    return _html_with(html, url) if html else "", _text_with(text or to_text(html), url)


def _html_with(html: str, url: str) -> str:
    if url in html and len(html[: html.index(url)].encode("utf-8", "replace")) < SHOWN_BYTES:
        return html
    link = (
        '<p style="font-size:12px;color:#666666">'
        f'<a href="{escape(url)}">Unsubscribe</a> from mailings like this one.</p>'
    )
    ends = list(_END.finditer(html))
    place = ends[0].start() if ends else len(html)
    if len(html[:place].encode("utf-8", "replace")) + len(link) < SHOWN_BYTES:
        return html[:place] + link + html[place:]
    body = _BODY.search(html)
    top = body.end() if body else 0
    return html[:top] + link + html[top:]


def _text_with(text: str, url: str) -> str:
    return text if url in text else f"{text.rstrip()}\n\nUnsubscribe from mailings like this one: {url}\n"


def headers_of(url: str) -> tuple[tuple[str, str], ...]:
    """The two headers of one-click unsubscribing (RFC 8058 section 3.1)."""
    return ("List-Unsubscribe", f"<{url}>"), ("List-Unsubscribe-Post", ONE_CLICK)


def _mac(payload: bytes, secret: bytes) -> bytes:
    key = hmac.digest(secret, b"unsubscribe", hashlib.sha256)
    return hmac.digest(key, payload, hashlib.sha256)[:_MAC_BYTES]
