"""Whose turn it is: who holds a mailbox works off what waits for it; who finds it held leaves word, and goes.

Who is turned away writes, then tries again. Who holds releases, then looks. With both halves one side always sees the
other: no row is left for which nobody comes, and nobody waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared import telemetry
from shared.domain.capture.pending import Lane, PendingRow
from shared.domain.capture.worklist import is_wake_up, rows_of, wake_up
from shared.domain.commands.envelope import Command
from shared.ports.stores.capture import Pending
from shared.ports.work import Clock, CommandQueue, Lease, Leases
from shared.services.capture.holding import Hold, Turn
from shared.services.capture.waits import MailboxWaits

# A turn leaves the rest to a wake-up after this time: the host aborts an invocation at `functionTimeout` (host.json),
# ten minutes, and other mailboxes have their turn in between.
LENGTH: Final = timedelta(minutes=2)
# The clocks of workers differ: a wake-up must not come before the row is due. Seconds.
MARGIN: Final = 1.0


@dataclass(frozen=True, slots=True)
class TakeTurn:
    """Carry out a command of a mailbox, now or by whoever holds the mailbox; nothing is put back for that.

    The holder of a free mailbox runs the own command without a row: should it be killed, the command comes again.
    """

    leases: Leases
    pending: Pending
    hold: Hold
    waits: MailboxWaits
    queue: CommandQueue
    clock: Clock
    length: timedelta = LENGTH

    def __call__(self, command: Command) -> None:
        """Raises what the own command raises; what befalls rows is their own."""
        now = self.clock()
        turn = Turn(command, ends=now + self.length, looked_at=now)
        if self.waits.lasts(command):
            if not is_wake_up(command):
                self._leave_word(turn)
            self.waits.wake(command)
            return
        # A wake-up for which nothing is left costs one look.
        if is_wake_up(command):
            turn.due = self._look(turn)
            if not turn.due:
                return
        lease = self._take(command) or self._try_again(turn)
        while lease is not None:
            lease = self._one_hold(turn, lease)

    def _one_hold(self, turn: Turn, lease: Lease) -> Lease | None:
        """Hold the mailbox once; the lease to go on with, where rows have come meanwhile."""
        try:
            self._held(turn, lease)
        except Exception:
            self._wake_later(turn)
            # The host or the queue has the own command now; others may have been turned away. A wake-up comes again
            # by itself, with a growing delay: another one beside it would come at once, and fail again.
            if not is_wake_up(turn.command):
                self._wake_for(turn, self._look(turn))
            raise
        self._wake_later(turn)
        if turn.is_over:
            return None
        turn.due = self._look(turn)
        if turn.due and self.clock() >= turn.ends:
            self._wake_for(turn, turn.due)
            return None
        return self._take(turn.command) if turn.due else None

    def _held(self, turn: Turn, lease: Lease) -> None:
        try:
            self.hold(turn)
        finally:
            lease.release()

    def _take(self, command: Command) -> Lease | None:
        return self.leases.take(command.tenant_id, command.mailbox_id)

    def _try_again(self, turn: Turn) -> Lease | None:
        """Write, then try once more: the holder may have looked for the last time before this was written."""
        if not self._leave_word(turn):
            return None
        return self._take(turn.command)

    def _leave_word(self, turn: Turn) -> bool:
        """Whether there was anything to write down: a wake-up for live rows has nothing to say to a holder."""
        rows = rows_of(turn.command)
        if rows:
            self.pending.put(turn.tenant_id, turn.mailbox_id, rows)
            telemetry.event("turned_away", mailbox=turn.mailbox_id, rows=len(rows))
        turn.own = None
        return bool(rows)

    def _look(self, turn: Turn) -> Sequence[PendingRow]:
        return self.hold.look(turn)

    def _wake_for(self, turn: Turn, due: Sequence[PendingRow]) -> None:
        """Leave what is due to another turn, in a wake-up for each lane."""
        for lane in turn.lanes_of(due):
            self.queue.send(self._wake_up(turn, lane))

    def _wake_later(self, turn: Turn) -> None:
        """A delayed wake-up for when rows are due that wait: those of a group wait equally long, and have one."""
        now = self.clock()
        for lane, due_at in sorted(turn.wakes):
            self.queue.send(self._wake_up(turn, lane), delay=(due_at - now).total_seconds() + MARGIN)
        turn.wakes.clear()

    def _wake_up(self, turn: Turn, lane: Lane) -> Command:
        return wake_up(lane, turn.tenant_id, turn.mailbox_id, now=self.clock())
