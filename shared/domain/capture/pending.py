"""A row of a mailbox's worklist: a mail or a command that waits for the mailbox's turn.

Its key says where it stands and what is to be done, so that the same thing asked for ten times is one row.
"""

import hashlib
import json
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from shared.domain import names
from shared.domain.commands.commands import (
    SINGLY_AFTER,
    BackfillMailbox,
    FileHistory,
    MaintainSubscription,
    MarkRead,
    ReconcileMailbox,
    SyncMailbox,
)
from shared.domain.commands.envelope import Command, name_in, refuse_newer
from shared.domain.errors import NewerCommand
from shared.domain.mail.items import ItemRef

MAIL: Final = "mail"
# The places in a lane of what has no receipt time: ahead of all mail, and behind it.
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)
# So many runs may end without an outcome; then a person is told.
MOST_TRIES: Final = 6
# From this many on, a mail runs by itself: its group may hold the one that kills.
_SINGLY_TRIED: Final = 3
# From this many on, a mail that is never had though its mailbox answers is given up.
HOPELESS_AFTER: Final = 8

_MILLISECOND: Final = timedelta(milliseconds=1)
_ENVELOPE: Final = {"version", *(field.name for field in fields(Command))}


class Lane(StrEnum):
    """Live rows come first, whatever their time."""

    LIVE = "live"
    HISTORY = "history"


BOTH: Final = (Lane.LIVE, Lane.HISTORY)


@dataclass(frozen=True, slots=True)
class Reach:
    """The rows of a worklist that a holder may run: of these lanes, mails and commands, or one of the two."""

    lanes: tuple[Lane, ...] = BOTH
    mails: bool = True
    commands: bool = True

    @property
    def is_bulk(self) -> bool:
        """Whether it runs history, too."""
        return Lane.HISTORY in self.lanes

    def covers(self, row: "PendingRow") -> bool:
        return row.lane in self.lanes and (self.commands if row.item is None else self.mails)


EVERYTHING: Final = Reach()
LIVE: Final = Reach((Lane.LIVE,))
_DIGITS: Final = {Lane.LIVE: "0", Lane.HISTORY: "1"}
_COMMANDS: Final[dict[str, type[Command]]] = {
    kind.__name__: kind
    for kind in (
        SyncMailbox,
        MaintainSubscription,
        ReconcileMailbox,
        BackfillMailbox,
        FileHistory,
        MarkRead,
    )
}


