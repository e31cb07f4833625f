"""`$filter` of messages as far as Outlook takes it: comparisons, text functions, `in`, extended properties.

Literals are taken as OData writes them: a date stands without quotes and with a zone, a text with quotes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from dev.simulator.errors import GraphError, bad_request
from dev.simulator.items import StoredMessage
from dev.simulator.properties import extended_value, property_id

Rule = Callable[[StoredMessage], bool]

DATES: dict[str, Callable[[StoredMessage], datetime]] = {
    "receiveddatetime": lambda message: message.received,
    "sentdatetime": lambda message: message.content.sent or message.received,
    "createddatetime": lambda message: message.created,
    "lastmodifieddatetime": lambda message: message.modified,
}


def _address(message: StoredMessage) -> str:
    return message.content.from_.address if message.content.from_ else ""


_FLAGS: dict[str, Callable[[StoredMessage], bool | None]] = {
    "isread": lambda message: message.is_read,
    "isdraft": lambda message: message.is_draft,
    "hasattachments": lambda message: message.content.has_attachments,
}
_TRUTHS = {"true": True, "false": False, "null": None}
_TEXTS: dict[str, Callable[[StoredMessage], str]] = {
    "subject": lambda message: message.content.subject,
    "internetmessageid": lambda message: message.internet_message_id,
    "conversationid": lambda message: message.conversation_id,
    "parentfolderid": lambda message: message.folder.id,
    "from/emailaddress/address": _address,
}
_COMPARE: dict[str, Callable[[datetime, datetime], bool]] = {
    "ge": lambda left, right: left >= right,
    "gt": lambda left, right: left > right,
    "le": lambda left, right: left <= right,
    "lt": lambda left, right: left < right,
    "eq": lambda left, right: left == right,
}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part.lower() in text.lower(),
    "startswith": lambda text, part: text.lower().startswith(part.lower()),
    "endswith": lambda text, part: text.lower().endswith(part.lower()),
}
_TEXT = r"'((?:[^']|'')*)'"
_TERM = re.compile(r"([\w/]+)\s+(ge|gt|le|lt|eq|ne)\s+('(?:[^']|'')*'|[^\s()',]+)", re.I)
_CALL = re.compile(rf"(contains|startswith|endswith)\(\s*([\w/]+)\s*,\s*{_TEXT}\s*\)", re.I)
_IN = re.compile(rf"([\w/]+)\s+in\s*\(\s*({_TEXT}(?:\s*,\s*{_TEXT})*)\s*\)", re.I)
_PROPERTY = re.compile(
    rf"singleValueExtendedProperties/any\(\s*(\w+)\s*:\s*\1/id\s+eq\s+{_TEXT}\s+and\s+\1/value\s+eq\s+{_TEXT}\s*\)",
    re.I,
)
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d)", re.I)


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed `$filter`: the properties in the order they were named, and the rule."""

    properties: tuple[str, ...]
    rule: Rule


def parse_filter(text: str) -> Filter:
    """Raises GraphError 400."""
    if not text.strip():
        return Filter((), lambda _: True)
    reading = _Reading(text.strip())
    rule = reading.either()
    if reading.rest:
        raise reading.wrong()
    return Filter(tuple(reading.names), rule)


class _Reading:
    """A filter as far as it has been read."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.names: list[str] = []

    @property
    def rest(self) -> str:
        return self.text[self.at :].lstrip()

    def wrong(self) -> GraphError:
        return bad_request(f"Invalid filter clause: syntax error at position {self.at} in '{self.text}'.")

    def either(self) -> Rule:
        rules = [self._both()]
        while self._word("or"):
            rules.append(self._both())
        return rules[0] if len(rules) == 1 else lambda message: any(rule(message) for rule in rules)

    def _both(self) -> Rule:
        rules = [self._one()]
        while self._word("and"):
            rules.append(self._one())
        return rules[0] if len(rules) == 1 else lambda message: all(rule(message) for rule in rules)

    def _one(self) -> Rule:
        if self._word("not"):
            negated = self._one()
            return lambda message: not negated(message)
        if self._taken(re.compile(r"\(")):
            inner = self.either()
            if not self._taken(re.compile(r"\)")):
                raise self.wrong()
            return inner
        return self._term()

    def _term(self) -> Rule:
        if found := self._taken(_PROPERTY):
            self.names.append("singlevalueextendedproperties")
            tag, value = property_id(found[2]), _unquoted(found[3])
            return lambda message: extended_value(message, tag) == value
        if found := self._taken(_CALL):
            read, holds, part = self._text_of(found[2]), _FUNCTIONS[found[1].lower()], _unquoted(found[3])
            return lambda message: holds(read(message), part)
        if found := self._taken(_IN):
            read = self._text_of(found[1])
            wanted = {_unquoted(text) for text in re.findall(_TEXT, found[2])}
            return lambda message: read(message) in wanted
        if found := self._taken(_TERM):
            name = found[1].lower()
            self.names.append(name)
            return _comparison(name, found[2].lower(), found[3])
        raise self.wrong()

    def _text_of(self, name: str) -> Callable[[StoredMessage], str]:
        self.names.append(name.lower())
        if name.lower() not in _TEXTS:
            raise _unsupported()
        return _TEXTS[name.lower()]

    def _word(self, word: str) -> bool:
        return self._taken(re.compile(rf"{word}\b", re.I)) is not None

    def _taken(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        start = len(self.text) - len(self.rest)
        found = pattern.match(self.text, start)
        if found:
            self.at = found.end()
        return found


def _comparison(name: str, operator: str, literal: str) -> Rule:
    if name in DATES:
        read, compare = DATES[name], _COMPARE.get(operator)
        moment = _moment(literal)
        if compare is None:
            raise _unsupported()
        # Graph sees second precision only.
        return lambda message: compare(read(message).replace(microsecond=0), moment)
    if operator not in ("eq", "ne"):
        raise _unsupported()
    if name in _FLAGS:
        if literal.lower() not in _TRUTHS:
            raise _incompatible("Edm.Boolean")
        # What is null equals neither true nor false.
        flag, wanted_truth = _FLAGS[name], _TRUTHS[literal.lower()]
        return lambda message: (flag(message) is wanted_truth) == (operator == "eq")
    if name not in _TEXTS:
        raise _unsupported()
    if not literal.startswith("'"):
        raise _incompatible("Edm.String")
    text, wanted = _TEXTS[name], _unquoted(literal[1:-1])
    return lambda message: (text(message) == wanted) == (operator == "eq")


def _moment(text: str) -> datetime:
    if not _DATE.fullmatch(text):
        raise _incompatible("Edm.DateTimeOffset")
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.upper())).astimezone(UTC)
    except ValueError as error:
        raise _incompatible("Edm.DateTimeOffset") from error


def _incompatible(kind: str) -> GraphError:
    return bad_request(f"Invalid filter clause: a literal does not have the type '{kind}'.")


def _unsupported() -> GraphError:
    return bad_request(
        "The query filter is not supported for this property or operator.", "ErrorInvalidUrlQueryFilter"
    )


def _unquoted(text: str) -> str:
    return text.replace("''", "'")
