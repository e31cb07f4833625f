"""Upload sessions: a large file of a draft in pieces, to an address that needs no token and refuses one."""

import re
import uuid
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dev.simulator.call import Answer
from dev.simulator.errors import GraphError, bad_request
from dev.simulator.items import stamp
from dev.simulator.partial_files import Upload
from dev.simulator.routing import Context, routes
from dev.simulator.world import World

_SMALLEST, _LARGEST = 3 * 1024 * 1024, 150 * 1024 * 1024
_LARGEST_PIECE = 4 * 1024 * 1024
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@routes.on("POST", "/users/{user}/messages/{message}/attachments/createUploadSession")
async def create_upload_session(context: Context) -> Answer:
    """For files of 3 to 150 MB."""
    message = context.mailbox.message(context.parameters["message"])
    given = context.call.json().get("AttachmentItem")
    if not isinstance(given, dict) or not isinstance(given.get("size"), int):
        raise bad_request("The parameter 'AttachmentItem' is missing or has no size.")
    size = int(given["size"])
    if not _SMALLEST <= size <= _LARGEST:
        raise GraphError(400, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize", "3 MB to 150 MB.")
    if not message.is_draft:
        raise bad_request("Attachments can be added to drafts only.", "ErrorInvalidRequest")
    upload_id = uuid.uuid4().hex
    content_type = str(given.get("contentType") or "application/octet-stream")
    context.world.uploads[upload_id] = Upload(
        context.mailbox, message, str(given.get("name") or "Untitled"), size, content_type
    )
    return Answer(
        201,
        {
            "uploadUrl": f"{context.world.url}/_upload/{upload_id}",
            "expirationDateTime": stamp(datetime.now(UTC) + timedelta(hours=1)),
            "nextExpectedRanges": ["0-"],
        },
    )


class UploadEndpoint:
    """Takes the pieces, in order."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def __call__(self, request: Request) -> Response:
        upload = self.world.uploads.get(str(request.path_params["upload"]))
        body = await request.body()
        found = _RANGE.fullmatch(request.headers.get("content-range", ""))
        if "authorization" in request.headers:
            return JSONResponse({"error": {"code": "InvalidAudience"}}, 401)
        if upload is None:
            return JSONResponse({"error": {"code": "ErrorItemNotFound"}}, 404)
        if ordered := self.world.script.next("upload"):
            return JSONResponse({"error": {"code": ordered.code}}, ordered.status, headers=ordered.headers)
        if found is None or not _fits(found, body, upload):
            return JSONResponse({"error": {"code": "ErrorInvalidRequest"}}, 400)
        upload.data += body
        if len(upload.data) < upload.size:
            return JSONResponse({"nextExpectedRanges": [f"{len(upload.data)}-"]})
        upload.finish()
        self.world.uploads.pop(str(request.path_params["upload"]))
        return Response(status_code=201)


def _fits(found: re.Match[str], body: bytes, upload: Upload) -> bool:
    start, end, size = (int(number) for number in found.groups())
    is_next = start == len(upload.data) and end - start + 1 == len(body)
    return is_next and size == upload.size and len(body) <= _LARGEST_PIECE
