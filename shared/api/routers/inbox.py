"""My Inbox: the mail that waits for the caller, and the caller's decisions."""

from typing import Annotated, Final

from fastapi import Depends, Header, Path, Query, Request, Response

from shared.api.auth import UseCases, needs
from shared.api.etags import conditional
from shared.api.models.counts import CountModel
from shared.api.models.inbox import DecidedModel, InboxModel, LinkFields, NoteFields, OpeningFields
from shared.api.parameters import DEFAULT_LIMIT, UNCHANGED, Cursor, Limit, guarded_router, problems
from shared.api.shapes import inbox
from shared.domain.connections.fields import Fields
from shared.domain.privacy.callers import ADMIN, AGENT, Caller
from shared.services.filing.read_inbox import InboxFilter

router = guarded_router(tag="inbox")
Person = Annotated[Caller, Depends(needs(AGENT, ADMIN))]
Admin = Annotated[Caller, Depends(needs(ADMIN))]
MessageId = Annotated[str, Path(description="An item's `message_id`.", max_length=64)]
IfMatch = Annotated[str | None, Header(description="The item's `etag`; the body may carry it instead.")]
OwnMailbox = Annotated[
    str, Query(max_length=320, description="Only mail in the mailbox with this address; empty: all.")
]
WaitReason = Annotated[
    str,
    Query(
        max_length=64, pattern="^[a-z_]*$", description="Only mail that waits for this reason; empty: all."
    ),
]
_DECIDING: Final = problems(409, 412)


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
    mailbox: OwnMailbox = "",
    reason: WaitReason = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """Return a page of the mail that waits in your own mailboxes, newest first."""
    found = use_cases.read_inbox(caller, _filter(mailbox, reason), limit=limit, cursor=cursor)
    return conditional(request, inbox.page(found))


@router.get("/inbox/count", response_model=CountModel, responses=UNCHANGED)
def count_inbox(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Person,
    mailbox: OwnMailbox = "",
    reason: WaitReason = "",
) -> Response:
    """Return how many mails wait in your own mailboxes, for a badge; it counts up to 100."""
    found = use_cases.read_inbox.count(caller, _filter(mailbox, reason))
    return conditional(request, CountModel(count=found.count, more=found.more))


def _filter(mailbox: str, reason: str) -> InboxFilter:
    # In the spelling in which addresses are stored and compared.
    return InboxFilter(Fields({"mailbox": mailbox.strip()}).address("mailbox"), reason)


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


@router.post("/inbox/{id}/undo", responses=problems(409))
def undo_decision(
    use_cases: UseCases,
    caller: Person,
    id: MessageId,
) -> DecidedModel:
    """Undo a decision and its consequences: the mail waits in My Inbox again."""
    return inbox.decided(use_cases.undo_decision(caller, id))
