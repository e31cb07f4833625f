"""The one page for a browser: what came of a consent link, or the way out of campaigns. It has no scripts."""

from html import escape
from typing import Final

from starlette.responses import HTMLResponse

from shared.domain.connections.consent import Notice

# The page's address holds the used state and code: it is neither cached nor told as a referrer.
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_POSTING: Final = HEADERS["Content-Security-Policy"].replace("form-action 'none'", "form-action 'self'")
BUSY: Final = Notice(
    "busy",
    "One moment",
    "The service cannot answer now. The link is still valid: reload this page in a minute.",
)


def page(notice: Notice, status: int, *, button: str = "") -> HTMLResponse:
    """The page of a notice. It shows nothing of the request, so that a link cannot put words on it.

    Its button, if it has one, posts an empty form to the page's own address.
    """
    title, text = escape(notice.title), escape(notice.text)
    form = f'<form method="post"><button>{escape(button)}</button></form>' if button else ""
    headers = {**HEADERS, "Content-Security-Policy": _POSTING} if button else HEADERS
    content = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} - Postledger</title></head><body><h1>{title}</h1><p>{text}</p>{form}</body></html>"
    )
    return HTMLResponse(content, status, headers)
