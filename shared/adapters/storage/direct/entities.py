"""Rows as the JSON of the Table service and back, with the types that JSON does not have.

Source: Microsoft, "Payload format for Table service operations" (JSON, minimal metadata).
"""

import base64
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from shared.adapters.storage.calls import Row, StoredRow
from shared.domain.errors import Rejected

_TYPE: Final = "@odata.type"
_METADATA: Final = "odata."
# What the service adds to every row; nobody reads it here.
_TIMESTAMP: Final = "Timestamp"
_UTC_OFFSET: Final = len("+00:00")


def to_json(row: Row) -> bytes:
    """Raises Rejected for a value that no column can hold."""
    plain: dict[str, object] = {}
    for name, value in row.items():
        plain[name], kind = _encoded(value)
        if kind:
            plain[name + _TYPE] = kind
    # In ASCII: a part of a transaction does not say its encoding, and a lone surrogate has no UTF-8 form.
    return json.dumps(plain, separators=(",", ":")).encode()


def _encoded(value: object) -> tuple[object, str]:
    """The JSON value, and its type where JSON does not show it."""
    match value:
        case bool() | str():
            return value, ""
        case bytes():
            return base64.b64encode(value).decode(), "Edm.Binary"
        case int():
            return (value, "") if -(2**31) <= value < 2**31 else (str(value), "Edm.Int64")
        case datetime():
            text = value.astimezone(UTC).isoformat(timespec="microseconds")
            return f"{text[:-_UTC_OFFSET]}Z", "Edm.DateTime"
        case float():
            return (value if math.isfinite(value) else _infinite(value)), "Edm.Double"
        case _:
            raise Rejected(f"a {type(value).__name__} is no column value")


def _infinite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def row_of(plain: Mapping[str, Any], etag: str = "") -> StoredRow:
    """A row without the service's own columns. `etag` stands in where the JSON carries none."""
    columns = {
        name: _decoded(value, plain.get(name + _TYPE)) for name, value in plain.items() if _is_column(name)
    }
    return StoredRow(columns, str(plain.get("odata.etag") or etag))


def _is_column(name: str) -> bool:
    return not (name == _TIMESTAMP or name.startswith(_METADATA) or name.endswith(_TYPE))


def _decoded(value: Any, kind: str | None) -> Any:
    match kind:
        case None:
            return value
        case "Edm.Binary":
            return base64.b64decode(value)
        case "Edm.DateTime":
            # The service counts in units of 100 ns; what is below a microsecond falls away.
            return datetime.fromisoformat(value)
        case "Edm.Int64":
            return int(value)
        case "Edm.Double":
            return float(value)
        case _:
            return value
