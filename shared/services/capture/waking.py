"""The tick's part in the worklist: rows that nobody has taken up, since whoever would have was killed."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared import telemetry
from shared.domain.capture.worklist import wake_up
from shared.domain.commands.envelope import Command
from shared.ports.stores.capture import Pending
from shared.ports.work import Clock, CommandQueue, Leases
from shared.services.capture.scopes import FindScope

# Longer than a killed holder's lease lasts.
STALE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class WakeStale:
    """Send one wake-up to each mailbox that has rows older than a minute, and whose lease is free."""

    pending: Pending
    leases: Leases
    scope: FindScope
    queue: CommandQueue
    clock: Clock

    def __call__(self) -> None:
        woken = 0
        for tenant_id, mailbox_id, lane in self.pending.stale(self.clock() - STALE):
            command = wake_up(lane, tenant_id, mailbox_id, now=self.clock())
            if self._is_ready(command) and self._is_free(tenant_id, mailbox_id):
                self.queue.send(command)
                woken += 1
        if woken:
            telemetry.event("stale_woken", mailboxes=woken)

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