@dataclass(frozen=True, slots=True)
class Flags:
    """How mails are to be taken in; as in `IngestMessages`."""

    screened: bool = False
    silent: bool = False
    unbounded: bool = False
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class PendingRow:
    """One thing to do: the mail `item`, or the `command` of this text.

    `at` is its place in the lane, for a mail its receipt time where that is known. `tries` counts runs that have not
    ended in order, the one under way included; `attempt` counts passing errors. It is not due before `not_before`.
    """

    lane: Lane
    at: datetime
    first_at: datetime
    item: ItemRef | None = None
    command: str = ""
    flags: Flags = Flags()
    replays: int = 0
    tries: int = 0
    attempt: int = 0
    not_before: datetime | None = None
    etag: str = ""

    @classmethod
    def of_command(cls, command: Command, *, lane: Lane | None = None, at: datetime = LAST) -> Self:
        """A row for a command, behind the mails of its lane unless another place is given."""
        bare = replace(command, attempt=0)
        return cls(
            lane=lane or lane_of(command),
            at=at,
            first_at=command.first_at,
            command=bare.to_json(),
            attempt=command.attempt,
            replays=command.replays,
        )

    @property
    def kind(self) -> str:
        """`mail`, or the name of the command."""
        return MAIL if self.item is not None else name_in(self.command)

    @property
    def is_known(self) -> bool:
        """Whether this version knows what to do; a later version may have written the row."""
        return self.item is not None or is_known_command(self.command)

    @property
    def key(self) -> str:
        """In order of lane, place and, at the same millisecond, of nothing in particular."""
        place = max((self.at - EARLIEST) // _MILLISECOND, 0)
        what = f"{MAIL}\n{self.item.key}" if self.item is not None else _task_in(self.command)
        digest = hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{_DIGITS[self.lane]}-{place:015d}-{digest[:32]}"

    @property
    def is_spent(self) -> bool:
        """Whether it was tried so often that a person has to look at it."""
        return self.tries >= MOST_TRIES

    @property
    def is_hopeless(self) -> bool:
        """Whether passing errors have met it so often that it may not be they that pass."""
        return self.attempt >= HOPELESS_AFTER

    def begun(self, etag: str) -> Self:
        """With one more try, as it is written before a run."""
        return replace(self, tries=self.tries + 1, etag=etag)

    def merged(self, asked: Self) -> Self:
        """This row, asked for once more. What has been tried stays tried, and it waits as long as before.

        Told to somebody, and without a bound, if either was; screened, or in doubt, only if both were.
        """
        flags = Flags(
            screened=self.flags.screened and asked.flags.screened,
            silent=self.flags.silent and asked.flags.silent,
            unbounded=self.flags.unbounded or asked.flags.unbounded,
            doubtful=self.flags.doubtful and asked.flags.doubtful,
        )
        # A walk that was asked for later also makes the earlier one; a mail has waited since it was first named.
        latest = max(self, asked, key=lambda row: row.first_at)
        return replace(
            self,
            command=latest.command,
            first_at=min(self.first_at, asked.first_at) if self.item else latest.first_at,
            flags=flags,
            replays=max(self.replays, asked.replays),
            tries=max(self.tries, asked.tries),
            attempt=max(self.attempt, asked.attempt),
        )

    def waiting(self, until: datetime, attempt: int) -> Self:
        """After a passing error: the run has ended in order, and the next one comes later."""
        return replace(self, tries=0, attempt=attempt, not_before=until)

    def anew(self) -> Self:
        """Asked for again while it ran: nothing has been tried of that yet."""
        return replace(self, tries=0, attempt=0, not_before=None)

    def is_begun_since(self, ended: Self) -> bool:
        """Whether another holder has begun it since a run that has ended: the outcome is that holder's, then.

        Of a row that waits the tries have been taken back; there was one at least.
        """
        return self.tries > max(ended.tries, 1)

    def unbegun(self) -> Self:
        """After a run that was not to be: the provider has asked to wait, for all rows alike."""
        return replace(self, tries=0)

    def covers(self, other: Self) -> bool:
        """Whether a run of this mail is a run of the other row, too."""
        if self.item is None or self.item != other.item:
            return False
        is_told = other.flags.silent or not self.flags.silent
        return is_told and (self.flags.unbounded or not other.flags.unbounded)

    @property
    def runs_alone(self) -> bool:
        """A mail that may be the reason for what befell its group takes nobody along."""
        return self.item is None or self.tries >= _SINGLY_TRIED or self.attempt >= SINGLY_AFTER

    @property
    def due_since(self) -> datetime:
        """When it was asked for, or the end of its wait."""
        return max(self.first_at, self.not_before or self.first_at)

    @property
    def is_suspect(self) -> bool:
        """Whether it, or a mail of its group, may have killed its workers: then nothing else runs in its process.

        One run that has not ended says little, since most workers end for another reason than a mail; but for mails
        that were taken out of a command which did not end either.
        """
        return self.tries > 1 or (self.tries > 0 and self.item is not None and self.attempt >= SINGLY_AFTER)

    def goes_with(self, first: Self) -> bool:
        """Whether it may run together with a mail that does not run alone: only under equal flags, equally tried."""
        likeness = (self.flags, self.replays, self.attempt, self.tries)
        return not self.runs_alone and likeness == (first.flags, first.replays, first.attempt, first.tries)


def is_known_kind(kind: str) -> bool:
    """Whether rows of this kind can be read at all."""
    return kind == MAIL or kind in _COMMANDS


def is_known_command(text: str) -> bool:
    """Whether the command of a row is one of ours, in an envelope of ours."""
    try:
        refuse_newer(text, _COMMANDS)
    except NewerCommand:
        return False
    return name_in(text) in _COMMANDS


def lane_of(command: Command) -> Lane:
    """The lane of what was asked for over a queue: `mail` is always ready, `work` is for bulk."""
    return Lane.LIVE if command.queue == names.MAIL else Lane.HISTORY


def command_in(row: PendingRow) -> Command:
    """The command of a row whose kind is known. Raises MalformedCommand."""
    command = _COMMANDS[row.kind].from_json(row.command)
    return replace(command, attempt=row.attempt)


def _task_in(command: str) -> str:
    """What a command asks for, without when and how often it was asked."""
    content = json.loads(command)
    asked = {name: value for name, value in content.items() if name not in _ENVELOPE}
    return json.dumps(asked, sort_keys=True)
