"""Builds a service from what its fields say, so that a service that gains a port needs no wiring.

A field with the name and the type of a value (a setting, `clock`, `new_id`) gets that value; a field whose type is a
port gets that port; any other is a service, built the same way. A field with a default keeps it, whatever its type:
it is a service's own state, or what only a test changes. Whatever is built exists once.

This saves the several hundred lines of constructor calls that repeat the fields. Its price: mypy does not see which
argument a field gets. A field that nothing fits raises TypeError when its service is built, and a test builds all.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from importlib import import_module
from threading import RLock
from typing import Any, Final, TypeVar, get_type_hints

from shared.ports.record import Ports

T = TypeVar("T")

# The record names its types as text, see there. No two fields have the same one, and a test holds that no two ports
# share a name: a class of that name under `_PORTS` is the port.
_PORTS: Final = "shared.ports."
_FIELD_OF_TYPE = {
    port.fget.__annotations__["return"]: name
    for name, port in vars(Ports).items()
    if isinstance(port, property)
}


@dataclass(frozen=True, slots=True)
class Value:
    """Something that services take as it is, with the type that their fields give it."""

    type: object
    value: object


class Assembly:
    """The services of one process over its ports, each built when it is first asked for."""

    def __init__(self, ports: Ports, values: Mapping[str, Value]) -> None:
        # As the services have them.
        self.ports = ports
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
        value = self._values.get(name)
        # A name alone decides nothing: another field may happen to be called `clock`.
        if value is not None and value.type == wanted:
            return value.value
        port = _port(wanted)
        if port is not None:
            return getattr(self.ports, port)
        if is_dataclass(wanted) and isinstance(wanted, type):
            return self.part(wanted)
        raise TypeError(
            f"{kind.__qualname__}.{name} is neither a value of that type, nor a port, nor a service"
        )


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


def _port(wanted: Any) -> str | None:
    """The record's field of this type."""
    if not str(getattr(wanted, "__module__", "")).startswith(_PORTS):
        return None
    return _FIELD_OF_TYPE.get(getattr(wanted, "__name__", ""))


def _has_default(field: "Field[Any]") -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING
