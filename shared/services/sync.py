"""Walks a mailbox: folder by folder, page by page from where each delta stands, keepers onto the ingest queue."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared import telemetry
from shared.domain.commands import MAX_IDS, IngestMessages, SyncMailbox
from shared.domain.errors import NotFound, PermanentError, SyncStateExpired
from shared.domain.folders import FolderState, classify
from shared.domain.mailboxes import NO_ACCESS, OK, POLLING, Mailbox
from shared.domain.messages import MessageHead
from shared.ports import (
    Clock,
    CommandQueue,
    DeltaPage,
    FolderStates,
    Mailboxes,
    MailSource,
    Sightings,
)
from shared.services.scopes import Scope
from shared.services.screening import Screen
from shared.services.turns import Turns

# A walk gives way after this many pages that had another behind them and puts itself back, so that nobody
# waits behind a long one. A folder's last page does not count: however many folders, each is reached.
MAX_PAGES = 40
# When Graph has forgotten a delta token, look again at this much before the last walk.
OVERLAP = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sync:
    """One walk. Sightings first, then commands, then the cursor: a crash repeats a page and loses none."""

    turns: Turns
    mail: MailSource
    mailboxes: Mailboxes
    folders: FolderStates
    screen: Screen
    sightings: Sightings
    queue: CommandQueue
    clock: Clock

    def __call__(self, command: SyncMailbox) -> None:
        with self.turns.walk(command) as scope:
            if scope is None or not scope.is_active or scope.mailbox.connected_at is None:
                telemetry.event("sync_dropped", mailbox=command.mailbox_id)
                return
            started = self.clock()
            finished = self._walk(scope)
            if finished:
                self.mailboxes.note(scope.mailbox, **walked(scope.mailbox, started))
        if not finished:
            self.queue.put(replace(command, attempt=0, first_at=self.clock()))

    def _walk(self, scope: Scope) -> bool:
        """Whether every captured folder was read to its end."""
        full_pages = 0
        for folder in self._folders(scope):
            state, more = folder, folder.captured
            while more:
                if full_pages == MAX_PAGES:
                    return False
                try:
                    state, more = self._page(scope, state)
                except NotFound:  # deleted since the folders were listed
                    telemetry.event("folder_gone", mailbox=scope.mailbox.mailbox_id)
                    break
                full_pages += more
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
        page, state = self._delta(scope, state)
        heads = [*page.heads, *self._completed(scope, page.partial)]
        # What has moved on since the page was made comes with the other folder's delta.
        here = [one for one in heads if one.folder_id in ("", state.folder_id)]
        self._sort_out(scope, [replace(one, folder_id=state.folder_id) for one in here], state)
        return self.folders.put(scope.mailbox, replace(state, link=page.link)), page.more

    def _delta(self, scope: Scope, state: FolderState) -> tuple[DeltaPage, FolderState]:
        since = scope.mailbox.captures_from(scope.organisation.capture_hours)
        try:
            return self.mail.delta(scope.mailbox, state, since), state
        except SyncStateExpired:
            telemetry.event("delta_expired", mailbox=scope.mailbox.mailbox_id, folder=state.kind)
            fresh = replace(state, link="")
            return self.mail.delta(scope.mailbox, fresh, _resync_from(scope, since)), fresh

    def _completed(self, scope: Scope, ids: Sequence[str]) -> list[MessageHead]:
        """Headers of changed messages that the page named only in part; those that are gone are left out."""
        heads: list[MessageHead] = []
        for start in range(0, len(ids), MAX_IDS):
            found = self.mail.heads(scope.mailbox, ids[start : start + MAX_IDS])
            heads += [one for one in found.values() if not isinstance(one, PermanentError)]
        return heads

    def _sort_out(self, scope: Scope, heads: Sequence[MessageHead], state: FolderState) -> None:
        """Decide capture for what the ledger does not know as settled, write it down, queue the keepers."""
        new = self._unsettled(scope, heads)
        if not new:
            return
        screened = self.screen(scope, new, {state.folder_id: state})
        self.sightings.put(scope.mailbox, [one.sighting for one in screened])
        keepers = [one.head.graph_id for one in screened if one.verdict.keep]
        for start in range(0, len(keepers), MAX_IDS):
            self.queue.put(
                IngestMessages(
                    tenant_id=scope.tenant_id,
                    mailbox_id=scope.mailbox.mailbox_id,
                    first_at=self.clock(),
                    ids=tuple(keepers[start : start + MAX_IDS]),
                    screened=True,
                )
            )

    def _unsettled(self, scope: Scope, heads: Sequence[MessageHead]) -> list[MessageHead]:
        latest = {one.graph_id: one for one in heads}
        if not latest:
            return []
        times = [one.received_at for one in latest.values()]
        seen = self.sightings.between(scope.mailbox, min(times), max(times))
        return [
            head for graph_id, head in latest.items() if graph_id not in seen or not seen[graph_id].is_settled
        ]


def walked(mailbox: Mailbox, started: datetime) -> dict[str, object]:
    """What a finished walk makes of a mailbox's state; why a subscription was refused stays to be seen.

    That access is back is for those to say who said that it was lost.
    """
    if mailbox.state in (POLLING, NO_ACCESS):
        return {"last_sync_at": started}
    return {"last_sync_at": started, "state": OK, "last_error": ""}


def _resync_from(scope: Scope, since: datetime | None) -> datetime | None:
    last = scope.mailbox.last_sync_at
    if last is None or since is None:
        return since
    return max(since, last - OVERLAP)
