"""The table SyncStates: a mailbox's backfill, beside the states of its folders."""

from dataclasses import replace

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import packed, unpacked
from shared.adapters.storage.stores.folder_states import BACKFILL, partition_of
from shared.adapters.storage.table import Table, etag_of
from shared.domain import names
from shared.domain.capture.backfills import Backfill
from shared.domain.connections.mailboxes import Mailbox


class AzureBackfills:
    """Implements `ports.Backfills`: one request each."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.SYNC_STATES)

    def get(self, mailbox: Mailbox) -> Backfill | None:
        row = self._table.get(partition_of(mailbox), BACKFILL)
        return from_plain(Backfill, unpacked(row), etag=etag_of(row)) if row else None

    def put(self, mailbox: Mailbox, backfill: Backfill) -> Backfill:
        row = {"PartitionKey": partition_of(mailbox), "RowKey": BACKFILL, **packed(to_plain(backfill))}
        return replace(backfill, etag=self._table.write(row, backfill.etag))
