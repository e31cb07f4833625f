"""The table Inbox: mail waiting for an agent's decision, newest first, and persons' changes to be carried out."""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, hashed, joined, packed, part_names, unescaped, unpacked
from shared.adapters.storage.table import Operation, Row, Table, in_partition, where
from shared.domain import names
from shared.domain.filing.inbox import InboxItem
from shared.domain.filing.person_decisions import PendingChange

# One partition an organisation for what persons have said, so that the sweep is one query. No agent's hash is this.
_DECIDED: Final = "~decided"


class AzureInbox:
    """Implements `ports.Inbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(connection, names.INBOX)

    def put(self, tenant_id: str, items: Sequence[InboxItem]) -> None:
        """One request per agent, side by side."""
        # A transaction may name a row once.
        latest = {(item.agent, item.id): item for item in items}
        self._table.write_many(Operation("upsert", _row(tenant_id, item)) for item in latest.values())

    def remove(self, tenant_id: str, agents: Sequence[str], item_id: str) -> None:
        """One request per agent, side by side."""
        self._connection.side_by_side(
            lambda agent: self._table.delete(_partition(tenant_id, agent), escaped(item_id)), agents
        )

    def page(self, tenant_id: str, agent: str, *, limit: int, after: str) -> tuple[list[InboxItem], str]:
        """One range query."""
        condition = in_partition(_partition(tenant_id, agent), beyond=escaped(after))
        found: list[InboxItem] = []
        last = ""
        for row in self._table.rows(condition, select=("RowKey", *part_names()), page=limit + 1):
            if len(found) == limit:
                return found, last
            found.append(from_plain(InboxItem, unpacked(row)))
            last = unescaped(str(row["RowKey"]))
        return found, ""

    def of_reason(self, tenant_id: str, agent: str, reason: str, *, most: int) -> list[InboxItem]:
        """One range query, which passes over all rows of the agent."""
        condition = f"{in_partition(_partition(tenant_id, agent))} and {where(reason=reason)}"
        rows = self._table.rows(condition, select=part_names(), page=most)
        return [from_plain(InboxItem, unpacked(row)) for row in islice(rows, most)]

    def waiting(self, tenant_id: str, agents: Sequence[str], item_id: str) -> list[InboxItem]:
        """One request per agent, side by side."""
        rows = self._connection.side_by_side(
            lambda agent: self._table.get(_partition(tenant_id, agent), escaped(item_id), part_names()),
            agents,
        )
        return [from_plain(InboxItem, unpacked(row)) for row in rows if row is not None]

    def note_change(self, tenant_id: str, change: PendingChange) -> None:
        """One request."""
        self._table.upsert({**_place(tenant_id, change), **packed(to_plain(change))})

    def pending_changes(self, tenant_id: str, message_key: str = "") -> list[PendingChange]:
        """One range query."""
        # "~" is the last character that a key may hold, so a second one ends the range.
        prefix = escaped(message_key) + "~" if message_key else ""
        condition = in_partition(
            joined(tenant_id, _DECIDED), first=prefix, last=prefix + "~" if prefix else ""
        )
        return [
            from_plain(PendingChange, unpacked(row))
            for row in self._table.rows(condition, select=part_names())
        ]

    def forget_changes(self, tenant_id: str, changes: Sequence[PendingChange]) -> None:
        """One request each, side by side: deleting one that is gone would spoil a transaction."""
        places = [_place(tenant_id, change) for change in changes]
        self._connection.side_by_side(
            lambda place: self._table.delete(str(place["PartitionKey"]), str(place["RowKey"])), places
        )


def _row(tenant_id: str, item: InboxItem) -> Row:
    return {
        "PartitionKey": _partition(tenant_id, item.agent),
        "RowKey": escaped(item.id),
        "mailbox_id": item.mailbox_id,
        "reason": item.reason,
        **packed(to_plain(item)),
    }


def _partition(tenant_id: str, agent: str) -> str:
    return joined(tenant_id, hashed(agent))


def _place(tenant_id: str, change: PendingChange) -> Row:
    return {
        "PartitionKey": joined(tenant_id, _DECIDED),
        "RowKey": f"{escaped(change.message_key)}~{escaped(change.id)}",
    }
