"""Reading what a person sent: settings checked one by one, every mistake named in a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.domain.errors import InvalidInput
from shared.domain.mail.addresses import normalise

MAX_ITEMS = 1_000


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object from outside. An absent field keeps its default; null is the same as absent.

    A generated client sends null for each setting that its user has not set.
    """

    given: Mapping[str, Any]

    def only(self, known: Sequence[str]) -> "Fields":
        """Refuse names that nobody reads: a misspelt setting must not pass for a set one."""
        present = {name for name, value in self.given.items() if value is not None}
        unknown = sorted(present - set(known))
        if unknown:
            raise InvalidInput(f"Unknown: {', '.join(unknown)}. Known here: {', '.join(sorted(known))}.")
        return self

    def _value(self, name: str, default: object) -> object:
        value = self.given.get(name)
        return default if value is None else value

    def text(self, name: str, default: str, longest: int = 1_024) -> str:
        value = self._value(name, default)
        if not isinstance(value, str) or len(value) > longest:
            raise InvalidInput(f"'{name}' must be a text of at most {longest} characters.")
        return value.strip()

    def choice(self, name: str, default: str, allowed: Sequence[str]) -> str:
        value = self._value(name, default)
        if not isinstance(value, str) or value not in allowed:
            raise InvalidInput(f"'{name}' must be one of {', '.join(map(repr, allowed))}, not {value!r}.")
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self._value(name, default)
        if not isinstance(value, bool):
            raise InvalidInput(f"'{name}' must be true or false.")
        return value

    def flag_or_none(self, name: str) -> bool | None:
        return None if self.given.get(name) is None else self.flag(name, False)

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self._value(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise InvalidInput(f"'{name}' must be a whole number from {low} to {high}.")
        return value

    def mapping(self, name: str, default: dict[str, Any]) -> dict[str, Any]:
        value = self._value(name, default)
        if not isinstance(value, dict):
            raise InvalidInput(f"'{name}' must be an object.")
        return value

    def texts(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self._value(name, default)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise InvalidInput(f"'{name}' must be a list of texts.")
        if len(value) > MAX_ITEMS:
            raise InvalidInput(f"'{name}' may hold at most {MAX_ITEMS} items.")
        return tuple(dict.fromkeys(text.strip() for text in value))

    def address(self, name: str, default: str = "") -> str:
        value = self._value(name, default)
        return _address(name, value) if value else default

    def addresses(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_address(name, text) for text in self.texts(name, default)))

    def domains(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_domain(name, text) for text in self.texts(name, default)))

    def addresses_or_domains(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        given = self.texts(name, default)
        return tuple(dict.fromkeys(_address_or_domain(name, text) for text in given))


def _address_or_domain(name: str, text: str) -> str:
    is_address = "@" in text.lstrip("@")
    return _address(name, text) if is_address else _domain(name, text)


def _address(name: str, value: object) -> str:
    address = normalise(value) if isinstance(value, str) else None
    if address is None:
        raise InvalidInput(f"'{name}' holds {value!r}, which is no e-mail address.")
    return address


def _domain(name: str, value: str) -> str:
    address = normalise("a@" + value.lstrip("@"))
    if address is None or "." not in address:
        raise InvalidInput(f"'{name}' holds {value!r}, which is no domain name such as 'example.com'.")
    return address[2:]
