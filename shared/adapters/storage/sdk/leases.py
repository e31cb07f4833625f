"""Leases on the blobs of one container through `azure-storage-blob`."""

from typing import TYPE_CHECKING

from shared.adapters.storage.errors import translated

if TYPE_CHECKING:
    from azure.storage.blob import BlobLeaseClient, ContainerClient


class SdkLeases:
    """Implements `calls.LeaseCalls`."""

    def __init__(self, client: "ContainerClient", container: str) -> None:
        self._client = client
        self._container = container

    def acquire(self, blob: str, seconds: int) -> str:
        # The SDK proposes an id, so a request that is repeated after a lost answer finds its own lease.
        with translated(self._container):
            return self._client.get_blob_client(blob).acquire_lease(lease_duration=seconds).id

    def renew(self, blob: str, lease: str) -> None:
        with translated(self._container):
            self._lease(blob, lease).renew()

    def release(self, blob: str, lease: str) -> None:
        with translated(self._container):
            self._lease(blob, lease).release()

    def make(self, blob: str) -> None:
        with translated(self._container):
            self._client.get_blob_client(blob).upload_blob(b"", overwrite=False)

    def _lease(self, blob: str, lease: str) -> "BlobLeaseClient":
        from azure.storage.blob import BlobLeaseClient

        return BlobLeaseClient(self._client.get_blob_client(blob), lease)
