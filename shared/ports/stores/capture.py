"""Stores of capture: folders, backfills, the ledger, the worklist, late contacts."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from shared.domain.capture.backfills import Backfill
from shared.domain.capture.folders import FolderState
from shared.domain.capture.late_contacts import Announcement
from shared.domain.capture.pending import PendingRow, Reach
from shared.domain.capture.sightings import Sighting
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.mail.items import ItemRef


class FolderStates(Protocol):
    def all(self, mailbox: Mailbox) -> list[FolderState]: ...

    def get(self, mailbox: Mailbox, folder_id: str) -> FolderState | None: ...

    def put(self, mailbox: Mailbox, state: FolderState) -> FolderState:
        """Write under the state's ETag ('' = must not exist). Raises Conflict."""

    def forget(self, mailbox: Mailbox) -> None: ...


class Backfills(Protocol):
    def get(self, mailbox: Mailbox) -> Backfill | None:
        """The running one, or the last."""

    def put(self, mailbox: Mailbox, backfill: Backfill) -> Backfill:
        """Write under its ETag ('' = must not exist). Raises Conflict."""


class Sightings(Protocol):
    def put(self, mailbox: Mailbox, sightings: Sequence[Sighting]) -> None:
        """Upsert, in transactions."""

    def between(self, mailbox: Mailbox, first: datetime, last: datetime) -> Mapping[ItemRef, Sighting]:
        """Sightings received in a closed interval, by item."""

    def undecided_since(
        self, mailbox: Mailbox, since: datetime, reasons: Sequence[str]
    ) -> Iterator[Sighting]:
        """Sightings received from then on that have one of these reasons, newest first, fetched as consumed."""

    def of_message(
        self, mailboxes: Sequence[Mailbox], message_id_hash: str
    ) -> list[tuple[Mailbox, Sighting]]:
        """The copies of a Message-ID. Looks through whole mailboxes, side by side: for explaining only."""

    def forget(self, mailbox: Mailbox, before: datetime, *, limit: int) -> bool:
        """Delete so many of those received before a moment; whether some are left."""


class Pending(Protocol):
    """The worklist of every mailbox: live rows ahead of history, each lane oldest first."""

    def put(self, tenant_id: str, mailbox_id: str, rows: Sequence[PendingRow]) -> None:
        """Insert, in transactions. A row that stands already is merged: its tries are never lowered."""

    def due(
        self, tenant_id: str, mailbox_id: str, reach: Reach, now: datetime, *, limit: int
    ) -> list[PendingRow]:
        """The first rows within reach that are due. A row of unknown kind is passed over and left."""

    def begin(self, tenant_id: str, mailbox_id: str, rows: Sequence[PendingRow]) -> list[PendingRow]:
        """Raise the tries of rows, in one transaction. Returns them.

        Those that are gone or have changed since the look are left out: somebody else runs them, or has asked again.
        """

    def end(
        self,
        tenant_id: str,
        mailbox_id: str,
        done: Sequence[PendingRow],
        kept: Sequence[PendingRow] = (),
    ) -> None:
        """Delete the rows that are done and write those that are kept, in one transaction.

        A row that was asked for again since it was begun stays, as a new one: its run has ended in order. One that
        another holder has begun since stays as it is.
        """

    def stale(self, before: datetime) -> Iterator[tuple[str, str, PendingRow]]:
        """Tenant, mailbox and first row of those that were asked for, and are due since, a moment before this."""


class LateContacts(Protocol):
    """Addresses that records have newly got, until mail that came before them has been looked for."""

    def announce(self, tenant_id: str, announcement: Announcement) -> None: ...

    def announced(self, tenant_id: str) -> Iterator[Announcement]:
        """Oldest first."""

    def forget(self, tenant_id: str, ids: Sequence[str]) -> None:
        """Delete these announcements."""

    def asked_at(self, tenant_id: str) -> datetime | None:
        """When a pass was last asked for that has not begun yet."""

    def note_asked(self, tenant_id: str, at: datetime | None) -> None:
        """Remember that a pass was asked for; None: that it has begun."""
