"""The one page that is made for a browser: what became of a link. Plain text in HTML; nothing in it runs."""

from html import escape
from typing import Final

from starlette.responses import HTMLResponse

from shared.domain.connections.consent import Notice

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
BUSY: Final = Notice(
    "busy",
    "One moment",
    "This cannot be dealt with just now. The link is still good: reload this page in a minute.",
)


def page(notice: Notice, status: int) -> HTMLResponse:
    """Nothing of the request stands on it."""
    title, text = escape(notice.title), escape(notice.text)
    content = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} - Postledger</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"
    )
    return HTMLResponse(content, status, HEADERS)
