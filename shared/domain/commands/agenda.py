"""The agenda: what is done at its time whatever anybody asks, when each item is due, and what is to be done now.

A time that was missed is made up for, once: only the last time of each item counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

# Any midnight would do: periods are counted from it.
_START: Final = datetime(2000, 1, 1, tzinfo=UTC)
# A worker that has not ended an item by then was killed, or its end is not worth waiting for: after three of its
# times, so that a killed poll holds up mail for three minutes, and after ten minutes at most.
TAKEN_OVER_AFTER: Final = timedelta(minutes=10)
_TIMES_MISSED: Final = 3
# The tick comes every minute, and one to two minutes late after a crash of the host that holds the timer.
TICK_OVERDUE_AFTER: Final = timedelta(minutes=5)


class Item(StrEnum):
    """What stands on the agenda, the most pressing first."""

    POLL = "poll"
    WAKE_STALE = "wake_stale"
    OUTBOXES = "outboxes"
    SWEEP_POISON = "sweep_poison"
    SWEEP_DECISIONS = "sweep_decisions"
    SUBSCRIPTIONS = "subscriptions"
    CONNECTIONS = "connections"
    CREDENTIAL = "credential"
    COMPARISONS = "comparisons"
    ADDRESSES = "addresses"
    RECONCILIATIONS = "reconciliations"
    RETENTION = "retention"
    CAMPAIGNS = "campaigns"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Every:
    """Times that follow each other by `period`, the first of a day `offset` after midnight (UTC)."""

    period: timedelta
    offset: timedelta = timedelta()

    def last(self, now: datetime) -> datetime:
        """The latest time that is not in the future."""
        start = _START + self.offset
        return start + (now - start) // self.period * self.period


_MINUTE: Final = timedelta(minutes=1)
_HALF_HOUR: Final = timedelta(minutes=30)
_DAY: Final = timedelta(days=1)

# The nightly items are apart from each other, since each queues a command for every mailbox or organisation.
TIMES: Final[Mapping[Item, Every]] = {
    Item.POLL: Every(_MINUTE),
    Item.WAKE_STALE: Every(_MINUTE),
    Item.OUTBOXES: Every(_MINUTE),
    Item.SWEEP_POISON: Every(_MINUTE),
    Item.SWEEP_DECISIONS: Every(timedelta(minutes=5)),
    Item.SUBSCRIPTIONS: Every(_HALF_HOUR),
    Item.CONNECTIONS: Every(_HALF_HOUR, timedelta(minutes=20)),
    Item.CREDENTIAL: Every(_DAY, timedelta(hours=8)),
    Item.COMPARISONS: Every(timedelta(hours=6), timedelta(minutes=15)),
    Item.ADDRESSES: Every(_DAY, timedelta(hours=1, minutes=40)),
    Item.RECONCILIATIONS: Every(_DAY, timedelta(hours=2, minutes=10)),
    Item.RETENTION: Every(_DAY, timedelta(hours=3, minutes=40)),
    Item.CAMPAIGNS: Every(_HALF_HOUR, timedelta(minutes=10)),
    Item.EVENTS: Every(_DAY, timedelta(hours=4, minutes=10)),
}


@dataclass(frozen=True, slots=True)
class Run:
    """The last run of an item: for which time, by whom, when it was begun, and when it ended if it did.

    `error` is the type of the error that it ended in; such a run is not finished.
    """

    item: str
    due: datetime
    started: datetime
    by: str
    finished: datetime | None = None
    error: str = ""
    etag: str = ""


# A run of no item: the operator's last trial, whose command has come through. `by` names it.
TRIAL: Final = "trial"
# A run of no item: the operator's pause, `due` when it began, `started` at the last tick that found it, and `finished`
# when it was ended.
PAUSE: Final = "pause"


@dataclass(frozen=True, slots=True)
class Due:
    """An item to be done now, for the time `at`; `last` is its last run, None before the first."""

    item: Item
    at: datetime
    last: Run | None


def agenda(now: datetime, last_runs: Iterable[Run]) -> tuple[Due, ...]:
    """What is due, in the order of Item. Runs of items that this version does not know are passed over."""
    known = {run.item: run for run in last_runs}
    found = (Due(item, times.last(now), known.get(item)) for item, times in TIMES.items())
    return tuple(due for due in found if due.last is None or _is_open(due.last, due.at, now))


def _is_open(last: Run, at: datetime, now: datetime) -> bool:
    """Whether the item has not been done for the time `at`, and nobody is at it."""
    if last.finished is not None:
        return last.due < at
    return last.started <= now - _patience(last)


def _patience(last: Run) -> timedelta:
    """How long an unfinished run keeps others away; one that said that it failed no longer than its period."""
    period = TIMES[Item(last.item)].period
    return min(period if last.error else period * _TIMES_MISSED, TAKEN_OVER_AFTER)


def pause_in(last_runs: Iterable[Run]) -> datetime | None:
    """Since when the operator's pause lasts; None without one."""
    return next((run.due for run in last_runs if run.item == PAUSE and run.finished is None), None)


def last_tick(last_runs: Iterable[Run]) -> datetime | None:
    """When anything of the agenda was last begun; None where nothing ever was."""
    return max((run.started for run in last_runs if run.item != TRIAL), default=None)


def is_tick_overdue(now: datetime, last_runs: Iterable[Run]) -> bool:
    """Whether nothing has begun for five minutes. Where nothing ever has, no tick is meant to come."""
    begun = last_tick(last_runs)
    return begun is not None and begun <= now - TICK_OVERDUE_AFTER
