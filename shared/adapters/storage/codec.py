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

    Fields that say nothing of the thing itself are left out: an ETag, and what is not compared.
    """
    match value:
        case RecordRef():
            return str(value)
        case Enum():
            return value.value
        case datetime():
            return value.astimezone(UTC).isoformat()
        case frozenset() | set():
            return sorted(to_plain(one) for one in value)
        case tuple() | list():
            return [to_plain(one) for one in value]
    if is_dataclass(value):
        said = (one.name for one in fields(value) if one.name != "etag" and one.compare)
        return {name: to_plain(getattr(value, name)) for name in said}
    return value


def from_plain(kind: type[T], plain: Any, **more: object) -> T:
    """The dataclass behind a JSON object; `more` are fields that come from elsewhere."""
    hints = _hints(cast("Any", kind))
    values = {name: _value(hints[name], one) for name, one in plain.items() if name in hints}
    return kind(**{**values, **more})


def _value(hint: Any, plain: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        wanted = next(one for one in get_args(hint) if one is not type(None))
        return None if plain is None else _value(wanted, plain)
    if origin is tuple:
        first, *_ = get_args(hint)
        return tuple(_value(first, one) for one in plain)
    if origin is frozenset:
        return frozenset(_value(get_args(hint)[0], one) for one in plain)
    return _single(hint, plain)


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


@lru_cache(maxsize=64)
def _hints(kind: Any) -> Mapping[str, Any]:
    names = {one.name for one in fields(kind)}
    return {name: hint for name, hint in get_type_hints(kind).items() if name in names}
