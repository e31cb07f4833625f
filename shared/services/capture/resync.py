"""Reads a window of a folder besides its delta: where a delta was lost, was cut short, or cannot get past an item."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared import telemetry
from shared.domain.capture.folders import FolderState
from shared.domain.capture.windows import Window, is_done
from shared.domain.errors import PageBroken
from shared.ports.mail import Listed, MailSource
from shared.ports.work import Clock
from shared.services.capture.arrivals import SINGLY_AFTER, Arrivals, is_unsettled
from shared.services.capture.scopes import Scope

# How far before the last complete walk a lost delta is made up for, and how far back the new one begins:
# of mail received before, a move from junk to the inbox would go unseen.
OVERLAP = timedelta(days=7)
# An outage passes; an item that breaks its page does not. Four tries are put back over 22 s.
BROKEN_TRIES = 4
BROKEN_FOR = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Resync:
    """Moves a folder's window on by a page, or opens one; whoever calls writes the state."""

    mail: MailSource
    arrivals: Arrivals
    clock: Clock

    def page(self, scope: Scope, state: FolderState, window: Window) -> FolderState:
        """List a page of the window and deal with what is not settled. The delta follows behind its end."""
        try:
            page = self.mail.listed(scope.mailbox, state.folder_id, window, with_heads=state.searching)
        except PageBroken as error:
            if not state.searching:
                raise
            return self._step_over(scope, state, window, error)
        rest = window.after([one.received_at for one in page.items], page.link)
        done = [one for one in page.items if is_done(one.received_at, rest)]
        new = self.arrivals.in_doubt(scope, done, is_unsettled)
        heads = self.arrivals.complete(scope, new, singly=state.broken >= SINGLY_AFTER)
        self.arrivals.take(scope, heads, state)
        return replace(state, resync=rest, searching=state.searching and rest is not None)

    def lost(self, scope: Scope, state: FolderState, since: datetime | None) -> FolderState:
        """Graph has forgotten the delta: read from well before the last complete walk, then begin a new one."""
        telemetry.event("delta_expired", mailbox=scope.mailbox.mailbox_id, folder=state.kind)
        return self._reopened(scope, state, since, searching=False)

    def cut_short(self, state: FolderState, since: datetime) -> FolderState:
        """A first delta may have ended at what Graph gives at most: read its whole window."""
        return replace(state, resync=Window.of(since, self.clock()), begins=since, served=0)

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
        listed_from = max(start, last - OVERLAP) if last else start
        begins = max(start, now - OVERLAP, state.begins or start)
        window = Window.of(listed_from, now)
        return replace(
            state,
            link="",
            served=0,
            broken=0,
            broken_at=None,
            begins=begins,
            resync=window,
            searching=searching,
        )

    def _step_over(self, scope: Scope, state: FolderState, window: Window, error: PageBroken) -> FolderState:
        """Name the items of the window's first second that break pages, take the others by id, go on behind."""
        page = self.mail.listed(scope.mailbox, state.folder_id, replace(window, link=""))
        if not page.items:
            raise error
        second = Window.second(page.items[0].received_at)
        broken = self.mail.broken(scope.mailbox, state.folder_id, second.start)
        if not broken and not window.link:  # else the link had led on behind this second
            raise error
        for one in sorted(broken):
            self.arrivals.quarantine(scope, one)
        new = self.arrivals.in_doubt(scope, self._of_second(scope, state, second), is_unsettled)
        heads = self.arrivals.heads_singly(scope, [one.item for one in new], broken)
        self.arrivals.take(scope, heads, state)
        begins = max(state.begins or second.end, second.end) if broken else state.begins
        rest = window.from_second_after(second.start)
        left = None if rest.is_empty else rest
        return replace(state, begins=begins, resync=left, searching=left is not None)

    def _of_second(self, scope: Scope, state: FolderState, second: Window) -> list[Listed]:
        items: list[Listed] = []
        rest: Window | None = second
        while rest is not None:
            page = self.mail.listed(scope.mailbox, state.folder_id, rest)
            items += page.items
            rest = replace(second, link=page.link) if page.link else None
        return items
