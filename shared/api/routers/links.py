"""Links by hand: a message is put on a record, or taken from it."""

from typing import Annotated

from fastapi import Depends, Path

from shared.api import inbox_shapes
from shared.api.auth import UseCases, needs
from shared.api.inbox_models import LinksModel, RefFields
from shared.api.parameters import guarded_router, problems
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller

router = guarded_router(tag="messages")
Reader = Annotated[Caller, Depends(needs(AGENT, ADMIN, SERVICE))]
MessageId = Annotated[str, Path(description="A timeline entry's `message_id`.", max_length=64)]


@router.post("/messages/{id}/links", responses=problems(404))
def link_message(
    use_cases: UseCases,
    caller: Reader,
    id: MessageId,  # noqa: A002 - the path's own word
    body: RefFields,
) -> LinksModel:
    """Put a message on a record, and on the client of a contact. Timelines follow within seconds."""
    return inbox_shapes.links(use_cases.link_message(caller, id, inbox_shapes.ref(body)))


@router.delete("/messages/{id}/links", responses=problems(404))
def unlink_message(
    use_cases: UseCases,
    caller: Reader,
    id: MessageId,  # noqa: A002 - the path's own word
    body: RefFields,
) -> LinksModel:
    """Take a message from a record; no rule brings it back. From its last one it goes to My Inbox."""
    return inbox_shapes.links(use_cases.unlink_message(caller, id, inbox_shapes.ref(body)))
