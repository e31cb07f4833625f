"""My Inbox: what waits for the caller, and the decisions on it."""

from typing import Annotated, Final

from fastapi import Depends, Header, Path, Request, Response

from shared.api import inbox_shapes
from shared.api.auth import UseCases, needs
from shared.api.etags import conditional
from shared.api.inbox_models import DecidedModel, InboxModel, LinkFields, NoteFields, OpeningFields
from shared.api.parameters import DEFAULT_LIMIT, Cursor, Limit, guarded_router, problems
from shared.domain.privacy.callers import ADMIN, AGENT, Caller

router = guarded_router(tag="inbox")
Person = Annotated[Caller, Depends(needs(AGENT, ADMIN))]
Admin = Annotated[Caller, Depends(needs(ADMIN))]
MessageId = Annotated[str, Path(description="An item's `message_id`.", max_length=64)]
IfMatch = Annotated[str | None, Header(description="The item's `etag`; it may stand in the body instead.")]
_DECIDING: Final = problems(404, 409, 412)


@router.get(
    "/inbox",
    response_model=InboxModel,
    responses={304: {"description": "Unchanged since the ETag in If-None-Match."}},
)
def get_inbox(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Person,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """A page of the mail that waits in your own mailboxes, newest first."""
    return conditional(request, inbox_shapes.page(use_cases.read_inbox(caller, limit=limit, cursor=cursor)))


@router.post("/inbox/{id}/link", responses=_DECIDING)
def link_inbox_item(
    *,
    use_cases: UseCases,
    caller: Person,
    id: MessageId,  # noqa: A002 - the path's own word
    body: LinkFields,
    if_match: IfMatch = None,
) -> DecidedModel:
    """Put the mail on one record or several."""
    return inbox_shapes.decided(use_cases.decide(caller, id, inbox_shapes.linking(body, if_match)))


@router.post("/inbox/{id}/opportunity", responses=_DECIDING)
def open_opportunity(
    *,
    use_cases: UseCases,
    caller: Person,
    id: MessageId,  # noqa: A002 - the path's own word
    body: OpeningFields,
    if_match: IfMatch = None,
) -> DecidedModel:
    """Open an opportunity or a project for the mail, and put it there."""
    return inbox_shapes.decided(use_cases.decide(caller, id, inbox_shapes.opening(body, if_match)))


@router.post("/inbox/{id}/note", responses=_DECIDING)
def note_inbox_item(
    *,
    use_cases: UseCases,
    caller: Person,
    id: MessageId,  # noqa: A002 - the path's own word
    body: NoteFields,
    if_match: IfMatch = None,
) -> DecidedModel:
    """Put the mail on a client as a note."""
    return inbox_shapes.decided(use_cases.decide(caller, id, inbox_shapes.noting(body, if_match)))


@router.delete("/inbox/{id}", status_code=204, responses=_DECIDING)
def delete_inbox_item(
    *,
    use_cases: UseCases,
    caller: Admin,
    id: MessageId,  # noqa: A002 - the path's own word
    if_match: IfMatch = None,
) -> None:
    """Delete what is stored of the mail. It never comes back, and this cannot be undone."""
    use_cases.decide(caller, id, inbox_shapes.deleting(if_match))


@router.post("/inbox/{id}/undo", responses=problems(404, 409))
def undo_decision(
    use_cases: UseCases,
    caller: Person,
    id: MessageId,  # noqa: A002 - the path's own word
) -> DecidedModel:
    """Take a decision back: the mail is in My Inbox again, and all that followed from it is put back."""
    return inbox_shapes.decided(use_cases.undo_decision(caller, id))
