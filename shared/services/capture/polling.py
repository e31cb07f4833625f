"""The timer's part: which mailboxes are due to be walked, whatever notifications said."""

from dataclasses import dataclass
from datetime import datetime

from shared import telemetry
from shared.domain.commands.commands import SyncMailbox
from shared.domain.connections.mailbox_state import next_polled
from shared.domain.connections.mailboxes import Mailbox
from shared.ports.stores.connections import Mailboxes
from shared.ports.work import Clock, CommandQueue


@dataclass(frozen=True, slots=True)
class PollMailboxes:
    """Queue a walk for every due mailbox; each comes again on its own second of its interval."""

    mailboxes: Mailboxes
    queue: CommandQueue
    clock: Clock

    def __call__(self) -> None:
        now = self.clock()
        due = 0
        for mailbox in self.mailboxes.due(now):
            self.queue.put(SyncMailbox.of(mailbox, now))
            self.mailboxes.change(mailbox, next_polled(mailbox.next_poll(now)))
            if mailbox.state.paused_at is None:
                tell_lag(mailbox, now)
            due += 1
        telemetry.event("polled", due=due)


def tell_lag(mailbox: Mailbox, now: datetime) -> None:
    """Say by how many seconds its last complete walk is over, and by how many that is late."""
    seconds = round(mailbox.lag(now).total_seconds())
    telemetry.event(
        "mailbox_lag",
        mailbox=mailbox.mailbox_id,
        state=mailbox.state.name,
        polled_only=mailbox.is_polled_only,
        seconds=seconds,
        late=max(seconds - mailbox.poll_minutes * 60, 0),
    )
