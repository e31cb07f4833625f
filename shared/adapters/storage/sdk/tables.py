"""One table through `azure-data-tables`. Entities stop here."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shared.adapters.storage.calls import Operation, Row, StoredRow
from shared.adapters.storage.errors import translated

if TYPE_CHECKING:
    from azure.data.tables import TableClient, TableEntity


class SdkTable:
    """Implements `calls.TableCalls`."""

    def __init__(self, client: "TableClient", name: str) -> None:
        self._client = client
        self._name = name

    def get(self, partition: str, key: str, select: Sequence[str]) -> Row:
        with translated(self._name):
            return _row(self._client.get_entity(partition, key, select=list(select) or None))

    def rows(self, condition: str, select: Sequence[str], page: int) -> Iterator[Row]:
        # The SDK asks for a page while its rows are read: errors come in the middle of an iteration.
        found = iter(
            self._client.query_entities(condition, select=list(select) or None, results_per_page=page)
        )
        while True:
            with translated(self._name):
                entity = next(found, None)
            if entity is None:
                return
            yield _row(entity)

    def submit(self, operation: Operation) -> str:
        with translated(self._name):
            result = _submit(self._client, operation)
        return str((result or {}).get("etag") or "")

    def transact(self, operations: Sequence[Operation]) -> list[str]:
        with translated(self._name):
            results = self._client.submit_transaction(map(_in_transaction, operations))
        return [str(result.get("etag") or "") for result in results]


def _row(entity: "TableEntity") -> Row:
    # The SDK keeps the ETag beside the columns, in an attribute of its own kind of dict.
    return StoredRow(entity, str(entity.metadata.get("etag") or ""))


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
            return client.upsert_entity(row, mode=UpdateMode.MERGE)
        case "delete":
            client.delete_entity(row["PartitionKey"], row["RowKey"], **_conditions(operation))
            return None
        case verb:
            mode = UpdateMode.REPLACE if verb == "replace" else UpdateMode.MERGE
            return client.update_entity(row, mode=mode, **_conditions(operation))


def _in_transaction(operation: Operation) -> tuple[str, dict[str, Any], dict[str, Any]]:
    from azure.data.tables import UpdateMode

    row = dict(operation.row)
    if operation.verb in ("create", "delete"):
        return operation.verb, row, _conditions(operation)
    mode = UpdateMode.REPLACE if operation.verb == "replace" else UpdateMode.MERGE
    verb = "upsert" if operation.verb == "upsert" else "update"
    return verb, row, {"mode": mode, **_conditions(operation)}
