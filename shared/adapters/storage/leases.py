"""The container `leases`: which process works on a mailbox.

A lease lasts 20 s and is renewed while it is held: a killed worker blocks a mailbox no longer than that, and a
living worker loses it only after three failed renewals in a row.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Condition, Event, Lock, Thread
from typing import Final

from shared.adapters.storage.calls import LeaseCalls
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped
from shared.domain import names
from shared.domain.errors import Busy, Conflict, NotFound, PostledgerError

DURATION: Final = 20
RENEW_EVERY: Final = 5.0
# Four requests in flight per mailbox are what Outlook allows ("Microsoft Graph throttling limits").
PLACES: Final = {"walk": 1, "slot": 3}
# How long a worker waits for a slot that another worker of its own process holds. Seconds.
PATIENCE: Final = 5.0


class AzureLeases:
    """Implements `ports.Leases`: one request acquires and one releases, for any number of workers.

    A mailbox belongs to one process at a time, which lets one walk and three ingests work on it. So at most
    four requests are in flight, and all workers of the mailbox share its waiting time.
    """

    def __init__(self, connection: Connection, *, renew_every: float = RENEW_EVERY) -> None:
        self._connection = connection
        self._renew_every = renew_every
        self._turns: dict[str, _Turns] = {}
        self._changed = Condition()

    @contextmanager
    def walk(self, tenant_id: str, mailbox_id: str) -> Iterator[None]:
        with self._turn(_name(tenant_id, mailbox_id), "walk", patience=0.0):
            yield

    @contextmanager
    def slot(self, tenant_id: str, mailbox_id: str) -> Iterator[None]:
        with self._turn(_name(tenant_id, mailbox_id), "slot", patience=PATIENCE):
            yield

    @contextmanager
    def _turn(self, blob: str, kind: str, *, patience: float) -> Iterator[None]:
        turns = self._enter(blob, kind, patience)
        try:
            self._own(blob, turns)
            yield
        finally:
            self._exit(blob, turns, kind)

    def _enter(self, blob: str, kind: str, patience: float) -> "_Turns":
        """Take a place at the mailbox. Raises Busy if this process has no place left."""
        with self._changed:
            turns = self._turns.setdefault(blob, _Turns())
            turns.waiting += 1
            has_place = self._changed.wait_for(lambda: turns.taken[kind] < PLACES[kind], patience)
            turns.waiting -= 1
            if not has_place:
                raise Busy(f"{names.LEASES}: this process has no place left for the mailbox")
            turns.taken[kind] += 1
            return turns

    def _own(self, blob: str, turns: "_Turns") -> None:
        """Hold the lease: the first worker acquires it, the others share it. Raises Busy."""
        # Apart from the condition: a request to storage must not hold up the workers of other mailboxes.
        with turns.asking:
            if turns.held is None:
                lease = self._acquire(blob)
                if lease is None:
                    raise Busy(f"{names.LEASES}: another process works on the mailbox")
                turns.held = _Held(lease, self._renew_every)

    def _exit(self, blob: str, turns: "_Turns", kind: str) -> None:
        with turns.asking:
            with self._changed:
                turns.taken[kind] -= 1
                self._changed.notify_all()
                if any(turns.taken.values()) or turns.waiting:
                    return
                self._turns.pop(blob, None)
            if turns.held is not None:
                turns.held.release()

    def _acquire(self, blob: str) -> "_Lease | None":
        """The lease, or None while another process holds it."""
        calls = self._connection.calls.leases(names.LEASES)
        with suppress(Conflict):
            try:
                return _Lease(calls, blob, calls.acquire(blob, DURATION))
            except NotFound:
                with suppress(Conflict):
                    calls.make(blob)
                return _Lease(calls, blob, calls.acquire(blob, DURATION))
        return None


@dataclass(frozen=True, slots=True)
class _Lease:
    """A lease on a blob, by its id."""

    calls: LeaseCalls
    blob: str
    id: str


@dataclass(slots=True)
class _Turns:
    """The workers of this process at a mailbox, and their lease; `asking` guards the lease."""

    taken: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    held: "_Held | None" = None
    asking: Lock = field(default_factory=Lock)


class _Held:
    """A lease that is renewed in the background until it is released."""

    def __init__(self, lease: _Lease, renew_every: float) -> None:
        self._lease = lease
        self._ended = Event()
        # A daemon: a worker that ends must not wait for it, and the lease then expires.
        Thread(target=self._renew, args=(renew_every,), name="lease", daemon=True).start()

    def release(self) -> None:
        """End the lease. A lease that cannot be released expires within 20 s."""
        self._ended.set()
        with suppress(PostledgerError):
            self._lease.calls.release(self._lease.blob, self._lease.id)

    def _renew(self, every: float) -> None:
        while not self._ended.wait(every):
            # A lost lease does no harm: ETags guard every write under it too.
            with suppress(PostledgerError):
                self._lease.calls.renew(self._lease.blob, self._lease.id)


def _name(tenant_id: str, mailbox_id: str) -> str:
    return f"mailboxes/{escaped(tenant_id)}/{escaped(mailbox_id)}"
