"""Links by hand: a person files a message on a record, or removes it."""

from shared.api.auth import UseCases
from shared.api.models.filing import LinksModel, RefFields
from shared.api.parameters import MessageId, Worker, guarded_router
from shared.api.shapes import filing

router = guarded_router(tag="messages")


@router.post("/messages/{id}/links")
def link_message(
    use_cases: UseCases,
    caller: Worker,
    id: MessageId,
    body: RefFields,
) -> LinksModel:
    """File a message on a record, and on the client of a contact. Timelines follow within seconds."""
    return filing.links(use_cases.link_message(caller, id, filing.ref(body)))


@router.delete("/messages/{id}/links")
def unlink_message(
    use_cases: UseCases,
    caller: Worker,
    id: MessageId,
    body: RefFields,
) -> LinksModel:
    """Remove a message from a record for good. A message that leaves its last record goes to My Inbox."""
    return filing.links(use_cases.unlink_message(caller, id, filing.ref(body)))
