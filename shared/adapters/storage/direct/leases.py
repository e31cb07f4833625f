"""Leases on the blobs of one container over HTTP. Source: Microsoft, "Lease Blob" and "Put Blob"."""

from collections.abc import Mapping
from uuid import uuid4

from shared.adapters.storage.direct.exchange import Request, Sends, Service
from shared.adapters.storage.direct.paths import blob_path


class DirectLeases:
    """Implements `calls.LeaseCalls`."""

    def __init__(self, sender: Sends, container: str) -> None:
        self._sender = sender
        self._container = container

    def acquire(self, blob: str, seconds: int) -> str:
        # The id is ours, so a request that is repeated after a lost answer finds its own lease.
        lease = str(uuid4())
        self._lease(blob, "acquire", {"x-ms-lease-duration": str(seconds), "x-ms-proposed-lease-id": lease})
        return lease

    def renew(self, blob: str, lease: str) -> None:
        self._lease(blob, "renew", {"x-ms-lease-id": lease})

    def release(self, blob: str, lease: str) -> None:
        self._lease(blob, "release", {"x-ms-lease-id": lease})

    def make(self, blob: str) -> None:
        self._put(blob, (), {"x-ms-blob-type": "BlockBlob", "If-None-Match": "*"})

    def _lease(self, blob: str, action: str, headers: Mapping[str, str]) -> None:
        self._put(blob, (("comp", "lease"),), {"x-ms-lease-action": action, **headers})

    def _put(self, blob: str, query: tuple[tuple[str, str], ...], headers: Mapping[str, str]) -> None:
        path = blob_path(self._container, blob)
        self._sender.send(Request(Service.BLOB, self._container, "PUT", path, query, headers))
