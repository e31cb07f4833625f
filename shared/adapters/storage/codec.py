"""Domain dataclasses as plain JSON values and back, driven by their type hints.

Versions overlap while a deployment rolls out: unknown fields are left, absent ones take their default. What a class's
fields say is looked at once; then each value only runs through functions that were made of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from shared.domain.records.records import RecordRef

T = TypeVar("T")
_Change = Callable[[Any], Any]

_AS_IT_IS: Final = frozenset((str, int, float, bool, NoneType))


def to_plain(value: object) -> Any:
    """A JSON value. References are `kind/id`, times ISO 8601, sets sorted.

    It leaves out fields that belong to the row and not to the thing: the ETag, and fields that are not compared.
    """
    kind: Any = type(value)
    return value if kind in _AS_IT_IS else _writer(kind)(value)


@cache
def _writer(kind: type) -> _Change:
    # Before the dataclasses, of which it is one.
    if issubclass(kind, RecordRef):
        return str
    if is_dataclass(kind):
        return partial(_fields_of, _stored_fields(kind))
    if issubclass(kind, Enum):
        return _value_of
    if issubclass(kind, datetime):
        return _in_utc
    if issubclass(kind, (frozenset, set)):
        # Sorted, so that equal values are stored as equal bytes.
        return lambda values: sorted(map(to_plain, values))
    if issubclass(kind, (tuple, list)):
        return lambda values: list(map(to_plain, values))
    return _same


def _stored_fields(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name != "etag" and field.compare)


def _fields_of(names: tuple[str, ...], value: object) -> dict[str, Any]:
    return {name: to_plain(getattr(value, name)) for name in names}


def _value_of(member: Enum) -> Any:
    return member.value


def _in_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _same(value: Any) -> Any:
    return value


def from_plain(kind: type[T], plain: Any, **more: object) -> T:
    """The dataclass of a JSON object; `more` are the fields that the JSON does not hold."""
    readers = _readers(cast("Any", kind))
    values = {name: readers[name](item) for name, item in plain.items() if name in readers}
    return kind(**{**values, **more})


@cache
def _readers(kind: Any) -> Mapping[str, _Change]:
    """By field."""
    hints = get_type_hints(kind)
    return {field.name: _reader(hints[field.name]) for field in fields(kind)}


def _reader(hint: Any) -> _Change:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return partial(_optional, _reader(_without_none(hint)))
    if origin in (tuple, frozenset):
        return partial(_several, origin, _reader(get_args(hint)[0]))
    return _single(hint)


def _without_none(hint: Any) -> Any:
    """The type of `X | None` beside None. The domain has no other unions."""
    return next(kind for kind in get_args(hint) if kind is not type(None))


def _optional(read: _Change, plain: Any) -> Any:
    return None if plain is None else read(plain)


def _several(kind: _Change, read: _Change, plain: Any) -> Any:
    return kind(plain if read is _same else map(read, plain))


def _single(hint: Any) -> _Change:
    if hint is RecordRef:
        return RecordRef.parse
    if hint is datetime:
        return datetime.fromisoformat
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if is_dataclass(hint):
        # Not its readers: a class may hold others of its own kind.
        return partial(from_plain, cast("type[Any]", hint))
    return _same
