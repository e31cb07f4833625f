"""How long a command waits after a transient failure."""

from datetime import datetime, timedelta

DELAYS = (2, 4, 8, 15, 30, 60, 120, 300, 900, 1_800, 3_600)
LONGEST = 4 * 3_600
ALERT_AFTER = timedelta(hours=1)


def delay(attempt: int, retry_after: float | None, spread: float) -> float:
    """Seconds to wait before try `attempt` + 1: growing, never sooner than Retry-After asks.

    `spread` in 0..1 adds up to a quarter, so that commands that failed together do not return together.
    """
    planned = DELAYS[min(attempt, len(DELAYS) - 1)]
    return min(max(planned, retry_after or 0.0) * (1 + spread / 4), LONGEST)


def is_overdue(first_at: datetime, now: datetime) -> bool:
    """Whether a command has been failing long enough to tell somebody."""
    return now - first_at >= ALERT_AFTER
