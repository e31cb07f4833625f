"""OData options of message lists as far as Outlook allows them; anything else is answered 400."""

from dev.simulator.errors import GraphError, bad_request
from dev.simulator.filters import DATES, Filter
from dev.simulator.items import StoredMessage

DEFAULT_PAGE, MAX_PAGE = 10, 1000


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
        if name.lower() not in DATES or direction.strip().lower() not in ("", "asc", "desc"):
            raise bad_request("The query specified in the URI is not valid: $orderby.")
        order.append((name.lower(), direction.strip().lower() == "desc"))
    return order


def arrange(messages: list[StoredMessage], order: list[tuple[str, bool]]) -> list[StoredMessage]:
    """Sorted by the given order; `messages` come newest first, which is the default."""
    for name, descending in reversed(order):
        read = DATES[name]
        messages = sorted(messages, key=lambda message: (read(message), message.key), reverse=descending)
    return messages


def page_size(top: int | None, preferred: int | None) -> int:
    """How many items a page may have. Raises GraphError 400."""
    if top is not None and not 0 < top <= MAX_PAGE:
        raise bad_request(
            f"The limit of '{MAX_PAGE}' for Top query has been exceeded. The value passed was '{top}'."
        )
    return min(size for size in (top or preferred or DEFAULT_PAGE, preferred or MAX_PAGE, MAX_PAGE))
