"""The page to try the API, with a script of its own: it shows no data, and loads nothing from elsewhere."""

from importlib.resources import files
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

router = APIRouter(include_in_schema=False)

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Postledger API</title></head><body><h1>Postledger API</h1>
<p>Described by <a href="openapi.json">openapi.json</a>. The page keeps the token in memory only.</p>
<p><label>Access token <input id="token" type="password" size="60" autocomplete="off"></label></p>
<main id="operations"><p>Loading...</p></main><script src="docs/page.js"></script></body></html>
"""
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@router.get("/docs")
async def show_docs() -> HTMLResponse:
    return HTMLResponse(_PAGE, headers=_HEADERS)


@router.get("/docs/page.js")
async def show_docs_script() -> Response:
    script = files("shared.api").joinpath("docs_page.js").read_text("utf-8")
    return Response(script, media_type="text/javascript", headers=_HEADERS)
