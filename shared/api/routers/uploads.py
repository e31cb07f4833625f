"""Files that are to be sent: announced, then sent piece by piece."""

from typing import Annotated, Final

from fastapi import Depends, HTTPException, Path, Query, Request

from shared.api.audit import leave_out
from shared.api.auth import UseCases
from shared.api.models.uploads import UploadFields, UploadModel
from shared.api.parameters import Worker, guarded_router, problems
from shared.api.shapes import uploads
from shared.domain.sending.uploads import LARGEST_FILE, LARGEST_PIECE, MEBIBYTE

router = guarded_router(tag="sending")
_BYTES: Final = {"schema": {"type": "string", "format": "binary"}, "example": "the bytes of the piece"}


async def _piece(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > LARGEST_PIECE:
            raise HTTPException(413, f"A piece may have {LARGEST_PIECE // MEBIBYTE} MiB at most.")
    return bytes(content)


@router.post("/uploads", status_code=201)
def begin_upload(use_cases: UseCases, caller: Worker, body: UploadFields) -> UploadModel:
    """Announce a file of up to 150 MB. Its bytes follow in pieces of at most 8 MiB."""
    content_type = body.content_type or "application/octet-stream"
    return uploads.upload(use_cases.upload_file.begin(caller, body.name, content_type, body.size))


@router.put(
    "/uploads/{id}",
    responses=problems(409, 413),
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": _BYTES}}},
)
def put_upload_piece(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Worker,
    id: Annotated[str, Path(description="The upload's `id`.", max_length=64, pattern="^[A-Za-z0-9-]+$")],
    offset: Annotated[
        int,
        Query(
            ge=0, le=LARGEST_FILE, description="Where the piece begins: the `received` of the last answer."
        ),
    ] = 0,
    content: Annotated[bytes, Depends(_piece)],
) -> UploadModel:
    """Send the next piece of a file as the body. A piece that has come already changes nothing."""
    # Nothing of the pieces is worth a row: the announcement has one, and so has the mail.
    leave_out(request)
    return uploads.upload(use_cases.upload_file.add(caller, id, offset, content))
