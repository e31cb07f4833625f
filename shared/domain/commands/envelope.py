"""The envelope of every command, and its JSON. Commands carry ids only, never mail.

Deployments overlap, so a reader takes what it knows and leaves the rest.
"""

import json
from collections.abc import Container
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from shared.domain.connections.tenant_ids import is_tenant_id
from shared.domain.errors import MalformedCommand, NewerCommand
from shared.domain.mail.items import ItemRef

VERSION: Final = 1
NOBODY: Final = "unknown"
# What reading a text that a stranger may have written raises; brackets nested too deep are a RecursionError.
_UNREADABLE: Final = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The envelope: `attempt` counts transient failures, `first_at` is when it was first asked (UTC).

    `replays` counts how often it was taken back from poison by itself.
    """

    queue: ClassVar[str]
    times: ClassVar[tuple[str, ...]] = ("first_at",)

    tenant_id: str
    mailbox_id: str
    first_at: datetime
    attempt: int = 0
    replays: int = 0

    def again(self) -> Self:
        """The same command after one more transient failure."""
        return replace(self, attempt=self.attempt + 1)

    def to_json(self) -> str:
        """The queue message's text."""
        content = {"version": VERSION, "command": type(self).__name__, **asdict(self)}
        return json.dumps(content, separators=(",", ":"), default=_plain)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a queue message; unknown fields are left. Raises MalformedCommand."""
        try:
            content = json.loads(text)
            if content["command"] != cls.__name__:
                raise MalformedCommand(f"{content['command']} is no {cls.__name__}")
            return cls(**cls._fields_in(content))
        except _UNREADABLE as error:
            raise MalformedCommand(f"not a {cls.__name__}: {error!r}") from error

    @classmethod
    def _fields_in(cls, content: dict[str, Any]) -> dict[str, Any]:
        known = {field.name for field in fields(cls)}
        given = {name: _restored(value) for name, value in content.items() if name in known}
        moments = {name: _moment(name, content[name]) for name in cls.times if content.get(name)}
        return {**given, **moments}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationCommand(Command):
    """The envelope of a command about a whole organisation, which names no mailbox."""

    mailbox_id: str = ""


def refuse_newer(text: str, known: Container[str]) -> None:
    """Raises NewerCommand for a command that none of the `known` is, or with a later envelope than ours.

    `version`, `command` and `first_at` stand where they always have, whatever else a later version changes.
    """
    try:
        content = json.loads(text)
        version, command = content["version"], content["command"]
        first_at = _moment("first_at", content["first_at"])
    except (*_UNREADABLE, MalformedCommand):
        return
    is_newer = isinstance(version, int) and isinstance(command, str)
    if is_newer and (version > VERSION or (version > 0 and command not in known)):
        raise NewerCommand(f"{command[:100]} in version {version} of the envelope", first_at)


def name_in(text: str) -> str:
    """The name of the command that a text holds. Raises MalformedCommand."""
    try:
        return str(json.loads(text)["command"])
    except _UNREADABLE as error:
        raise MalformedCommand(f"not a command: {error!r}") from error


def first_asked_in(text: str) -> datetime:
    """When the command in a text was first asked for. Raises MalformedCommand."""
    try:
        return _moment("first_at", json.loads(text)["first_at"])
    except _UNREADABLE as error:
        raise MalformedCommand(f"not a command: {error!r}") from error


def tenant_named_in(text: str) -> str:
    """The tenant that a text which is no command names all the same; 'unknown' when it names none."""
    try:
        named = json.loads(text)["tenant_id"]
    except _UNREADABLE:
        return NOBODY
    return named if isinstance(named, str) and is_tenant_id(named) else NOBODY


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a command cannot carry {value!r}")


def _moment(name: str, text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    # A time without a zone compares with no other: the worker would fail far from here, as a bug.
    if moment.tzinfo is None:
        raise MalformedCommand(f"'{name}' has no time zone: {text!r}")
    return moment


def _restored(value: object) -> object:
    """Lists are tuples, and the only objects that a command carries are items of a mailbox."""
    match value:
        case list():
            return tuple(map(_restored, value))
        case dict():
            return ItemRef(str(value["folder"]), str(value["item_id"]))
    return value
