"""Messages and their attachments, as the caller may see them."""

from typing import Annotated, Literal

from fastapi import Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from shared.api import shapes
from shared.api.auth import UseCases, needs
from shared.api.downloads import headers_of
from shared.api.etags import conditional
from shared.api.models import MessageModel
from shared.api.parameters import guarded_router, problems
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller

router = guarded_router(tag="messages")
Reader = Annotated[Caller, Depends(needs(AGENT, ADMIN, SERVICE))]
MessageId = Annotated[str, Path(description="A timeline entry's `message_id`.", max_length=64)]


@router.get(
    "/messages/{id}",
    response_model=MessageModel,
    responses={304: {"description": "Unchanged since the ETag in If-None-Match."}, **problems(404)},
)
def get_message(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Reader,
    id: MessageId,  # noqa: A002 - the path's own word
    remote_images: Annotated[bool, Query(description="Leave images on other servers in.")] = False,
    chain: Annotated[
        Literal["", "shown", "hidden"],
        Query(
            description="Fold the quoted chain, or not, whatever the organisation's `hide_email_chain` says."
        ),
    ] = "",
) -> Response:
    """One message with its body made safe, attachments, links with evidence, and copies."""
    view = use_cases.read_message(caller, id, chain)
    attachments_url = f"{request.url.path}/attachments"
    return conditional(request, shapes.message(view, attachments_url, remote_images=remote_images))


@router.get(
    "/messages/{id}/attachments/{attachment_id}",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The attachment's bytes.",
            "content": {
                "application/octet-stream": {
                    "schema": {"type": "string", "format": "binary"},
                    "example": "the bytes of plan.pdf",
                }
            },
        },
        **problems(404),
    },
)
def get_attachment(
    use_cases: UseCases,
    caller: Reader,
    id: MessageId,  # noqa: A002 - the path's own word
    attachment_id: Annotated[str, Path(description="The attachment's `id`.", max_length=64)],
) -> Response:
    """An attachment's bytes, to be saved; images may be shown.

    In Azure the bridge between Functions and this app buffers answers, and the platform ends at 100 MB.
    """
    found, chunks = use_cases.read_attachment(caller, id, attachment_id)
    return StreamingResponse(chunks, headers=headers_of(found.name, found.content_type))
