"""Keys, packed columns, and the limits that Azure enforces and Azurite does not.

Source of the limits: Microsoft, "Understanding the Table service data model".
"""

import base64
import binascii
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from shared.domain.errors import NewerForm, Rejected

T = TypeVar("T")

MAX_KEY: Final = 1_024
MAX_PROPERTY: Final = 64 * 1024
MAX_ENTITY: Final = 1024 * 1024
# 255 with the three that Azure sets itself: both keys and the timestamp.
MAX_PROPERTIES: Final = 252
MAX_OPERATIONS: Final = 100
MAX_TRANSACTION: Final = 4 * 1024 * 1024
# 64 KiB in base64, which the Functions host expects.
MAX_QUEUE_MESSAGE: Final = 48 * 1024

CONTENT: Final = "content"
MAX_PARTS: Final = 8
# Somewhat below the 64 KiB of a property: the first part has a byte more.
_PART: Final = 60_000
# A hostile body of megabytes must not cost seconds of CPU: above these it is compressed less, or not at all.
_LARGE: Final = 1_000_000
_HUGE: Final = 8 * 1024 * 1024

# Every stream of zlib with a window of 32 KiB begins with it (RFC 1950).
_ZLIB: Final = b"\x78"

_ESCAPE: Final = "="
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._:@~-]")
_ESCAPED: Final = re.compile(r"(?:=[0-9A-F]{2})+")
_REFUSED_IN_KEYS: Final = re.compile(r"[/\\#?%\x00-\x1f\x7f-\x9f]")
# The bytes of a row in a transaction beside its values: the headers of its part, and property names.
_OPERATION_OVERHEAD: Final = 1_024
_PROPERTY_OVERHEAD: Final = 96


