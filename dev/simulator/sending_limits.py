"""How many mails and recipients Exchange lets a mailbox send to."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dev.simulator.errors import GraphError
from dev.simulator.habits import Habits

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass(slots=True)
class Sent:
    """When a mailbox has sent what, for its limits: the time and the number of recipients of each mail."""

    mails: deque[tuple[datetime, int]] = field(default_factory=deque)

    def check(self, recipients: int, habits: Habits, now: datetime) -> None:
        """Raises GraphError 429 where the mailbox has sent enough."""
        while self.mails and self.mails[0][0] <= now - _DAY:
            self.mails.popleft()
        lately = [at for at, _ in self.mails if at > now - _MINUTE]
        if len(lately) >= habits.messages_a_minute:
            wait = (lately[0] + _MINUTE - now).total_seconds()
            raise _over_limit("The mailbox has sent too many messages.", wait)
        if sum(count for _, count in self.mails) + recipients > habits.recipients_a_day:
            raise _over_limit("The mailbox has written to too many recipients today.", 3600)
        self.mails.append((now, recipients))


def _over_limit(message: str, wait: float) -> GraphError:
    headers = {"Retry-After": f"{max(wait, 1):.0f}"}
    return GraphError(429, "ApplicationThrottled", message, headers=headers)
