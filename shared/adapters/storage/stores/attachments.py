"""The container `attachments`: `{tenant}/{message key}/{attachment id}`."""

from collections.abc import Collection, Iterator

from shared.adapters.storage.blobs import Blobs
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped
from shared.domain import names


class AzureAttachments:
    """Implements `ports.Attachments`."""

    def __init__(self, connection: Connection) -> None:
        self._blobs = Blobs(connection, names.ATTACHMENTS)

    def put(self, tenant_id: str, key: str, attachment_id: str, chunks: Iterator[bytes]) -> None:
        self._blobs.put(_name(tenant_id, key, attachment_id), chunks)

    def get(self, tenant_id: str, key: str, attachment_id: str) -> Iterator[bytes]:
        return self._blobs.get(_name(tenant_id, key, attachment_id))

    def lacking(self, tenant_id: str, key: str, attachment_ids: Collection[str]) -> frozenset[str]:
        kept = frozenset(self._blobs.names_below(_name(tenant_id, key, "")))
        return frozenset(given for given in attachment_ids if _name(tenant_id, key, given) not in kept)

    def drop(self, tenant_id: str, key: str) -> None:
        self._blobs.delete_below(_name(tenant_id, key, ""))


def _name(tenant_id: str, key: str, attachment_id: str) -> str:
    return "/".join(escaped(part) for part in (tenant_id, key, attachment_id))
