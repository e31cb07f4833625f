"""Carries out what persons have said of a stored mail: everything is brought in line with the mail's own row.

Safe to run twice, and from whatever a crash left. What is written follows from the row alone; the row is read anew
when it changes meanwhile.
"""

from dataclasses import dataclass, replace
from functools import partial

from shared import telemetry
from shared.domain.commands.commands import FileMessage
from shared.domain.errors import Conflict
from shared.domain.filing.entries import KINDS, entry_id
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.inbox import buried, is_buried
from shared.domain.filing.person_decisions import PendingChange, PersonDecision
from shared.domain.privacy.audit import row_of
from shared.ports.stores.connections import Mailboxes
from shared.ports.stores.filing import Attachments, EntryFilter, Inbox, MessageStore, Timeline
from shared.ports.stores.privacy import Audit
from shared.ports.stores.records import RecordIndex, Records
from shared.ports.work import Clock
from shared.services.capture.scopes import hasher_of
from shared.services.filing.change_by_person import overdue
from shared.services.filing.change_message import ChangeMessage
from shared.services.filing.filing import Filing
from shared.services.filing.holders import holders_of
from shared.services.filing.threads import FileThread


@dataclass(frozen=True, slots=True)
class Bury:
    """Take away all of a mail that a person has deleted, but for its key."""

    messages: MessageStore
    mailboxes: Mailboxes
    timeline: Timeline
    inbox: Inbox
    attachments: Attachments
    hash_key: bytes

    def __call__(self, tenant_id: str, stored: StoredMessage) -> None:
        """The copies say whose My Inbox it was in: they go last, with the document."""
        if is_buried(stored):
            return
        row = entry_id(stored.at, stored.key)
        holders = holders_of(self.messages, self.mailboxes, tenant_id, stored.key)
        agents = sorted({stored.agent, *(name for one in holders for name in one.inboxes)} - {""})
        if agents:
            self.inbox.remove(tenant_id, agents, row)
        if stored.gone:
            self.timeline.remove(tenant_id, sorted(stored.gone), row)
        self.attachments.drop(tenant_id, stored.key)
        self.messages.bury(tenant_id, buried(stored, hasher_of(self.hash_key, tenant_id)))


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Undo what a decision did beside the mail's own rows."""

    change: ChangeMessage
    index: RecordIndex
    records: Records
    timeline: Timeline
    threads: FileThread

    def __call__(self, tenant_id: str, stored: StoredMessage) -> StoredMessage:
        """The mail as it stands then. Its own entries have been taken away before."""
        decision = stored.undone
        if decision is None:
            return stored
        if decision.taught:
            self.index.unteach(tenant_id, decision.taught, decision.refs)
        self.threads.put_back(tenant_id, stored)
        if decision.opens is not None:
            self._drop(tenant_id, stored, decision)
        taken_back = partial(_without_undone, decision=decision)
        return self.change(tenant_id, stored.key, taken_back, known=stored) or stored

    def _drop(self, tenant_id: str, stored: StoredMessage, decision: PersonDecision) -> None:
        """Delete the record that was opened, or close it where something else is on it by now."""
        record = self.records.get(tenant_id, decision.opens.ref) if decision.opens else None
        if record is None or record.origin != "postledger":
            return
        going = {stored.key, *decision.thread}
        every = EntryFilter(frozenset(KINDS))
        found, _ = self.timeline.page(tenant_id, record.ref, every, limit=len(going) + 1, after="")
        if any(one.message_key not in going for one in found):
            self.records.put_many(tenant_id, [replace(record, status="closed")])
        else:
            self.records.delete(tenant_id, record.ref)


@dataclass(frozen=True, slots=True)
class ApplyDecision:
    """Write all rows of a mail on which a person has decided, teach, audit, and put back who waits for it."""

    filing: Filing
    messages: MessageStore
    inbox: Inbox
    index: RecordIndex
    records: Records
    audit: Audit
    threads: FileThread
    bury: Bury
    take_back: TakeBack
    clock: Clock

    def __call__(self, command: FileMessage) -> None:
        """Marks are read before the mail: those whose change is on it have been carried out in the end."""
        changes = self.inbox.pending_changes(command.tenant_id, command.key)
        stored = self.messages.get(command.tenant_id, command.key)
        if stored is not None and stored.is_deleted:
            self.bury(command.tenant_id, stored)
        elif stored is not None:
            self._bring_in_line(command.tenant_id, stored)
        self._settle(command.tenant_id, changes, stored)
        telemetry.event("decision_carried_out", message=command.key, marks=len(changes))

    def _bring_in_line(self, tenant_id: str, stored: StoredMessage) -> None:
        stored = self.threads.checked(tenant_id, stored)
        document = self.messages.document(tenant_id, stored.key)
        if document is None:
            raise Conflict(f"message {stored.key} went away")
        self._open(tenant_id, stored.decided)
        self.filing.show(tenant_id, stored, document)
        stored = self.take_back(tenant_id, stored)
        if stored.decided is not None and stored.decided.taught:
            self.index.teach(tenant_id, stored.decided.taught, stored.decided.refs)
        stored = self.threads(tenant_id, stored, document)
        self.filing.finish(tenant_id, stored)

    def _open(self, tenant_id: str, decision: PersonDecision | None) -> None:
        """A record that is there and open may have been changed since, and stays."""
        wanted = decision.opens if decision else None
        if wanted is None:
            return
        standing = self.records.get(tenant_id, wanted.ref)
        if standing is None or not standing.card.is_open:
            self.records.put_many(tenant_id, [wanted])

    def _settle(self, tenant_id: str, changes: list[PendingChange], stored: StoredMessage | None) -> None:
        """Audit what was carried out. A change that is not on the mail may belong to a request still under way."""
        made = stored.change_ids if stored else ()
        done = [change for change in changes if change.id in made]
        for change in done:
            self.audit.append(tenant_id, row_of(change))
        lost = [change for change in overdue(changes, self.clock()) if change not in done]
        if done or lost:
            self.inbox.forget_changes(tenant_id, [*done, *lost])


def _without_undone(stored: StoredMessage, decision: PersonDecision) -> StoredMessage | None:
    return replace(stored, undone=None) if stored.undone == decision else None
