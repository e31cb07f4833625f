"""My Inbox: the mail that waits for the caller, and the caller's decisions."""

from typing import Annotated, Final

from fastapi import Depends, Header, Path, Request, Response

from shared.api.auth import UseCases, needs
from shared.api.etags import conditional
from shared.api.models.inbox import DecidedModel, InboxModel, LinkFields, NoteFields, OpeningFields
from shared.api.parameters import DEFAULT_LIMIT, UNCHANGED, Cursor, Limit, guarded_router, problems
from shared.api.shapes import inbox
from shared.domain.privacy.callers import ADMIN, AGENT, Caller

router = guarded_router(tag="inbox")
Person = Annotated[Caller, Depends(needs(AGENT, ADMIN))]
Admin = Annotated[Caller, Depends(needs(ADMIN))]
MessageId = Annotated[str, Path(description="An item's `message_id`.", max_length=64)]
IfMatch = Annotated[str | None, Header(description="The item's `etag`; the body may carry it instead.")]
_DECIDING: Final = problems(404, 409, 412)


@router.get(
    "/inbox",
    response_model=InboxModel,
    responses=UNCHANGED,
)
def get_inbox(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Person,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """Return a page of the mail that waits in your own mailboxes, newest first."""
    return conditional(request, inbox.page(use_cases.read_inbox(caller, limit=limit, cursor=cursor)))


@router.post("/inbox/{id}/link", responses=_DECIDING)
def link_inbox_item(
    *,
    use_cases: UseCases,
    caller: Person,
    id: MessageId,
    body: LinkFields,
    if_match: IfMatch = None,
) -> DecidedModel:
    """File the mail on one or more records."""
    return inbox.decided(use_cases.decide(caller, id, inbox.linking(body, if_match)))


@router.post("/inbox/{id}/opportunity", responses=_DECIDING)
def open_opportunity(
    *,
    use_cases: UseCases,
    caller: Person,
    id: MessageId,
    body: OpeningFields,
    if_match: IfMatch = None,
) -> DecidedModel:
    """Open an opportunity or a project, and file the mail on it."""
    return inbox.decided(use_cases.decide(caller, id, inbox.opening(body, if_match)))


@router.post("/inbox/{id}/note", responses=_DECIDING)
def note_inbox_item(
    *,
    use_cases: UseCases,
    caller: Person,
    id: MessageId,
    body: NoteFields,
    if_match: IfMatch = None,
) -> DecidedModel:
    """File the mail on a client as a note."""
    return inbox.decided(use_cases.decide(caller, id, inbox.noting(body, if_match)))


@router.delete("/inbox/{id}", status_code=204, responses=_DECIDING)
def delete_inbox_item(
    *,
    use_cases: UseCases,
    caller: Admin,
    id: MessageId,
    if_match: IfMatch = None,
) -> None:
    """Delete the stored mail. It never returns, and this cannot be undone."""
    use_cases.decide(caller, id, inbox.deleting(if_match))


@router.post("/inbox/{id}/undo", responses=problems(404, 409))
def undo_decision(
    use_cases: UseCases,
    caller: Person,
    id: MessageId,
) -> DecidedModel:
    """Undo a decision and its consequences: the mail waits in My Inbox again."""
    return inbox.decided(use_cases.undo_decision(caller, id))
