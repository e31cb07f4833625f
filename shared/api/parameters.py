"""Parts that routes share: parameters, cursors of pages, and the errors that OpenAPI documents."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Query

from shared.api.auth import BEARER, GuardedRoute, needs
from shared.api.models.schema import Moment
from shared.api.models.words import RecordKind
from shared.api.openapi import EVERYWHERE, MEANINGS
from shared.domain.filing.entries import decode_cursor, encode_cursor
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller

Responses = dict[int | str, dict[str, Any]]

Limit = Annotated[int, Query(ge=1, le=200, description="The number of items on a page.")]
Cursor = Annotated[
    str,
    Query(
        max_length=1_024,
        pattern="^[A-Za-z0-9_-]*$",
        description="The `cursor` of the previous page; empty: the first page.",
    ),
]
Since = Annotated[
    Moment | None, Query(description="Only what is as new as this time; without a time zone it is UTC.")
]
Until = Annotated[
    Moment | None, Query(description="Only what is older than this time; without a time zone it is UTC.")
]
Kind = Annotated[RecordKind, Path(description="The record's kind.", examples=["contact"])]
RecordId = Annotated[str, Path(description="1 to 128 characters of A-Z a-z 0-9 . _ : ~ -", examples=["C-1"])]
MessageId = Annotated[str, Path(description="A timeline entry's `message_id`.", max_length=64)]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Your name for the request. The same request is answered alike and sends nothing more; another one "
        "under it is refused.",
    ),
]
# Who works with an organisation's mail; an operator does not.
Worker = Annotated[Caller, Depends(needs(AGENT, ADMIN, SERVICE))]
DEFAULT_LIMIT: Final = 50

_TAGGED: Final = {"ETag": {"$ref": "#/components/headers/ETag"}}
# Of answers that carry the ETag of what was read.
TAGGED: Final[Responses] = {200: {"headers": _TAGGED}}
UNCHANGED: Final[Responses] = {
    **TAGGED,
    304: {"description": "The answer is unchanged since the ETag in If-None-Match.", "headers": _TAGGED},
}


def problems(*statuses: int) -> Responses:
    """OpenAPI's entries for errors; the document has one answer for each status."""
    return {status: {"description": MEANINGS[status]} for status in sorted(statuses)}


def guarded_router(*, tag: str) -> APIRouter:
    """A router whose every route requires a token."""
    return APIRouter(
        route_class=GuardedRoute, dependencies=[BEARER], tags=[tag], responses=problems(*EVERYWHERE)
    )


def name_before(cursor: str) -> str:
    """The last name of the previous page; empty for the first page. Raises InvalidInput for a foreign cursor."""
    return decode_cursor(cursor) if cursor else ""


def cursor_after(last_name: str) -> str | None:
    """The cursor of the page after this name; None if this page is the last, which an empty name says."""
    return encode_cursor(last_name) if last_name else None
