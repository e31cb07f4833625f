"""The tick: does what is due on the agenda, whoever else ticks at the same time; and the look whether it still comes.

What an item does is the caller's to know; here it is done once for each of its times.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from shared import telemetry
from shared.domain.commands.agenda import PAUSE, Due, Item, Run, agenda, is_tick_overdue
from shared.domain.errors import PostledgerError
from shared.ports.stores.runs import Runs
from shared.ports.work import Clock

# How a tick is told from a queue function that does its work.
BY_TICK: Final = "tick"
BY_STAND_IN: Final = "stand_in"
LOOK_EVERY: Final = timedelta(minutes=1)

Do = Callable[[Item], None]


@dataclass(frozen=True, slots=True)
class RunAgenda:
    """Do what is due, each item under a claim of its own. An item that fails leaves the others alone.

    While the operator has paused the deployment nothing is due.
    """

    runs: Runs
    clock: Clock
    new_id: Callable[[], str]

    def __call__(self, do: Do, by: str = BY_TICK) -> None:
        """Says in one line which items it has done. Raises what reading the runs raises."""
        done: list[str] = []
        failed: list[str] = []
        ends = {"done": done, "failed": failed}
        with telemetry.measured("tick_handled", command="Tick", mailbox="", by=by, **ends) as line:
            runs = self.runs.all()
            paused = next((run for run in runs if run.item == PAUSE and run.finished is None), None)
            if paused is not None:
                self._wait(paused)
                line.add(outcome="paused")
                return
            for due in agenda(self.clock(), runs):
                self._take(due, do, done, failed)
            line.add(outcome="failed" if failed else "done")

    def _wait(self, paused: Run) -> None:
        """Say that the operator's pause lasts; noted as a tick, since it has come."""
        now = self.clock()
        lasted = (now - paused.due).total_seconds()
        telemetry.event(
            telemetry.OPERATORS_PAUSE,
            level=logging.WARNING,
            paused=True,
            by=paused.by,
            seconds=round(lasted),
        )
        self.runs.claim(replace(paused, started=now))

    def _take(self, due: Due, do: Do, done: list[str], failed: list[str]) -> None:
        try:
            claimed = self.runs.claim(self._claim(due))
        except PostledgerError as error:
            self._note(due.item, error, failed)
            return
        if claimed is not None:
            self._do(claimed, due.item, do, done, failed)

    def _claim(self, due: Due) -> Run:
        etag = due.last.etag if due.last else ""
        return Run(due.item, due.at, self.clock(), self.new_id(), etag=etag)

    def _do(self, claimed: Run, item: Item, do: Do, done: list[str], failed: list[str]) -> None:
        try:
            do(item)
            self.runs.end(replace(claimed, finished=self.clock()))
        except Exception as error:  # noqa: BLE001  the boundary: whatever ends one item, the others are due as well
            self._note(item, error, failed)
            # If this is lost too, the item comes again as one whose worker was killed.
            with suppress(PostledgerError):
                self.runs.end(replace(claimed, error=type(error).__name__))
        else:
            done.append(item)

    @staticmethod
    def _note(item: Item, error: Exception, failed: list[str]) -> None:
        failed.append(item)
        telemetry.failure("agenda_item_failed", error, item=item)


@dataclass(slots=True)
class LastLook:
    """When this process has last looked; of several threads one looks."""

    at: datetime | None = None
    lock: Lock = field(default_factory=Lock)

    def is_due(self, now: datetime) -> bool:
        """Whether the caller is to look now. Nobody else is told so for a minute."""
        with self.lock:
            if self.at is not None and now - self.at < LOOK_EVERY:
                return False
            self.at = now
            return True


@dataclass(frozen=True, slots=True)
class StandIn:
    """Do what is due where the tick has stopped coming: a deployment was seen to kill an app's timers.

    Costs a process one request a minute at most. Never raises: a command is about to run.
    """

    runs: Runs
    run_agenda: RunAgenda
    clock: Clock
    last_look: LastLook = field(default_factory=LastLook)

    def __call__(self, do: Do) -> None:
        now = self.clock()
        if not self.last_look.is_due(now):
            return
        try:
            if is_tick_overdue(now, self.runs.all()):
                self.run_agenda(do, BY_STAND_IN)
        except PostledgerError as error:
            telemetry.failure("tick_not_seen", error)
