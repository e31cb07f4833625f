"""The table SyncStates: each folder's position in its delta."""

from dataclasses import replace
from typing import Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, hashed, joined, packed, unpacked
from shared.adapters.storage.table import Row, Table, etag_of, in_partition
from shared.domain import names
from shared.domain.capture.folders import FolderState
from shared.domain.connections.mailboxes import Mailbox

# The row of the mailbox's backfill; hashes of folder ids sort before it.
BACKFILL: Final = "~backfill"


class AzureFolderStates:
    """Implements `ports.FolderStates`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(connection, names.SYNC_STATES)

    def all(self, mailbox: Mailbox) -> list[FolderState]:
        rows = self._table.rows(in_partition(partition_of(mailbox), last=BACKFILL))
        return [_state(row) for row in rows]

    def get(self, mailbox: Mailbox, folder_id: str) -> FolderState | None:
        row = self._table.get(partition_of(mailbox), hashed(folder_id))
        return _state(row) if row else None

    def put(self, mailbox: Mailbox, state: FolderState) -> FolderState:
        row = {
            "PartitionKey": partition_of(mailbox),
            "RowKey": hashed(state.folder_id),
            "kind": state.kind,
            "captured": state.captured,
            **packed(to_plain(state)),
        }
        return replace(state, etag=self._table.write(row, state.etag))

    def forget(self, mailbox: Mailbox) -> None:
        """Delete the states and the backfill, each by itself: two workers may do it at the same time."""
        rows = self._table.rows(in_partition(partition_of(mailbox)), select=("PartitionKey", "RowKey"))
        places = [(str(row["PartitionKey"]), str(row["RowKey"])) for row in rows]
        self._connection.side_by_side(lambda place: self._table.delete(*place), places)


def partition_of(mailbox: Mailbox) -> str:
    """The partition of a mailbox's states."""
    return joined(mailbox.tenant_id, escaped(mailbox.mailbox_id))


def _state(row: Row) -> FolderState:
    return from_plain(FolderState, unpacked(row), etag=etag_of(row))
