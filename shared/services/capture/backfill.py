"""Backfill: history that was asked for is read in small steps, in a lane of its own, silently."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared import telemetry
from shared.domain.capture.backfills import CANCELLED, Backfill
from shared.domain.capture.folders import FolderState
from shared.domain.capture.sightings import FILED, TRIAGE
from shared.domain.capture.windows import Window
from shared.domain.commands.commands import BackfillMailbox, IngestMessages
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import InvalidInput, NotFound, Throttled, Unavailable, WrongState
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import MessageHead
from shared.ports.mail import Listed, MailAccess
from shared.ports.stores.capture import Backfills, FolderStates
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.arrivals import SINGLY_AFTER, Arrivals
from shared.services.capture.folder_reading import FolderReader
from shared.services.capture.scopes import Scope
from shared.services.capture.turns import Turns
from shared.services.conflicts import persistently
from shared.services.filing.ingest import Ingest

# How long a backfill waits before it looks whether its paused mailbox is captured again. Seconds.
PAUSE: Final = 600.0
# From this try on, an item that cannot be read is given up even where no other shows that the provider works.
HOPELESS_AFTER: Final = 8


@dataclass(frozen=True, slots=True)
class StepBackfill:
    """One step: a page of at most 50 mails. Filed, then the cursor is written, then the next step is queued."""

    turns: Turns
    mail: MailAccess
    reader: FolderReader
    folders: FolderStates
    backfills: Backfills
    arrivals: Arrivals
    ingest: Ingest
    queue: CommandQueue
    clock: Clock

    def __call__(self, command: BackfillMailbox) -> None:
        with self.turns.slot(command) as scope:
            if scope is None or scope.mailbox.is_removed:
                telemetry.event("backfill_dropped", mailbox=command.mailbox_id)
                return
            backfill = self.backfills.get(scope.mailbox)
            if backfill is None or not self._is_next(backfill, command):
                return
            if not scope.is_readable:
                self.queue.put(replace(command, attempt=0, first_at=self.clock()), delay=PAUSE)
                return
            if command.step == backfill.step:
                backfill = self._step(replace(scope, unbounded=True), backfill, command)
        if backfill.is_running:
            self.queue.put(BackfillMailbox.of(scope.mailbox, self.clock(), step=backfill.step))

    def _is_next(self, backfill: Backfill, command: BackfillMailbox) -> bool:
        if backfill.is_running and command.step == backfill.step:
            return True
        return backfill.has_lost_command(command.step, self.clock())

    def _step(self, scope: Scope, backfill: Backfill, command: BackfillMailbox) -> Backfill:
        is_new = backfill.folders is None
        moved = self._planned(scope, backfill) if is_new else self._page(scope, backfill, command)
        stored = self.backfills.put(scope.mailbox, moved.stepped(self.clock()))
        if not stored.is_running:
            telemetry.event("backfill_done", mailbox=scope.mailbox.mailbox_id, mails=stored.done)
        return stored

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

    def _page(self, scope: Scope, backfill: Backfill, command: BackfillMailbox) -> Backfill:
        folder_id, window = (backfill.folders or ("",))[0], backfill.window
        folder = self.folders.get(scope.mailbox, folder_id)
        if folder is None or not folder.captured or window is None:
            return backfill.advanced(None, 0)
        singly = command.attempt >= SINGLY_AFTER
        try:
            page = self.reader.page(scope.mailbox, folder_id, window, with_heads=True, around=singly)
        except NotFound:  # deleted since it was planned
            return backfill.advanced(None, 0)
        missing = self._missing(scope, backfill, page.items)
        heads = self.arrivals.complete(scope, missing, singly=singly, broken=page.broken)
        backfill = self._take_in(scope, folder, backfill, heads, command)
        # Where a cursor led past a second that is read again, its mails have been counted.
        is_counted = page.around is not None and bool(window.cursor)
        return backfill.advanced(page.rest, 0 if is_counted else len(page.items))

    def _missing(self, scope: Scope, backfill: Backfill, items: Sequence[Listed]) -> list[Listed]:
        """What is not filed, or was just being filed. A skip is decided anew: contacts may have come since."""
        begun = set(backfill.begun)
        known = self.arrivals.known(scope, items)
        filed = {item for item, row in known.items() if row.outcome in (FILED, TRIAGE)} - begun
        return [entry for entry in items if entry.item not in filed]

    def _take_in(
        self,
        scope: Scope,
        folder: FolderState,
        backfill: Backfill,
        heads: Sequence[MessageHead],
        command: BackfillMailbox,
    ) -> Backfill:
        """Ingest the keepers, as ids that were begun, for the ledger says `filed` before all is written."""
        kept, skipped = self.arrivals.screened(scope, heads, folder)
        self.arrivals.write(scope, [mail.sighting for mail in skipped])
        items = [mail.head.item for mail in kept]
        if not items:
            return backfill
        begun = self.backfills.put(scope.mailbox, replace(backfill, begun=tuple(items)))
        if command.attempt >= SINGLY_AFTER:
            self._singly(scope, items, command)
            return begun
        for part in _ingests_of(command, items):
            self.ingest.within(scope, part)
        return begun

    def _singly(self, scope: Scope, items: Sequence[ItemRef], command: BackfillMailbox) -> None:
        """Each for itself; one that cannot be read is told and left, if others can or after many tries."""
        failed: dict[ItemRef, Unavailable] = {}
        for item in items:
            try:
                for part in _ingests_of(command, [item]):
                    self.ingest.within(scope, part)
            except Throttled:
                raise
            except Unavailable as error:
                failed[item] = error
        if len(failed) == len(items) and command.attempt < HOPELESS_AFTER:
            raise failed[items[0]]
        for item in failed:
            self.arrivals.quarantine(scope, item)


def _ingests_of(command: BackfillMailbox, items: Sequence[ItemRef]) -> Iterator[IngestMessages]:
    """What a step takes in. Its time is the step's: however often that is tried, a failure is recorded once."""
    return IngestMessages.groups(
        items,
        tenant_id=command.tenant_id,
        mailbox_id=command.mailbox_id,
        first_at=command.first_at,
        screened=True,
        silent=True,
        unbounded=True,
    )


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

        Raises InvalidInput for a time without a zone or in the future.
        """
        if since.tzinfo is None or since >= self.clock():
            raise InvalidInput(
                "'since' is a date and time in the past, with its time zone: 2026-01-31T00:00:00Z."
            )
        backfill = persistently(lambda: self._started(mailbox, since))
        self.queue.put(BackfillMailbox.of(mailbox, self.clock(), step=backfill.step))
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
