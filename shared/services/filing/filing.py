"""The one place where a matched mail is written, in an order that any crash leaves repairable.

Body and `pending` message first, then attachments, timeline or My Inbox; the caller writes the
sighting, and `done` comes last. Running it again ends in the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from shared import telemetry
from shared.domain.commands.commands import MAX_IDS, IngestMessages
from shared.domain.errors import NotFound, PermanentError
from shared.domain.filing import inbox
from shared.domain.filing.entries import entry_id
from shared.domain.filing.filing import DONE, MAX_WAITERS, Copy, StoredMessage, entries_of
from shared.domain.filing.opening import opened
from shared.domain.mail.identity import MAX_VARIANTS, variant_key
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import Attachment, Direction, Document
from shared.domain.matching.matching import Decision
from shared.ports.mail import MailSource
from shared.ports.stores.connections import Mailboxes
from shared.ports.stores.filing import Attachments, Claim, Inbox, MessageStore, Timeline
from shared.ports.stores.records import Records
from shared.ports.work import Clock, CommandQueue
from shared.services.capture.scopes import Scope
from shared.services.filing.change_message import ChangeMessage
from shared.services.filing.holders import holders_of
from shared.services.filing.opening import OpenRecord, as_renamed


@dataclass(frozen=True, slots=True)
class Filing:
    """Write one mail; what was stored by whoever came first is adopted and added to."""

    messages: MessageStore
    change: ChangeMessage
    timeline: Timeline
    inbox: Inbox
    attachments: Attachments
    mailboxes: Mailboxes
    records: Records
    mail: MailSource
    queue: CommandQueue
    clock: Clock
    open_record: OpenRecord

    def __call__(self, scope: Scope, message: StoredMessage, document: Document, copy: Copy) -> StoredMessage:
        """File or triage the mail and return it as it stands, not yet done.

        A message that is returned `done` was complete before and needs nothing more; nor does a deleted one.
        """
        message = replace(message, silent=scope.silent)
        claim = self._claim(scope, message, document, copy)
        stored = claim.message
        if stored.is_deleted:
            return stored
        if not claim.created:
            self.messages.add_copy(scope.tenant_id, stored.key, copy)
            mine = opened(replace(message, key=stored.key))
            mine = as_renamed(self.records, scope.tenant_id, mine, stored)
            stored = self._merge(scope, stored, mine)
        if stored.state == DONE:
            if not message.is_filed or inbox.may_list(scope.mailbox):
                self._arrange_inboxes(scope.tenant_id, stored, document)
            return stored
        if stored.is_deleted:
            return stored
        self._keep_attachments(scope, stored, copy, document.attachments)
        self.open_record(scope.tenant_id, stored, document)
        if claim.created:
            self._show_entries(scope.tenant_id, stored, document)
            for item in inbox.arranged(stored, document, [scope.mailbox])[0]:
                self.inbox.put(scope.tenant_id, item)
        else:
            self.show(scope.tenant_id, stored, document)
        return stored

    def show(self, tenant_id: str, stored: StoredMessage, document: Document) -> None:
        """Bring all that readers see in line with a stored mail: timelines, and My Inbox of every agent."""
        self._show_entries(tenant_id, stored, document)
        self._arrange_inboxes(tenant_id, stored, document)

    def revise(self, tenant_id: str, stored: StoredMessage, decision: Decision, change_id: str) -> bool:
        """Replace a finished mail's decision and bring its rows in line; `change_id` names who does it.

        Whether that was done: a mail that another worker is writing, or has decided on since, is left to it.
        """
        document = self.messages.document(tenant_id, stored.key)
        if document is None:
            return False
        changed = self.change(
            tenant_id,
            stored.key,
            lambda row: row.revised(stored, decision),
            known=stored,
            change_id=change_id,
        )
        if changed is None or change_id not in changed.change_ids:
            return False
        self.show(tenant_id, changed, document)
        self.finish(tenant_id, changed)
        return True

    def finish(self, tenant_id: str, stored: StoredMessage) -> None:
        """The last step: put back who waits for this mail, as silently as it was filed, then mark it done."""
        if stored.state == DONE or stored.is_deleted:
            return
        if stored.is_filed:
            if stored.opens_conversation:
                self.messages.note_conversation(tenant_id, stored)
            self._put_back(tenant_id, stored)
        standing = self.change(tenant_id, stored.key, lambda row: row.finished(stored), known=stored)
        if standing is None:
            raise NotFound("a message went away before it was done")
        if standing.is_deleted:
            self._follow(tenant_id, stored)

    def _follow(self, tenant_id: str, stored: StoredMessage) -> None:
        """Take away what was written of a mail that was deleted meanwhile."""
        row = entry_id(stored.at, stored.key)
        self.attachments.drop(tenant_id, stored.key)
        self.timeline.remove(tenant_id, [one.ref for one in stored.decision.links], row)
        agents = {
            stored.agent,
            *(
                name
                for one in holders_of(self.messages, self.mailboxes, tenant_id, stored.key)
                for name in one.inboxes
            ),
        }
        self.inbox.remove(tenant_id, sorted(agents), row)

    def _claim(self, scope: Scope, message: StoredMessage, document: Document, copy: Copy) -> Claim:
        """Find the row of this very mail under its key, or take a free one: other mails may reuse its id."""
        first = None
        for number in range(MAX_VARIANTS):
            mine = opened(replace(message, key=variant_key(message.key, number)))
            claim = self.messages.create(scope.tenant_id, mine, document, copy)
            first = first or claim.message
            if claim.created or _is_same(claim.message, message, scope):
                if first.variants < number:
                    noted = partial(StoredMessage.with_variants, number=number)
                    self.change(scope.tenant_id, first.key, noted, known=first)
                return claim
        raise PermanentError(f"more than {MAX_VARIANTS} different mails share one Message-ID", "reused_id")

    def _merge(self, scope: Scope, stored: StoredMessage, mine: StoredMessage) -> StoredMessage:
        """Add what this look at the mail has found; a changed message is pending until its rows are written."""
        merged = stored.merged(mine)
        if _said(merged) == _said(stored):
            return stored
        changed = self.change(
            scope.tenant_id,
            stored.key,
            lambda row: row.merged(mine).reopened(silent=mine.silent),
            known=stored,
        )
        return changed or stored

    def _show_entries(self, tenant_id: str, stored: StoredMessage, document: Document) -> None:
        if stored.is_filed:
            self.timeline.put(tenant_id, entries_of(stored, document))
        if stored.gone:
            self.timeline.remove(tenant_id, sorted(stored.gone), entry_id(stored.at, stored.key))

    def _arrange_inboxes(self, tenant_id: str, stored: StoredMessage, document: Document) -> None:
        if stored.direction is not Direction.IN:
            return
        items, gone = inbox.arranged(
            stored, document, holders_of(self.messages, self.mailboxes, tenant_id, stored.key)
        )
        for one in items:
            self.inbox.put(tenant_id, one)
        if gone:
            self.inbox.remove(tenant_id, gone, entry_id(stored.at, stored.key))

    def _keep_attachments(
        self, scope: Scope, stored: StoredMessage, copy: Copy, attachments: Sequence[Attachment]
    ) -> None:
        for one in attachments:
            try:
                with self.mail.attachment(scope.mailbox, copy.item, one.source_id) as chunks:
                    self.attachments.put(scope.tenant_id, stored.key, one.id, chunks)
            except PermanentError as error:
                # A link to a cloud file has no bytes (405), and one may vanish; the mail stands without.
                telemetry.event("attachment_not_kept", message=stored.key, id=one.id, code=error.code)

    def _put_back(self, tenant_id: str, stored: StoredMessage) -> None:
        """Nobody waits who is not within the capture window, or history that was asked for."""
        by_mailbox: dict[str, list[ItemRef]] = {}
        for waiter in stored.called_back[:MAX_WAITERS]:
            by_mailbox.setdefault(waiter.mailbox_id, []).append(waiter.item)
        for mailbox_id, waiting in by_mailbox.items():
            for start in range(0, len(waiting), MAX_IDS):
                self.queue.put(
                    IngestMessages(
                        tenant_id=tenant_id,
                        mailbox_id=mailbox_id,
                        first_at=self.clock(),
                        items=tuple(waiting[start : start + MAX_IDS]),
                        silent=stored.silent,
                        unbounded=True,
                    )
                )


def _said(message: StoredMessage) -> tuple[object, ...]:
    """What entries and rows are made from: a change of these has them written again."""
    return message.decision, message.kind, message.automatic


def _is_same(stored: StoredMessage, mine: StoredMessage, scope: Scope) -> bool:
    """Of a deleted mail only hashes are left to compare with."""
    if stored.fingerprint.is_same_mail(mine.fingerprint):
        return True
    return stored.is_deleted and stored.fingerprint.is_same_mail(mine.fingerprint.hashed(scope.hasher))
