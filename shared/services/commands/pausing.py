"""The operator's pause: no command is carried out and nothing of the agenda done, until the operator ends it.

For a restore and for an update that one would rather watch. Webhooks and the API go on, and queue what they always do.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from shared import telemetry
from shared.domain.commands.agenda import PAUSE, Run, pause_in
from shared.domain.commands.commands import ReportBack
from shared.domain.commands.envelope import Command
from shared.domain.errors import Conflict, OnPause
from shared.domain.privacy.callers import OPERATOR, Caller
from shared.ports.stores.runs import Runs
from shared.ports.work import Clock

# So long a process may go on after a pause was asked for. Each look is one query.
LOOK_EVERY: Final = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class AskPause:
    """Begin a pause, or end it. Asked twice, it is done once."""

    runs: Runs
    clock: Clock

    def __call__(self, caller: Caller, *, paused: bool) -> None:
        """Raises Forbidden, and Conflict where another operator was faster."""
        caller.needs(OPERATOR)
        last = next((run for run in self.runs.all() if run.item == PAUSE), None)
        if (pause_in([last] if last else []) is not None) == paused:
            return
        now, etag = self.clock(), last.etag if last else ""
        since = now if paused or last is None else last.due
        by = caller.audit_name
        run = Run(PAUSE, since, now, by, finished=None if paused else now, etag=etag)
        if self.runs.claim(run) is None:
            raise Conflict("another operator has changed the pause")
        telemetry.alert(telemetry.OPERATORS_PAUSE, paused=paused, by=by)


@dataclass(slots=True)
class Seen:
    """What a process saw at its last look."""

    at: datetime | None = None
    since: datetime | None = None
    lock: Lock = field(default_factory=Lock)


@dataclass(frozen=True, slots=True)
class HeedPause:
    """Stop a command while the operator has paused the deployment. The trial's command alone goes through."""

    runs: Runs
    clock: Clock
    seen: Seen = field(default_factory=Seen)

    def __call__(self, command: Command) -> None:
        """Raises OnPause, and what reading the runs raises."""
        if self._since() is not None and not isinstance(command, ReportBack):
            raise OnPause("The operator has paused this deployment.")

    def _since(self) -> datetime | None:
        now = self.clock()
        with self.seen.lock:
            if self.seen.at is None or now - self.seen.at >= LOOK_EVERY:
                self.seen.since = pause_in(self.runs.all())
                self.seen.at = now
            return self.seen.since
