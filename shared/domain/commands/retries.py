"""How long a command waits after a transient failure."""

from datetime import datetime, timedelta

DELAYS = (2, 4, 8, 15, 30, 60, 120, 300, 900, 1_800, 3_600)
LONGEST = 4 * 3_600
ALERT_AFTER = timedelta(hours=1)
# What only a newer version can carry out is asked for so long; then a person is told.
NEWER_FOR = timedelta(days=1)
_NEWER_DELAYS = (timedelta(minutes=1), timedelta(hours=1))


def delay(attempt: int, retry_after: float | None, spread: float) -> float:
    """Seconds to wait before try `attempt` + 1: growing, never sooner than Retry-After asks.

    `spread` in 0..1 adds up to a quarter, so that commands that failed together do not return together.
    """
    planned = DELAYS[min(attempt, len(DELAYS) - 1)]
    return min(max(planned, retry_after or 0.0) * (1 + spread / 4), LONGEST)


def is_overdue(first_at: datetime, now: datetime) -> bool:
    """Whether a command has been failing long enough to tell somebody."""
    return now - first_at >= ALERT_AFTER


def delay_for_newer(first_at: datetime, now: datetime) -> float | None:
    """Seconds until a newer version's command is looked at again: as long as it has waited, a minute to an hour.

    None where it has waited for a day.
    """
    waited = now - first_at
    shortest, longest = _NEWER_DELAYS
    return None if waited >= NEWER_FOR else min(max(waited, shortest), longest).total_seconds()
