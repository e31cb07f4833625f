"""Backfill: history that was asked for is read in small steps, and filed silently, oldest first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared import telemetry
from shared.domain.capture.backfills import CANCELLED, DONE, Backfill, FolderLeft
from shared.domain.capture.pending import LAST, Lane, PendingRow
from shared.domain.capture.sightings import FILED, TRIAGE
from shared.domain.capture.windows import Window
from shared.domain.commands.commands import SINGLY_AFTER, BackfillMailbox
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import InvalidInput, NotFound, Unavailable, WrongState
from shared.ports.mail import Listed, MailAccess
from shared.ports.stores.capture import Backfills, FolderStates, Pending
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.arrivals import Arrivals
from shared.services.capture.folder_reading import FolderReader
from shared.services.capture.scopes import Scope
from shared.services.conflicts import persistently

# How long a backfill waits before it looks whether its paused mailbox is captured again. Seconds.
PAUSE: Final = 600.0


@dataclass(frozen=True, slots=True)
class StepBackfill:
    """One step: a page of at most 50 mails. Rows for its keepers, then the cursor, then the row of the next step.

    That row stands in the worklist at the time up to which all folders have been read: mails before it may be filed,
    those behind it wait until the folders that lag behind have caught up. The last step stands behind all of them.
    """

    mail: MailAccess
    reader: FolderReader
    folders: FolderStates
    backfills: Backfills
    arrivals: Arrivals
    pending: Pending
    queue: CommandQueue
    clock: Clock

    def __call__(self, scope: Scope, command: BackfillMailbox) -> None:
        if scope.mailbox.is_removed:
            telemetry.event("backfill_dropped", mailbox=command.mailbox_id)
            return
        backfill = self.backfills.get(scope.mailbox)
        if backfill is None or not backfill.is_running:
            return
        if command.step != backfill.step and not backfill.is_taken(command.step):
            return
        if not scope.is_readable:
            self.queue.send(replace(command, attempt=0, first_at=self.clock()), delay=PAUSE)
            return
        if command.step == backfill.step:
            backfill = self._step(replace(scope, unbounded=True), backfill, command)
        if backfill.is_running:
            self._leave_next(scope, backfill)

    def _leave_next(self, scope: Scope, backfill: Backfill) -> None:
        following = BackfillMailbox.of(scope.mailbox, self.clock(), step=backfill.step)
        place = backfill.read_until if backfill.next_folder else LAST
        row = PendingRow.of_command(following, at=place)
        self.pending.put(scope.tenant_id, scope.mailbox.mailbox_id, [row])

    def _step(self, scope: Scope, backfill: Backfill, command: BackfillMailbox) -> Backfill:
        stored = self.backfills.put(scope.mailbox, self._moved(scope, backfill, command))
        if not stored.is_running:
            telemetry.event("backfill_done", mailbox=scope.mailbox.mailbox_id, mails=stored.done)
        return stored

    def _moved(self, scope: Scope, backfill: Backfill, command: BackfillMailbox) -> Backfill:
        if backfill.folders is None:
            return self._planned(scope, backfill).stepped(self.clock())
        left = backfill.next_folder
        if left is None:
            return backfill.ended(DONE, self.clock())
        return self._page(scope, backfill, left, command).stepped(self.clock())

    def _planned(self, scope: Scope, backfill: Backfill) -> Backfill:
        """Raises Unavailable until the mailbox has been walked: its folders are not known before."""
        states = self.folders.all(scope.mailbox)
        captured = sorted(state.folder_id for state in states if state.captured)
        if not captured:
            raise Unavailable("The mailbox has not been walked yet.")
        counts = {folder_id: self._count(scope, folder_id, backfill.all_of_it) for folder_id in captured}
        folders = tuple(folder_id for folder_id, count in counts.items() if count)
        return backfill.planned(folders, sum(counts.values()))

    def _count(self, scope: Scope, folder_id: str, window: Window) -> int:
        try:
            return self.mail.open(scope.mailbox).count(folder_id, window)
        except NotFound:  # deleted since the last walk
            return 0

    def _page(self, scope: Scope, backfill: Backfill, left: FolderLeft, command: BackfillMailbox) -> Backfill:
        folder = self.folders.get(scope.mailbox, left.folder_id)
        if folder is None or not folder.captured:
            return backfill.advanced(left.folder_id, None, 0)
        singly = command.attempt >= SINGLY_AFTER
        try:
            page = self.reader.page(
                scope.mailbox, left.folder_id, left.window, with_heads=True, around=singly
            )
        except NotFound:  # deleted since it was planned
            return backfill.advanced(left.folder_id, None, 0)
        missing = self._missing(scope, page.items)
        heads = self.arrivals.complete(scope, missing, singly=singly, broken=page.broken)
        kept, skipped = self.arrivals.screened(scope, heads, folder)
        self.arrivals.write(scope, [mail.sighting for mail in skipped])
        self.arrivals.put(scope, kept, Lane.HISTORY, silent=True)
        # Where a cursor led past a second that is read again, its mails have been counted.
        is_counted = page.around is not None and bool(left.window.cursor)
        return backfill.advanced(left.folder_id, page.rest, 0 if is_counted else len(page.items))

    def _missing(self, scope: Scope, items: Sequence[Listed]) -> list[Listed]:
        """What is not filed. A skip is decided anew: contacts may have come since."""
        known = self.arrivals.known(scope, items)
        filed = {item for item, row in known.items() if row.outcome in (FILED, TRIAGE)}
        return [entry for entry in items if entry.item not in filed]


@dataclass(frozen=True, slots=True)
class ManageBackfill:
    """Start, cancel and show, as an admin asks. What was filed stays."""

    backfills: Backfills
    queue: CommandQueue
    clock: Clock

    def of(self, mailbox: Mailbox) -> Backfill | None:
        """The running one, or the last."""
        return self.backfills.get(mailbox)

    def start(self, mailbox: Mailbox, since: datetime) -> Backfill:
        """Raises WrongState while one is running; one that has stalled is taken up again instead.

        Raises InvalidInput for a time that is not in the past.
        """
        if since >= self.clock():
            raise InvalidInput("'since' is a date and time in the past: 2026-01-31T00:00:00Z.")
        backfill = persistently(lambda: self._started(mailbox, since))
        self.queue.send(BackfillMailbox.of(mailbox, self.clock(), step=backfill.step))
        return backfill

    def cancel(self, mailbox: Mailbox) -> Backfill | None:
        """The one that was cancelled; None where none was running."""
        return persistently(lambda: self._cancelled(mailbox))

    def _started(self, mailbox: Mailbox, since: datetime) -> Backfill:
        now = self.clock()
        last = self.backfills.get(mailbox)
        if last is not None and last.is_stalled(now):
            return last
        if last is not None and last.is_running:
            raise WrongState(
                f"A backfill since {last.since.isoformat()} is running; wait until it is done, or cancel it first."
            )
        return self.backfills.put(mailbox, Backfill.starting(since, now, last))

    def _cancelled(self, mailbox: Mailbox) -> Backfill | None:
        last = self.backfills.get(mailbox)
        if last is None or not last.is_running:
            return None
        return self.backfills.put(mailbox, last.ended(CANCELLED, self.clock()))
