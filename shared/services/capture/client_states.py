"""Tells genuine notifications from forged ones by their clientState, at few reads however many are sent.

What strangers make up is remembered apart from what is stored, so that it never displaces it.
"""

import hmac
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, Generic, TypeVar

from shared.ports.stores.connections import Subscriptions
from shared.ports.work import Clock

REMEMBERED: Final = timedelta(minutes=5)
# A stranger who sends wrong clientStates makes at most one read in this time for each mailbox he knows of.
REREAD: Final = timedelta(seconds=1)
# So long a tenant stays nobody's. Its first mailbox may be connected meanwhile: a poll takes in what is missed.
NOBODYS: Final = timedelta(minutes=1)
MOST_REMEMBERED: Final = 10_000

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Newest(Generic[K, V]):
    """What was put last, by key: the oldest one makes room. Requests run in threads."""

    _values: dict[K, V] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, key: K) -> V | None:
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        with self._lock:
            self._values.pop(key, None)
            if len(self._values) >= MOST_REMEMBERED:
                del self._values[next(iter(self._values))]
            self._values[key] = value


@dataclass(frozen=True, slots=True)
class Held:
    """A mailbox's clientState as it was read."""

    state: str
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a notification is genuine, and how many reads showed that it is not."""

    is_genuine: bool
    in_vain: int = 0


GENUINE: Final = Judgement(True)
FORGED: Final = Judgement(False)


@dataclass(frozen=True, slots=True)
class ClientStates:
    """The clientStates of subscriptions by tenant and mailbox, remembered for some minutes.

    One that does not fit is read again before it is called forged: the subscription may be a new one.
    """

    subscriptions: Subscriptions
    clock: Clock
    _held: Newest[Place, Held] = field(default_factory=Newest)
    _missed: Newest[Place, datetime] = field(default_factory=Newest)
    _nobodys: Newest[str, datetime] = field(default_factory=Newest)
    _served: Newest[str, datetime] = field(default_factory=Newest)

    def judge(self, place: Place, state: str, *, may_read: bool) -> Judgement:
        """Whether `state` is the mailbox's clientState; compared in constant time.

        Without `may_read` only what was held before is read again: nobody else can know it.
        """
        now = self.clock()
        held = self._held.get(place)
        was_held = held is not None and _equal(held.state, state)
        if held is not None and was_held and now - held.read_at < REMEMBERED:
            return GENUINE
        if not (may_read or was_held) or self._was_missed(place, now):
            return FORGED
        return self._read(place, state, now)

    def _was_missed(self, place: Place, now: datetime) -> bool:
        missed_at, nobodys_at = self._missed.get(place), self._nobodys.get(place[0])
        is_missed = missed_at is not None and now - missed_at < REREAD
        return is_missed or (nobodys_at is not None and now - nobodys_at < NOBODYS)

    def _read(self, place: Place, state: str, now: datetime) -> Judgement:
        row = self.subscriptions.get(*place)
        if row is not None:
            self._held.put(place, Held(row.client_state, now))
            if _equal(row.client_state, state):
                return GENUINE
        self._missed.put(place, now)
        return Judgement(False, 1 if row is not None else 1 + self._look_for_tenant(place[0], now))

    def _look_for_tenant(self, tenant_id: str, now: datetime) -> int:
        """Learn whether the tenant has any mailbox at all; returns the number of reads."""
        served_at = self._served.get(tenant_id)
        if served_at is not None and now - served_at < REMEMBERED:
            return 0
        is_served = next(iter(self.subscriptions.of(tenant_id)), None) is not None
        (self._served if is_served else self._nobodys).put(tenant_id, now)
        return 1


def _equal(expected: str, given: str) -> bool:
    return bool(expected) and hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))
