"""The outbox: what became of mails that were asked for."""

from typing import Annotated, Final

from fastapi import Path, Query, Request, Response

from shared.api.auth import UseCases
from shared.api.etags import conditional
from shared.api.models.outbox import OutboxMailModel, OutboxModel
from shared.api.models.words import OutboxState
from shared.api.parameters import DEFAULT_LIMIT, UNCHANGED, Cursor, Limit, Worker, guarded_router, problems
from shared.api.shapes import outbox
from shared.domain.sending.states import State

router = guarded_router(tag="outbox")
MailId = Annotated[
    str, Path(description="The `outbox_id` of the mail.", max_length=128, pattern="^[A-Za-z0-9-]+$")
]
_CHANGING: Final = problems(409)


@router.get("/outbox", response_model=OutboxModel, responses=UNCHANGED)
def list_outbox(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Worker,
    state: Annotated[OutboxState | None, Query(description="Only mails in this state; absent: all.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """Return a page of the mails that you asked for or that leave for you, newest first; to an admin, all."""
    wanted = State(state) if state else None
    return conditional(
        request, outbox.page(use_cases.read_outbox.page(caller, wanted, limit=limit, cursor=cursor))
    )


@router.get("/outbox/{id}", response_model=OutboxMailModel, responses=UNCHANGED)
def get_outbox_mail(*, request: Request, use_cases: UseCases, caller: Worker, id: MailId) -> Response:
    """Return a mail with every step that it has taken, and why it leaves from its address."""
    return conditional(request, outbox.mail(use_cases.read_outbox.shown(caller, id)))


@router.post("/outbox/{id}/retry", responses=_CHANGING)
def retry_mail(use_cases: UseCases, caller: Worker, id: MailId) -> OutboxMailModel:
    """Send a mail that failed, was cancelled or whose outcome is unknown once more, under its code."""
    use_cases.retry_mail(caller, id)
    return outbox.mail(use_cases.read_outbox.shown(caller, id))


@router.delete("/outbox/{id}", status_code=204, responses=_CHANGING)
def cancel_mail(use_cases: UseCases, caller: Worker, id: MailId) -> None:
    """Cancel a mail that has not left. After this answer it does not leave."""
    use_cases.cancel_mail(caller, id)
