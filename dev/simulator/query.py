"""OData options of message lists as far as Outlook allows them; anything else is answered 400."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from dev.simulator.errors import GraphError, bad_request
from dev.simulator.items import StoredMessage

DEFAULT_PAGE, MAX_PAGE = 10, 1000
_DATES: dict[str, Callable[[StoredMessage], datetime]] = {
    "receiveddatetime": lambda message: message.received,
    "sentdatetime": lambda message: message.content.sent or message.received,
    "createddatetime": lambda message: message.created,
    "lastmodifieddatetime": lambda message: message.modified,
}
_EQUALS: dict[str, Callable[[StoredMessage], object]] = {
    "isread": lambda message: message.is_read,
    "isdraft": lambda message: message.is_draft,
    "hasattachments": lambda message: message.content.has_attachments,
    "internetmessageid": lambda message: message.internet_message_id,
    "conversationid": lambda message: message.conversation_id,
    "parentfolderid": lambda message: message.folder.id,
}
_COMPARE: dict[str, Callable[[datetime, datetime], bool]] = {
    "ge": lambda left, right: left >= right,
    "gt": lambda left, right: left > right,
    "le": lambda left, right: left <= right,
    "lt": lambda left, right: left < right,
    "eq": lambda left, right: left == right,
}
_TERM = re.compile(r"\s*(\w+)\s+(ge|gt|le|lt|eq|ne)\s+('(?:[^']|'')*'|[^\s()']+)\s*", re.I)

Rule = Callable[[StoredMessage], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed `$filter`: the properties in the order they were named, and the rule."""

    properties: tuple[str, ...]
    rule: Rule


def split_outside(text: str, separator: str) -> list[str]:
    """Splits where the separator stands outside parentheses and quotes."""
    pieces, depth, quoted, start = [], 0, False, 0
    for position, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif not quoted:
            depth += (character == "(") - (character == ")")
            if character == separator and depth == 0:
                pieces.append(text[start:position])
                start = position + 1
    pieces.append(text[start:])
    return [piece.strip() for piece in pieces if piece.strip()]


def parse_moment(text: str) -> datetime:
    """An OData date. Graph sees second precision only. Raises GraphError 400."""
    try:
        moment = datetime.fromisoformat(text.strip("'"))
    except ValueError as error:
        raise bad_request(f"Invalid filter clause: '{text}' is no date.") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _term(name: str, operator: str, literal: str) -> Rule:
    if name in _DATES:
        read, compare = _DATES[name], _COMPARE.get(operator)
        moment = parse_moment(literal)
        if compare is None:
            raise _unsupported()
        return lambda message: compare(read(message).replace(microsecond=0), moment)
    if name in _EQUALS and operator in ("eq", "ne"):
        value = _EQUALS[name]
        wanted = literal[1:-1].replace("''", "'") if literal.startswith("'") else literal.lower() == "true"
        return lambda message: (value(message) == wanted) == (operator == "eq")
    raise _unsupported()


def _unsupported() -> GraphError:
    return bad_request(
        "The query filter is not supported for this property or operator.", "ErrorInvalidUrlQueryFilter"
    )


def parse_filter(text: str) -> Filter:
    """Terms joined by `and`. Raises GraphError 400."""
    position, names, rules = 0, [], []
    text = text.strip()
    while text:
        found = _TERM.match(text, position)
        if not found:
            raise bad_request(f"Invalid filter clause: syntax error at position {position} in '{text}'.")
        name, operator = found[1].lower(), found[2].lower()
        names.append(name)
        rules.append(_term(name, operator, found[3]))
        position = found.end()
        if position == len(text):
            break
        if text[position : position + 4].lower() != "and ":
            raise _unsupported()
        position += 4
    return Filter(tuple(names), lambda message: all(rule(message) for rule in rules))


def check_order(order: list[tuple[str, bool]], conditions: Filter | None) -> None:
    """Ordered properties must come first in the filter, in the same order. Raises GraphError 400."""
    if conditions is None:
        return
    names = [name for name, _ in order]
    if list(dict.fromkeys(conditions.properties))[: len(names)] != names:
        raise GraphError(
            400, "InefficientFilter", "The restriction or sort order is too complex for this operation."
        )


def parse_order(text: str) -> list[tuple[str, bool]]:
    """(property, descending) pairs; only dates can be ordered by here. Raises GraphError 400."""
    order = []
    for piece in split_outside(text, ","):
        name, _, direction = piece.partition(" ")
        if name.lower() not in _DATES or direction.strip().lower() not in ("", "asc", "desc"):
            raise bad_request("The query specified in the URI is not valid: $orderby.")
        order.append((name.lower(), direction.strip().lower() == "desc"))
    return order


def arrange(messages: list[StoredMessage], order: list[tuple[str, bool]]) -> list[StoredMessage]:
    """Sorted by the given order; `messages` come newest first, which is the default."""
    for name, descending in reversed(order):
        read = _DATES[name]
        messages = sorted(messages, key=lambda message: (read(message), message.key), reverse=descending)
    return messages


def page_size(top: int | None, preferred: int | None) -> int:
    """How many items a page may have. Raises GraphError 400."""
    if top is not None and not 0 < top <= MAX_PAGE:
        raise bad_request(
            f"The limit of '{MAX_PAGE}' for Top query has been exceeded. The value passed was '{top}'."
        )
    return min(size for size in (top or preferred or DEFAULT_PAGE, preferred or MAX_PAGE, MAX_PAGE))
