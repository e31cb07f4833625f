"""Builds a service from what its fields say, so that a service that gains a port needs no wiring.

A field whose type is a port gets that port; one that is named after a value (a setting, `clock`, `new_id`) gets
it; any other is a service, built the same way. Whatever is built exists once.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from importlib import import_module
from threading import RLock
from typing import Any, TypeVar, get_type_hints

from shared.ports.record import Ports

T = TypeVar("T")

# The record names its types as text, see there; no two fields have the same one.
_FIELD_OF_TYPE = {
    port.fget.__annotations__["return"]: name
    for name, port in vars(Ports).items()
    if isinstance(port, property)
}


class Assembly:
    """The services of one process over its ports, each built when it is first asked for."""

    def __init__(self, ports: Ports, values: Mapping[str, object]) -> None:
        self._ports = ports
        self._values = values
        self._built: dict[type, Any] = {}
        # Requests run in threads, and a service that remembers something must not exist twice.
        self._building = RLock()

    def part(self, kind: type[T]) -> T:
        """The one service of this class. Raises TypeError where a field is nothing that is known here."""
        with self._building:
            if kind not in self._built:
                self._built[kind] = self._build(kind)
            found: T = self._built[kind]
            return found

    def _build(self, kind: type[T]) -> T:
        if not is_dataclass(kind):
            raise TypeError(f"{kind.__qualname__} is no service")
        types = get_type_hints(kind)
        needed = [field for field in fields(kind) if not _has_default(field)]
        return kind(**{field.name: self._value(kind, field.name, types[field.name]) for field in needed})

    def _value(self, kind: type, name: str, wanted: Any) -> object:
        if name in self._values:
            return self._values[name]
        port = _FIELD_OF_TYPE.get(getattr(wanted, "__name__", ""))
        if port is not None:
            return getattr(self._ports, port)
        if is_dataclass(wanted) and isinstance(wanted, type):
            return self.part(wanted)
        raise TypeError(f"{kind.__qualname__}.{name} is neither a port, nor a value, nor a service")


class _UseCase:
    """An attribute that imports its service and builds it when it is first read."""

    def __init__(self, module: str) -> None:
        self._module = f"shared.services.{module}"

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name
        self._class: str = owner.__annotations__[name]

    def __get__(self, assembly: Assembly, _owner: type) -> object:
        built = assembly.part(getattr(import_module(self._module), self._class))
        # From now on the instance's own attribute is found first, without a lock.
        vars(assembly)[self._name] = built
        return built


def use_case(module: str) -> Any:
    """Declares a use case: the class that the attribute is annotated with, from this module of services."""
    return _UseCase(module)


def _has_default(field: "Field[Any]") -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING
