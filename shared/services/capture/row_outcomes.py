"""Runs rows of a worklist. Each row has its own outcome, and none is the queue message's that woke the holder."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from shared import telemetry
from shared.domain.capture.pending import EARLIEST, Lane, PendingRow, command_in
from shared.domain.capture.sightings import FAILED
from shared.domain.capture.worklist import Group, ingest_of, wait_after
from shared.domain.commands.advice import POISON
from shared.domain.commands.commands import IngestMessages
from shared.domain.commands.envelope import Command
from shared.domain.commands.retries import delay, is_overdue
from shared.domain.errors import Conflict, Noted, NotThereYet, PermanentError, TransientError, Unavailable
from shared.domain.mail.items import ItemRef
from shared.ports.mail import Listed, MailAccess
from shared.ports.stores.capture import Pending
from shared.ports.stores.exceptions import Exceptions
from shared.ports.work import Clock
from shared.services.capture.arrivals import Arrivals
from shared.services.capture.fetching import Wanted
from shared.services.capture.mailbox_access import WatchAccess
from shared.services.capture.running import Holder, RunCommand
from shared.services.capture.scopes import Scope
from shared.services.capture.waits import MailboxWaits
from shared.services.commands.failures import failure_of, failure_of_bug, failure_of_poison, record
from shared.services.commands.occupancy import Occupancy
from shared.services.filing.ingest import Ingest

# Seconds that a row waits which cannot have its process alone.
PUT_OFF: Final = 15.0


@dataclass(frozen=True, slots=True)
class GroupOutcome:
    """`kept` rows wait. `has_failed`: nothing of the group could be had for now.

    `is_stopped`: Graph has asked to wait.
    """

    kept: Sequence[PendingRow] = ()
    has_failed: bool = False
    is_stopped: bool = False


@dataclass(frozen=True, slots=True)
class RunRows:
    """Tries are raised, the rows run, their outcome is stored, and then they go; those that wait are kept."""

    pending: Pending
    ingest: Ingest
    run: RunCommand
    arrivals: Arrivals
    mail: MailAccess
    exceptions: Exceptions
    access: WatchAccess
    waits: MailboxWaits
    clock: Clock
    occupancy: Occupancy

    def __call__(self, scope: Scope, group: Group, holder: Holder) -> GroupOutcome:
        """What may kill its worker has its process alone."""
        if group.rows[0].is_spent:
            self._give_up(scope, group)
            self.pending.end(scope.tenant_id, scope.mailbox.mailbox_id, group.all)
            return GroupOutcome()
        if not group.rows[0].is_suspect:
            self.occupancy.share()
        elif not self.occupancy.take():
            return self._put_off(scope, group)
        return self._begun(scope, group, holder)

    def _put_off(self, scope: Scope, group: Group) -> GroupOutcome:
        """Another has this process alone, or the others in it do not end. Its tries stand."""
        until = self.clock() + timedelta(seconds=max(PUT_OFF, self.occupancy.closed_for))
        waiting = [replace(row, not_before=until) for row in group.all]
        self.pending.end(scope.tenant_id, scope.mailbox.mailbox_id, [], waiting)
        return GroupOutcome(waiting)

    def _begun(self, scope: Scope, group: Group, holder: Holder) -> GroupOutcome:
        place = scope.tenant_id, scope.mailbox.mailbox_id
        begun = {row.key: row for row in self.pending.begin(*place, group.all)}
        # Another holder may have taken some: this one's lease was lost, or the look was an old one.
        rows = tuple(begun[row.key] for row in group.rows if row.key in begun)
        running = Group(rows, tuple(begun[row.key] for row in group.beside if row.key in begun))
        scope = replace(scope, in_history_lane=group.rows[0].lane is Lane.HISTORY)
        outcome = self._outcome(scope, running, holder) if rows else GroupOutcome()
        outcome = replace(outcome, kept=[*outcome.kept, *_along(running.beside, outcome.kept)])
        kept = {row.key for row in outcome.kept}
        self.pending.end(*place, [row for key, row in begun.items() if key not in kept], outcome.kept)
        return outcome

    def own(self, scope: Scope, command: IngestMessages) -> Mapping[ItemRef, TransientError]:
        """Take in the mails of a queue message; those that were not had, and why. Raises where none was had."""
        return self.ingest(scope, Wanted.first_asked(command, self.clock()))

    def waiting(
        self, scope: Scope, rows: Sequence[PendingRow], later: Mapping[ItemRef, TransientError]
    ) -> list[PendingRow]:
        """Those of the rows whose mails were not had, as they wait. Others were had: this counts as no try.

        A mail that changed meanwhile has been begun, and one that is not there is looked for only so often.
        """
        errors: dict[ItemRef | None, TransientError] = dict(later.items())
        waiting, spread = [], random.random()
        for row in rows:
            if row.item in errors:
                error = errors[row.item]
                counts = isinstance(error, Conflict | NotThereYet)
                waiting.append(self._waiting(scope, row, error, row.attempt + counts, spread))
        return waiting

    def _outcome(self, scope: Scope, group: Group, holder: Holder) -> GroupOutcome:
        rows = group.rows
        command = _command_of(scope, rows)
        try:
            later = self._run(scope, command, group, holder)
        except TransientError as error:
            return self._postponed(scope, rows, error)
        except PermanentError as error:
            return self._refused(scope, command, rows, error)
        except Exception as error:  # noqa: BLE001  the boundary of rows, as `triggers/queue.py` is that of messages
            return self._broken(scope, rows, error)
        kept = self.waiting(scope, rows, later)
        return GroupOutcome(kept, is_stopped=any(error.retry_after for error in later.values()))

    def _run(
        self, scope: Scope, command: Command, group: Group, holder: Holder
    ) -> Mapping[ItemRef, TransientError]:
        if isinstance(command, IngestMessages):
            # A row beside may know when its mail came, where the one that runs does not.
            return self.ingest(scope, Wanted.of_rows(command, group.all))
        self.run(scope, command, holder)
        return {}

    def _postponed(self, scope: Scope, rows: Sequence[PendingRow], error: TransientError) -> GroupOutcome:
        """Nothing was had for now. A mail that is never had though its mailbox answers is told, and left."""
        self.waits.note(scope.mailbox, error)
        if error.retry_after:
            return GroupOutcome([row.unbegun() for row in rows], has_failed=True, is_stopped=True)
        item = rows[0].item
        if (
            item is not None
            and rows[0].is_hopeless
            and isinstance(error, Unavailable)
            and self._answers(scope)
        ):
            self.arrivals.quarantine(scope, item)
            return GroupOutcome()
        spread = random.random()
        waiting = [self._waiting(scope, row, error, row.attempt + 1, spread) for row in rows]
        return GroupOutcome(waiting, has_failed=True)

    def _waiting(
        self, scope: Scope, row: PendingRow, error: TransientError, attempt: int, spread: float
    ) -> PendingRow:
        """One `spread` for a group: its rows are due at the same time, and one wake-up comes for them."""
        if error.retry_after:
            return row.unbegun()
        now = self.clock()
        wait = wait_after(error, row.attempt, spread)
        say = telemetry.overdue if is_overdue(row.first_at, now) else telemetry.row_waits
        say(scope.mailbox.mailbox_id, row.attempt, error, wait)
        return row.waiting(now + timedelta(seconds=wait), attempt)

    def _answers(self, scope: Scope) -> bool:
        """Whether the mailbox can be read at all: then it is the mail that cannot."""
        try:
            self.mail.open(scope.mailbox).folders({})
        except (TransientError, PermanentError):
            return False
        return True

    def _refused(
        self, scope: Scope, command: Command, rows: Sequence[PendingRow], error: PermanentError
    ) -> GroupOutcome:
        """Recorded, and done with. Where the mailbox itself is lost, its mails stay until it is back."""
        try:
            told = self.access.failed(scope, command, error)
        except TransientError as passing:
            return self._postponed(scope, rows, passing)
        if not isinstance(told, Noted):
            for row in rows:
                record(self.exceptions, failure_of(_command_of(scope, [row]), error, self.clock()))
            return GroupOutcome()
        mails = [row.unbegun() for row in rows if row.item is not None]
        return GroupOutcome(mails, has_failed=True)

    def _broken(self, scope: Scope, rows: Sequence[PendingRow], error: Exception) -> GroupOutcome:
        """A fault of ours. Its tries stand, so that each row runs alone in the end, and the last one is recorded."""
        telemetry.cut_trace(error)
        telemetry.failure("row_failed", error, mailbox=scope.mailbox.mailbox_id, kind=rows[0].kind)
        now = self.clock()
        for row in rows:
            if row.is_spent:
                record(self.exceptions, failure_of_bug(_command_of(scope, [row]), error, now))
        left = [row for row in rows if not row.is_spent]
        wait = timedelta(seconds=delay(rows[0].tries, None, random.random()))
        return GroupOutcome([replace(row, not_before=now + wait) for row in left])

    def _give_up(self, scope: Scope, group: Group) -> None:
        """Its runs ended without a word: it kills its workers, or is in them when they are killed.

        The ledger says so of a mail, or the nightly comparison would bring it again.
        """
        command = _command_of(scope, group.rows[:1])
        record(self.exceptions, failure_of_poison(command, self.clock()))
        listed = [Listed(row.item, row.at) for row in group.all if row.item and row.at > EARLIEST]
        items = {entry.item for entry in listed}
        copies = [copy for copy in self.arrivals.known(scope, listed).values() if copy.item in items]
        self.arrivals.write(scope, [replace(copy, outcome=FAILED, reason=POISON) for copy in copies])


def _along(beside: Sequence[PendingRow], kept: Sequence[PendingRow]) -> list[PendingRow]:
    """The rows beside mails that wait, as these wait: they may know more of the mail."""
    waiting: dict[ItemRef | None, PendingRow] = {row.item: row for row in kept if row.item}
    return [
        replace(row, tries=waits.tries, attempt=waits.attempt, not_before=waits.not_before)
        for row in beside
        if (waits := waiting.get(row.item)) is not None
    ]


def _command_of(scope: Scope, rows: Sequence[PendingRow]) -> Command:
    first = rows[0]
    if first.item is None:
        return command_in(first)
    return ingest_of(rows, scope.tenant_id, scope.mailbox.mailbox_id)
