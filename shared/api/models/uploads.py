"""Files on their way in, in JSON."""

from typing import Final

from pydantic import Field

from shared.api.models.schema import KEY, Answer, Body, Example, shown_as

_UPLOAD: Final[Example] = {
    "id": KEY,
    "name": "plan.pdf",
    "content_type": "application/pdf",
    "size": 20480,
    "received": 0,
    "complete": False,
    "largest_piece": 8_388_608,
}


class UploadFields(Body):
    """A file that is to be sent."""

    model_config = shown_as({"name": "plan.pdf", "content_type": "application/pdf", "size": 20480})
    name: str = Field(min_length=1, max_length=400, description="The file's name as recipients see it.")
    content_type: str | None = Field(
        None, max_length=127, description="The file's type; absent: application/octet-stream."
    )
    size: int = Field(description="The file's size in bytes; at most 150,000,000.")


class UploadModel(Answer):
    """A file as far as it has come. It is kept for two days, or as long as a mail needs it."""

    model_config = shown_as(_UPLOAD)
    id: str = Field(description="The upload's id; name it in `attachments`.")
    name: str = Field(description="The file's name.")
    content_type: str = Field(description="The file's type.")
    size: int = Field(description="The size that was announced, in bytes.")
    received: int = Field(description="The bytes that have come: where the next piece begins.")
    complete: bool = Field(description="Whether the whole file has come.")
    largest_piece: int = Field(description="The bytes that a piece may have.")
