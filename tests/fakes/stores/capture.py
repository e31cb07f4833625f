"""What capture keeps between two walks, in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from shared.domain.capture.backfills import Backfill
from shared.domain.capture.folders import FolderState
from shared.domain.capture.late_contacts import Announcement
from shared.domain.capture.sightings import Sighting
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.mail.items import ItemRef
from tests.fakes.etags import Etags, check_etag
from tests.fakes.faults import Faults


class FakeFolderStates:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], dict[str, FolderState]] = {}
        self._etag = Etags()

    def all(self, mailbox: Mailbox) -> list[FolderState]:
        self.faults.read("FolderStates.all")
        return list(self._of(mailbox).values())

    def get(self, mailbox: Mailbox, folder_id: str) -> FolderState | None:
        self.faults.read("FolderStates.get")
        return self._of(mailbox).get(folder_id)

    def put(self, mailbox: Mailbox, state: FolderState) -> FolderState:
        with self.faults.write("FolderStates.put"):
            rows = self._of(mailbox)
            stored = rows.get(state.folder_id)
            check_etag(stored.etag if stored else None, state.etag)
            rows[state.folder_id] = replace(state, etag=self._etag())
            return rows[state.folder_id]

    def forget(self, mailbox: Mailbox) -> None:
        with self.faults.write("FolderStates.forget"):
            self._of(mailbox).clear()

    def _of(self, mailbox: Mailbox) -> dict[str, FolderState]:
        return self.rows.setdefault((mailbox.tenant_id, mailbox.mailbox_id), {})


class FakeBackfills:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], Backfill] = {}
        self._etag = Etags()

    def get(self, mailbox: Mailbox) -> Backfill | None:
        self.faults.read("Backfills.get")
        return self.rows.get((mailbox.tenant_id, mailbox.mailbox_id))

    def put(self, mailbox: Mailbox, backfill: Backfill) -> Backfill:
        with self.faults.write("Backfills.put"):
            key = (mailbox.tenant_id, mailbox.mailbox_id)
            stored = self.rows.get(key)
            check_etag(stored.etag if stored else None, backfill.etag)
            self.rows[key] = replace(backfill, etag=self._etag())
            return self.rows[key]


class FakeSightings:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], dict[tuple[datetime, ItemRef], Sighting]] = {}

    def put(self, mailbox: Mailbox, sightings: Sequence[Sighting]) -> None:
        with self.faults.write("Sightings.put"):
            rows = self.rows.setdefault((mailbox.tenant_id, mailbox.mailbox_id), {})
            rows.update({(one.received_at, one.item): one for one in sightings})

    def between(self, mailbox: Mailbox, first: datetime, last: datetime) -> Mapping[ItemRef, Sighting]:
        self.faults.read("Sightings.between")
        rows = self.rows.get((mailbox.tenant_id, mailbox.mailbox_id), {})
        return {one.item: one for one in rows.values() if first <= one.received_at <= last}

    def undecided_since(
        self, mailbox: Mailbox, since: datetime, reasons: Sequence[str]
    ) -> Iterator[Sighting]:
        self.faults.read("Sightings.undecided_since")
        rows = self.rows.get((mailbox.tenant_id, mailbox.mailbox_id), {})
        found = [one for one in rows.values() if one.received_at >= since and one.reason in reasons]
        yield from sorted(found, key=lambda one: one.received_at, reverse=True)

    def of_message(
        self, mailboxes: Sequence[Mailbox], message_id_hash: str
    ) -> list[tuple[Mailbox, Sighting]]:
        self.faults.read("Sightings.of_message")
        return [
            (mailbox, one)
            for mailbox in mailboxes
            for one in self.rows.get((mailbox.tenant_id, mailbox.mailbox_id), {}).values()
            if one.message_id_hash == message_id_hash
        ]

    def forget(self, mailbox: Mailbox, before: datetime, *, limit: int) -> bool:
        with self.faults.write("Sightings.forget"):
            rows = self.rows.get((mailbox.tenant_id, mailbox.mailbox_id), {})
            old = sorted((key for key in rows if key[0] < before), reverse=True)[:limit]
            for key in old:
                del rows[key]
            return len(old) == limit

    def all(self, mailbox: Mailbox) -> dict[ItemRef, Sighting]:
        """Everything seen in a mailbox, by Graph id: for tests."""
        rows = self.rows.get((mailbox.tenant_id, mailbox.mailbox_id), {})
        return {one.item: one for one in rows.values()}


class FakeLateContacts:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[str, dict[str, Announcement]] = {}
        self.asked: dict[str, datetime] = {}

    def announce(self, tenant_id: str, announcement: Announcement) -> None:
        with self.faults.write("LateContacts.announce"):
            self.rows.setdefault(tenant_id, {})[announcement.id] = announcement

    def announced(self, tenant_id: str) -> Iterator[Announcement]:
        self.faults.read("LateContacts.announced")
        return iter(sorted(self.rows.get(tenant_id, {}).values(), key=lambda one: (one.at, one.id)))

    def forget(self, tenant_id: str, ids: Sequence[str]) -> None:
        with self.faults.write("LateContacts.forget"):
            for one in ids:
                self.rows.get(tenant_id, {}).pop(one, None)

    def asked_at(self, tenant_id: str) -> datetime | None:
        self.faults.read("LateContacts.asked_at")
        return self.asked.get(tenant_id)

    def note_asked(self, tenant_id: str, at: datetime | None) -> None:
        with self.faults.write("LateContacts.note_asked"):
            self.asked.pop(tenant_id, None)
            if at is not None:
                self.asked[tenant_id] = at