def text_in(content: str) -> str:
    """The text of a queue message; where there is none, what lies there: bytes stay readable to who has to find out.

    White space in base64 is ignored, as the Functions host ignores it.
    """
    try:
        return base64.b64decode("".join(content.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return content


def escaped(text: str) -> str:
    """A foreign text as part of a key: reversible byte for byte, and legal in every key.

    Letters, digits and `. _ : @ ~ -` stand for themselves; any other byte of its UTF-8 form is `=XX`.
    """
    return _UNSAFE.sub(_escape, text)


def unescaped(key: str) -> str:
    """The text behind `escaped`."""
    return _ESCAPED.sub(_unescape, key)


def _escape(unsafe: re.Match[str]) -> str:
    # Broken mail may contain half a character; a key must carry it there and back.
    return "".join(f"{_ESCAPE}{byte:02X}" for byte in unsafe[0].encode("utf-8", "surrogatepass"))


def _unescape(escapes: re.Match[str]) -> str:
    return bytes.fromhex(escapes[0].replace(_ESCAPE, "")).decode("utf-8", "surrogatepass")


def hashed(value: str | bytes) -> str:
    """A text or bytes as 32 hexadecimal digits (128 bits of SHA-256), where a key need not be read back."""
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return hashlib.sha256(data).hexdigest()[:32]


def joined(*parts: str) -> str:
    """A key of several parts; `|` sorts behind everything that `escaped` leaves, but `~`."""
    return "|".join(parts)


def compressed(value: object) -> bytes:
    """A JSON value, compressed: a large value faster and less, a huge value not at all."""
    data = json.dumps(value, separators=(",", ":")).encode()
    # Level 0 still gives zlib's format, so that `decompressed` needs no second case.
    if len(data) > _HUGE:
        return zlib.compress(data, 0)
    return zlib.compress(data, 6 if len(data) <= _LARGE else 1)


def decompressed(data: bytes) -> Any:
    """The JSON value behind `compressed`. Raises NewerForm for what is no stream of zlib's."""
    if data[:1] != _ZLIB:
        raise NewerForm("bytes in a form that this version does not know")
    return json.loads(zlib.decompress(data))


def packed(value: object, column: str = CONTENT) -> dict[str, bytes]:
    """A JSON value as compressed binary columns: `content`, and `content1`... where one is too small.

    The first byte says how many columns there are, so a merge that needs fewer leaves nothing wrong.
    Raises Rejected above 8 columns.
    """
    data = compressed(value)
    parts = [data[start : start + _PART] for start in range(0, len(data), _PART)]
    if len(parts) > MAX_PARTS:
        raise Rejected(
            f"'{column}' takes {len(data)} bytes compressed; at most {MAX_PARTS * _PART} can be kept"
        )
    return {
        name: bytes([len(parts)]) + part if name == column else part
        for name, part in zip(part_names(column), parts, strict=False)
    }


def unpacked(row: Mapping[str, Any], column: str = CONTENT) -> Any:
    """The JSON value behind `packed`. Raises NewerForm."""
    first = row[column]
    if not 0 < first[0] <= MAX_PARTS:
        raise NewerForm(f"'{column}' in a form that this version does not know")
    names = part_names(column)[1 : first[0]]
    return decompressed(first[1:] + b"".join(row[name] for name in names))


def surplus_parts(row: Mapping[str, Any], column: str = CONTENT) -> Iterator[str]:
    """Columns of an older value which took more of them than the one that stands."""
    count = row[column][0] if row.get(column) else MAX_PARTS
    return (name for name in part_names(column)[count:] if row.get(name))


def part_names(column: str = CONTENT) -> tuple[str, ...]:
    """Every column that `packed` may use: what a query must select."""
    return (column, *(f"{column}{number}" for number in range(1, MAX_PARTS)))


def check_entity(row: Mapping[str, Any]) -> None:
    """Raises Rejected for a row that Azure would refuse."""
    for name in ("PartitionKey", "RowKey"):
        _check_key(name, row[name])
    _check_properties({name: value for name, value in row.items() if name not in ("PartitionKey", "RowKey")})
    # For a property Azure counts 8 bytes, its name in UTF-16, and 4 bytes for the length of a text.
    whole = sum(_size(value) + 2 * len(name) + 12 for name, value in row.items())
    if whole > MAX_ENTITY:
        raise Rejected(f"a row of {whole} bytes; Azure takes {MAX_ENTITY}")


def _check_properties(properties: Mapping[str, Any]) -> None:
    if len(properties) > MAX_PROPERTIES:
        raise Rejected(f"a row of {len(properties)} properties; Azure takes {MAX_PROPERTIES}")
    for name, value in properties.items():
        size = _size(value)
        if size > MAX_PROPERTY:
            raise Rejected(f"property '{name}' takes {size} bytes; Azure takes {MAX_PROPERTY}")


def _check_key(name: str, key: str) -> None:
    if len(key.encode("utf-16-le", "surrogatepass")) > MAX_KEY:
        raise Rejected(f"{name} is longer than {MAX_KEY} bytes")
    if _REFUSED_IN_KEYS.search(key):
        raise Rejected(f"{name} holds a character that Azure refuses in keys")


def _size(value: object) -> int:
    """Bytes that Azure counts for a value: strings are UTF-16."""
    match value:
        case str():
            return len(value.encode("utf-16-le", "surrogatepass"))
        case bytes():
            return len(value)
        case bool():
            return 1
        case int() | float() | datetime():
            return 8
        case _:
            raise Rejected(f"a {type(value).__name__} is no column value")


def payload_size(row: Mapping[str, Any]) -> int:
    """About how many bytes a row takes in a transaction's body, rather too many.

    JSON in ASCII writes two bytes of UTF-16 as six, such as `\\u00fc`; binary is base64, a third longer.
    """
    return _OPERATION_OVERHEAD + sum(_PROPERTY_OVERHEAD + 3 * _size(value) for value in row.values())


def in_transactions(sized: Iterable[tuple[T, int]]) -> list[list[T]]:
    """Cut (item, payload size) into lists that one transaction takes, in order."""
    return units_in_transactions((item, 1, size) for item, size in sized)


def units_in_transactions(sized: Iterable[tuple[T, int, int]]) -> list[list[T]]:
    """The same for (item, operations, payload size), where an item may take several operations."""
    groups: list[list[T]] = []
    left = room = 0
    for item, operations, size in sized:
        if not groups or operations > left or size > room:
            groups.append([])
            left, room = MAX_OPERATIONS, MAX_TRANSACTION
        groups[-1].append(item)
        left -= operations
        room -= size
    return groups


def check_queue_message(text: str) -> None:
    """Raises Rejected above 48 KiB: base64 makes that the 64 KiB a queue message may have."""
    size = len(text.encode())
    if size > MAX_QUEUE_MESSAGE:
        raise Rejected(
            f"a queue message of {size} bytes; at most {MAX_QUEUE_MESSAGE} fit once they are base64"
        )
