"""The table SyncStates: each folder's position in its delta."""

import time
from dataclasses import replace
from typing import Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, hashed, joined, packed, unpacked
from shared.adapters.storage.table import Row, Table, etag_of, in_partition
from shared.domain import names
from shared.domain.capture.folders import FolderState
from shared.domain.connections.mailboxes import Mailbox

CACHE_SECONDS: Final = 300.0
_CACHE_SIZE: Final = 10_000
# The row of the mailbox's backfill; hashes of folder ids sort before it.
BACKFILL: Final = "~backfill"


class AzureFolderStates:
    """Implements `ports.FolderStates`. `get` keeps a state for five minutes in this process."""

    def __init__(self, connection: Connection, *, cache_seconds: float = CACHE_SECONDS) -> None:
        self._connection = connection
        self._table = Table(connection, names.SYNC_STATES)
        self._cache_seconds = cache_seconds
        self._cache: dict[tuple[str, str], tuple[float, FolderState]] = {}

    def all(self, mailbox: Mailbox) -> list[FolderState]:
        rows = self._table.rows(in_partition(partition_of(mailbox), last=BACKFILL))
        return [_state(row) for row in rows]

    def get(self, mailbox: Mailbox, folder_id: str) -> FolderState | None:
        place = (partition_of(mailbox), hashed(folder_id))
        until, state = self._cache.get(place, (0.0, None))
        if state is not None and until > time.monotonic():
            return state
        row = self._table.get(*place)
        return self._remember(place, _state(row)) if row else None

    def put(self, mailbox: Mailbox, state: FolderState) -> FolderState:
        place = (partition_of(mailbox), hashed(state.folder_id))
        row = {
            "PartitionKey": place[0],
            "RowKey": place[1],
            "kind": state.kind,
            "captured": state.captured,
            **packed(to_plain(state)),
        }
        etag = self._table.write(row, state.etag)
        return self._remember(place, replace(state, etag=etag))

    def forget(self, mailbox: Mailbox) -> None:
        """Delete the states and the backfill, each by itself: two workers may do it at the same time."""
        rows = self._table.rows(in_partition(partition_of(mailbox)), select=("PartitionKey", "RowKey"))
        places = [(str(row["PartitionKey"]), str(row["RowKey"])) for row in rows]
        self._connection.side_by_side(lambda place: self._table.delete(*place), places)
        for place in places:
            self._cache.pop(place, None)

    def _remember(self, place: tuple[str, str], state: FolderState) -> FolderState:
        if len(self._cache) >= _CACHE_SIZE:
            self._cache.clear()
        self._cache[place] = (time.monotonic() + self._cache_seconds, state)
        return state


def partition_of(mailbox: Mailbox) -> str:
    """The partition of a mailbox's states."""
    return joined(mailbox.tenant_id, escaped(mailbox.mailbox_id))


def _state(row: Row) -> FolderState:
    return from_plain(FolderState, unpacked(row), etag=etag_of(row))
