"""One table: point reads, range queries and conditional writes, within Azure's limits and with our errors.

It knows no meaning of a row. A row is keys and columns by name; times are UTC.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, Final

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import check_entity, in_transactions, payload_size
from shared.adapters.storage.errors import translated
from shared.domain.errors import Conflict, NotFound

if TYPE_CHECKING:
    from azure.data.tables import TableClient

KEYS: Final = ("PartitionKey", "RowKey")
# Azure answers at most 1,000 rows at once (Azurite takes any number).
LARGEST_PAGE: Final = 1_000

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One part of a transaction: `create`, `upsert`, `replace`, `merge` or `delete`; ETag '' = unconditional."""

    verb: str
    row: Row
    etag: str = ""


class Table:
    """Every method makes one request, except `rows`, `write_many` and `try_many`."""

    def __init__(self, connection: Connection, name: str) -> None:
        self.connection = connection
        self.name = name

    @cached_property
    def _client(self) -> "TableClient":
        return self.connection.table(self.name)

    def get(self, partition: str, key: str, select: Sequence[str] = ()) -> Row | None:
        """A row, or None. `select` must name every column that is read."""
        with suppress(NotFound), translated(self.name):
            return self._client.get_entity(partition, key, select=list(select) or None)
        return None

    def rows(self, condition: str, *, select: Sequence[str] = (), page: int = LARGEST_PAGE) -> Iterator[Row]:
        """The rows in key order; each request fetches `page` rows when the reader needs them."""
        size = min(page, LARGEST_PAGE)
        # The SDK asks for a page while its rows are read: errors come in the middle of an iteration.
        found = iter(
            self._client.query_entities(condition, select=list(select) or None, results_per_page=size)
        )
        while True:
            with translated(self.name):
                row = next(found, None)
            if row is None:
                return
            yield row

    def write(self, row: Row, etag: str) -> str:
        """Insert (empty ETag), or replace under the ETag. Returns the new ETag; raises Conflict."""
        return self._single(Operation("replace" if etag else "create", row, etag))

    def upsert(self, row: Row) -> None:
        self._single(Operation("upsert", row))

    def merge(self, row: Row, etag: str = "") -> str:
        """Change some columns. Raises NotFound, and Conflict under an ETag."""
        return self._single(Operation("merge", row, etag))

    def delete(self, partition: str, key: str, etag: str = "") -> None:
        """Delete a row if it exists. Raises Conflict under an ETag."""
        with suppress(NotFound):
            self._single(Operation("delete", {"PartitionKey": partition, "RowKey": key}, etag))

    def transact(self, operations: Sequence[Operation]) -> list[str]:
        """All or nothing, within one partition, at most 100. Returns the ETags. Raises Conflict and NotFound."""
        # Azurite takes rows that Azure refuses, so tests would not see them.
        for operation in operations:
            check_entity(operation.row)
        with translated(self.name):
            results = self._client.submit_transaction(map(_sdk_operation, operations))
        return [str(result.get("etag") or "") for result in results]

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

    def _submit_group(self, group: list[Operation]) -> None:
        if len(group) == 1:
            self._single(group[0])
        else:
            self.transact(group)

    def _single(self, operation: Operation) -> str:
        check_entity(operation.row)
        with translated(self.name):
            result = _submit(self._client, operation)
        return str((result or {}).get("etag") or "")


def _groups(operations: Iterable[Operation]) -> list[list[Operation]]:
    """The operations of each transaction: it has one partition, and a limit of rows and bytes."""
    groups: list[list[Operation]] = []
    # A transaction has one partition; sorting keeps the order within each, and `groupby` needs it.
    for _, part in groupby(sorted(operations, key=_partition), key=_partition):
        groups += in_transactions((operation, payload_size(operation.row)) for operation in part)
    return groups


def _partition(operation: Operation) -> str:
    return str(operation.row["PartitionKey"])


def etag_of(row: Row) -> str:
    """The ETag with which a row was read."""
    # The SDK keeps it beside the columns, in an attribute of its own kind of dict.
    metadata: Mapping[str, Any] = getattr(row, "metadata", {})
    return str(metadata.get("etag") or "")


def _conditions(operation: Operation) -> dict[str, Any]:
    from azure.core import MatchConditions

    if not operation.etag:
        return {}
    return {"etag": operation.etag, "match_condition": MatchConditions.IfNotModified}


def _submit(client: "TableClient", operation: Operation) -> Mapping[str, Any] | None:
    from azure.data.tables import UpdateMode

    row = dict(operation.row)
    match operation.verb:
        case "create":
            return client.create_entity(row)
        case "upsert":
            return client.upsert_entity(row, mode=UpdateMode.REPLACE)
        case "delete":
            client.delete_entity(row["PartitionKey"], row["RowKey"], **_conditions(operation))
            return None
        case verb:
            mode = UpdateMode.MERGE if verb == "merge" else UpdateMode.REPLACE
            return client.update_entity(row, mode=mode, **_conditions(operation))


def _sdk_operation(operation: Operation) -> tuple[str, dict[str, Any], dict[str, Any]]:
    from azure.data.tables import UpdateMode

    row = dict(operation.row)
    if operation.verb in ("create", "delete"):
        return operation.verb, row, _conditions(operation)
    mode = UpdateMode.MERGE if operation.verb == "merge" else UpdateMode.REPLACE
    verb = "upsert" if operation.verb == "upsert" else "update"
    return verb, row, {"mode": mode, **_conditions(operation)}


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
