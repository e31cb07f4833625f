"""Blobs of one container, written and read as streams with one block of 4 MiB in memory."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from shared.adapters.storage.connection import BLOCK, Connection
from shared.adapters.storage.errors import translated
from shared.domain.errors import NotFound

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient


class Blobs:
    """One container."""

    def __init__(self, connection: Connection, container: str) -> None:
        self._connection = connection
        self._container = container

    def put(self, name: str, chunks: Iterator[bytes]) -> None:
        """Write or overwrite: one request up to 4 MiB, else one per block and one to commit."""
        # The SDK sends bytes in one request, and an iterator of unknown length in blocks.
        start = bytearray()
        for chunk in chunks:
            start += chunk
            if len(start) > BLOCK:
                break
        whole = bytes(start)
        data = whole if len(whole) <= BLOCK else chain([whole], chunks)
        with translated(self._container):
            self._client(name).upload_blob(data, overwrite=True)

    def get(self, name: str) -> Iterator[bytes]:
        """Raises NotFound at once, not when the reader takes the first chunk."""
        with translated(self._container):
            # One block in memory: more of them side by side would multiply it.
            chunks = self._client(name).download_blob(max_concurrency=1).chunks()
        return self._translated(chunks)

    def delete(self, name: str) -> None:
        """Delete a blob if it exists."""
        with suppress(NotFound), translated(self._container):
            self._client(name).delete_blob()

    def delete_below(self, prefix: str) -> None:
        """Delete every blob with this prefix: one request lists up to 5,000, and one deletes each."""
        self._connection.side_by_side(self.delete, self.names_below(prefix))

    def names_below(self, prefix: str) -> list[str]:
        """The blobs with this prefix: one request lists up to 5,000."""
        with translated(self._container):
            return list(self._connection.container(self._container).list_blob_names(name_starts_with=prefix))

    def _client(self, name: str) -> "BlobClient":
        return self._connection.container(self._container).get_blob_client(name)

    def _translated(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        while True:
            with translated(self._container):
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk
