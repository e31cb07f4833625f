"""The container `leases`: who walks a mailbox, and its three ingest slots.

A lease lasts 60 s and is renewed while it is held, so that a killed worker blocks a mailbox for a minute.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Condition, Event, Thread
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
# How long a worker waits for a slot that another worker of its own process holds. Seconds.
PATIENCE: Final = 5.0


class AzureLeases:
    """Implements `ports.Leases`: usually one request to acquire and one to release."""

    def __init__(self, connection: Connection, *, renew_every: float = RENEW_EVERY) -> None:
        self._connection = connection
        self._renew_every = renew_every
        self._queues: dict[str, _Queue] = {}
        self._turn = Condition()

    @contextmanager
    def walk(self, tenant_id: str, mailbox_id: str) -> Iterator[None]:
        with self._one_of([f"walks/{escaped(tenant_id)}/{escaped(mailbox_id)}"]):
            yield

    @contextmanager
    def slot(self, tenant_id: str, mailbox_id: str) -> Iterator[None]:
        """Workers of one process queue for their mailbox's slots and hand the leases on among themselves.

        A burst of commands for one mailbox so costs one lease, not one lease and a failed try each.
        """
        folder = f"slots/{escaped(tenant_id)}/{escaped(mailbox_id)}"
        held = self._handed_on(folder) or self._first_of(folder)
        try:
            yield
        finally:
            self._hand_on(folder, held)

    def _handed_on(self, folder: str) -> "_Held | None":
        """A lease of another worker of this process, or None where one may be asked for. Raises Busy."""
        with self._turn:
            queue = self._queues.setdefault(folder, _Queue())
            queue.waiting += 1
            has_turn = self._turn.wait_for(lambda: queue.free or queue.taken < SLOTS, PATIENCE)
            queue.waiting -= 1
            if not has_turn:
                raise Busy(f"{names.LEASES}: this process uses all {SLOTS} slots of the mailbox")
            if queue.free:
                return queue.free.pop()
            queue.taken += 1
            return None

    def _first_of(self, folder: str) -> "_Held":
        """Starts at a random slot, so that three processes rarely ask for the same one."""
        start = random.randrange(SLOTS)
        try:
            return self._hold([f"{folder}/{(start + one) % SLOTS}" for one in range(SLOTS)])
        except BaseException:
            self._leave(folder)
            raise

    def _hand_on(self, folder: str, held: "_Held") -> None:
        with self._turn:
            queue = self._queues[folder]
            if queue.waiting:
                queue.free.append(held)
                self._turn.notify_all()
                return
        self._leave(folder)
        held.release()

    def _leave(self, folder: str) -> None:
        with self._turn:
            queue = self._queues[folder]
            queue.taken -= 1
            if not queue.taken and not queue.waiting:
                del self._queues[folder]
            self._turn.notify_all()

    @contextmanager
    def _one_of(self, blobs: Sequence[str]) -> Iterator[None]:
        held = self._hold(blobs)
        try:
            yield
        finally:
            held.release()

    def _hold(self, blobs: Sequence[str]) -> "_Held":
        lease = next(filter(None, map(self._acquire, blobs)), None)
        if lease is None:
            raise Busy(f"{names.LEASES}: all {len(blobs)} are held")
        return _Held(lease, self._renew_every)

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


@dataclass(slots=True)
class _Queue:
    """The workers of this process at one mailbox: leases taken, and those free to be handed on."""

    taken: int = 0
    waiting: int = 0
    free: list["_Held"] = field(default_factory=list)


class _Held:
    """A lease that is renewed in the background until it is released."""

    def __init__(self, lease: "BlobLeaseClient", renew_every: float) -> None:
        self._lease = lease
        self._ended = Event()
        Thread(target=self._renew, args=(renew_every,), name="lease", daemon=True).start()

    def release(self) -> None:
        """One that cannot be released, or was lost, ends by itself."""
        self._ended.set()
        with suppress(PostledgerError), translated(names.LEASES):
            self._lease.release()

    def _renew(self, every: float) -> None:
        while not self._ended.wait(every):
            # Losing it is survived: what is written under a lease is guarded by ETags too.
            with suppress(PostledgerError), translated(names.LEASES):
                self._lease.renew()


def _leased(client: "BlobClient") -> "BlobLeaseClient":
    # The SDK proposes an id, so a request that is repeated after a lost answer finds its own lease.
    with translated(names.LEASES):
        return client.acquire_lease(lease_duration=DURATION)


def _make(client: "BlobClient") -> None:
    with suppress(Conflict), translated(names.LEASES):
        client.upload_blob(b"", overwrite=False)
