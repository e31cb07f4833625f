"""The table LateContacts: announcements of new addresses, and whether a pass over them has been asked for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, packed, part_names, unpacked
from shared.adapters.storage.table import Row, Table, in_partition
from shared.domain import names
from shared.domain.late_contacts import Announcement

_NEW: Final = "new:"
_ASKED: Final = "asked"


class AzureLateContacts:
    """Implements `ports.LateContacts`."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.LATE_CONTACTS_STATES)

    def announce(self, tenant_id: str, announcement: Announcement) -> None:
        """One request. Raises Rejected above some 25,000 hashes."""
        content = packed(to_plain(announcement))
        self._table.upsert({**_place(tenant_id, announcement), "at": announcement.at, **content})

    def announced(self, tenant_id: str) -> list[Announcement]:
        """One request, or one for every 4 MiB."""
        condition = in_partition(tenant_id, first=_NEW)
        rows = self._table.rows(condition, select=part_names())
        return sorted((from_plain(Announcement, unpacked(row)) for row in rows), key=lambda o: (o.at, o.id))

    def forget(self, tenant_id: str, announcements: Sequence[Announcement]) -> None:
        """One request each: deleting one that is gone would spoil a transaction."""
        for one in announcements:
            place = _place(tenant_id, one)
            self._table.delete(str(place["PartitionKey"]), str(place["RowKey"]))

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


def _place(tenant_id: str, announcement: Announcement) -> Row:
    return {"PartitionKey": tenant_id, "RowKey": _NEW + escaped(announcement.id)}
