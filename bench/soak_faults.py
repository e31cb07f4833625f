"""The weather of the soak: phases of faults, one after the other, a host killed and a poll asked for every so often."""

import contextlib
import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from dev.simulator.client import Control
from shared.domain.errors import TransientError

KILL_EVERY = 20.0
POLL_EVERY = 10.0  # a run is short: walks come oftener than in life
Settings = dict[str, Any]

# A fifth of Graph's calls fail all the time; a time-out is shorter than in life, so that a run stays short.
# On a busy machine a call may take that long from the caller's last look at the clock to its arrival.
BASE: Settings = {
    "error_rate": 0.2,
    "error_kinds": ["429", "500", "503", "504", "reset", "timeout"],
    "retry_after_s": 1.0,
    "timeout_s": 1.5,
    "in_flight_s": 0.4,
}
UNRELIABLE: Settings = {
    "drop_notifications": 0.25,
    "duplicate_notifications": 0.2,
    "reorder_notifications": 0.2,
}
PHASES: tuple[Settings, ...] = (
    {**BASE, **UNRELIABLE},
    {**BASE, "late_notifications_s": 3.0, "latency_ms": 40.0, "duplicate_notifications": 0.5},
    {**BASE, "expire_delta_tokens": 0.3, "drop_notifications": 0.5},
    {**BASE, **UNRELIABLE, "storage_busy": 0.05, "storage_reply_lost": 0.04},
    # Storage all but down while no notification comes: only what was queued before the cursor survives.
    {**BASE, "drop_notifications": 1.0, "storage_busy": 0.55},
    # Storage down for longer than its clients try: whatever was begun breaks off, and putting it back fails as well.
    {**BASE, "drop_notifications": 1.0, "storage_busy": 1.0},
    {**BASE, **UNRELIABLE, "retry_after_s": 3.5, "error_kinds": ["429", "503", "reset"]},
    {**BASE, **UNRELIABLE, "expire_delta_tokens": 0.1, "storage_busy": 0.1, "storage_reply_lost": 0.1},
)


@dataclass(frozen=True, slots=True)
class Climate:
    """The phases, how often they are gone through, and the signals that end hosts in turn."""

    phases: tuple[Settings, ...] = PHASES
    rounds: int = 2
    signals: tuple[int, ...] = (signal.SIGKILL,)


class Weather:
    """Goes through the phases in `seconds`, ends hosts, and has mailboxes polled (`poll`), until stopped."""

    def __init__(
        self,
        ready: Mapping[str, Any],
        poll: Callable[[], None],
        *,
        seed: int,
        seconds: float,
        kills: bool,
        climate: Climate = Climate(),
    ) -> None:
        self._ready = ready
        self._control = Control(ready["simulator_url"], ready["ca_file"])
        self._climate = climate
        self._seed, self._pause = seed, max(seconds / (climate.rounds * len(climate.phases)), 3.0)
        self._kills, self._poll = kills, poll
        self._over = threading.Event()
        self.killed = 0
        self.changes = 0

    @contextlib.contextmanager
    def blowing(self) -> Iterator[None]:
        """Faults inside, none after."""
        works = [self._change, self._hurry, *([self._kill] if self._kills else [])]
        threads = [threading.Thread(target=work, daemon=True) for work in works]
        for one in threads:
            one.start()
        try:
            yield
        finally:
            self._over.set()
            for one in threads:
                one.join()
            self._control.clear_faults()

    def _change(self) -> None:
        for number, phase in enumerate(itertools.cycle(self._climate.phases)):
            self._control.put_faults(**phase, seed=self._seed + number)
            self.changes += 1
            if self._over.wait(self._pause):
                return

    def _hurry(self) -> None:
        while not self._over.wait(POLL_EVERY):
            # The host that was asked has been killed, before or while it polled, or Azurite has no time.
            with contextlib.suppress(requests.RequestException, TimeoutError, TransientError):
                self._poll()

    def _kill(self) -> None:
        """Each host in turn; whoever started it starts it again."""
        for number in itertools.count():
            if self._over.wait(KILL_EVERY):
                return
            hosts: list[int] = self._ready["pids"]["host"]
            with contextlib.suppress(ProcessLookupError):
                os.kill(
                    hosts[number % len(hosts)], self._climate.signals[number % len(self._climate.signals)]
                )
                self.killed += 1
