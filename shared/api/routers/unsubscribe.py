"""The way out of campaigns, for whoever holds a signed address: no token, no session, and no redirect.

Scanners open every link, so opening acts on nothing. A mail provider's machine posts once and gives up silently
(RFC 8058 sections 3.1 and 3.2): whatever it posts acts, and says the same when it is repeated.
"""

from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from shared.api.auth import UseCases
from shared.api.pages import BUSY, page
from shared.domain.connections.consent import Notice
from shared.domain.errors import TransientError

# Not guarded, and not in the document: mail programs and browsers call it, and no client of this API.
router = APIRouter(tags=["campaigns"])
ASK: Final = Notice(
    "ask",
    "Unsubscribe",
    "You will get no more mailings like the one you came from. Personal mail still reaches you.",
)
OUT: Final = Notice(
    "out",
    "You are unsubscribed",
    "You get no more mailings like the one you came from. You may close this page.",
)
UNKNOWN: Final = Notice(
    "unknown", "This link does not work", "Open the link in the mail again, or answer the mail and say so."
)


@router.api_route(
    "/unsubscribe/{signed}", methods=["GET", "HEAD"], response_class=HTMLResponse, include_in_schema=False
)
def show_unsubscribe(use_cases: UseCases, signed: str) -> HTMLResponse:
    """A page with a button, however often it is opened; behind it, one that says so."""
    try:
        is_out = use_cases.unsubscribe.is_out(signed)
    except TransientError:
        return page(BUSY, 503)
    if is_out is None:
        return page(UNKNOWN, 404)
    return page(OUT, 200) if is_out else page(ASK, 200, button="Unsubscribe")


@router.post("/unsubscribe/{signed}", response_class=HTMLResponse, include_in_schema=False)
def unsubscribe(use_cases: UseCases, signed: str) -> HTMLResponse:
    """Take the person out. The body is not read: machines send forms of two kinds, or nothing."""
    try:
        is_ours = use_cases.unsubscribe(signed)
    except TransientError:
        return page(BUSY, 503)
    return page(OUT, 200) if is_ours else page(UNKNOWN, 404)
