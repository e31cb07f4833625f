"""A write of one row as the request that does it: verb, path, headers, body."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.adapters.storage.calls import Operation
from shared.adapters.storage.direct.entities import to_json
from shared.adapters.storage.direct.exchange import JSON
from shared.adapters.storage.direct.paths import entity_path

ACCEPT: Final = f"{JSON};odata=minimalmetadata"
# The service holds version 3 of OData; without the header it answers as an older one.
ODATA: Final = {"DataServiceVersion": "3.0", "MaxDataServiceVersion": "3.0;NetFx", "Accept": ACCEPT}
_WITH_BODY: Final = {**ODATA, "Content-Type": JSON}
_CREATE: Final = {**_WITH_BODY, "Prefer": "return-no-content"}
_METHODS: Final = {
    "create": "POST",
    "upsert": "PATCH",
    "replace": "PUT",
    "merge": "PATCH",
    "delete": "DELETE",
}
# A row that says the same twice says it once.
_REPEATABLE: Final = ("PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Write:
    """`path` begins below the account."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def repeatable(self) -> bool:
        """Whether it comes to the same if it is done twice."""
        return self.method in _REPEATABLE


def write_of(table: str, operation: Operation) -> Write:
    """Raises Rejected for a value that no column can hold."""
    method = _METHODS[operation.verb]
    if operation.verb == "create":
        return Write(method, f"/{table}", _CREATE, to_json(operation.row))
    row = operation.row
    path = entity_path(table, row["PartitionKey"], row["RowKey"])
    if operation.verb == "upsert":
        return Write(method, path, _WITH_BODY, to_json(row))
    # Without If-Match a PUT or PATCH would insert what is not there.
    condition = {"If-Match": operation.etag or "*"}
    if operation.verb == "delete":
        return Write(method, path, {**ODATA, **condition}, b"")
    return Write(method, path, {**_WITH_BODY, **condition}, to_json(row))
