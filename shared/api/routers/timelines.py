"""Timelines: what was written about a record, newest first."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from shared.api import shapes
from shared.api.auth import UseCases, needs
from shared.api.etags import conditional
from shared.api.models import TimelineModel
from shared.api.parameters import DEFAULT_LIMIT, Cursor, Kind, Limit, RecordId, guarded_router, problems
from shared.domain.connections.fields import Fields
from shared.domain.filing.entries import kinds_of
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.domain.records.records import RecordRef
from shared.ports.stores.filing import EntryFilter

router = guarded_router(tag="timelines")
Reader = Annotated[Caller, Depends(needs(AGENT, ADMIN, SERVICE))]


@router.get(
    "/timelines/{kind}/{id}",
    response_model=TimelineModel,
    responses={304: {"description": "Unchanged since the ETag in If-None-Match."}, **problems(404)},
)
def get_timeline(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Reader,
    kind: Kind,
    id: RecordId,  # noqa: A002 - the path's own word
    filter: Annotated[  # noqa: A002 - the query's own word
        str, Query(max_length=100, description="Entry kinds by comma: all, sent, reply, synced, note, ...")
    ] = "all",
    with_attachments: Annotated[bool, Query(description="Only mail with attachments.")] = False,
    agent: Annotated[str, Query(max_length=320, description="Only this agent's mail (address).")] = "",
    q: Annotated[str, Query(max_length=200, description="Words in subject, preview or people.")] = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """A page of a record's timeline. `synced` shows captured mail, replies among it."""
    wanted = EntryFilter(
        kinds_of(filter), with_attachments, q.strip(), Fields({"agent": agent.strip()}).address("agent")
    )
    page = use_cases.read_timeline(caller, RecordRef(kind, id), wanted, limit=limit, cursor=cursor)
    return conditional(request, shapes.timeline(page))
