"""Families: the commands that share a queue. The envelope names a command, and no other family's is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.domain import names
from shared.domain.commands.commands import (
    ApplyRetention,
    BackfillMailbox,
    CompareSubscriptions,
    DeleteOrganisation,
    ErasePerson,
    FileHistory,
    FileMessage,
    ForgetEvents,
    IngestMessages,
    JoinLateContacts,
    MaintainSubscription,
    MarkRead,
    MergeRecords,
    ReconcileMailbox,
    RematchMessages,
    ReportBack,
    ResendMail,
    RunCampaign,
    SendMail,
    SyncMailbox,
    WakeMailbox,
)
from shared.domain.commands.envelope import Command, name_in, refuse_newer
from shared.domain.errors import MalformedCommand

COMMANDS: Final[tuple[type[Command], ...]] = (
    SyncMailbox,
    IngestMessages,
    ReconcileMailbox,
    BackfillMailbox,
    JoinLateContacts,
    RematchMessages,
    FileMessage,
    ErasePerson,
    DeleteOrganisation,
    ApplyRetention,
    ForgetEvents,
    MergeRecords,
    MaintainSubscription,
    CompareSubscriptions,
    WakeMailbox,
    FileHistory,
    SendMail,
    ResendMail,
    RunCampaign,
    ReportBack,
    MarkRead,
)


@dataclass(frozen=True, slots=True)
class Family:
    """The commands that `queue` carries, by name."""

    queue: str
    kinds: Mapping[str, type[Command]]

    @classmethod
    def on(cls, queue: str) -> "Family":
        """All commands that say that they travel on this queue."""
        return cls(queue, {kind.__name__: kind for kind in COMMANDS if kind.queue == queue})

    def read(self, text: str) -> Command:
        """The command behind a queue message.

        Raises MalformedCommand, for one of another family too, and NewerCommand.
        """
        refuse_newer(text, _EVERY_KIND)
        kind = self.kinds.get(name_in(text))
        if kind is None:
            raise MalformedCommand(f"{name_in(text)[:100]} does not belong on the queue {self.queue}")
        return kind.from_json(text)


MAIL: Final = Family.on(names.MAIL)
WORK: Final = Family.on(names.WORK)
OUTBOUND: Final = Family.on(names.OUTBOUND)

_EVERY_KIND: Final = {kind.__name__: kind for kind in COMMANDS}


def read_command(text: str) -> Command:
    """The command behind a text, of whichever family. Raises MalformedCommand and NewerCommand."""
    refuse_newer(text, _EVERY_KIND)
    kind = _EVERY_KIND.get(name_in(text))
    if kind is None:
        raise MalformedCommand("the command is of no known kind")
    return kind.from_json(text)
