"""What goes wrong on purpose. Seeded, so that a run can be repeated.

Decides when a fault strikes and how long it lasts, never carries it out.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from typing import Literal, get_args

ErrorKind = Literal["429", "500", "503", "504", "reset", "timeout"]
Share = Literal[
    "drop_notifications",
    "duplicate_notifications",
    "reorder_notifications",
    "expire_delta_tokens",
    "lost_moves",
    "conflicts",
    "batch_errors",
    "token_errors",
]


@dataclass(frozen=True, slots=True)
class Faults:
    """The settings; shares are 0..1, 0 or empty means off. The storage shares are for the storage proxy to read.

    `lost_moves`: moves by a person that no walk of the new folder is told of, as with immutable ids now and then.
    `conflicts`: changes of a message that are answered 412, as Exchange does now and then without an If-Match.
    `batch_errors`: batches that fail as a whole, with one of `error_kinds`. `busy_retry_after_s`: the Retry-After of
    503 and 504, which have none at 0; decimals are given as they are. `stale_mailboxes`: addresses that cannot be
    subscribed to for now. `in_flight_s`: a call that arrives so soon after a 429 was on its way already, and is not
    held against the caller. Calls that `latency_ms` or `timeout_s` keeps waiting go on once other faults are put.
    """

    seed: int = 0
    error_rate: float = 0.0
    error_kinds: tuple[ErrorKind, ...] = ("429", "500", "503", "504", "reset", "timeout")
    retry_after_s: float = 1.0
    timeout_s: float = 30.0
    busy_retry_after_s: float = 0.0
    in_flight_s: float = 0.05
    latency_ms: float = 0.0
    drop_notifications: float = 0.0
    duplicate_notifications: float = 0.0
    reorder_notifications: float = 0.0
    late_notifications_s: float = 0.0
    expire_delta_tokens: float = 0.0
    lost_moves: float = 0.0
    conflicts: float = 0.0
    batch_errors: float = 0.0
    page_limit: int = 0
    poison_ids: tuple[str, ...] = ()
    access_denied: tuple[str, ...] = ()
    stale_mailboxes: tuple[str, ...] = ()
    token_errors: float = 0.0
    storage_busy: float = 0.0
    storage_reply_lost: float = 0.0
    storage_undeleted: float = 0.0

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> "Faults":
        """Raises ValueError with a sentence for a field or value that does not exist."""
        known = {one.name: type(one.default) for one in fields(cls)}
        if unknown := set(value) - set(known):
            raise ValueError(
                f"There is no fault called {', '.join(sorted(unknown))}; known are {', '.join(known)}."
            )
        given: dict[str, object] = {}
        for name, setting in value.items():
            if setting is None:
                continue
            given[name] = _converted(name, setting, known[name])
        return cls(**given)  # type: ignore[arg-type]

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def _converted(name: str, setting: object, kind: type) -> object:
    if kind is tuple:
        if not isinstance(setting, list | tuple):
            raise ValueError(f"The fault {name} is a list.")
        values = tuple(str(one) for one in setting)
        if name == "error_kinds" and not set(values) <= set(get_args(ErrorKind)):
            raise ValueError(f"error_kinds are among {', '.join(get_args(ErrorKind))}.")
        are_addresses = name in ("access_denied", "stale_mailboxes")
        return tuple(value.lower() for value in values) if are_addresses else values
    if isinstance(setting, bool) or not isinstance(setting, int | float):
        raise ValueError(f"The fault {name} is a number.")
    return kind(setting)


@dataclass(slots=True)
class FaultInjector:
    """The current settings, their dice, and how often each fault struck."""

    settings: Faults = field(default_factory=Faults)
    struck: Counter[str] = field(default_factory=Counter)
    dice: random.Random = field(default_factory=lambda: random.Random(0))
    _replaced: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, settings: Faults) -> None:
        self.settings, self.dice = settings, random.Random(settings.seed)
        self._replaced.set()
        self._replaced = asyncio.Event()

    async def pause(self, seconds: float) -> None:
        """So long, or until other faults are put."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._replaced.wait(), seconds)

    def strikes(self, name: Share) -> bool:
        """Whether this fault strikes now; counted when it does."""
        share = float(getattr(self.settings, name))
        if share <= 0 or self.dice.random() >= share:
            return False
        self.struck[name] += 1
        return True

    def graph_error(self) -> ErrorKind | None:
        """The failure of this Graph call, or None."""
        settings = self.settings
        if not settings.error_kinds or settings.error_rate <= 0 or self.dice.random() >= settings.error_rate:
            return None
        return self._kind()

    def batch_error(self) -> ErrorKind | None:
        """The failure of a whole batch, or None."""
        return self._kind() if self.settings.error_kinds and self.strikes("batch_errors") else None

    def _kind(self) -> ErrorKind:
        settings = self.settings
        kind = self.dice.choice(settings.error_kinds)
        self.struck[f"error_{kind}"] += 1
        return kind

    def denies(self, addresses: set[str]) -> bool:
        if denied := not addresses.isdisjoint(self.settings.access_denied):
            self.struck["access_denied"] += 1
        return denied

    def is_stale(self, address: str) -> bool:
        """Whether a mailbox cannot be subscribed to for now."""
        if stale := address.lower() in self.settings.stale_mailboxes:
            self.struck["stale_mailboxes"] += 1
        return stale

    def page_too_large(self, size: int) -> bool:
        if too_large := 0 < self.settings.page_limit < size:
            self.struck["page_limit"] += 1
        return too_large

    def poisons(self, names: set[str]) -> bool:
        if poisoned := not names.isdisjoint(self.settings.poison_ids):
            self.struck["poison_ids"] += 1
        return poisoned
