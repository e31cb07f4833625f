"""The feed of changes, for clients that poll once and not for each record."""

from typing import Annotated

from fastapi import Query, Request, Response

from shared.api.auth import UseCases
from shared.api.etags import conditional
from shared.api.models.events import EventsModel
from shared.api.parameters import DEFAULT_LIMIT, UNCHANGED, Limit, Worker, guarded_router, problems
from shared.api.shapes import events

router = guarded_router(tag="events")


@router.get("/events", response_model=EventsModel, responses={**UNCHANGED, **problems(410)})
def get_events(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Worker,
    after: Annotated[
        str,
        Query(
            max_length=1_024,
            pattern="^[A-Za-z0-9_-]*$",
            description="The `cursor` of the previous answer; empty: begin now.",
        ),
    ] = "",
    limit: Limit = DEFAULT_LIMIT,
) -> Response:
    """Return what has changed since a cursor, oldest first: ids of what you may see."""
    return conditional(request, events.page(use_cases.read_events(caller, limit=limit, after=after)))
