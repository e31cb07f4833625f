"""The table Uploads and the container `uploads`: files that are to be sent, one block for each piece that came.

Blocks that are not committed are no blob, and Azure drops them after a week.
"""

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from shared.adapters.storage.blobs import Blobs
from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, packed, part_names, unescaped, unpacked
from shared.adapters.storage.errors import translated
from shared.adapters.storage.table import Table, etag_of, in_partition
from shared.domain import names
from shared.domain.sending.uploads import Upload

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient

_KEYS: Final = ("PartitionKey", "RowKey")


class AzureUploads:
    """Implements `ports.Uploads`: one request each, unless a method says otherwise."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(connection, names.UPLOADS)
        self._blobs = Blobs(connection, names.UPLOADED)

    def get(self, tenant_id: str, upload_id: str) -> Upload | None:
        row = self._table.get(escaped(tenant_id), escaped(upload_id), part_names())
        return from_plain(Upload, unpacked(row), etag=etag_of(row)) if row else None

    def save(self, upload: Upload) -> Upload:
        etag = self._table.write(_row(upload), upload.etag)
        return from_plain(Upload, to_plain(upload), etag=etag)

    def put_piece(self, upload: Upload, offset: int, content: bytes) -> None:
        with translated(names.UPLOADED):
            self._client(upload).stage_block(_block_id(offset), content)

    def complete(self, upload: Upload) -> None:
        from azure.storage.blob import BlobBlock

        blocks = [BlobBlock(_block_id(offset)) for offset in upload.offsets]
        with translated(names.UPLOADED):
            self._client(upload).commit_block_list(blocks)

    def read(self, tenant_id: str, upload_id: str) -> Iterator[bytes]:
        return self._blobs.get(_name(tenant_id, upload_id))

    def forget(self, tenant_id: str, now: datetime, *, limit: int) -> bool:
        """One query, and two requests for each file: the bytes go before what names them."""
        moment = f"datetime'{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}'"
        condition = f"{in_partition(escaped(tenant_id))} and keep_until le {moment}"
        rows = list(islice(self._table.rows(condition, select=_KEYS, page=limit), limit))
        ids = [unescaped(str(row["RowKey"])) for row in rows]
        self._connection.side_by_side(lambda upload_id: self._delete(tenant_id, upload_id), ids)
        return len(ids) == limit

    def _delete(self, tenant_id: str, upload_id: str) -> None:
        self._blobs.delete(_name(tenant_id, upload_id))
        self._table.delete(escaped(tenant_id), escaped(upload_id))

    def _client(self, upload: Upload) -> "BlobClient":
        name = _name(upload.tenant_id, upload.id)
        return self._connection.container(names.UPLOADED).get_blob_client(name)


def _name(tenant_id: str, upload_id: str) -> str:
    return f"{escaped(tenant_id)}/{escaped(upload_id)}"


def _block_id(offset: int) -> str:
    # All ids of a blob must have one length.
    return b64encode(f"{offset:012d}".encode()).decode()


def _row(upload: Upload) -> dict[str, Any]:
    return {
        "PartitionKey": escaped(upload.tenant_id),
        "RowKey": escaped(upload.id),
        "keep_until": upload.keep_until.astimezone(UTC),
        **packed(to_plain(upload)),
    }
