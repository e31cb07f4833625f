"""Runs workers over shared fakes step by step, in an order that a test chooses, and tries every order there is.

A step is an operation on leases or worklists, or the run of a command. A worker may be killed before any step: it does
nothing more, and what it holds stays held.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from threading import Semaphore, Thread, current_thread
from typing import Final

from tests.fakes.faults import Faults, Killed

# What stands behind a choice: the number of a worker, and whether it is killed in place of its next step.
Choice = tuple[int, bool]
STEPS: Final = ("Leases.", "Pending.", "run")


class Stage(Faults):
    """Operations wait for their turn, where a worker of a schedule makes them."""

    workers: "dict[Thread, Worker]"

    def read(self, name: str) -> None:
        self._pause(name)
        super().read(name)

    @contextmanager
    def write(self, name: str) -> Iterator[None]:
        self._pause(name)
        with super().write(name):
            yield

    def _pause(self, name: str) -> None:
        worker = self.workers.get(current_thread())
        if worker is not None and name.startswith(STEPS):
            worker.pause(name)


@dataclass
class Worker:
    """A thread that runs between two steps and no further."""

    run: Callable[[], None]
    step: str = ""
    is_dead: bool = False
    has_ended: bool = False
    error: BaseException | None = None
    seen: list[Hashable] = field(default_factory=list)
    _go: Semaphore = field(default_factory=lambda: Semaphore(0))
    _back: Semaphore = field(default_factory=lambda: Semaphore(0))

    def start(self, stage: Stage) -> None:
        thread = Thread(target=self._main, daemon=True)
        stage.workers[thread] = self
        thread.start()
        self._back.acquire()

    def pause(self, step: str) -> None:
        if self.is_dead:
            raise Killed(step)
        self.step = step
        self._back.release()
        self._go.acquire()
        if self.is_dead:
            raise Killed(step)

    def go(self, *, is_killed: bool, state: Mapping[str, Hashable]) -> None:
        """Make the next step, or be killed in its place, and come to the one after it."""
        kind = self.step.partition(".")[0]
        self.seen.append((self.step, is_killed or state.get(kind)))
        self.is_dead = is_killed
        self._go.release()
        self._back.acquire()

    def _main(self) -> None:
        try:
            self.run()
        except BaseException as error:  # noqa: BLE001  whatever ends a worker
            self.error = error
        self.has_ended = True
        self._back.release()


@dataclass(frozen=True)
class Bounds:
    """How many workers may be killed, and how often another one may go on while the last one could."""

    kills: int = 0
    switches: float = inf

    def as_place(self, last: int) -> Hashable:
        """What of them decides how a play may go on behind a step of worker `last`."""
        return self.kills if self.switches == inf else (self.kills, self.switches, last)

    def after(self, *, is_killed: bool, is_switch: bool) -> "Bounds":
        return Bounds(self.kills - is_killed, self.switches - is_switch)


FREE: Final = Bounds()


@dataclass
class Play:
    """Workers over one stage; `state` is all that they share, by what a step of each kind can see of it."""

    stage: Stage
    workers: Sequence[Worker]
    state: Callable[[], Mapping[str, Hashable]]

    def run(self, schedule: Sequence[Choice], *, left: Bounds) -> list[tuple[Hashable, list[Choice]]]:
        """Follow a schedule, then whoever went last. The place and the choices before each step."""
        for worker in self.workers:
            worker.start(self.stage)
        points: list[tuple[Hashable, list[Choice]]] = []
        last = -1
        while choices := self._choices(last, left):
            seen = tuple(tuple(worker.seen) for worker in self.workers)
            place = (tuple(self.state().items()), seen, left.as_place(last))
            points.append((hash(place), choices))
            number = len(points) - 1
            chosen = schedule[number] if number < len(schedule) else choices[0]
            left = left.after(is_killed=chosen[1], is_switch=self._is_switch(last, chosen[0]))
            last = chosen[0]
            self.workers[last].go(is_killed=chosen[1], state=self.state())
        return points

    def _choices(self, last: int, left: Bounds) -> list[Choice]:
        able = [number for number, worker in enumerate(self.workers) if not worker.has_ended]
        able.sort(key=lambda number: number != last)
        able = able if left.switches > 0 else [n for n in able if not self._is_switch(last, n)]
        return [(number, False) for number in able] + [(number, True) for number in able if left.kills]

    def _is_switch(self, last: int, chosen: int) -> bool:
        """Whether another worker goes on though the last one could."""
        return last not in (-1, chosen) and not self.workers[last].has_ended


def every_play(make: Callable[[], Play], *, bounds: Bounds = FREE) -> Iterator[Play]:
    """Each way in which the workers may interleave, up to those that lead to a place that was gone on from before."""
    tried: set[tuple[Hashable, Choice]] = set()
    schedules: list[tuple[Choice, ...]] = [()]
    while schedules:
        schedule = schedules.pop()
        play = make()
        points = play.run(schedule, left=bounds)
        made = [*schedule]
        for number, (place, choices) in enumerate(points):
            if number >= len(schedule):
                fresh = [choice for choice in choices[1:] if (place, choice) not in tried]
                tried.update((place, choice) for choice in choices)
                schedules += [(*made, choice) for choice in fresh]
                made.append(choices[0])
        yield play
