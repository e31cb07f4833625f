"""The table Subscriptions: each mailbox's Graph subscription."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, packed, unpacked
from shared.adapters.storage.table import NEVER, Row, Table, etag_of, where
from shared.domain import names
from shared.domain.connections.subscriptions import Subscription


class AzureSubscriptions:
    """Implements `ports.Subscriptions`. `of` and `ending` take a request for each 1,000 rows, others one."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.SUBSCRIPTION_STATES)

    def get(self, tenant_id: str, mailbox_id: str) -> Subscription | None:
        row = self._table.get(tenant_id, escaped(mailbox_id))
        return _subscription(row) if row else None

    def put(self, tenant_id: str, subscription: Subscription) -> Subscription:
        row = {
            "PartitionKey": tenant_id,
            "RowKey": escaped(subscription.mailbox_id),
            "subscription_id": subscription.subscription_id,
            "expires_at": subscription.expires_at or NEVER,
            **packed(to_plain(subscription)),
        }
        return replace(subscription, etag=self._table.write(row, subscription.etag))

    def delete(self, tenant_id: str, mailbox_id: str) -> None:
        self._table.delete(tenant_id, escaped(mailbox_id))

    def of(self, tenant_id: str) -> Iterator[Subscription]:
        return (_subscription(row) for row in self._table.rows(where(PartitionKey=tenant_id)))

    def ending(self, before: datetime) -> Iterator[tuple[str, Subscription]]:
        """Query the whole table, with the filter on Azure's side."""
        moment = before.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        rows = self._table.rows(f"expires_at lt datetime'{moment}'")
        return ((str(row["PartitionKey"]), _subscription(row)) for row in rows)


def _subscription(row: Row) -> Subscription:
    return from_plain(Subscription, unpacked(row), etag=etag_of(row))
