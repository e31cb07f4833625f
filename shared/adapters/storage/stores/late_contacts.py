"""The table LateContacts: announcements of new addresses, and the time at which a pass over them was requested."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, packed, part_names, unpacked
from shared.adapters.storage.table import Table, in_partition
from shared.domain import names
from shared.domain.capture.late_contacts import Announcement

_NEW: Final = "new:"
_ASKED: Final = "asked"
# An announcement may hold thousands of hashes.
_PAGE: Final = 10


class AzureLateContacts:
    """Implements `ports.LateContacts`."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.LATE_CONTACTS_STATES)

    def announce(self, tenant_id: str, announcement: Announcement) -> None:
        """One request. Raises Rejected above some 25,000 hashes."""
        content = packed(to_plain(announcement))
        keys = {"PartitionKey": tenant_id, "RowKey": _key(announcement.id)}
        self._table.upsert({**keys, "at": announcement.at, **content})

    def announced(self, tenant_id: str) -> Iterator[Announcement]:
        """One request for every ten. Ids begin with the time."""
        condition = in_partition(tenant_id, first=_NEW)
        rows = self._table.rows(condition, select=part_names(), page=_PAGE)
        return (from_plain(Announcement, unpacked(row)) for row in rows)

    def forget(self, tenant_id: str, ids: Sequence[str]) -> None:
        """One request each: a row that is gone would break a transaction."""
        for announcement_id in ids:
            self._table.delete(tenant_id, _key(announcement_id))

    def asked_at(self, tenant_id: str) -> datetime | None:
        """One request."""
        row = self._table.get(tenant_id, _ASKED, ("at",))
        return row["at"] if row else None

    def note_asked(self, tenant_id: str, at: datetime | None) -> None:
        """One request."""
        if at is None:
            self._table.delete(tenant_id, _ASKED)
        else:
            self._table.upsert({"PartitionKey": tenant_id, "RowKey": _ASKED, "at": at})


def _key(announcement_id: str) -> str:
    return _NEW + escaped(announcement_id)
