"""Messages and attachments that the caller may see."""

from typing import Annotated, Final

from fastapi import Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from shared.api.auth import UseCases
from shared.api.downloads import headers_of
from shared.api.etags import conditional
from shared.api.models.filing import MessageModel, ThreadModel
from shared.api.models.words import ChainChoice
from shared.api.parameters import (
    DEFAULT_LIMIT,
    UNCHANGED,
    Cursor,
    Limit,
    MessageId,
    Worker,
    guarded_router,
)
from shared.api.shapes import filing
from shared.api.streams import begun
from shared.domain.records.records import RecordRef

router = guarded_router(tag="messages")
BYTES: Final = {"schema": {"type": "string", "format": "binary"}, "example": "the bytes of plan.pdf"}


@router.get(
    "/messages/{id}",
    response_model=MessageModel,
    responses=UNCHANGED,
)
def get_message(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Worker,
    id: MessageId,
    remote_images: Annotated[
        bool, Query(description="Whether `html` keeps images on other servers.")
    ] = False,
    chain: Annotated[
        ChainChoice | None,
        Query(
            description="Show or fold the quoted chain; absent: `hide_email_chain` of the client or the organisation."
        ),
    ] = None,
    record: Annotated[
        str,
        Query(
            description="The record on whose timeline the message is read, as `contact/C-1`: its client's settings "
            "apply. Absent: those that the clients of all its records agree on.",
            max_length=200,
        ),
    ] = "",
) -> Response:
    """Return a message with its sanitised body, attachments, links with their evidence, and copies."""
    ref = RecordRef.parse(record) if record else None
    view = use_cases.read_message(caller, id, chain or "", ref)
    attachments_url = f"{request.url.path}/attachments"
    return conditional(request, filing.message(view, attachments_url, remote_images=remote_images))


@router.get(
    "/messages/{id}/thread",
    response_model=ThreadModel,
    responses=UNCHANGED,
)
def get_thread(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Worker,
    id: MessageId,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """Return a page of the message's thread, oldest first: the mails that you may read, this one included."""
    return conditional(request, filing.thread(use_cases.read_thread(caller, id, limit=limit, cursor=cursor)))


@router.get(
    "/messages/{id}/attachments/{attachment_id}",
    # A streamed answer has no model: OpenAPI learns its type from here.
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The attachment's bytes.",
            # Generators read the first one; the second is any type of `downloads.KEPT_TYPES`.
            "content": dict.fromkeys(("application/octet-stream", "*/*"), BYTES),
        },
    },
)
def get_attachment(
    use_cases: UseCases,
    caller: Worker,
    id: MessageId,
    attachment_id: Annotated[str, Path(description="The attachment's `id`.", max_length=64)],
) -> Response:
    """Return an attachment's bytes. A browser saves the file; it may show an image."""
    found, chunks = use_cases.read_attachment(caller, id, attachment_id)
    return StreamingResponse(begun(chunks), headers=headers_of(found.name, found.content_type))
