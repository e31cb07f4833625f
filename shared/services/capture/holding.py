"""What the holder of a mailbox does: the own command, then the rows of the worklist, group after group.

The scope is read under the lease. What an error says of the mailbox is written down before the lease goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from shared import telemetry
from shared.domain.capture.pending import BOTH, Lane, PendingRow, lane_of
from shared.domain.capture.worklist import Group, mail_rows, next_group, rows_of
from shared.domain.commands.commands import IngestMessages, WakeMailbox
from shared.domain.commands.envelope import Command
from shared.domain.errors import PermanentError, TransientError
from shared.ports.stores.capture import Pending
from shared.ports.work import Clock
from shared.services.capture.mailbox_access import WatchAccess
from shared.services.capture.row_outcomes import RunRows
from shared.services.capture.running import RunCommand
from shared.services.capture.scopes import FindScope, Scope
from shared.services.capture.waits import MailboxWaits

# A look shows a group, and some more rows: others of the same mails may stand among them.
LOOK: Final = 30
# After so many groups in a row that failed for now, the rest is not tried: it is an outage.
MOST_FAILED: Final = 3


@dataclass(slots=True)
class Turn:
    """One invocation at a mailbox. `own` is its command, until it is carried out or stands in the worklist.

    `lanes` are those that it runs, `due` the rows that a look has shown. `is_over`: nothing more is to be tried,
    and a wake-up will come; `wakes` is when rows that wait are due, by lane.
    """

    command: Command
    ends: datetime
    own: Command | None = None
    lanes: tuple[Lane, ...] = ()
    due: Sequence[PendingRow] = ()
    is_over: bool = False
    failed: int = 0
    wakes: set[tuple[Lane, datetime]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.own = self.command
        self.lanes = self.reach

    @property
    def reach(self) -> tuple[Lane, ...]:
        """From `work` both lanes may be run, live rows ahead of history; from `mail` live rows only."""
        return BOTH if lane_of(self.command) is Lane.HISTORY else (Lane.LIVE,)

    @property
    def tenant_id(self) -> str:
        return self.command.tenant_id

    @property
    def mailbox_id(self) -> str:
        return self.command.mailbox_id

    def note(self, kept: Sequence[PendingRow]) -> None:
        """Rows wait, and somebody must come when they are due."""
        self.wakes |= {(row.lane, row.not_before) for row in kept if row.not_before is not None}


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

    def __call__(self, turn: Turn) -> None:
        scope = self._scope(turn)
        if scope is None:
            return
        own, turn.own = turn.own, None
        if own is not None and self._own(scope, turn, own):
            # A walk may have proved access, or a removal ended.
            again = self._scope(turn) if self.clock() < turn.ends else None
            if again is not None:
                self._work_off(again, turn)
        elif turn.due:
            self._work_off(scope, turn)

    def look(self, turn: Turn) -> list[PendingRow]:
        """The next rows for this holder."""
        return self.pending.due(turn.tenant_id, turn.mailbox_id, turn.lanes, self.clock(), limit=LOOK)

    def leave(self, turn: Turn, rows: Sequence[PendingRow]) -> None:
        """Into the worklist; what waits there is remembered."""
        if rows:
            self.pending.put(turn.tenant_id, turn.mailbox_id, rows)
        turn.note(rows)

    def _scope(self, turn: Turn) -> Scope | None:
        """The mailbox as it is now; None where nothing is to be done at it."""
        # Who was asked for since something changed sees the change; what mails are filed under may be seconds old.
        asked = turn.own or WakeMailbox.of(turn.tenant_id, turn.mailbox_id, self.clock())
        scope = self.scope(asked)
        if scope is None:
            self._drop(turn)
            return None
        if self.waits.lasts_for(scope.mailbox):
            self._stop(turn)
            return None
        # Paused, or without access: history stays until it can be read.
        is_whole = scope.is_readable or scope.mailbox.is_removed
        turn.lanes = turn.reach if is_whole else (Lane.LIVE,)
        turn.due = [row for row in turn.due if row.lane in turn.lanes]
        return scope

    def _drop(self, turn: Turn) -> None:
        """Mailbox or organisation are gone, and what waits goes with them."""
        telemetry.event("turn_dropped", mailbox=turn.mailbox_id)
        turn.lanes = BOTH
        while rows := self.look(turn):
            self.pending.end(turn.tenant_id, turn.mailbox_id, rows)

    def _stop(self, turn: Turn) -> None:
        """Graph has asked to wait: rows stay, the own command is one of them, and somebody comes when that is over."""
        turn.is_over = True
        self.leave(turn, rows_of(turn.own) if turn.own else ())
        turn.own = None
        self.waits.wake(turn.command)

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
            return self._carry_out(scope, turn, own)
        except PermanentError as error:
            told = self.access.failed(scope, own, error)
            if told is error:
                raise
            raise told from error

    def _carry_out(self, scope: Scope, turn: Turn, own: Command) -> bool:
        if not isinstance(own, IngestMessages):
            return self.run(scope, own, turn.lanes)
        rows = mail_rows(own)
        if own.is_apart:
            # One of its mails may be the reason, and must not hold the others.
            self.leave(turn, rows)
            return True
        later = self.run_rows.own(scope, own)
        self.leave(turn, self.run_rows.waiting(scope, rows, later))
        if any(error.retry_after for error in later.values()):
            self._stop(turn)
        return False

    def _work_off(self, scope: Scope, turn: Turn) -> None:
        """Group after group, one at least, until nothing is left, the time is over, or all must wait."""
        due, turn.due = turn.due, ()
        while due := due or self.look(turn):
            group = next_group(due)
            self._run(scope, turn, group)
            if turn.is_over or self.clock() >= turn.ends:
                return
            if len(group.all) == len(due) < LOOK:
                return  # nothing is left: the look after the release says whether others have come
            found = self._scope(turn)
            if found is None:
                return
            due, scope = (), found

    def _run(self, scope: Scope, turn: Turn, group: Group) -> None:
        if group.command is not None:
            # Asked for since something changed: the scope of the mails before may be seconds old.
            scope = self.scope(group.command) or scope
        outcome = self.run_rows(scope, group, turn.lanes)
        turn.note(outcome.kept)
        turn.failed = turn.failed + 1 if outcome.has_failed else 0
        if outcome.is_stopped:
            self._stop(turn)
        turn.is_over |= outcome.is_lost or turn.failed == MOST_FAILED
