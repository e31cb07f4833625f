"""Backfill: history that was asked for is read in small steps, in a lane of its own, silently."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared import telemetry
from shared.domain.backfills import CANCELLED, Backfill
from shared.domain.commands import MAX_IDS, BackfillMailbox, IngestMessages
from shared.domain.errors import InvalidInput, NotFound, PageBroken, Throttled, Unavailable, WrongState
from shared.domain.folders import FolderState
from shared.domain.mailboxes import REMOVING, Mailbox
from shared.domain.messages import MessageHead
from shared.domain.sightings import FILED, TRIAGE, Sighting
from shared.domain.windows import Window, is_done
from shared.ports import Backfills, Clock, CommandQueue, FolderStates, Listed, MailSource
from shared.services.arrivals import SINGLY_AFTER, Arrivals
from shared.services.conflicts import persistently
from shared.services.ingest import Ingest
from shared.services.scopes import Scope
from shared.services.turns import Turns

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
            if scope is None or scope.mailbox.state == REMOVING:
                telemetry.event("backfill_dropped", mailbox=command.mailbox_id)
                return
            backfill = self.backfills.get(scope.mailbox)
            if backfill is None or not self._is_next(backfill, command):
                return
            if not scope.is_open:
                self.queue.put(replace(command, attempt=0, first_at=self.clock()), delay=PAUSE)
                return
            if command.step == backfill.step:
                backfill = self._step(replace(scope, unbounded=True), backfill, command)
        if backfill.is_running:
            self.queue.put(step_of(command.tenant_id, command.mailbox_id, backfill, self.clock()))

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
        folders = sorted(one.folder_id for one in self.folders.all(scope.mailbox) if one.captured)
        if not folders:
            raise Unavailable("The mailbox has not been walked yet.")
        expected = 0
        for folder_id in folders:
            try:
                expected += self.mail.count(scope.mailbox, folder_id, backfill.all_of_it)
            except NotFound:
                telemetry.event("folder_gone", mailbox=scope.mailbox.mailbox_id)
        return backfill.planned(tuple(folders), expected)

    def _page(self, scope: Scope, backfill: Backfill, command: BackfillMailbox) -> Backfill:
        folder_id, window = (backfill.folders or ("",))[0], backfill.window
        folder = self.folders.get(scope.mailbox, folder_id)
        if folder is None or not folder.captured or window is None:
            return backfill.advanced(None, 0)
        try:
            items, rest = self._listed(scope, folder, window, singly=command.attempt >= SINGLY_AFTER)
        except NotFound:  # deleted since it was planned
            return backfill.advanced(None, 0)
        new = self.arrivals.in_doubt(scope, items, _is_missing)
        heads = self.arrivals.complete(scope, new, singly=command.attempt >= SINGLY_AFTER)
        self._take_in(scope, folder, heads, command.attempt)
        return backfill.advanced(rest, len(items))

    def _listed(
        self, scope: Scope, folder: FolderState, window: Window, *, singly: bool
    ) -> tuple[list[Listed], Window | None]:
        """A page with headers; where an item breaks it, after some tries, a second of it by ids."""
        try:
            page = self.mail.listed(scope.mailbox, folder.folder_id, window, with_heads=True)
        except PageBroken:
            if not singly:
                raise
            return self._around(scope, folder, window)
        rest = window.after([one.received_at for one in page.items], page.link)
        return [one for one in page.items if is_done(one.received_at, rest)], rest

    def _around(
        self, scope: Scope, folder: FolderState, window: Window
    ) -> tuple[list[Listed], Window | None]:
        """The mails of the first second in which there are any, without headers; those that break pages are told."""
        page = self.mail.listed(scope.mailbox, folder.folder_id, replace(window, link=""))
        if not page.items:
            return [], None
        first = page.items[0].received_at
        rest = window.from_second_after(first)
        items = [one for one in page.items if one.received_at < rest.start]
        broken = self.mail.broken(scope.mailbox, folder.folder_id, first)
        for one in items:
            if one.graph_id in broken:
                self.arrivals.quarantine(scope, one)
        return items, rest

    def _take_in(self, scope: Scope, folder: FolderState, heads: Sequence[MessageHead], attempt: int) -> None:
        kept, skipped = self.arrivals.screened(scope, heads, folder)
        self.arrivals.write(scope, [one.sighting for one in skipped])
        ids = [one.head.graph_id for one in kept]
        if attempt >= SINGLY_AFTER:
            self._one_by_one(scope, [one.head for one in kept], attempt)
            return
        for start in range(0, len(ids), MAX_IDS):
            self.ingest.within(scope, self._ingest(scope, ids[start : start + MAX_IDS]))

    def _one_by_one(self, scope: Scope, heads: Sequence[MessageHead], attempt: int) -> None:
        """Each for itself; one that cannot be read is told and left, if others can or after many tries."""
        failed: list[MessageHead] = []
        error: Unavailable | None = None
        for head in heads:
            try:
                self.ingest.within(scope, self._ingest(scope, [head.graph_id]))
            except Throttled:
                raise
            except Unavailable as raised:
                failed, error = [*failed, head], raised
        if error is not None and len(failed) == len(heads) and attempt < HOPELESS_AFTER:
            raise error
        for head in failed:
            self.arrivals.quarantine(scope, Listed(head.graph_id, head.received_at))

    def _ingest(self, scope: Scope, ids: Sequence[str]) -> IngestMessages:
        return IngestMessages(
            tenant_id=scope.tenant_id,
            mailbox_id=scope.mailbox.mailbox_id,
            first_at=self.clock(),
            ids=tuple(ids),
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
        self.queue.put(step_of(mailbox.tenant_id, mailbox.mailbox_id, backfill, self.clock()))
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


def step_of(tenant_id: str, mailbox_id: str, backfill: Backfill, now: datetime) -> BackfillMailbox:
    """The command for the next step."""
    return BackfillMailbox(tenant_id=tenant_id, mailbox_id=mailbox_id, first_at=now, step=backfill.step)


def _is_missing(sighting: Sighting | None) -> bool:
    """History is decided anew, whatever was decided then: contacts may have come since."""
    return sighting is None or sighting.outcome not in (FILED, TRIAGE)
