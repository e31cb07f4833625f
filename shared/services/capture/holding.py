"""What the holder of a mailbox does: the own command, then the rows of the worklist, group after group.

The scope is read under the lease. What an error says of the mailbox is written down before the lease goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from shared import telemetry
from shared.domain.capture.pending import BOTH, EVERYTHING, LIVE, Lane, PendingRow, Reach, lane_of
from shared.domain.capture.worklist import Group, is_wake_up, mail_rows, next_group, rows_of, wake_up
from shared.domain.commands.commands import IngestMessages
from shared.domain.commands.envelope import Command
from shared.domain.errors import PermanentError, Throttled, TransientError
from shared.ports.stores.capture import Pending
from shared.ports.work import Clock
from shared.services.capture.mailbox_access import WatchAccess
from shared.services.capture.row_outcomes import RunRows
from shared.services.capture.running import Holder, RunCommand
from shared.services.capture.scopes import FindScope, Scope
from shared.services.capture.waits import MailboxWaits
from shared.services.commands.occupancy import Occupancy

# A look shows a group, and some more rows: others of the same mails may stand among them.
LOOK: Final = 30
# After so many groups in a row that failed for now, the rest is not tried: it is an outage.
MOST_FAILED: Final = 3
# A command that takes longer makes way for live mail: so often, and for so many groups at a time.
ATTEND_EVERY: Final = timedelta(seconds=5)
MOST_ATTENDED: Final = 5
_LIVE_MAILS: Final = replace(LIVE, commands=False)


@dataclass(slots=True)
class Turn:
    """One invocation at a mailbox. `own` is its command, until it is carried out or stands in the worklist.

    `reach` says what it may run as the mailbox stands, `due` are the rows that a look has shown, and `looked_at` is
    when it looked. `is_over`: nothing more is to be tried, and wake-ups will come; `wakes` is when rows that wait are
    due, by lane.
    """

    command: Command
    ends: datetime
    looked_at: datetime
    own: Command | None = None
    reach: Reach = EVERYTHING
    due: Sequence[PendingRow] = ()
    is_over: bool = False
    failed: int = 0
    wakes: set[tuple[Lane, datetime]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.own = self.command
        self.reach = self.widest

    @property
    def widest(self) -> Reach:
        """From `work` both lanes may be run, live rows ahead of history; from `mail` live rows only."""
        return EVERYTHING if lane_of(self.command) is Lane.HISTORY else LIVE

    @property
    def tenant_id(self) -> str:
        return self.command.tenant_id

    @property
    def mailbox_id(self) -> str:
        return self.command.mailbox_id

    def note(self, kept: Sequence[PendingRow]) -> None:
        """Rows wait, and somebody must come when they are due."""
        self.wakes |= {(row.lane, row.not_before) for row in kept if row.not_before is not None}

    def give_up(self) -> None:
        """It is an outage: each lane is tried again with the last of the rows that wait, whatever waits in it."""
        self.is_over = True
        latest = max((due_at for _, due_at in self.wakes), default=self.ends)
        awaited = {lane for lane, _ in self.wakes}
        self.wakes |= {(lane, latest) for lane in self.reach.lanes if lane not in awaited}

    def lanes_of(self, due: Sequence[PendingRow]) -> list[Lane]:
        """The lanes of what a look has shown; it may have been too short to show history behind live rows."""
        lanes = {row.lane for row in due}
        if len(due) == LOOK and self.reach.is_bulk:
            lanes.add(Lane.HISTORY)
        return [lane for lane in BOTH if lane in lanes]


@dataclass(frozen=True, slots=True)
class Hold:
    """Under the lease. Raises what the own command raises; Noted in its place where the mailbox's state says it all."""

    scope: FindScope
    pending: Pending
    run: RunCommand
    run_rows: RunRows
    access: WatchAccess
    waits: MailboxWaits
    clock: Clock
    occupancy: Occupancy

    def __call__(self, turn: Turn) -> None:
        own, turn.looked_at = turn.own, self.clock()
        try:
            if own is None or is_wake_up(own):
                turn.own = None
                self._work_off(turn)
            elif self._carried_out(turn, own):
                self._work_off(turn)
        finally:
            # Rows that may kill follow each other, and keep the process meanwhile.
            self.occupancy.share()

    def look(self, turn: Turn) -> list[PendingRow]:
        """The next rows for this holder."""
        turn.looked_at = self.clock()
        return self._due(turn, turn.reach)

    def leave(self, turn: Turn, rows: Sequence[PendingRow]) -> None:
        """Into the worklist; what waits there is remembered."""
        if rows:
            self.pending.put(turn.tenant_id, turn.mailbox_id, rows)
        turn.note(rows)

    def _due(self, turn: Turn, reach: Reach) -> list[PendingRow]:
        return self.pending.due(turn.tenant_id, turn.mailbox_id, reach, self.clock(), limit=LOOK)

    def _scope(self, turn: Turn, command: Command | None) -> Scope | None:
        """The mailbox as it is now, for a command or mails; None where nothing is to be done at it."""
        # Who was asked for since something changed sees the change; what mails are filed under may be seconds old.
        asked = command or wake_up(Lane.LIVE, turn.tenant_id, turn.mailbox_id, now=self.clock())
        scope = self.scope(asked)
        if scope is None:
            self._drop(turn)
            return None
        if self.waits.lasts_for(scope.mailbox):
            self._stop(turn)
            return None
        # Paused, or without access: history and mails stay until they can be read. A walk may prove that they can.
        is_whole = scope.is_readable or scope.mailbox.is_removed
        turn.reach = turn.widest if is_whole else replace(LIVE, mails=False)
        return scope

    def _drop(self, turn: Turn) -> None:
        """Mailbox or organisation are gone, and what waits goes with them."""
        telemetry.event("turn_dropped", mailbox=turn.mailbox_id)
        turn.reach = EVERYTHING
        while rows := self.look(turn):
            self.pending.end(turn.tenant_id, turn.mailbox_id, rows)

    def _stop(self, turn: Turn) -> None:
        """Graph has asked to wait: rows stay, the own command is one of them, and somebody comes when that is over."""
        turn.is_over = True
        self.leave(turn, rows_of(turn.own) if turn.own else ())
        turn.own = None
        self.waits.wake(turn.command)

    def _carried_out(self, turn: Turn, own: Command) -> bool:
        """Carry out the own command; whether there may be rows to run now."""
        scope = self._scope(turn, own)
        if scope is None:
            return False
        turn.own = None
        has_left_rows = self._own(scope, turn, own)
        if self._must_end(turn):
            return False
        # A walk may have proved access, for which mails have waited.
        is_back = not scope.is_readable and self._scope(turn, None) is not None
        return has_left_rows or is_back

    def _own(self, scope: Scope, turn: Turn, own: Command) -> bool:
        """Whether it has left rows that are due."""
        try:
            return self._watched(scope, turn, own)
        except TransientError as error:
            if not error.retry_after:
                raise
            self.waits.note(scope.mailbox, error)
            turn.own = own
            self._stop(turn)
            return False

    def _watched(self, scope: Scope, turn: Turn, own: Command) -> bool:
        try:
            return self._run_own(scope, turn, own)
        except PermanentError as error:
            told = self.access.failed(scope, own, error)
            if told is error:
                raise
            if isinstance(own, IngestMessages):
                # The mailbox is lost, and not its mails.
                self.leave(turn, mail_rows(own))
            raise told from error

    def _run_own(self, scope: Scope, turn: Turn, own: Command) -> bool:
        if not isinstance(own, IngestMessages):
            return self.run(scope, own, self._holder(turn))
        rows = mail_rows(own)
        if own.is_apart or not turn.reach.mails:
            # One of its mails may be the reason, and must not hold the others; or they wait for the mailbox.
            self.leave(turn, rows)
            return True
        later = self.run_rows.own(scope, own)
        self.leave(turn, self.run_rows.waiting(scope, rows, later))
        if any(error.retry_after for error in later.values()):
            self._stop(turn)
        return False

    def _must_end(self, turn: Turn) -> bool:
        """Whether the rest is another turn's. A mail that may kill its worker waits for this process to be empty."""
        if self.occupancy.is_wanted:
            turn.ends = min(turn.ends, self.clock())
        return turn.is_over or self.clock() >= turn.ends

    def _work_off(self, turn: Turn) -> None:
        """Group after group, one at least, until nothing is left, the time is over, or all must wait."""
        due, turn.due = turn.due, ()
        while due := due or self.look(turn):
            group = next_group(due)
            # Behind the look: whatever was changed before a row was left is seen.
            scope = self._scope(turn, group.command)
            if scope is None:
                return
            if all(map(turn.reach.covers, group.all)):
                self._run(scope, turn, group)
                if self._must_end(turn):
                    return
                if len(group.all) == len(due) < LOOK:
                    return  # nothing is left: the look after the release says whether others have come
            due = ()

    def _run(self, scope: Scope, turn: Turn, group: Group) -> None:
        outcome = self.run_rows(scope, group, self._holder(turn))
        turn.note(outcome.kept)
        turn.failed = turn.failed + 1 if outcome.has_failed else 0
        if outcome.is_stopped:
            self._stop(turn)
        elif turn.failed == MOST_FAILED:
            turn.give_up()

    def _holder(self, turn: Turn) -> Holder:
        return Holder(turn.reach, lambda: self._attend(turn))

    def _attend(self, turn: Turn) -> None:
        """File live mail that has come while a long command runs, at most every few seconds.

        Raises Throttled where Graph asks to wait: that holds for the command, too.
        """
        # Who has the process alone takes nobody along: others would come in with the first of that mail.
        if self.occupancy.is_mine or self.clock() - turn.looked_at < ATTEND_EVERY:
            return
        for _ in range(MOST_ATTENDED):
            turn.looked_at = self.clock()
            due = self._due(turn, _LIVE_MAILS)
            if not due or not self._attend_to(turn, next_group(due)):
                return

    def _attend_to(self, turn: Turn, group: Group) -> bool:
        """Whether there is a point in looking for more."""
        scope = self.scope(wake_up(Lane.LIVE, turn.tenant_id, turn.mailbox_id, now=self.clock()))
        if scope is None or not scope.is_readable:
            return False
        outcome = self.run_rows(scope, group, self._holder(turn))
        turn.note(outcome.kept)
        if outcome.is_stopped:
            wait = self.waits.left(scope.mailbox)
            raise Throttled("The mailbox's provider has asked to be left alone.", retry_after=wait)
        return not outcome.has_failed
