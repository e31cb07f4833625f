"""Parts that routes share: parameters, cursors of pages, and the errors that OpenAPI documents."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query

from shared.api.auth import BEARER, GuardedRoute
from shared.api.models.service import PROBLEM_EXAMPLE, Problem
from shared.api.problems import MEDIA_TYPE
from shared.domain.filing.entries import decode_cursor, encode_cursor

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
Kind = Annotated[
    str, Path(description="contact, property, client, opportunity, project or case.", examples=["contact"])
]
RecordId = Annotated[str, Path(description="1 to 128 characters of A-Z a-z 0-9 . _ : ~ -", examples=["C-1"])]
DEFAULT_LIMIT: Final = 50

_MEANINGS: Final = {
    401: "The request has no valid access token.",
    403: "The token does not permit the operation, or its organisation is not enabled.",
    404: "The item does not exist, or the caller may not see it.",
    409: "The current state does not allow the operation; the detail says why.",
    412: "The item is not as If-Match or `etag` says, or another person or a rule was faster; read it again.",
    413: "The body is too large.",
    422: "The request is invalid; the detail names the field.",
    503: "The service is briefly unavailable; Retry-After says when to try again.",
}
_ALWAYS: Final = (401, 403, 422, 503)
UNCHANGED: Final[Responses] = {
    304: {"description": "The answer is unchanged since the ETag in If-None-Match."}
}


def problems(*statuses: int) -> Responses:
    """OpenAPI's entries for errors, each with the problem's schema and an example."""
    schema = Problem.model_json_schema()
    content = {MEDIA_TYPE: {"schema": schema, "example": PROBLEM_EXAMPLE}}
    return {status: {"description": _MEANINGS[status], "content": content} for status in sorted(statuses)}


def guarded_router(*, tag: str) -> APIRouter:
    """A router whose every route requires a token."""
    return APIRouter(
        route_class=GuardedRoute, dependencies=[BEARER], tags=[tag], responses=problems(*_ALWAYS)
    )


def name_before(cursor: str) -> str:
    """The last name of the previous page; empty for the first page. Raises InvalidInput for a foreign cursor."""
    return decode_cursor(cursor) if cursor else ""


def cursor_after(last_name: str) -> str | None:
    """The cursor of the page after this name; None if this page is the last, which an empty name says."""
    return encode_cursor(last_name) if last_name else None
