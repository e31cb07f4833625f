"""Walks a mailbox: changes of all folders are read first, and keepers stand in the worklist before a cursor moves."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from shared import telemetry
from shared.domain.capture.folders import FolderState, classify
from shared.domain.capture.pending import EARLIEST, Lane, PendingRow
from shared.domain.capture.screening import is_door
from shared.domain.capture.worklist import wake_up
from shared.domain.commands.commands import MAX_IDS, SyncMailbox
from shared.domain.connections.mailbox_state import walked
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import CursorExpired, NotFound, PageBroken, PostledgerError, Unavailable
from shared.ports.mail import Listed, MailAccess
from shared.ports.stores.capture import FolderStates, Pending
from shared.ports.stores.connections import Mailboxes
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.arrivals import Arrivals, is_unsettled
from shared.services.capture.mailbox_access import WatchAccess
from shared.services.capture.resync import Resync
from shared.services.capture.scopes import Scope
from shared.services.intake.first_reading import FirstReading

# A walk gives way after this many pages that had another behind them, and goes on behind the live rows that have
# come meanwhile. A folder's last page does not count: however many folders, each is reached.
MAX_PAGES: Final = 40
# Of those, a walk from `mail` reads one: the rest is history, and the queue is there for what somebody waits for.
MAX_LIVE_PAGES: Final = 1
# So many folders may fail in a walk before it is taken for an outage.
MOST_FAILED = 3
# The clocks of two instances may differ by this much, rather less.
CLOCK_SKEW = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Sync:
    """One walk. Sightings first, then rows, then the cursor: a crash repeats a page and loses none."""

    mail: MailAccess
    mailboxes: Mailboxes
    folders: FolderStates
    arrivals: Arrivals
    first_reading: FirstReading
    resync: Resync
    access: WatchAccess
    pending: Pending
    queue: CommandQueue
    clock: Clock

    def __call__(
        self, scope: Scope, command: SyncMailbox, attend: Callable[[], None], *, is_bulk: bool
    ) -> bool:
        """Whether it may have left rows for its holder. `is_bulk`: the holder runs history, too.

        `attend` is called between pages, so that live mail does not wait for the end.
        """
        if not scope.is_enabled or scope.mailbox.connected_at is None:
            telemetry.event("sync_dropped", mailbox=command.mailbox_id)
            return False
        if is_covered(command, scope.mailbox):
            telemetry.event("sync_covered", mailbox=command.mailbox_id)
            return False
        is_first = scope.mailbox.state.last_sync_at is None
        progress = _Progress(MAX_PAGES if is_bulk else MAX_LIVE_PAGES, attend, is_first=is_first)
        # What a first walk finds is history; a later one may find what somebody waits for.
        scope = replace(scope, in_history_lane=progress.is_first)
        try:
            self._to_the_end(scope, command, progress)
        except PostledgerError:
            self._call(scope, progress, is_bulk=is_bulk)
            raise
        self._call(scope, progress, is_bulk=is_bulk)
        return progress.has_live or (progress.has_history and is_bulk)

    def _call(self, scope: Scope, progress: "_Progress", *, is_bulk: bool) -> None:
        """Who holds the mailbox for `mail` leaves history to another. A walk that is killed leaves it to the tick."""
        if progress.has_history and not is_bulk:
            call = wake_up(Lane.HISTORY, scope.tenant_id, scope.mailbox.mailbox_id, now=self.clock())
            self.queue.send(call)

    def _to_the_end(self, scope: Scope, command: SyncMailbox, progress: "_Progress") -> None:
        started = self.clock()
        if self._walk(scope, progress):
            self.mailboxes.change(scope.mailbox, walked(started))
            return
        # Ahead of the mails that it has found: what it finds next may be older.
        rest = replace(command, attempt=0, first_at=self.clock())
        row = PendingRow.of_command(rest, lane=Lane.HISTORY, at=EARLIEST)
        self.pending.put(scope.tenant_id, scope.mailbox.mailbox_id, [row])
        progress.has_history = True

    def _walk(self, scope: Scope, progress: "_Progress") -> bool:
        """Whether every captured folder was read to its end.

        A folder that fails for now does not keep the others waiting: its error is raised once they are done.
        """
        folders = self._folders(scope)
        # Before anything is left that is dropped without access.
        self.access.proved(scope)
        for folder in folders:
            if folder.captured and not self._read(scope, folder, progress):
                return False
        if progress.failed:
            raise progress.failed[0]
        return True

    def _read(self, scope: Scope, folder: FolderState, progress: "_Progress") -> bool:
        """Read a folder as far as it goes; False: the walk has read so many pages that it gives way."""
        state, more = folder, True
        scope = self._with_dates(scope, folder)
        if self.first_reading.has_backlog(scope, folder):
            self._take_backlog(scope, folder, progress)
        while more:
            if progress.full_pages == progress.most_pages:
                return False
            progress.attend()
            try:
                state, more = self._page(scope, state, progress)
            except NotFound:  # deleted since the folders were listed
                telemetry.event("folder_gone", mailbox=scope.mailbox.mailbox_id)
                return True
            except Unavailable as error:
                progress.note(error)
                return True
            progress.full_pages += more
        return True

    def _with_dates(self, scope: Scope, folder: FolderState) -> Scope:
        """At the door of an intake mailbox dates count only as long as its position is not known."""
        since = scope.captures_from
        is_unknown = folder.is_first_read or folder.resync is not None
        if since is None or not is_unknown or not is_door(scope.mailbox, folder):
            return scope
        return replace(scope, old_before=scope.read_anew_from(since))

    def _take_backlog(self, scope: Scope, folder: FolderState, progress: "_Progress") -> None:
        try:
            self.first_reading.take_backlog(scope, folder, progress.attend, progress.history)
        except NotFound:  # deleted since the folders were listed
            telemetry.event("folder_gone", mailbox=scope.mailbox.mailbox_id)

    def _folders(self, scope: Scope) -> list[FolderState]:
        """The folders as they are now, with the cursors known of them."""
        known = {state.folder_id: state for state in self.folders.all(scope.mailbox)}
        roles = {folder_id: state.role for folder_id, state in known.items()}
        listed = self.mail.open(scope.mailbox).folders(roles)
        return [self._state(scope, found, known.get(found.folder_id)) for found in classify(listed)]

    def _state(self, scope: Scope, found: FolderState, known: FolderState | None) -> FolderState:
        """What is known of a folder; written where it is new or has become another one, as when it was moved."""
        if known is None:
            return self._put(scope, found)
        if (known.kind, known.captured) == (found.kind, found.captured):
            return known
        return self._put(scope, replace(found, cursor=known.cursor, etag=known.etag))

    def _page(self, scope: Scope, state: FolderState, progress: "_Progress") -> tuple[FolderState, bool]:
        """Take in a page of the window that is open, or else of the changes. Whether there is more to read."""
        since = scope.captures_from
        try:
            if state.resync is not None:
                read = self.resync.page(scope, state, state.resync, progress.history)
                return self._put(scope, _well(read)), True
            return self._changes(scope, state, since, progress)
        except CursorExpired as error:
            lost = self._put(scope, self.resync.lost(scope, state, since))
            if state.is_first_read:  # at once again it might go on like this for ever
                raise Unavailable("The mailbox's provider forgets a cursor while it is used.") from error
            return lost, True
        except PageBroken:
            counted = self._put(scope, self.resync.broken(scope, state, since))
            if counted.broken:
                raise
            return counted, True

    def _changes(
        self, scope: Scope, state: FolderState, since: datetime | None, progress: "_Progress"
    ) -> tuple[FolderState, bool]:
        box = self.mail.open(scope.mailbox)
        begin = state.begins or since
        has_door = is_door(scope.mailbox, state)
        if has_door and not (state.noted or state.is_first_read):
            # It was a personal mailbox's: its cursor does not show what is moved in.
            state = replace(state, cursor="", under_way=False)
        page = box.changes(state.folder_id, state.cursor, begin, arrivals=has_door)
        heads = [*page.heads, *self.arrivals.heads(scope, page.partial)]
        listed = [*page.bare, *(Listed(head.item, head.received_at, head) for head in heads)]
        if has_door and state.is_first_read and begin is not None:
            listed = self.first_reading.without_old(scope, state, listed, begin)
        new = self.arrivals.in_doubt(scope, listed, is_unsettled)
        self.arrivals.take(scope, self.arrivals.complete(scope, new), state, progress.lane)
        moved = replace(_well(state), cursor=page.cursor, under_way=page.more)
        if not page.more:
            moved = self._ended(state, moved, since, is_complete=page.is_complete)
            moved = replace(moved, noted=moved.noted or has_door)
        return self._put(scope, moved), page.more or moved.resync is not None

    def _ended(
        self, state: FolderState, moved: FolderState, since: datetime | None, *, is_complete: bool
    ) -> FolderState:
        """At the end of the changes. What begins behind a window that was read by itself may be cut short."""
        if is_complete or state.begins is not None or since is None:
            return replace(moved, begins=state.begins or since)
        return self.resync.cut_short(moved, since)

    def _put(self, scope: Scope, state: FolderState) -> FolderState:
        return self.folders.put(scope.mailbox, state)


@dataclass(slots=True)
class _Progress:
    """How far a walk has come: pages with another one behind them, what it has kept, and folders that failed for now.

    A first walk, a resync and what is more than one group are history.
    """

    most_pages: int
    attend: Callable[[], None]
    is_first: bool
    full_pages: int = 0
    kept: int = 0
    has_live: bool = False
    has_history: bool = False
    failed: list[Unavailable] = field(default_factory=list)

    def lane(self, kept: int) -> Lane:
        """Where so many more keepers belong."""
        self.kept += kept
        if self.is_first or self.kept > MAX_IDS:
            return self.history(kept)
        self.has_live = self.has_live or kept > 0
        return Lane.LIVE

    def history(self, kept: int) -> Lane:
        """Where the keepers of a resync belong, however few."""
        self.has_history = self.has_history or kept > 0
        return Lane.HISTORY

    def note(self, error: Unavailable) -> None:
        """Raises the error where other folders would not fare better: a wait holds for all, and so does an outage."""
        self.failed.append(error)
        is_outage = len(self.failed) > MOST_FAILED and not isinstance(error, PageBroken)
        if error.retry_after or is_outage:
            raise error


def _well(state: FolderState) -> FolderState:
    """A page was had."""
    return replace(state, broken=0, broken_at=None)


def is_covered(command: SyncMailbox, mailbox: Mailbox) -> bool:
    """Whether a whole walk has begun and ended since this one was asked for: whoever waited for it is served."""
    last = mailbox.state.last_sync_at
    return last is not None and last - command.first_at >= CLOCK_SKEW
