"""Domain dataclasses as plain JSON values and back, driven by their type hints.

Versions overlap while a deployment rolls out: unknown fields are left, absent ones take their default.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from types import UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from shared.domain.records.records import RecordRef

T = TypeVar("T")


def to_plain(value: object) -> Any:
    """A JSON value. References are `kind/id`, times ISO 8601, sets sorted.

    It leaves out fields that belong to the row and not to the thing: the ETag, and fields that are not compared.
    """
    # Before the dataclasses, of which it is one.
    if isinstance(value, RecordRef):
        return str(value)
    if is_dataclass(value):
        return {name: to_plain(getattr(value, name)) for name in _stored_fields(value)}
    return _plain_value(value)


def _plain_value(value: object) -> Any:
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.astimezone(UTC).isoformat()
        case frozenset() | set():
            # Sorted, so that equal values are stored as equal bytes.
            return sorted(map(to_plain, value))
        case tuple() | list():
            return list(map(to_plain, value))
        case _:
            return value


def _stored_fields(value: Any) -> list[str]:
    return [field.name for field in fields(value) if field.name != "etag" and field.compare]


def from_plain(kind: type[T], plain: Any, **more: object) -> T:
    """The dataclass of a JSON object; `more` are the fields that the JSON does not hold."""
    hints = _hints(cast("Any", kind))
    values = {name: _value(hints[name], item) for name, item in plain.items() if name in hints}
    return kind(**{**values, **more})


def _value(hint: Any, plain: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return None if plain is None else _value(_without_none(hint), plain)
    if origin in (tuple, frozenset):
        item_hint = get_args(hint)[0]
        return origin(_value(item_hint, item) for item in plain)
    return _single(hint, plain)


def _without_none(hint: Any) -> Any:
    """The type of `X | None` beside None. The domain has no other unions."""
    return next(kind for kind in get_args(hint) if kind is not type(None))


def _single(hint: Any, plain: Any) -> Any:
    if hint is RecordRef:
        return RecordRef.parse(plain)
    if hint is datetime:
        return datetime.fromisoformat(plain)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(plain)
    if is_dataclass(hint):
        return from_plain(cast("type[Any]", hint), plain)
    return plain


# Resolving type hints is slow, and every row of a page needs those of the same class.
@lru_cache(maxsize=64)
def _hints(kind: Any) -> Mapping[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: hint for name, hint in get_type_hints(kind).items() if name in names}
