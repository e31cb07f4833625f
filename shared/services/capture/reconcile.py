"""Reconciliation: what lies in a mailbox is compared with the ledger, and what is missing there is made up for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from shared import telemetry
from shared.domain.capture.folders import FolderState
from shared.domain.capture.pending import Lane, PendingRow
from shared.domain.capture.reconciliation import REACH, Reconciliation, is_in_doubt
from shared.domain.capture.sightings import Sighting
from shared.domain.capture.windows import Window
from shared.domain.commands.commands import SINGLY_AFTER, BackfillMailbox, ReconcileMailbox
from shared.domain.connections.mailbox_state import reconciled
from shared.domain.errors import NotFound
from shared.domain.mail.messages import MessageHead
from shared.ports.stores.capture import Backfills, FolderStates, Pending
from shared.ports.stores.connections import Mailboxes, Organisations
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.arrivals import Arrivals
from shared.services.capture.folder_reading import FolderReader
from shared.services.capture.scopes import Scope

# A sweep gives way to walks after this many pages of 500 ids.
MAX_PAGES: Final = 20
# Nobody is told of mail that is found this late.
LIVE: Final = timedelta(days=1)
# The nightly sweeps are spread over this time. Seconds.
SPREAD: Final = 3_600


@dataclass(frozen=True, slots=True)
class Reconcile:
    """One sweep, or the next part of it. Safe to run twice: what was repaired is in the ledger then."""

    reader: FolderReader
    mailboxes: Mailboxes
    folders: FolderStates
    arrivals: Arrivals
    backfills: Backfills
    pending: Pending
    queue: CommandQueue
    clock: Clock

    def __call__(self, scope: Scope, command: ReconcileMailbox, attend: Callable[[], None]) -> None:
        """`attend` is called between pages, so that live mail does not wait for the end."""
        if not scope.is_readable or scope.captures_from is None:
            telemetry.event("reconcile_dropped", mailbox=command.mailbox_id)
            return
        progress = _Progress(attend, singly=command.attempt >= SINGLY_AFTER)
        rest, counted = self._sweep(replace(scope, in_history_lane=True), command, progress)
        if rest is None:
            self._conclude(scope, counted)
        else:
            # Behind the mails that it has found.
            row = PendingRow.of_command(rest)
            self.pending.put(scope.tenant_id, scope.mailbox.mailbox_id, [row])

    def _sweep(
        self, scope: Scope, command: ReconcileMailbox, progress: "_Progress"
    ) -> tuple[ReconcileMailbox | None, Reconciliation]:
        """The command for the rest, if the sweep gives way, and what has been counted so far."""
        counted, start = self._begun(scope, command), command.start
        for folder in self._folders(scope, command.after):
            window = Window.of(start or counted.since, counted.at)
            rest, counted = self._compare(scope, folder, window, counted, progress)
            if rest is not None:
                return self._rest(command, rest, counted), counted
            start = None
            command = replace(command, after=folder.folder_id)
        return None, counted

    def _compare(
        self,
        scope: Scope,
        folder: FolderState,
        window: Window,
        counted: Reconciliation,
        progress: "_Progress",
    ) -> tuple[Window | None, Reconciliation]:
        """Compare a folder to the end of the window; what is left where the sweep gives way in it."""
        rest: Window | None = window
        while rest is not None:
            # Inside a crowded second the cursor cannot be kept in a command: it goes on to the second's end.
            if progress.pages >= MAX_PAGES and not rest.cursor:
                return rest, counted
            progress.attend()
            try:
                rest, counted = self._page(scope, folder, rest, counted, singly=progress.singly)
            except NotFound:  # deleted since the last walk
                return None, counted
            progress.pages += 1
        return None, counted

    def _begun(self, scope: Scope, command: ReconcileMailbox) -> Reconciliation:
        if command.counted:
            return Reconciliation.from_json(command.counted)
        now = self.clock()
        since = command.since or now - REACH
        bound = scope.captures_from
        return Reconciliation(at=now, since=max(since, bound) if bound else since)

    def _folders(self, scope: Scope, after: str) -> list[FolderState]:
        states = self.folders.all(scope.mailbox)
        left = [state for state in states if state.captured and state.folder_id > after]
        return sorted(left, key=lambda state: state.folder_id)

    def _rest(self, command: ReconcileMailbox, window: Window, counted: Reconciliation) -> ReconcileMailbox:
        return replace(
            command, start=window.start, counted=counted.to_json(), attempt=0, first_at=self.clock()
        )

    def _page(
        self, scope: Scope, folder: FolderState, window: Window, counted: Reconciliation, *, singly: bool
    ) -> tuple[Window | None, Reconciliation]:
        page = self.reader.page(scope.mailbox, folder.folder_id, window)
        known = self.arrivals.known(scope, page.items)
        items, now = [entry.item for entry in page.items], self.clock()
        doubtful = [item for item in items if is_in_doubt(known.get(item), now)]
        repaired = self._repair(scope, folder, self.arrivals.heads(scope, doubtful, singly=singly))
        certain = known.keys() - set(doubtful)
        sure = [known[item] for item in items if item in certain]
        return page.rest, counted.counting([*sure, *repaired], repaired=len(repaired))

    def _repair(self, scope: Scope, folder: FolderState, heads: Sequence[MessageHead]) -> list[Sighting]:
        """Decide anew, into the worklist, write down: who is killed in between finds the doubt again."""
        kept, skipped = self.arrivals.screened(scope, heads, folder)
        live = self.clock() - LIVE
        for silent in (False, True):
            mails = [mail for mail in kept if (mail.head.received_at < live) is silent]
            self.arrivals.put(scope, mails, Lane.HISTORY, silent=silent)
        rows = self.arrivals.rows(kept, skipped)
        self.arrivals.write(scope, rows)
        return rows

    def _conclude(self, scope: Scope, counted: Reconciliation) -> None:
        """Keep the counts; a backfill whose command was lost is taken up again."""
        self.mailboxes.change(scope.mailbox, reconciled(counted.to_json()))
        telemetry.event(
            "reconciled", mailbox=scope.mailbox.mailbox_id, seen=counted.seen, repaired=counted.repaired
        )
        backfill = self.backfills.get(scope.mailbox)
        if backfill is not None and backfill.is_stalled(self.clock()):
            telemetry.alert("backfill_taken_up", mailbox=scope.mailbox.mailbox_id)
            self.queue.send(BackfillMailbox.of(scope.mailbox, self.clock(), step=backfill.step))


@dataclass(slots=True)
class _Progress:
    """Pages that this sweep has read; `singly`: mails that cannot be had together are asked for one by one."""

    attend: Callable[[], None]
    singly: bool
    pages: int = 0


@dataclass(frozen=True, slots=True)
class ReconcileAll:
    """The nightly timer's part: a sweep for every captured mailbox, spread over an hour."""

    organisations: Organisations
    mailboxes: Mailboxes
    queue: CommandQueue
    clock: Clock

    def __call__(self) -> None:
        asked = 0
        for organisation in self.organisations.all():
            if not organisation.is_served:
                continue
            for mailbox in self.mailboxes.of(organisation.tenant_id):
                if mailbox.is_served:
                    delay = int(mailbox.mailbox_id[:8], 16) % SPREAD
                    self.queue.send(ReconcileMailbox.of(mailbox, self.clock()), delay=delay)
                    asked += 1
        telemetry.event("reconciliation_asked", mailboxes=asked)
