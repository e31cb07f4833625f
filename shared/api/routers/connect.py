"""Connecting an organisation: an admin requests a link, any person opens it, and Postledger checks its access."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from shared.api.auth import UseCases, needs
from shared.api.models.connections import (
    ConnectFields,
    ConnectionsModel,
    ConnectLinkModel,
    VerifiedModel,
    VerifyFields,
)
from shared.api.pages import BUSY, page
from shared.api.parameters import guarded_router, problems
from shared.api.shapes import connections
from shared.domain.connections.connections import SCOPE_PENDING
from shared.domain.connections.own_connections import keeps_all
from shared.domain.errors import TransientError
from shared.domain.privacy.callers import ADMIN, AGENT, OPERATOR, Caller

router = guarded_router(tag="connect")
# Not guarded: the browser that Entra ID sends back has no access token for this API.
callback_router = APIRouter(tags=["connect"])
Settler = Annotated[Caller, Depends(needs(ADMIN, OPERATOR))]
Asker = Annotated[Caller, Depends(needs(ADMIN, OPERATOR, AGENT))]


@router.post("/connect", status_code=201, responses=problems(409))
def ask_to_connect(use_cases: UseCases, caller: Asker, body: ConnectFields) -> ConnectLinkModel:
    """Create a link that gives the application access. It works once, within 7 days, and replaces the last link."""
    asked = use_cases.ask_to_connect(caller, body.mode, body.mailbox or "")
    missing = "" if keeps_all(caller) else use_cases.show_own.missing(caller)
    return connections.link(asked, missing, use_cases.clock())


@router.get("/connect")
def get_connections(use_cases: UseCases, caller: Asker) -> ConnectionsModel:
    """Return the connections, an agent the own one, what to do next, and what is known of Microsoft 365."""
    show, now = use_cases.show_connections, use_cases.clock()
    if keeps_all(caller):
        found, known = show(caller.tenant_id), show.habits(caller.tenant_id)
        return connections.connections(found, known, show.redirect_uri, now)
    show_own = use_cases.show_own
    return connections.own(show_own(caller), show_own.missing(caller), show.redirect_uri, now)


@router.post("/connect/verify", responses=problems(409))
def verify_connections(
    use_cases: UseCases, caller: Settler, body: VerifyFields | None = None
) -> VerifiedModel:
    """Check the access now: after a change, and with RBAC for Applications, where no person opens a link."""
    mailbox = body.mailbox if body else None
    found = use_cases.verify_connections(caller.tenant_id, mailbox or "")
    show = use_cases.show_connections
    known = show.habits(caller.tenant_id)
    return connections.verified(found, known, show.redirect_uri, use_cases.clock())


@router.delete("/connect", status_code=204)
def disconnect(use_cases: UseCases, caller: Asker) -> None:
    """End the connections, an agent the own one: their tokens go. Timelines stay; a new connection continues them."""
    (use_cases.disconnect if keeps_all(caller) else use_cases.end_own)(caller)


# Not in the document: a browser calls it, and no client of this API.
@callback_router.get("/connect/callback", response_class=HTMLResponse, include_in_schema=False)
def take_answer(use_cases: UseCases, request: Request) -> HTMLResponse:
    """Receive the person whom Entra ID sends back. Any person may call it, so it trusts no parameter."""
    given = request.query_params.multi_items()
    answer = dict(given)
    # Of a parameter that is sent twice, the wrong value could be trusted.
    if len(answer) != len(given):
        answer = {}
    try:
        notice = use_cases.take_answer(answer)
    except TransientError:
        return page(BUSY, 503)
    return page(notice, 200 if notice.done or notice.outcome == SCOPE_PENDING else 400)
