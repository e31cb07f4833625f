"""Rows of the table Organisations beside an organisation's own: a habit of the provider in that tenant each.

A row each, so that whoever learns one writes it without a look at the others.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.table import Operation, Row, Table, in_partition
from shared.domain import names
from shared.domain.connections.habits import Habit, Learnt

_PREFIX: Final = "habit:"
_BEYOND: Final = "habit;"
# A newer version may have written others.
_KNOWN: Final = frozenset(Habit)


class AzureHabits:
    """Implements `ports.Habits`. Each method makes one request."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.ORGANISATIONS)

    def of(self, tenant_id: str) -> Mapping[Habit, Learnt]:
        rows = self._table.rows(in_partition(tenant_id, first=_PREFIX, last=_BEYOND))
        learnt = (_learnt(row) for row in rows if _name(row) in _KNOWN)
        return {found.habit: found for found in learnt}

    def put(self, tenant_id: str, learnt: Sequence[Learnt]) -> None:
        self._table.write_many(Operation("upsert", _row(tenant_id, found)) for found in learnt)


def _name(row: Row) -> str:
    return str(row["RowKey"]).removeprefix(_PREFIX)


def _row(tenant_id: str, learnt: Learnt) -> dict[str, Any]:
    return {
        "PartitionKey": tenant_id,
        "RowKey": f"{_PREFIX}{learnt.habit}",
        "holds": learnt.holds,
        "at": learnt.at,
    }


def _learnt(row: Row) -> Learnt:
    return Learnt(Habit(_name(row)), bool(row["holds"]), row["at"])
