"""The operator's trial of a deployment: how long ago the tick came, and one command on its way there and back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.domain.commands.agenda import TRIAL, Run, last_tick, pause_in
from shared.domain.commands.commands import ReportBack
from shared.domain.privacy.callers import OPERATOR, Caller
from shared.ports.stores.runs import Runs
from shared.ports.work import Clock, CommandQueue


@dataclass(frozen=True, slots=True)
class Condition:
    """What the operator may know of a deployment that answers.

    `tick_age`: seconds since anything of the agenda was begun, None before the first. `trial` is the last one whose
    command came through ('' = none), `trial_seconds` how long it took from queue to end.
    `paused_since` is when the operator paused it.
    """

    tick_age: int | None
    trial: str = ""
    trial_seconds: float | None = None
    paused_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class AskTrial:
    """Queue one command that reports back; returns the trial's id."""

    queue: CommandQueue
    clock: Clock
    new_id: Callable[[], str]

    def __call__(self, caller: Caller) -> str:
        caller.needs(OPERATOR)
        trial = self.new_id()
        self.queue.send(ReportBack(tenant_id=caller.tenant_id, first_at=self.clock(), trial=trial))
        return trial


@dataclass(frozen=True, slots=True)
class ReportTrial:
    """Note that the command has come through. Safe to run twice; of two trials at a time one is noted."""

    runs: Runs
    clock: Clock

    def __call__(self, command: ReportBack) -> None:
        now = self.clock()
        before = next((run for run in self.runs.all() if run.item == TRIAL), None)
        etag = before.etag if before else ""
        self.runs.claim(Run(TRIAL, command.first_at, now, command.trial, finished=now, etag=etag))


@dataclass(frozen=True, slots=True)
class ReadCondition:
    """The condition now. Costs one query."""

    runs: Runs
    clock: Clock

    def __call__(self) -> Condition:
        runs = self.runs.all()
        begun = last_tick(runs)
        age = None if begun is None else max(0, round((self.clock() - begun).total_seconds()))
        trial = next((run for run in runs if run.item == TRIAL), None)
        if trial is None:
            return Condition(age, paused_since=pause_in(runs))
        return Condition(age, trial.by, (trial.started - trial.due).total_seconds(), pause_in(runs))
