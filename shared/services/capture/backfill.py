"""Backfill: history that was asked for is read in small steps, in a lane of its own, silently."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared import telemetry
from shared.domain.capture.backfills import CANCELLED, Backfill
from shared.domain.capture.folders import FolderState
from shared.domain.capture.sightings import FILED, TRIAGE
from shared.domain.capture.windows import Window, is_done
from shared.domain.commands.commands import MAX_IDS, BackfillMailbox, IngestMessages
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import InvalidInput, NotFound, PageBroken, Throttled, Unavailable, WrongState
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import MessageHead
from shared.ports.mail import Listed, MailSource
from shared.ports.stores.capture import Backfills, FolderStates
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.arrivals import SINGLY_AFTER, Arrivals
from shared.services.capture.scopes import Scope
from shared.services.capture.turns import Turns
from shared.services.filing.conflicts import persistently
from shared.services.filing.ingest import Ingest

# How long a backfill waits before it looks whether its paused mailbox is captured again. Seconds.
PAUSE: Final = 600.0
# From this try on, an item that cannot be read is given up even where no other shows that Graph works.
HOPELESS_AFTER: Final = 8


@dataclass(frozen=True, slots=True)
class StepBackfill:
    """One step: a page of at most 50 mails. Filed, then the cursor is written, then the next step is queued."""

    turns: Turns
    mail: MailSource
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
        captured = sorted(one.folder_id for one in self.folders.all(scope.mailbox) if one.captured)
        if not captured:
            raise Unavailable("The mailbox has not been walked yet.")
        counts = {one: self._count(scope, one, backfill.all_of_it) for one in captured}
        folders = tuple(one for one, count in counts.items() if count)
        return backfill.planned(folders, sum(counts.values()))

    def _count(self, scope: Scope, folder_id: str, window: Window) -> int:
        try:
            return self.mail.count(scope.mailbox, folder_id, window)
        except NotFound:  # deleted since the last walk
            return 0

    def _page(self, scope: Scope, backfill: Backfill, command: BackfillMailbox) -> Backfill:
        folder_id, window = (backfill.folders or ("",))[0], backfill.window
        folder = self.folders.get(scope.mailbox, folder_id)
        if folder is None or not folder.captured or window is None:
            return backfill.advanced(None, 0)
        try:
            page = self.mail.listed(scope.mailbox, folder_id, window, with_heads=True)
        except NotFound:  # deleted since it was planned
            return backfill.advanced(None, 0)
        except PageBroken:
            if command.attempt < SINGLY_AFTER:
                raise
            return self._around(scope, folder, backfill, command)
        rest = window.after([one.received_at for one in page.items], page.link)
        items = [one for one in page.items if is_done(one.received_at, rest)]
        new = self._missing(scope, backfill, items)
        heads = self.arrivals.complete(scope, new, singly=command.attempt >= SINGLY_AFTER)
        backfill = self._take_in(scope, folder, backfill, heads, command)
        return backfill.advanced(rest, len(items))

    def _around(
        self, scope: Scope, folder: FolderState, backfill: Backfill, command: BackfillMailbox
    ) -> Backfill:
        """The mails of the next second in which there are any, by id; those that break their page are told."""
        window = backfill.window or backfill.all_of_it
        page = self.mail.listed(scope.mailbox, folder.folder_id, replace(window, link=""))
        if not page.items:
            return backfill.advanced(None, 0)
        first = page.items[0].received_at
        rest = window.from_second_after(first)
        items = [one for one in page.items if one.received_at < rest.start]
        broken = self.mail.broken(scope.mailbox, folder.folder_id, first)
        for one in sorted(broken):
            self.arrivals.quarantine(scope, one)
        new = self._missing(scope, backfill, items)
        heads = self.arrivals.heads_singly(scope, [one.item for one in new], broken)
        backfill = self._take_in(scope, folder, backfill, heads, command)
        # Where a link led past this second, its mails have been counted.
        return backfill.advanced(rest, 0 if window.link else len(items))

    def _missing(self, scope: Scope, backfill: Backfill, items: Sequence[Listed]) -> list[Listed]:
        """What is not filed, or was just being filed. A skip is decided anew: contacts may have come since."""
        begun = set(backfill.begun)
        known = self.arrivals.known(scope, items)
        filed = {key for key, one in known.items() if one.outcome in (FILED, TRIAGE)} - begun
        return [one for one in items if one.item not in filed]

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
        self.arrivals.write(scope, [one.sighting for one in skipped])
        ids = [one.head.item for one in kept]
        if not ids:
            return backfill
        begun = self.backfills.put(scope.mailbox, replace(backfill, begun=tuple(ids)))
        if command.attempt >= SINGLY_AFTER:
            self._one_by_one(scope, ids, command)
            return begun
        for start in range(0, len(ids), MAX_IDS):
            self.ingest.within(scope, _ingest_of(command, ids[start : start + MAX_IDS]))
        return begun

    def _one_by_one(self, scope: Scope, ids: Sequence[ItemRef], command: BackfillMailbox) -> None:
        """Each for itself; one that cannot be read is told and left, if others can or after many tries."""
        failed: dict[ItemRef, Unavailable] = {}
        for one in ids:
            try:
                self.ingest.within(scope, _ingest_of(command, [one]))
            except Throttled:
                raise
            except Unavailable as error:
                failed[one] = error
        if len(failed) == len(ids) and command.attempt < HOPELESS_AFTER:
            raise failed[ids[0]]
        for one in failed:
            self.arrivals.quarantine(scope, one)


def _ingest_of(command: BackfillMailbox, ids: Sequence[ItemRef]) -> IngestMessages:
    """What a step takes in. Its time is the step's: however often that is tried, a failure is recorded once."""
    return IngestMessages(
        tenant_id=command.tenant_id,
        mailbox_id=command.mailbox_id,
        first_at=command.first_at,
        items=tuple(ids),
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
