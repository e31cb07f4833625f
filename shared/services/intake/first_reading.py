"""The first reading of an intake mailbox's inbox: what lies there unread is taken, all else is noted as old.

Later, whatever is not noted has arrived. So the note keeps a mail of years ago from becoming a case when it is touched.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from shared import telemetry
from shared.domain.capture.folders import FolderState
from shared.domain.capture.screening import BEFORE_WINDOW, is_door
from shared.domain.capture.sightings import SKIPPED, Sighting
from shared.domain.capture.windows import Window
from shared.domain.connections.mailboxes import NOTHING
from shared.ports.mail import Listed
from shared.ports.work import Clock
from shared.services.capture.arrivals import Arrivals, ChooseLane, is_unsettled
from shared.services.capture.folder_reading import FolderReader
from shared.services.capture.scopes import Scope

# No mailbox holds older mail.
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FirstReading:
    """What becomes of mail that lay in the folder before its position was known. Safe to run twice."""

    reader: FolderReader
    arrivals: Arrivals
    clock: Clock

    def has_backlog(self, scope: Scope, folder: FolderState) -> bool:
        """Whether mail that nobody has read is to be taken now, whatever its age."""
        mailbox = scope.mailbox
        is_first = mailbox.state.last_sync_at is None and not folder.cursor
        return is_first and mailbox.backlog != NOTHING and is_door(mailbox, folder)

    def take_backlog(
        self, scope: Scope, folder: FolderState, attend: Callable[[], None], choose_lane: ChooseLane
    ) -> None:
        """Take the unread mail from before the window. `attend` is called between pages."""
        since = scope.captures_from
        rest = Window.of(_BEGINNING, since) if since else None
        scope = replace(scope, unbounded=True, old_before=None)
        while rest is not None:
            attend()
            page = self.reader.page(scope.mailbox, folder.folder_id, rest, around=True, unread=True)
            new = self.arrivals.in_doubt(scope, page.items, is_unsettled)
            heads = self.arrivals.complete(scope, new, singly=page.around is not None, broken=page.broken)
            self.arrivals.take(scope, heads, folder, choose_lane)
            rest = page.rest

    def without_old(
        self, scope: Scope, folder: FolderState, listed: Sequence[Listed], since: datetime
    ) -> list[Listed]:
        """What is to be looked at. Older mail is noted, if it is not known, when the folder is first read.

        Where a position was lost since, older mail that is not known has come meanwhile: it is looked at, too, unless
        it is older than what the organisation keeps, of which the ledger knows nothing any more.
        """
        if folder.noted:
            days = scope.organisation.retention_days
            kept_from = self.clock() - timedelta(days=days) if days else _BEGINNING
            return [entry for entry in listed if entry.received_at >= kept_from]
        older = [entry for entry in listed if entry.received_at < since]
        unknown = self.arrivals.in_doubt(scope, older, lambda row: row is None)
        self.arrivals.write(scope, [_noted(entry, folder) for entry in unknown])
        if unknown:
            telemetry.event("lay_before", mailbox=scope.mailbox.mailbox_id, mails=len(unknown))
        return [entry for entry in listed if entry.received_at >= since]


def _noted(entry: Listed, folder: FolderState) -> Sighting:
    """Nothing is known of it, and nothing kept, but when it came and where it lay."""
    return Sighting(
        item=entry.item,
        folder_id=folder.folder_id,
        received_at=entry.received_at,
        outcome=SKIPPED,
        reason=BEFORE_WINDOW,
        final=True,
        message_key="",
    )
