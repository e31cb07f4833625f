"""What a person says of a stored mail, so that it is carried out whatever crashes, and audited.

Noted first, then written on the mail under its ETag, then queued; a timer finds what was noted and not carried out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared import telemetry
from shared.domain.commands.commands import FileMessage
from shared.domain.errors import InvalidInput, Unknown
from shared.domain.filing.filing import PENDING, StoredMessage
from shared.domain.filing.inbox import is_buried
from shared.domain.filing.person_decisions import PendingChange
from shared.domain.records.records import RecordRef
from shared.ports.stores.connections import Organisations
from shared.ports.stores.filing import Inbox, MessageStore
from shared.ports.work import Clock, CommandQueue
from shared.services.filing.change_message import Change, ChangeMessage

# No request takes as long: what was noted before this and is not on its mail never will be.
OVERDUE_AFTER: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who said what, when, about which records: all that an audit needs."""

    what: str
    by: str
    at: datetime
    refs: tuple[RecordRef, ...] = ()

    def as_change(self, change_id: str, message_key: str) -> PendingChange:
        """The note that is kept until the change has been carried out."""
        refs = tuple(str(ref) for ref in self.refs)
        return PendingChange(change_id, message_key, self.at, self.by, self.what, refs)


@dataclass(frozen=True, slots=True)
class ChangeByPerson:
    """Change a stored mail as a person said, and have it carried out."""

    messages: MessageStore
    change_message: ChangeMessage
    inbox: Inbox
    queue: CommandQueue
    new_id: Callable[[], str]

    def __call__(self, tenant_id: str, key: str, attribution: Attribution, change: Change) -> StoredMessage:
        """The mail as it stands then. `change` answers None where it stands so already, or raises InvalidInput.

        A change that stands already is queued again unless it has been carried out.
        """
        stored = self._get(tenant_id, key)
        if change(stored) is None:
            if _is_under_way(stored):
                self._queue(tenant_id, key, attribution.at)
            return stored
        # Before the mail: a change that is on it and noted nowhere would never be audited.
        pending = attribution.as_change(self.new_id(), key)
        self.inbox.note_change(tenant_id, pending)
        try:
            changed = self.change_message(tenant_id, key, change, change_id=pending.id)
        except InvalidInput:
            # Somebody else was faster, and the person is told: there is nothing to be carried out.
            self.inbox.forget_changes(tenant_id, [pending])
            raise
        self._queue(tenant_id, key, attribution.at)
        return changed or stored

    def _get(self, tenant_id: str, key: str) -> StoredMessage:
        stored = self.messages.get(tenant_id, key)
        if stored is None:
            raise Unknown("There is no such message, or it is not for you to read.")
        return stored

    def _queue(self, tenant_id: str, key: str, at: datetime) -> None:
        self.queue.send(FileMessage(tenant_id=tenant_id, key=key, first_at=at))


def _is_under_way(stored: StoredMessage) -> bool:
    """Whether something of the mail's own row is still to be written elsewhere, or taken away."""
    return stored.state == PENDING or (stored.is_deleted and not is_buried(stored))


@dataclass(frozen=True, slots=True)
class SweepDecisions:
    """Queue again what persons have said and nobody has carried out."""

    organisations: Organisations
    inbox: Inbox
    queue: CommandQueue
    clock: Clock

    def __call__(self) -> None:
        for organisation in self.organisations.all():
            tenant_id = organisation.tenant_id
            waiting = {
                change.message_key: change.at
                for change in overdue(self.inbox.pending_changes(tenant_id), self.clock())
            }
            for key, at in waiting.items():
                self.queue.send(FileMessage(tenant_id=tenant_id, key=key, first_at=at))
            if waiting:
                telemetry.event("decisions_swept", organisation=tenant_id, messages=len(waiting))


def overdue(changes: Iterable[PendingChange], now: datetime) -> list[PendingChange]:
    """Changes that should have been carried out long ago."""
    return [change for change in changes if now - change.at > OVERDUE_AFTER]
