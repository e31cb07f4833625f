"""The container `leases`: which worker holds a mailbox.

A lease lasts 20 s and is renewed while it is held: a killed worker blocks a mailbox no longer than that, and a
living worker loses it only after three failed renewals in a row.
"""

from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Final

from shared.adapters.storage.calls import LeaseCalls
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped
from shared.domain import names
from shared.domain.errors import Conflict, NotFound, PostledgerError

DURATION: Final = 20
RENEW_EVERY: Final = 5.0


class AzureLeases:
    """Implements `ports.Leases`: one request takes and one gives back; none where this process holds the mailbox."""

    def __init__(self, connection: Connection, *, renew_every: float = RENEW_EVERY) -> None:
        self._connection = connection
        self._renew_every = renew_every
        self._held: set[str] = set()
        self._lock = Lock()

    def take(self, tenant_id: str, mailbox_id: str) -> "_Held | None":
        blob = f"mailboxes/{escaped(tenant_id)}/{escaped(mailbox_id)}"
        with self._lock:
            if blob in self._held:
                return None
            self._held.add(blob)
        lease = None
        try:
            lease = self._acquire(blob)
        finally:
            if lease is None:
                self._forget(blob)
        return lease

    def _acquire(self, blob: str) -> "_Held | None":
        """The lease, or None while another process holds it."""
        calls = self._connection.calls.leases(names.LEASES)
        with suppress(Conflict):
            return _Held(self, calls, blob, self._lease_on(calls, blob))
        return None

    def _lease_on(self, calls: LeaseCalls, blob: str) -> str:
        """The id of a new lease; the mailbox's first one makes the blob. Raises Conflict."""
        try:
            return calls.acquire(blob, DURATION)
        except NotFound:
            with suppress(Conflict):
                calls.make(blob)
            return calls.acquire(blob, DURATION)

    def _forget(self, blob: str) -> None:
        with self._lock:
            self._held.discard(blob)


class _Held:
    """A lease that is renewed in the background until it is released."""

    def __init__(self, leases: AzureLeases, calls: LeaseCalls, blob: str, lease: str) -> None:
        self._leases = leases
        self._calls = calls
        self._blob = blob
        self._lease = lease
        self._ended = Event()
        # A daemon: a worker that ends must not wait for it, and the lease then expires.
        Thread(target=self._renew, args=(leases._renew_every,), name="lease", daemon=True).start()

    def release(self) -> None:
        self._ended.set()
        with suppress(PostledgerError):
            self._calls.release(self._blob, self._lease)
        self._leases._forget(self._blob)

    def _renew(self, every: float) -> None:
        while not self._ended.wait(every):
            # A lost lease does no harm: ETags guard every write under it too.
            with suppress(PostledgerError):
                self._calls.renew(self._blob, self._lease)
