"""The timer's part: which mailboxes are due to be walked, whatever notifications said."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from shared import telemetry
from shared.domain.commands.commands import SyncMailbox
from shared.domain.connections.mailbox_state import POLLING, next_polled
from shared.domain.connections.mailboxes import Mailbox
from shared.ports.stores.connections import Mailboxes
from shared.ports.work import Clock, CommandQueue

# So many fit into the tick's line, which has at most 32 KB.
MOST_LAGS: Final = 150


@dataclass(frozen=True, slots=True)
class Lag:
    """Seconds since a mailbox's last complete walk, and by how many that is late.

    `unnotified`: Graph should notify us of its mail, and does not.
    """

    mailbox: str
    state: str
    seconds: int
    late: int
    unnotified: bool


@dataclass(frozen=True, slots=True)
class PollMailboxes:
    """Queue a walk for every due mailbox; each comes again on its own second of its interval."""

    mailboxes: Mailboxes
    queue: CommandQueue
    clock: Clock

    def __call__(self) -> None:
        now = self.clock()
        due, lags = 0, []
        for mailbox in self.mailboxes.due(now):
            self.queue.send(SyncMailbox.of(mailbox, now))
            self.mailboxes.change(mailbox, next_polled(mailbox.next_poll(now)))
            if mailbox.state.paused_at is None:
                lags.append(lag_of(mailbox, now))
            due += 1
        lags.sort(key=lambda lag: lag.late, reverse=True)
        telemetry.event("polled", due=due, lags=[asdict(lag) for lag in lags[:MOST_LAGS]])


def lag_of(mailbox: Mailbox, now: datetime) -> Lag:
    """How a mailbox stands when it is polled."""
    seconds = round(mailbox.lag(now).total_seconds())
    late = max(seconds - mailbox.poll_minutes * 60, 0)
    name = mailbox.state.name
    return Lag(mailbox.mailbox_id, name, seconds, late, name == POLLING and not mailbox.is_polled_only)
