"""Walks a mailbox: folder by folder, page by page from where each delta stands, keepers onto the ingest queue."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared import telemetry
from shared.domain.capture.folders import FolderState, classify
from shared.domain.commands.commands import SyncMailbox
from shared.domain.connections.mailbox_state import walked
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Busy, CursorExpired, NotFound, PageBroken, Unavailable
from shared.ports.mail import Listed, MailSource
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
# With a filter, a first delta ends after 5,000 messages, without a word (Graph, "message: delta").
FILTERED_MAXIMUM = 5_000
# The clocks of two instances may differ by this much, rather less.
CLOCK_SKEW = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Sync:
    """One walk. Sightings first, then commands, then the cursor: a crash repeats a page and loses none."""

    turns: Turns
    mail: MailSource
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
        A wait that Graph asks for holds for all of them, and is raised at once.
        """
        full_pages = 0
        failed: list[Unavailable] = []
        folders = self._folders(scope)
        self.turns.proved(scope)
        for folder in folders:
            state, more = folder, folder.captured
            while more:
                if full_pages == MAX_PAGES:
                    return False
                try:
                    state, more = self._page(scope, state)
                except NotFound:  # deleted since the folders were listed
                    telemetry.event("folder_gone", mailbox=scope.mailbox.mailbox_id)
                    break
                except Unavailable as error:
                    failed.append(error)
                    if error.retry_after or (len(failed) > MOST_FAILED and not isinstance(error, PageBroken)):
                        raise
                    break
                full_pages += more
        if failed:
            raise failed[0]
        return True

    def _folders(self, scope: Scope) -> list[FolderState]:
        """The folders as they are now, with the cursors known of them."""
        mailbox = scope.mailbox
        known = {one.folder_id: one for one in self.folders.all(mailbox)}
        listed = self.mail.folders(mailbox)
        names = {one.folder_id: one.well_known for one in known.values() if one.well_known}
        if any(one.folder_id not in known for one in listed):
            names = dict(self.mail.well_known_folders(mailbox))
        states = []
        for found in classify(listed, names):
            state = known.get(found.folder_id)
            if state is None or (state.kind, state.captured) != (found.kind, found.captured):
                state = replace(found, link=state.link, etag=state.etag) if state else found
                state = self.folders.put(mailbox, state)
            states.append(state)
        return states

    def _page(self, scope: Scope, state: FolderState) -> tuple[FolderState, bool]:
        """Take in a page of the window that is open, or else of the delta. Whether there is more to read."""
        since = scope.captures_from
        try:
            if state.resync is not None:
                return self._put(scope, _well(self.resync.page(scope, state, state.resync))), True
            return self._delta(scope, state, since)
        except CursorExpired as error:
            is_under_way = not state.link or state.served > 0
            lost = self._put(scope, self.resync.lost(scope, state, since))
            if is_under_way:
                raise Unavailable("Microsoft Graph forgets a delta while it is read.") from error
            return lost, True
        except PageBroken:
            counted = self._put(scope, self.resync.broken(scope, state, since))
            if counted.broken:
                raise
            return counted, True

    def _delta(self, scope: Scope, state: FolderState, since: datetime | None) -> tuple[FolderState, bool]:
        page = self.mail.delta(scope.mailbox, state, state.begins or since)
        heads = [*page.heads, *self.arrivals.heads(scope, page.partial)]
        listed = [Listed(one.item, one.received_at, one) for one in heads]
        new = self.arrivals.in_doubt(scope, listed, is_unsettled)
        self.arrivals.take(scope, [one.head for one in new if one.head], state)
        shown = state.served + len(page.heads) + len(page.partial)
        served = max(shown, 1) if page.more else shown
        moved = replace(_well(state), link=page.link, served=served)
        if not page.more:
            moved = replace(moved, served=0, begins=state.begins or since)
            if served >= FILTERED_MAXIMUM and state.begins is None and since is not None:
                moved = self.resync.cut_short(moved, since)
        return self._put(scope, moved), page.more or moved.resync is not None

    def _put(self, scope: Scope, state: FolderState) -> FolderState:
        return self.folders.put(scope.mailbox, state)


def _well(state: FolderState) -> FolderState:
    """A page was had."""
    return replace(state, broken=0, broken_at=None)


def is_covered(command: SyncMailbox, mailbox: Mailbox) -> bool:
    """Whether a whole walk has begun and ended since this one was asked for: whoever waited for it is served."""
    last = mailbox.state.last_sync_at
    return last is not None and last - command.first_at >= CLOCK_SKEW
