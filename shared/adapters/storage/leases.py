"""The container `leases`: who walks a mailbox, and its three ingest slots.

A lease lasts 60 s and is renewed while it is held, so that a killed worker blocks a mailbox for a minute.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped
from shared.adapters.storage.errors import translated
from shared.domain import names
from shared.domain.errors import Busy, Conflict, NotFound, PostledgerError

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, BlobLeaseClient

DURATION: Final = 60
RENEW_EVERY: Final = 25.0
SLOTS: Final = 3


class AzureLeases:
    """Implements `ports.Leases`: usually one request to acquire and one to release."""

    def __init__(self, connection: Connection, *, renew_every: float = RENEW_EVERY) -> None:
        self._connection = connection
        self._renew_every = renew_every

    @contextmanager
    def walk(self, tenant_id: str, mailbox_id: str) -> Iterator[None]:
        with self._one_of([f"walks/{escaped(tenant_id)}/{escaped(mailbox_id)}"]):
            yield

    @contextmanager
    def slot(self, tenant_id: str, mailbox_id: str) -> Iterator[None]:
        """Starts at a random slot, so that three workers rarely ask for the same one."""
        folder = f"slots/{escaped(tenant_id)}/{escaped(mailbox_id)}"
        start = random.randrange(SLOTS)
        with self._one_of([f"{folder}/{(start + one) % SLOTS}" for one in range(SLOTS)]):
            yield

    @contextmanager
    def _one_of(self, blobs: Sequence[str]) -> Iterator[None]:
        lease = next(filter(None, map(self._acquire, blobs)), None)
        if lease is None:
            raise Busy(f"{names.LEASES}: all {len(blobs)} are held")
        ended = Event()
        renewing = Thread(target=self._renew, args=(lease, ended), name="lease", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            # One that cannot be released, or was lost, ends by itself.
            with suppress(PostledgerError), translated(names.LEASES):
                lease.release()

    def _acquire(self, blob: str) -> "BlobLeaseClient | None":
        """The lease, or None while somebody else holds it."""
        client = self._connection.container(names.LEASES).get_blob_client(blob)
        with suppress(Conflict):
            try:
                return _leased(client)
            except NotFound:
                _make(client)
                return _leased(client)
        return None

    def _renew(self, lease: "BlobLeaseClient", ended: Event) -> None:
        while not ended.wait(self._renew_every):
            # Losing it is survived: what is written under a lease is guarded by ETags too.
            with suppress(PostledgerError), translated(names.LEASES):
                lease.renew()


def _leased(client: "BlobClient") -> "BlobLeaseClient":
    # The SDK proposes an id, so a request that is repeated after a lost answer finds its own lease.
    with translated(names.LEASES):
        return client.acquire_lease(lease_duration=DURATION)


def _make(client: "BlobClient") -> None:
    with suppress(Conflict), translated(names.LEASES):
        client.upload_blob(b"", overwrite=False)
