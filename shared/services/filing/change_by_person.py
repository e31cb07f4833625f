"""What a person says of a stored mail, so that it is carried out whatever crashes, and audited.

Marked first, then written on the mail under its ETag, then queued; a timer finds what was marked and not carried out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared import telemetry
from shared.domain.commands.commands import FileMessage
from shared.domain.errors import InvalidInput, Unknown
from shared.domain.filing.filing import MOST_ACTS, PENDING, StoredMessage
from shared.domain.filing.inbox import is_buried
from shared.domain.filing.person_decisions import Mark
from shared.domain.records.records import RecordRef
from shared.ports.stores.connections import Organisations
from shared.ports.stores.filing import Inbox, MessageStore
from shared.ports.work import Clock, CommandQueue
from shared.services.filing.conflicts import persistently

# No request takes as long: what was marked before this and is not on its mail never will be.
LOST: Final = timedelta(minutes=10)

Change = Callable[[StoredMessage], StoredMessage | None]


@dataclass(frozen=True, slots=True)
class Said:
    """Who said what, when, about which records: all that an audit needs."""

    what: str
    by: str
    at: datetime
    refs: tuple[RecordRef, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeByPerson:
    """Change a stored mail as a person said, and have it carried out."""

    messages: MessageStore
    inbox: Inbox
    queue: CommandQueue
    new_id: Callable[[], str]

    def __call__(self, tenant_id: str, key: str, said: Said, change: Change) -> StoredMessage:
        """The mail as it stands then. `change` answers None where it stands so already, or raises InvalidInput.

        A change that stands already is queued again unless it has been carried out.
        """
        stored = self._get(tenant_id, key)
        if change(stored) is None:
            if stored.state == PENDING or (stored.is_deleted and not is_buried(stored)):
                self._queue(tenant_id, key, said.at)
            return stored
        mark = Mark(self.new_id(), key, said.at, said.by, said.what, tuple(str(one) for one in said.refs))
        self.inbox.mark(tenant_id, mark)
        try:
            stored = persistently(lambda: self._write(tenant_id, mark, change))
        except InvalidInput:
            self.inbox.unmark(tenant_id, [mark])
            raise
        self._queue(tenant_id, key, said.at)
        return stored

    def _write(self, tenant_id: str, mark: Mark, change: Change) -> StoredMessage:
        stored = self._get(tenant_id, mark.message_key)
        if mark.id in stored.acts:  # the answer to our own write was lost
            return stored
        changed = change(stored)
        if changed is None:
            return stored
        acts = (*stored.acts, mark.id)[-MOST_ACTS:]
        return self.messages.update(tenant_id, replace(changed, acts=acts))

    def _get(self, tenant_id: str, key: str) -> StoredMessage:
        stored = self.messages.get(tenant_id, key)
        if stored is None:
            raise Unknown("There is no such message, or it is not for you to read.")
        return stored

    def _queue(self, tenant_id: str, key: str, at: datetime) -> None:
        self.queue.put(FileMessage(tenant_id=tenant_id, key=key, first_at=at))


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
            lost = {one.message_key: one.at for one in overdue(self.inbox.marks(tenant_id), self.clock())}
            for key, at in lost.items():
                self.queue.put(FileMessage(tenant_id=tenant_id, key=key, first_at=at))
            if lost:
                telemetry.event("decisions_swept", organisation=tenant_id, messages=len(lost))


def overdue(marks: Iterable[Mark], now: datetime) -> list[Mark]:
    """Marks of changes that should have been carried out long ago."""
    return [one for one in marks if now - one.at > LOST]
