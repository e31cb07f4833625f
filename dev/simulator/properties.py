"""MAPI properties of a message by their ids, as Graph's extended properties name them."""

import re
from collections.abc import Callable

from dev.simulator.errors import bad_request
from dev.simulator.items import StoredMessage

_TAGS: dict[str, Callable[[StoredMessage], str | None]] = {
    "string 0x1042": lambda message: message.content.header("In-Reply-To"),
    "string 0x1039": lambda message: message.content.header("References"),
    "string 0x7d": lambda message: "".join(f"{name}: {value}\r\n" for name, value in message.content.headers),
    "string 0x1035": lambda message: message.internet_message_id,
    "string 0x70": lambda message: message.content.topic,
    "integer 0x36": lambda message: str(message.content.sensitivity),
}
_NUMBERED = re.compile(r"([A-Za-z]+) +0x([0-9A-Fa-f]{1,8})")
_NAMED = re.compile(r"([A-Za-z]+) +(\{[0-9A-Fa-f-]{36}\}) +(Id +0x[0-9A-Fa-f]{1,8}|Name +.+)")
_TYPES = {
    name.lower(): name for name in ("ApplicationTime", "Binary", "Boolean", "CLSID", "Currency", "Double")
}
_TYPES |= {
    name.lower(): name for name in ("Error", "Float", "Integer", "Long", "Short", "String", "SystemTime")
}


def property_id(text: str) -> str:
    """An extended property's id as Graph gives it back: no leading zeros. Raises GraphError 400 for a malformed one."""
    text = text.strip()
    numbered, named = _NUMBERED.fullmatch(text), _NAMED.fullmatch(text)
    found = numbered or named
    kind = _TYPES.get(found[1].lower().removesuffix("array")) if found else None
    if found is None or kind is None:
        message = f"The extended property id '{text}' is not valid."
        raise bad_request(message, "ErrorInvalidExtendedProperty")
    if numbered:
        return f"{kind} 0x{int(numbered[2], 16):x}"
    return f"{kind} {found[2].lower()} {found[3]}"


def in_headers(name: str) -> str:
    """The id of the property that holds a header of this name."""
    return property_id(f"String {{00020386-0000-0000-C000-000000000046}} Name {name}")


def extended_value(message: StoredMessage, tag: str) -> str:
    """The value of a property by its id as Graph gives it; '' where the item does not have it."""
    read = _TAGS.get(tag.lower())
    return (read(message) if read else message.extended.get(tag.lower())) or ""
