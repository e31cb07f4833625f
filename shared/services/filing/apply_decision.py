"""Carries out what persons have said of a stored mail: everything is brought in line with the mail's own row.

Safe to run twice, and from whatever a crash left. What is written follows from the row alone; the row is read anew
when it changes meanwhile.
"""

from dataclasses import dataclass

from shared import telemetry
from shared.domain.commands.commands import FileMessage
from shared.domain.errors import Conflict
from shared.domain.filing import consequences
from shared.domain.filing.filing import DONE, StoredMessage
from shared.domain.filing.inbox import buried, is_buried
from shared.domain.filing.person_decisions import PendingChange
from shared.ports.stores.filing import Inbox, MessageStore
from shared.ports.work import Clock
from shared.services.capture.scopes import hasher_of
from shared.services.filing.apply import Apply
from shared.services.filing.bring_in_line import BringInLine
from shared.services.filing.change_by_person import overdue
from shared.services.filing.threads import FileThread


@dataclass(frozen=True, slots=True)
class Bury:
    """Take away all of a mail that a person has deleted, but for its key."""

    messages: MessageStore
    bring_in_line: BringInLine
    hash_key: bytes

    def __call__(self, tenant_id: str, stored: StoredMessage) -> None:
        if is_buried(stored):
            return
        # The copies say whose My Inbox it was in: they go last, with the document.
        self.bring_in_line.clear(tenant_id, stored, stored.shown)
        self.messages.bury(tenant_id, buried(stored, hasher_of(self.hash_key, tenant_id)))


@dataclass(frozen=True, slots=True)
class ApplyDecision:
    """Write all that follows from a mail on which a person has decided, see to its thread, and audit."""

    messages: MessageStore
    inbox: Inbox
    bring_in_line: BringInLine
    apply: Apply
    threads: FileThread
    bury: Bury
    clock: Clock

    def __call__(self, command: FileMessage) -> None:
        # Before the mail: of those that are on it then, all will have been carried out in the end.
        changes = self.inbox.pending_changes(command.tenant_id, command.key)
        stored = self.messages.get(command.tenant_id, command.key)
        if stored is not None and stored.is_deleted:
            self.bury(command.tenant_id, stored)
        elif stored is not None:
            self._bring_in_line(command.tenant_id, stored)
        self._settle(command.tenant_id, changes, stored)
        telemetry.event("decision_carried_out", message=command.key, changes=len(changes))

    def _bring_in_line(self, tenant_id: str, stored: StoredMessage) -> None:
        stored = self.threads.checked(tenant_id, stored)
        document = self.messages.document(tenant_id, stored.key)
        if document is None:
            raise Conflict(f"message {stored.key} went away")
        if stored.state == DONE:
            # Asked for once more: a case whose acknowledgement could not be made.
            self.apply(tenant_id, consequences.acknowledged_anew(stored, document))
        self.bring_in_line.show(tenant_id, stored, document)
        # Before it is done: a worker that is killed here sees to the thread when the command comes back.
        stored = self.threads(tenant_id, stored, document)
        self.bring_in_line.finish(tenant_id, stored)

    def _settle(self, tenant_id: str, changes: list[PendingChange], stored: StoredMessage | None) -> None:
        """Audit what was carried out, and forget what never will be."""
        audits = list(consequences.audited(stored, changes))
        self.apply(tenant_id, audits)
        carried_out = [audit.change for audit in audits]
        never_made = [change for change in overdue(changes, self.clock()) if change not in carried_out]
        if never_made:
            self.inbox.forget_changes(tenant_id, never_made)
