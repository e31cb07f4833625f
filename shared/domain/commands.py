"""Commands: what one part of the service asks of another. Ids only, never mail; versioned JSON in an envelope.

Deployments overlap, so a reader takes what it knows and leaves the rest.
"""

import json
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from shared.domain import names
from shared.domain.errors import MalformedCommand

VERSION: Final = 1
MAX_IDS: Final = 20


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
            given: dict[str, Any] = {name: _tupled(value) for name, value in content.items() if name in known}
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

    `screened`: capture has already been decided on their headers. `silent`: tell nobody.
    """

    queue: ClassVar[str] = names.MAIL_INGEST

    ids: tuple[str, ...]
    screened: bool = False
    silent: bool = False

    def __post_init__(self) -> None:
        if not 0 < len(self.ids) <= MAX_IDS:
            raise MalformedCommand(f"{len(self.ids)} ids; a command carries 1 to {MAX_IDS}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileMailbox(Command):
    """Compare a window of each folder with the ledger and repair; from `since`, or the nightly window."""

    queue: ClassVar[str] = names.MAIL_RECONCILE
    times: ClassVar[tuple[str, ...]] = ("first_at", "since")

    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillMailbox(Command):
    """Do the next step of the mailbox's running backfill."""

    queue: ClassVar[str] = names.MAIL_BACKFILL


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinLateContacts(Command):
    """Join records that are new or changed since `since` with the organisation's ledger."""

    queue: ClassVar[str] = names.LATE_CONTACTS
    times: ClassVar[tuple[str, ...]] = ("first_at", "since")

    mailbox_id: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintainSubscription(Command):
    """Bring the mailbox's Graph subscription in order. `event` is the lifecycle event that asked for it."""

    queue: ClassVar[str] = names.SUBSCRIPTIONS

    event: str = ""


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a command cannot carry {value!r}")


def _tupled(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
