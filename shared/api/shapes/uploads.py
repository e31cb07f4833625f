"""Uploads in JSON."""

from shared.api.models.uploads import UploadModel
from shared.domain.sending.uploads import LARGEST_PIECE, Upload


def upload(stored: Upload) -> UploadModel:
    return UploadModel(
        id=stored.id,
        name=stored.name,
        content_type=stored.content_type,
        size=stored.size,
        received=stored.received,
        complete=stored.is_complete,
        largest_piece=LARGEST_PIECE,
    )
