"""The table Subscriptions: what is known of each mailbox's Graph subscription."""

from dataclasses import replace

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, packed, unpacked
from shared.adapters.storage.table import Table, etag_of
from shared.domain import names
from shared.domain.subscriptions import Subscription


class AzureSubscriptions:
    """Implements `ports.Subscriptions`, each method with one request."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.SUBSCRIPTION_STATES)

    def get(self, tenant_id: str, mailbox_id: str) -> Subscription | None:
        row = self._table.get(tenant_id, escaped(mailbox_id))
        return from_plain(Subscription, unpacked(row), etag=etag_of(row)) if row else None

    def put(self, tenant_id: str, subscription: Subscription) -> Subscription:
        row = {
            "PartitionKey": tenant_id,
            "RowKey": escaped(subscription.mailbox_id),
            "subscription_id": subscription.subscription_id,
            **packed(to_plain(subscription)),
        }
        return replace(subscription, etag=self._table.write(row, subscription.etag))

    def delete(self, tenant_id: str, mailbox_id: str) -> None:
        self._table.delete(tenant_id, escaped(mailbox_id))
