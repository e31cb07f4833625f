"""Timelines: the mail that is filed on a record."""

from typing import Annotated, Any, Final

from fastapi import Query, Request, Response
from pydantic import BeforeValidator

from shared.api.auth import UseCases
from shared.api.etags import conditional
from shared.api.models.filing import TimelineModel
from shared.api.models.words import EntryFilter as Filter
from shared.api.models.words import Order
from shared.api.parameters import (
    DEFAULT_LIMIT,
    UNCHANGED,
    Cursor,
    Kind,
    Limit,
    RecordId,
    Since,
    Until,
    Worker,
    guarded_router,
)
from shared.api.shapes import filing
from shared.domain.connections.fields import Fields
from shared.domain.filing.entries import kinds_of
from shared.domain.records.records import RecordRef
from shared.ports.stores.filing import EntryFilter

router = guarded_router(tag="timelines")
DEFAULT_FILTER: Final[list[Filter]] = ["all"]


def _separated(given: Any) -> Any:
    """The names in a list whose items may hold several, separated by commas."""
    if not isinstance(given, list):
        return given
    return [name.strip() for name in ",".join(map(str, given)).split(",")]


@router.get(
    "/timelines/{kind}/{id}",
    # For OpenAPI only: `conditional` makes the JSON itself, since the ETag is over its bytes.
    response_model=TimelineModel,
    responses=UNCHANGED,
)
def get_timeline(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Worker,
    kind: Kind,
    id: RecordId,
    filter: Annotated[
        list[Filter],
        BeforeValidator(_separated),
        Query(description="Kinds of entries, separated by commas; absent: all."),
    ] = DEFAULT_FILTER,
    with_attachments: Annotated[bool, Query(description="Only mail with attachments.")] = False,
    agent: Annotated[
        str, Query(max_length=320, description="Only mail of the agent with this address.")
    ] = "",
    q: Annotated[
        str,
        Query(
            max_length=200,
            description="Only mail with each of these words, in any order, in subject, preview, names of "
            "attachments or participants.",
        ),
    ] = "",
    since: Since = None,
    until: Until = None,
    order: Annotated[Order, Query(description="Which entries come first.")] = "newest",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """Return a page of a record's timeline, newest first unless `order` says otherwise.

    `synced` selects captured mail including replies.
    """
    # In the spelling in which addresses are stored and compared.
    agent_address = Fields({"agent": agent.strip()}).address("agent")
    wanted = EntryFilter(
        kinds_of(filter),
        with_attachments,
        q.strip(),
        agent_address,
        since,
        until,
        oldest_first=order == "oldest",
    )
    page = use_cases.read_timeline(caller, RecordRef(kind, id), wanted, limit=limit, cursor=cursor)
    return conditional(request, filing.timeline(page))
