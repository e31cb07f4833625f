"""One table: point reads, range queries and conditional writes, within Azure's limits and with our errors.

It knows no meaning of a row. A row is keys and columns by name; times are UTC.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain, groupby, islice, repeat
from typing import Final, TypeVar

from shared.adapters.storage.calls import Operation, Row, StoredRow, TableCalls
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import (
    check_entity,
    in_transactions,
    payload_size,
    units_in_transactions,
)
from shared.domain.errors import Conflict, NotFound

__all__ = [
    "KEYS",
    "NEVER",
    "Operation",
    "Row",
    "Table",
    "Units",
    "etag_of",
    "first_transaction",
    "in_partition",
    "moment_in",
    "quoted",
    "saving",
    "where",
]

KEYS: Final = ("PartitionKey", "RowKey")
# Azure answers at most 1,000 rows at once (Azurite takes any number).
LARGEST_PAGE: Final = 1_000
# A column cannot hold "no time", a merge leaves out what it does not name, and a filter finds no absent column.
NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

K = TypeVar("K")
# Operations of one partition that are done together or not at all, by what they are known as.
Units = Mapping[K, Sequence[Operation]]


class Table:
    """Every method makes one request, except `rows`, `write_many`, `try_many` and `write_together`."""

    def __init__(self, connection: Connection, name: str) -> None:
        self.connection = connection
        self.name = name

    @cached_property
    def _calls(self) -> TableCalls:
        return self.connection.calls.table(self.name)

    def get(self, partition: str, key: str, select: Sequence[str] = ()) -> Row | None:
        """A row, or None. `select` must name every column that is read."""
        with suppress(NotFound):
            return self._calls.get(partition, key, select)
        return None

    def rows(self, condition: str, *, select: Sequence[str] = (), page: int = LARGEST_PAGE) -> Iterator[Row]:
        """The rows in key order; each request fetches `page` rows when the reader needs them."""
        return self._calls.rows(condition, select, min(page, LARGEST_PAGE))

    def write(self, row: Row, etag: str) -> str:
        """Insert (empty ETag), or merge under the ETag. Returns the new ETag; raises Conflict."""
        return self._single(saving(row, etag))

    def upsert(self, row: Row) -> None:
        """Insert, or merge into the row that stands."""
        self._single(Operation("upsert", row))

    def merge(self, row: Row, etag: str = "") -> str:
        """Change some columns. Raises NotFound, and Conflict under an ETag."""
        return self._single(Operation("merge", row, etag))

    def delete(self, partition: str, key: str, etag: str = "") -> None:
        """Delete a row if it exists. Raises Conflict under an ETag."""
        with suppress(NotFound):
            self._single(Operation("delete", {"PartitionKey": partition, "RowKey": key}, etag))

    def submit(self, operation: Operation) -> str:
        """One write as it is given; the new ETag."""
        return self._single(operation)

    def transact(self, operations: Sequence[Operation]) -> list[str]:
        """All or nothing, within one partition, at most 100. Returns the ETags. Raises Conflict and NotFound."""
        # Azurite takes rows that Azure refuses, so tests would not see them.
        for operation in operations:
            check_entity(operation.row)
        return self._calls.transact(operations)

    def write_many(self, operations: Iterable[Operation]) -> None:
        """One request per partition and 100 rows, partitions side by side; a single row needs no transaction.

        Each request is all or nothing, the whole is not.
        """
        self.connection.side_by_side(self._submit_group, _groups(operations))

    def try_many(self, operations: Iterable[Operation]) -> list[Operation]:
        """Like `write_many`; returns the operations of requests that met a Conflict. None of these was applied."""

        def attempt(group: list[Operation]) -> list[Operation]:
            try:
                self._submit_group(group)
            except Conflict:
                return group
            return []

        refused = self.connection.side_by_side(attempt, _groups(operations))
        return list(chain.from_iterable(refused))

    def write_together(self, units: Units[K]) -> dict[K, list[str]]:
        """Write units, in as few requests as there are partitions; the ETags of each that was written.

        One whose row is there already, has changed or has gone is left out, and costs a further request. At most 100
        operations a unit.
        """
        written = self.connection.side_by_side(self._as_far_as_possible, _in_transactions(units))
        return dict(chain.from_iterable(part.items() for part in written))

    def write_at_once(self, units: Units[K]) -> tuple[dict[K, list[str]], frozenset[K]]:
        """Write units of one partition by one transaction, or none: the ETags of each, or which of them cannot be."""
        try:
            etags = iter(self._submit_all(list(chain.from_iterable(units.values()))))
        except (Conflict, NotFound) as error:
            failed = _failed_unit(units, error.operation)
            return {}, frozenset(units if failed is None else (failed,))
        return {name: [next(etags) for _ in operations] for name, operations in units.items()}, frozenset()

    def _as_far_as_possible(self, units: Units[K]) -> dict[K, list[str]]:
        left, written = dict(units), dict[K, list[str]]()
        while left and not written:
            written, refused = self.write_at_once(left)
            left = {name: operations for name, operations in left.items() if name not in refused}
        return written

    def _submit_all(self, operations: list[Operation]) -> list[str]:
        return self.transact(operations) if len(operations) > 1 else [self._single(operations[0])]

    def _submit_group(self, group: list[Operation]) -> None:
        if len(group) == 1:
            self._single(group[0])
        else:
            self.transact(group)

    def _single(self, operation: Operation) -> str:
        check_entity(operation.row)
        return self._calls.submit(operation)


def moment_in(row: Row, column: str) -> datetime | None:
    """A time of a row; None where none was written, or NEVER."""
    moment: datetime | None = row.get(column)
    return None if moment == NEVER else moment


def saving(row: Row, etag: str) -> Operation:
    """Insert where there is no ETag yet, else merge under it: columns of a newer version stay."""
    return Operation("merge" if etag else "create", row, etag)


def _groups(operations: Iterable[Operation]) -> list[list[Operation]]:
    """The operations of each transaction: it has one partition, and a limit of rows and bytes."""
    groups: list[list[Operation]] = []
    # A transaction has one partition; sorting keeps the order within each, and `groupby` needs it.
    for _, part in groupby(sorted(operations, key=_partition), key=_partition):
        groups += in_transactions((operation, payload_size(operation.row)) for operation in part)
    return groups


def _in_transactions(units: Units[K]) -> list[Units[K]]:
    """The units of each transaction, in the order given."""
    by_partition: dict[str, dict[K, Sequence[Operation]]] = {}
    for name, operations in units.items():
        by_partition.setdefault(_partition(operations[0]), {})[name] = operations
    return list(chain.from_iterable(map(_cut, by_partition.values())))


def _cut(units: Units[K]) -> list[Units[K]]:
    sized = ((name, len(operations), _payload(operations)) for name, operations in units.items())
    return [{name: units[name] for name in names} for names in units_in_transactions(sized)]


def first_transaction(units: Units[K]) -> Units[K]:
    """As many units of one partition as a transaction takes, from the first on."""
    return next(iter(_cut(units)), {})


def _failed_unit(units: Units[K], operation: int | None) -> K | None:
    """The unit with this operation of a transaction; None where it is not known which one failed."""
    owners = chain.from_iterable(repeat(name, len(operations)) for name, operations in units.items())
    return None if operation is None else next(islice(owners, operation, None), None)


def _payload(operations: Sequence[Operation]) -> int:
    return sum(payload_size(operation.row) for operation in operations)


def _partition(operation: Operation) -> str:
    return str(operation.row["PartitionKey"])


def etag_of(row: Row) -> str:
    """The ETag with which a row was read."""
    return row.etag if isinstance(row, StoredRow) else ""


def where(**conditions: str) -> str:
    """A filter for rows whose every column equals its text."""
    return " and ".join(f"{name} eq {quoted(value)}" for name, value in conditions.items())


def in_partition(partition: str, *, first: str = "", beyond: str = "", last: str = "") -> str:
    """A filter for a partition's rows from `first`, or after `beyond`, up to but without `last`."""
    parts = [where(PartitionKey=partition)]
    parts += [f"RowKey ge {quoted(first)}"] if first else []
    parts += [f"RowKey gt {quoted(beyond)}"] if beyond else []
    parts += [f"RowKey lt {quoted(last)}"] if last else []
    return " and ".join(parts)


def quoted(text: str) -> str:
    """A text as an OData literal."""
    return "'" + text.replace("'", "''") + "'"
