"""Commands: what one part of the service asks of another. Ids only, never mail; versioned JSON in an envelope.

Deployments overlap, so a reader takes what it knows and leaves the rest.
"""

import json
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from shared.domain import names
from shared.domain.connections.mailboxes import is_tenant_id
from shared.domain.errors import MalformedCommand
from shared.domain.mail.items import ItemRef

VERSION: Final = 1
MAX_IDS: Final = 20
NOBODY: Final = "unknown"
PERSON: Final = "person"
ORGANISATION: Final = "organisation"
EXPIRED: Final = "expired"
TAKEN: Final = (PERSON, ORGANISATION, EXPIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The envelope: `attempt` counts transient failures, `first_at` is when it was first asked (UTC).

    `replays` counts how often it was taken back from poison by itself. `mailbox_id` is '' where a
    command is about the whole organisation.
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
            content: dict[str, Any] = json.loads(text)
            known = {one.name for one in fields(cls)}
            given: dict[str, Any] = {
                name: _restored(value) for name, value in content.items() if name in known
            }
            if content["command"] != cls.__name__:
                raise MalformedCommand(f"{content['command']} came to the queue of {cls.__name__}")
            moments = {name: datetime.fromisoformat(given[name]) for name in cls.times if given.get(name)}
            return cls(**{**given, **moments})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise MalformedCommand(f"not a {cls.__name__}: {error!r}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncMailbox(Command):
    """Walk the mailbox's folders from where their deltas stand."""

    queue: ClassVar[str] = names.MAIL_SYNC


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestMessages(Command):
    """Fetch up to 20 messages of one mailbox, match them, write their rows.

    `screened`: capture has already been decided on their headers. `silent`: tell nobody. `unbounded`: they are
    history that was asked for, so the capture window does not count.
    """

    queue: ClassVar[str] = names.MAIL_INGEST

    items: tuple[ItemRef, ...]
    screened: bool = False
    silent: bool = False
    unbounded: bool = False

    def __post_init__(self) -> None:
        if not 0 < len(self.items) <= MAX_IDS:
            raise MalformedCommand(f"{len(self.items)} items; a command carries 1 to {MAX_IDS}")
        if not all(isinstance(item, ItemRef) for item in self.items):
            raise MalformedCommand("a command's items are objects of folder and item_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileMailbox(Command):
    """Compare a window of each folder with the ledger and repair; from `since`, or the nightly window.

    One that gave way says how far it came: folders up to `after` are done, the next one is to be read from
    `start` on, and `counted` so far (JSON).
    """

    queue: ClassVar[str] = names.MAIL_RECONCILE
    times: ClassVar[tuple[str, ...]] = ("first_at", "since", "start")

    since: datetime | None = None
    after: str = ""
    start: datetime | None = None
    counted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillMailbox(Command):
    """Do this step of the mailbox's running backfill, if it is the next one."""

    queue: ClassVar[str] = names.MAIL_BACKFILL

    step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinLateContacts(Command):
    """Join the addresses and domains of new records with the organisation's ledger.

    Over the announcements behind `behind` and up to `until`, which is known once a pass has begun. `more`: others
    behind these are to follow in a pass of their own. `second`: the same once more, some minutes later. `after`
    is the mailbox id behind which a pass goes on that gave way.
    """

    queue: ClassVar[str] = names.LATE_CONTACTS
    times: ClassVar[tuple[str, ...]] = ("first_at", "behind", "until")

    mailbox_id: str = ""
    second: bool = False
    behind: datetime | None = None
    until: datetime | None = None
    more: bool = False
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RematchMessages(Command):
    """Decide anew on stored mail, from behind the message `after`: all of it, or what concerns `record`.

    `run` names the whole run; `turn` counts how often it has gone through, `changed` what this time has changed.
    """

    queue: ClassVar[str] = names.REMATCHES

    mailbox_id: str = ""
    run: str = ""
    record: str = ""
    after: str = ""
    turn: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMessage(Command):
    """Bring everything in line with what a person has said of a stored mail; `key` is the message's."""

    queue: ClassVar[str] = names.FILING

    mailbox_id: str = ""
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeAway(Command):
    """The next page of taking something away: a person, an organisation, or what is older than it may be kept.

    `what` is one of TAKEN. `run` is the id of an erasure; `step` and `after` say how far this turn has come. A second
    turn catches what was being written during the first one. `before`: what was received earlier goes.
    """

    queue: ClassVar[str] = names.ERASURE
    times: ClassVar[tuple[str, ...]] = ("first_at", "before")

    mailbox_id: str = ""
    what: str
    run: str = ""
    step: str = ""
    after: str = ""
    turn: int = 0
    before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRecords(Command):
    """Move what was filed on one record to the one that has taken its place; both as `kind/id`.

    `pages` have been moved so far. `second`: the pass some minutes later, for mail that was on its way.
    """

    queue: ClassVar[str] = names.RECORD_MERGES

    mailbox_id: str = ""
    merged: str
    into: str
    pages: int = 0
    second: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintainSubscription(Command):
    """Bring the mailbox's Graph subscription in order. `event` is the lifecycle event that asked for it.

    Without a mailbox: compare the organisation's subscriptions with those that Graph has.
    """

    queue: ClassVar[str] = names.SUBSCRIPTIONS

    event: str = ""


COMMANDS: Final[tuple[type[Command], ...]] = (
    SyncMailbox,
    IngestMessages,
    ReconcileMailbox,
    BackfillMailbox,
    JoinLateContacts,
    RematchMessages,
    FileMessage,
    TakeAway,
    MergeRecords,
    MaintainSubscription,
)


def read_command(text: str) -> Command:
    """The command behind a text, whichever it is. Raises MalformedCommand."""
    try:
        name = json.loads(text)["command"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MalformedCommand(f"not a command: {error!r}") from error
    kind = next((one for one in COMMANDS if one.__name__ == name), None)
    if kind is None:
        raise MalformedCommand("the command is of no known kind")
    return kind.from_json(text)


def tenant_named_in(text: str) -> str:
    """The tenant that a text which is no command names all the same; 'unknown' when it names none."""
    try:
        named = json.loads(text)["tenant_id"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return NOBODY
    return named if isinstance(named, str) and is_tenant_id(named) else NOBODY


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a command cannot carry {value!r}")


def _restored(value: object) -> object:
    """Lists are tuples, and the only objects that a command carries are items of a mailbox."""
    match value:
        case list():
            return tuple(map(_restored, value))
        case dict():
            return ItemRef(str(value["folder"]), str(value["item_id"]))
    return value
