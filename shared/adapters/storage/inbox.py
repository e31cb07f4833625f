"""The table Inbox: mail waiting for an agent's decision, newest first."""

from shared.adapters.storage.codec import to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, hashed, joined, packed
from shared.adapters.storage.table import Table
from shared.domain import names
from shared.domain.entries import inverted
from shared.domain.filing import InboxItem


class AzureInbox:
    """Implements `ports.Inbox`, each method with one request."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.INBOX)

    def put(self, tenant_id: str, item: InboxItem) -> None:
        partition, key = _place(tenant_id, item)
        self._table.upsert(
            {
                "PartitionKey": partition,
                "RowKey": key,
                "mailbox_id": item.mailbox_id,
                "reason": item.reason,
                **packed(to_plain(item)),
            }
        )

    def remove(self, tenant_id: str, item: InboxItem) -> None:
        self._table.delete(*_place(tenant_id, item))


def _place(tenant_id: str, item: InboxItem) -> tuple[str, str]:
    return joined(tenant_id, hashed(item.agent)), f"{inverted(item.at)}-{escaped(item.message_key)}"
