"""Walks a mailbox: folder by folder, page by page from where its cursor stands, keepers onto the ingest queue."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared import telemetry
from shared.domain.capture.folders import FolderState, classify
from shared.domain.commands.commands import SyncMailbox
from shared.domain.connections.mailbox_state import walked
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Busy, CursorExpired, NotFound, PageBroken, Unavailable
from shared.ports.mail import Listed, MailAccess
from shared.ports.stores.capture import FolderStates
from shared.ports.stores.connections import Mailboxes
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.arrivals import Arrivals, is_unsettled
from shared.services.capture.resync import Resync
from shared.services.capture.scopes import Scope
from shared.services.capture.turns import MOST_REMEMBERED, Turns

# A walk gives way after this many pages that had another behind them and puts itself back, so that nobody
# waits behind a long one. A folder's last page does not count: however many folders, each is reached.
MAX_PAGES = 40
# So many folders may fail in a walk before it is taken for an outage.
MOST_FAILED = 3
# The clocks of two instances may differ by this much, rather less.
CLOCK_SKEW = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Sync:
    """One walk. Sightings first, then commands, then the cursor: a crash repeats a page and loses none."""

    turns: Turns
    mail: MailAccess
    mailboxes: Mailboxes
    folders: FolderStates
    arrivals: Arrivals
    resync: Resync
    queue: CommandQueue
    clock: Clock
    # When the latest walk was asked for that this process has seen waiting, by tenant and mailbox.
    _waiting: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def __call__(self, command: SyncMailbox) -> None:
        try:
            self._in_turn(command)
        except Busy:
            if not self._is_served(command):
                raise
            telemetry.event("sync_covered", mailbox=command.mailbox_id)

    def _is_served(self, command: SyncMailbox) -> bool:
        """Whether a walk that did not get its turn may be dropped, for a later one has ended, or waits as well.

        Each that waits was put back on the queue, where it stays until it has been carried out.
        """
        mailbox = self.mailboxes.by_id(command.tenant_id, command.mailbox_id)
        if mailbox is not None and is_covered(command, mailbox):
            return True
        place = (command.tenant_id, command.mailbox_id)
        latest = self._waiting.get(place)
        if latest is not None and latest - command.first_at >= CLOCK_SKEW:
            return True
        if len(self._waiting) >= MOST_REMEMBERED:
            self._waiting.clear()
        self._waiting[place] = max(latest or command.first_at, command.first_at)
        return False

    def _in_turn(self, command: SyncMailbox) -> None:
        with self.turns.walk(command) as scope:
            if scope is None or not scope.is_enabled or scope.mailbox.connected_at is None:
                telemetry.event("sync_dropped", mailbox=command.mailbox_id)
                return
            if is_covered(command, scope.mailbox):
                telemetry.event("sync_covered", mailbox=command.mailbox_id)
                return
            started = self.clock()
            finished = self._walk(scope)
            if finished:
                self.mailboxes.change(scope.mailbox, walked(started))
        if not finished:
            self.queue.put(replace(command, attempt=0, first_at=self.clock()))

    def _walk(self, scope: Scope) -> bool:
        """Whether every captured folder was read to its end.

        A folder that fails for now does not keep the others waiting: its error is raised once they are done.
        """
        folders = self._folders(scope)
        self.turns.proved(scope)
        progress = _Progress()
        for folder in folders:
            if folder.captured and not self._read(scope, folder, progress):
                return False
        if progress.failed:
            raise progress.failed[0]
        return True

    def _read(self, scope: Scope, folder: FolderState, progress: "_Progress") -> bool:
        """Read a folder as far as it goes; False: the walk has read so many pages that it gives way."""
        state, more = folder, True
        while more:
            if progress.full_pages == MAX_PAGES:
                return False
            try:
                state, more = self._page(scope, state)
            except NotFound:  # deleted since the folders were listed
                telemetry.event("folder_gone", mailbox=scope.mailbox.mailbox_id)
                return True
            except Unavailable as error:
                progress.note(error)
                return True
            progress.full_pages += more
        return True

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

    def _page(self, scope: Scope, state: FolderState) -> tuple[FolderState, bool]:
        """Take in a page of the window that is open, or else of the changes. Whether there is more to read."""
        since = scope.captures_from
        try:
            if state.resync is not None:
                return self._put(scope, _well(self.resync.page(scope, state, state.resync))), True
            return self._changes(scope, state, since)
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

    def _changes(self, scope: Scope, state: FolderState, since: datetime | None) -> tuple[FolderState, bool]:
        box = self.mail.open(scope.mailbox)
        page = box.changes(state.folder_id, state.cursor, state.begins or since)
        heads = [*page.heads, *self.arrivals.heads(scope, page.partial)]
        listed = [*page.bare, *(Listed(head.item, head.received_at, head) for head in heads)]
        new = self.arrivals.in_doubt(scope, listed, is_unsettled)
        self.arrivals.take(scope, self.arrivals.complete(scope, new), state)
        moved = replace(_well(state), cursor=page.cursor, under_way=page.more)
        if not page.more:
            moved = self._ended(state, moved, since, is_complete=page.is_complete)
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
    """How far a walk has come: pages with another one behind them, and folders that failed for now."""

    full_pages: int = 0
    failed: list[Unavailable] = field(default_factory=list)

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
