"""The tick's part in queues and worklists: how long what waits there has waited, and rows that nobody has taken up,
since whoever would have was killed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared import telemetry
from shared.domain import names
from shared.domain.capture.pending import Lane
from shared.domain.capture.worklist import wake_up
from shared.domain.commands.envelope import Command
from shared.domain.errors import PostledgerError
from shared.ports.stores.capture import Pending
from shared.ports.work import Backlog, Clock, CommandQueue, Leases
from shared.services.capture.scopes import FindScope

# Longer than a killed holder's lease lasts.
STALE: Final = timedelta(minutes=1)
# What the rows of a lane are called in the tick's line, beside the names of queues.
_ROWS: Final = {Lane.LIVE: "row_live", Lane.HISTORY: "row_history"}


@dataclass(frozen=True, slots=True)
class WakeStale:
    """Send one wake-up to each mailbox that has rows older than a minute, and whose lease is free.

    The line of the tick gets the age, in seconds, of the oldest command in each queue and of the oldest row in each
    lane; 0 where nothing waits. Rows of a mailbox that is paused, or to be left alone, are not counted.
    """

    pending: Pending
    leases: Leases
    scope: FindScope
    queue: CommandQueue
    backlog: Backlog
    clock: Clock

    def __call__(self) -> None:
        now, woken = self.clock(), 0
        ages = dict.fromkeys(_ROWS.values(), 0)
        for tenant_id, mailbox_id, row in self.pending.stale(now - STALE):
            command = wake_up(row.lane, tenant_id, mailbox_id, now=now)
            if not self._is_ready(command):
                continue
            lane = _ROWS[row.lane]
            ages[lane] = max(ages[lane], _age(row.due_since, now))
            if self._is_free(tenant_id, mailbox_id):
                self.queue.send(command)
                woken += 1
        if woken:
            telemetry.event("stale_woken", mailboxes=woken)
        telemetry.event("waiting", seconds=ages | self._ages_of_commands(now))

    def _ages_of_commands(self, now: datetime) -> dict[str, int]:
        """Without those of a queue that cannot be seen: nothing rests on them."""
        ages = {}
        for queue in names.QUEUES:
            try:
                asked = self.backlog.oldest(queue)
            except PostledgerError as error:
                telemetry.failure("queue_not_seen", error, queue=queue)
            else:
                ages[queue] = _age(asked, now) if asked else 0
        return ages

    def _is_ready(self, command: Command) -> bool:
        """A mailbox that is paused, or to be left alone, keeps its rows; what waits at one that is gone is cleared."""
        scope = self.scope(command)
        if scope is None or scope.mailbox.is_removed:
            return True
        until = scope.mailbox.state.blocked_until
        return scope.is_readable and (until is None or until <= self.clock())

    def _is_free(self, tenant_id: str, mailbox_id: str) -> bool:
        """Whoever was turned away while this looked is seen by the wake-up, which comes after the release."""
        lease = self.leases.take(tenant_id, mailbox_id)
        if lease is None:
            return False
        lease.release()
        return True


def _age(since: datetime, now: datetime) -> int:
    return max(0, round((now - since).total_seconds()))
