"""Connecting an organisation: links asked for, opened by anybody, proved, shown and ended."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from shared.api import connection_shapes as shapes
from shared.api.auth import UseCases, needs
from shared.api.connection_models import (
    ConnectFields,
    ConnectionsModel,
    ConnectLinkModel,
    VerifiedModel,
    VerifyFields,
)
from shared.api.pages import BUSY, page
from shared.api.parameters import guarded_router, problems
from shared.domain.connections.connections import SCOPE_PENDING
from shared.domain.errors import TransientError
from shared.domain.privacy.callers import ADMIN, AGENT, OPERATOR, Caller

router = guarded_router(tag="connect")
callback_router = APIRouter(tags=["connect"])
Settler = Annotated[Caller, Depends(needs(ADMIN, OPERATOR))]
Asker = Annotated[Caller, Depends(needs(ADMIN, OPERATOR, AGENT))]


@router.post("/connect", status_code=201, responses=problems(409))
def ask_to_connect(use_cases: UseCases, caller: Asker, body: ConnectFields) -> ConnectLinkModel:
    """Make a link with which the application is let in: good once, for 7 days. It replaces the one before."""
    asked = use_cases.ask_to_connect(caller, body.mode, body.mailbox)
    return shapes.link(asked, use_cases.clock())


@router.get("/connect")
def get_connections(use_cases: UseCases, caller: Settler) -> ConnectionsModel:
    """How the organisation is connected, and what to do next."""
    found = use_cases.show_connections(caller.tenant_id)
    return shapes.connections(found, use_cases.show_connections.redirect_uri, use_cases.clock())


@router.post("/connect/verify", responses=problems(409))
def verify_connections(
    use_cases: UseCases, caller: Settler, body: VerifyFields | None = None
) -> VerifiedModel:
    """Prove access now: for RBAC for Applications, where no link comes back, and whenever something changed."""
    found = use_cases.verify_connections(caller.tenant_id, body.mailbox if body else "")
    return shapes.verified(found, use_cases.show_connections.redirect_uri, use_cases.clock())


@router.delete("/connect", status_code=204)
def disconnect(use_cases: UseCases, caller: Settler) -> None:
    """Drop tokens and subscriptions. Timelines stay; connecting again goes on from there."""
    use_cases.disconnect(caller)


_SHOWN: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": text, "content": {"text/html": {"example": "<!doctype html>..."}}}
    for status, text in (
        (200, "A page that says what happened."),
        (400, "A page that says why nothing was connected."),
        (503, "A page that asks to come back in a minute."),
    )
}


@callback_router.get("/connect/callback", response_class=HTMLResponse, responses=_SHOWN)
def take_answer(use_cases: UseCases, request: Request) -> HTMLResponse:
    """Where Entra ID sends people back to. Open to anybody: nothing that comes in is believed."""
    given = request.query_params.multi_items()
    answer = dict(given)
    if len(answer) != len(given):  # said twice, one of them would be believed
        answer = {}
    try:
        notice = use_cases.take_answer(answer)
    except TransientError:
        return page(BUSY, 503)
    return page(notice, 200 if notice.done or notice.outcome == SCOPE_PENDING else 400)
