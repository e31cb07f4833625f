"""Reads a window of a folder beside its changes: after a lost cursor or a walk cut short, or around a broken page."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared import telemetry
from shared.domain.capture.folders import FolderState
from shared.domain.capture.windows import Window
from shared.domain.commands.commands import SINGLY_AFTER
from shared.domain.errors import PageBroken
from shared.ports.work import Clock
from shared.services.capture.arrivals import Arrivals, ChooseLane, is_unsettled
from shared.services.capture.folder_reading import FolderPage, FolderReader
from shared.services.capture.scopes import OVERLAP, Scope

# An outage passes; an item that breaks its page does not. Four tries are put back over 22 s.
BROKEN_TRIES = 4
BROKEN_FOR = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Resync:
    """Moves a folder's window on by a page, or opens one; whoever calls writes the state."""

    reader: FolderReader
    arrivals: Arrivals
    clock: Clock

    def page(self, scope: Scope, state: FolderState, window: Window, choose_lane: ChooseLane) -> FolderState:
        """Deal with what is not settled of a page of the window. The folder's changes follow behind its end."""
        page = self.reader.page(
            scope.mailbox, state.folder_id, window, with_heads=state.searching, around=state.searching
        )
        if _is_outage(page, window):
            raise PageBroken("A page is broken, and none of its items by itself.")
        new = self.arrivals.in_doubt(scope, page.items, is_unsettled)
        singly = page.around is not None or state.broken >= SINGLY_AFTER
        heads = self.arrivals.complete(scope, new, singly=singly, broken=page.broken)
        self.arrivals.take(scope, heads, state, choose_lane)
        searching = state.searching and page.rest is not None
        return replace(state, begins=_begins(state, page), resync=page.rest, searching=searching)

    def lost(self, scope: Scope, state: FolderState, since: datetime | None) -> FolderState:
        """The cursor has expired: read from well before the last complete walk, then begin a new one."""
        telemetry.event("cursor_expired", mailbox=scope.mailbox.mailbox_id, folder=state.kind)
        return self._reopened(scope, state, since, searching=False)

    def cut_short(self, state: FolderState, since: datetime) -> FolderState:
        """A first walk may have ended at what the provider gives at most: read its whole window."""
        return replace(state, resync=Window.of(since, self.clock()), begins=since)

    def broken(self, scope: Scope, state: FolderState, since: datetime | None) -> FolderState:
        """Count a page that could not be had; after several over some time, go around what breaks it."""
        now = self.clock()
        since_when = state.broken_at or now
        counted = replace(state, broken=state.broken + 1, broken_at=since_when)
        if state.resync or counted.broken < BROKEN_TRIES or now - since_when < BROKEN_FOR:
            return counted
        telemetry.alert("page_broken", mailbox=scope.mailbox.mailbox_id, folder=state.kind)
        return self._reopened(scope, counted, since, searching=True)

    def _reopened(
        self, scope: Scope, state: FolderState, since: datetime | None, *, searching: bool
    ) -> FolderState:
        now = self.clock()
        last = scope.mailbox.state.last_sync_at
        start = since or (last or now) - OVERLAP
        listed_from = scope.read_anew_from(start)
        return replace(
            state,
            cursor="",
            under_way=False,
            broken=0,
            broken_at=None,
            begins=max(start, now - OVERLAP, state.begins or start),
            resync=Window.of(listed_from, now),
            searching=searching,
        )


def _is_outage(page: FolderPage, window: Window) -> bool:
    """Whether a page was broken by no item. Where a cursor led on, the broken page began behind the second read."""
    if page.around is None:
        return False
    return not page.items or not (page.broken or window.cursor)


def _begins(state: FolderState, page: FolderPage) -> datetime | None:
    """The new walk of the changes begins behind what breaks pages, or it would break as well."""
    if page.around is None or not page.broken:
        return state.begins
    return max(state.begins or page.around.end, page.around.end)
