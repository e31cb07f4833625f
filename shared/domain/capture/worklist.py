"""What a worklist decides: which rows a command leaves, which run next, and how their runs change them.

Knows no storage and no clock.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.domain.capture.pending import EARLIEST, LAST, Flags, Lane, PendingRow, command_in
from shared.domain.commands.commands import (
    MAX_IDS,
    BackfillMailbox,
    FileHistory,
    IngestMessages,
    WakeMailbox,
)
from shared.domain.commands.envelope import Command
from shared.domain.commands.retries import delay
from shared.domain.errors import NotThereYet, TransientError
from shared.domain.mail.items import ItemRef

# A notification may come before its mail can be read, and a draft's id goes when it is sent. Seconds.
NOT_THERE_DELAY: Final = 15.0
_STEP: Final = BackfillMailbox.__name__


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that run together: a command, or up to 20 mails; `beside` are further rows of the same mails."""

    rows: tuple[PendingRow, ...]
    beside: tuple[PendingRow, ...] = ()

    @property
    def all(self) -> tuple[PendingRow, ...]:
        return self.rows + self.beside

    @property
    def command(self) -> Command | None:
        """The command that the group is, where it is no mails."""
        return command_in(self.rows[0]) if self.rows[0].item is None else None


def is_wake_up(command: Command) -> bool:
    """Whether it asks for nothing but a look at the worklist."""
    return isinstance(command, WakeMailbox | FileHistory)


def wake_up(lane: Lane, tenant_id: str, mailbox_id: str, *, now: datetime) -> Command:
    """The command that has a lane's rows run, on the queue whose holders run them."""
    kind = WakeMailbox if lane is Lane.LIVE else FileHistory
    return kind(tenant_id=tenant_id, mailbox_id=mailbox_id, first_at=now)


def rows_of(command: Command) -> list[PendingRow]:
    """What a command leaves in the worklist of a mailbox that is taken.

    Who holds the mailbox may run live rows only: what is history comes with a live row that calls for a holder who
    runs both.
    """
    if isinstance(command, WakeMailbox):
        return []
    if isinstance(command, FileHistory):
        return [call_row(command)]
    if isinstance(command, IngestMessages):
        return mail_rows(command)
    row = PendingRow.of_command(command)
    return [row] if row.lane is Lane.LIVE else [row, call_row(command)]


def mail_rows(command: IngestMessages) -> list[PendingRow]:
    """A row for each mail of a command. Its receipt time is not known: it stands ahead of all whose time is."""
    flags = Flags(command.screened, command.silent, command.unbounded, command.doubtful)
    return [
        PendingRow(
            lane=Lane.LIVE,
            at=EARLIEST,
            first_at=command.first_at,
            item=item,
            flags=flags,
            replays=command.replays,
            attempt=command.attempt,
        )
        for item in command.items
    ]


def call_row(command: Command) -> PendingRow:
    """Calls for somebody who runs history."""
    call = wake_up(Lane.HISTORY, command.tenant_id, command.mailbox_id, now=command.first_at)
    return PendingRow.of_command(call, lane=Lane.LIVE)


def next_group(due: Sequence[PendingRow]) -> Group:
    """What runs next of the rows that are due, oldest first. There is one at least.

    Mails are grouped whose flags are equal, and never past a command or from both lanes: order is kept.
    """
    first = due[0]
    if first.runs_alone:
        return Group((first,), _beside((first,), due))
    mails: dict[ItemRef | None, PendingRow] = {first.item: first}
    for row in _up_to_a_command(due, first.lane):
        if len(mails) == MAX_IDS:
            break
        if row.item not in mails and row.goes_with(first):
            mails[row.item] = row
    # What a step reads has not been tried, and would never fill a group that has.
    if len(mails) < MAX_IDS and not first.tries and (step := _next_step(due, first.lane)):
        return Group((step,))
    rows = tuple(mails.values())
    return Group(rows, _beside(rows, due))


def ingest_of(rows: Sequence[PendingRow], tenant_id: str, mailbox_id: str) -> IngestMessages:
    """The command for mails of equal flags."""
    first = rows[0]
    return IngestMessages(
        tenant_id=tenant_id,
        mailbox_id=mailbox_id,
        first_at=min(row.first_at for row in rows),
        attempt=first.attempt,
        replays=first.replays,
        items=tuple(row.item for row in rows if row.item is not None),
        screened=first.flags.screened,
        silent=first.flags.silent,
        unbounded=first.flags.unbounded,
        doubtful=first.flags.doubtful,
    )


def wait_after(error: TransientError, attempt: int, spread: float) -> float:
    """Seconds until what met a passing error is tried again; `spread` in 0..1."""
    return NOT_THERE_DELAY if isinstance(error, NotThereYet) else delay(attempt, None, spread)


def _next_step(due: Sequence[PendingRow], lane: Lane) -> PendingRow | None:
    """The step of a backfill that stands behind the first mails: reading on fills their group, and keeps the order.

    Not the last one, which finds nothing to read: it ends the backfill when its mails have been filed.
    """
    command = next((row for row in due if row.item is None and row.lane is lane), None)
    return command if command and command.kind == _STEP and command.at < LAST else None


def _up_to_a_command(due: Sequence[PendingRow], lane: Lane) -> Iterator[PendingRow]:
    for row in due:
        if row.item is None or row.lane is not lane:
            return
        yield row


def _beside(rows: Sequence[PendingRow], due: Sequence[PendingRow]) -> tuple[PendingRow, ...]:
    by_item: dict[ItemRef | None, PendingRow] = {row.item: row for row in rows if row.item is not None}
    others = (row for row in due if row.item in by_item and row not in rows)
    return tuple(row for row in others if by_item[row.item].covers(row))
