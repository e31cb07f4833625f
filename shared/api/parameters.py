"""What routes have in common: paging parameters, and the errors they document."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query

from shared.api.auth import BEARER, GuardedRoute
from shared.api.models import PROBLEM_EXAMPLE, Problem
from shared.api.problems import MEDIA_TYPE

Limit = Annotated[int, Query(ge=1, le=200, description="Items on a page.")]
Cursor = Annotated[
    str,
    Query(max_length=1_024, pattern="^[A-Za-z0-9_-]*$", description="From the page before; empty = first."),
]
Kind = Annotated[
    str, Path(description="contact, property, client, opportunity, project or case.", examples=["contact"])
]
RecordId = Annotated[str, Path(description="1 to 128 characters of A-Z a-z 0-9 . _ : ~ -", examples=["C-1"])]
DEFAULT_LIMIT: Final = 50

_MEANINGS: Final = {
    401: "No valid access token.",
    403: "The token may not do this, or its organisation is not enabled.",
    404: "No such thing, or not for this caller.",
    409: "It does not go together with what is under way; the detail says what is.",
    412: "If-Match names an older version.",
    413: "The body is too large.",
    422: "The request is wrong; the detail says where.",
    503: "Not just now; see Retry-After.",
}
_ALWAYS: Final = (401, 403, 422, 503)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's entries for errors, each with the problem's schema and an example."""
    schema = Problem.model_json_schema()
    content = {MEDIA_TYPE: {"schema": schema, "example": PROBLEM_EXAMPLE}}
    return {one: {"description": _MEANINGS[one], "content": content} for one in sorted(statuses)}


def guarded_router(*, tag: str) -> APIRouter:
    """A router whose every route wants a token."""
    return APIRouter(
        route_class=GuardedRoute, dependencies=[BEARER], tags=[tag], responses=problems(*_ALWAYS)
    )
