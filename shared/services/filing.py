"""The one place where a matched mail is written, in an order that any crash leaves repairable.

Body and `pending` message first, then attachments, timeline or My Inbox; the caller writes the
sighting, and `done` comes last. Running it again ends in the same rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from shared import telemetry
from shared.domain.commands import MAX_IDS, IngestMessages
from shared.domain.errors import Conflict, PermanentError
from shared.domain.filing import (
    DONE,
    MAX_WAITERS,
    PENDING,
    Copy,
    StoredMessage,
    entries_of,
    inbox_item,
    inbox_reason,
)
from shared.domain.identity import MAX_VARIANTS, variant_key
from shared.domain.matching import MatchPolicy
from shared.domain.messages import Attachment, Document
from shared.domain.opening import opened
from shared.ports import (
    Attachments,
    Claim,
    Clock,
    CommandQueue,
    Inbox,
    Mailboxes,
    MailSource,
    MessageStore,
    Timeline,
)
from shared.services.opening import OpenRecord
from shared.services.scopes import Scope

UPDATE_TRIES = 5
Change = Callable[[StoredMessage], StoredMessage]


@dataclass(frozen=True, slots=True)
class Filing:
    """Write one mail; what was stored by whoever came first is adopted and added to."""

    messages: MessageStore
    timeline: Timeline
    inbox: Inbox
    attachments: Attachments
    mailboxes: Mailboxes
    mail: MailSource
    queue: CommandQueue
    clock: Clock
    open_record: OpenRecord

    def __call__(self, scope: Scope, message: StoredMessage, document: Document, copy: Copy) -> StoredMessage:
        """File or triage the mail and return it as it stands, not yet done.

        A message that is returned `done` was complete before and needs nothing more.
        """
        claim = self._claim(scope, message, document, copy)
        stored, changed = claim.message, claim.created
        if not claim.created:
            self.messages.add_copy(scope.tenant_id, stored.key, copy)
            stored, changed = self._merge(scope, stored, opened(replace(message, key=stored.key)))
        if stored.state == DONE:
            self._list_own(scope, stored, document)
            return stored
        self._keep_attachments(scope, stored, copy, document.attachments)
        self.open_record(scope.tenant_id, stored, document)
        if stored.is_filed:
            self.timeline.put(scope.tenant_id, entries_of(stored, document))
        if changed and not claim.created:
            self._list_all(scope, stored, document)
        else:
            self._list_own(scope, stored, document)
        return stored

    def finish(self, scope: Scope, stored: StoredMessage) -> None:
        """The last step: put back who waits for this mail, then mark it done."""
        if stored.state == DONE:
            return
        if stored.is_filed:
            if stored.opens_conversation:
                self.messages.note_conversation(scope.tenant_id, stored)
            self._put_back(scope, stored)
        self.messages.finish(scope.tenant_id, stored)

    def _claim(self, scope: Scope, message: StoredMessage, document: Document, copy: Copy) -> Claim:
        """Find the row of this very mail under its key, or take a free one: other mails may reuse its id."""
        first = None
        for number in range(MAX_VARIANTS):
            mine = opened(replace(message, key=variant_key(message.key, number)))
            claim = self.messages.create(scope.tenant_id, mine, document, copy)
            first = first or claim.message
            if claim.created or claim.message.fingerprint.is_same_mail(message.fingerprint):
                if first.variants < number:
                    self._update(scope, first, partial(replace, variants=number))
                return claim
        raise PermanentError(f"more than {MAX_VARIANTS} different mails share one Message-ID", "reused_id")

    def _merge(self, scope: Scope, stored: StoredMessage, mine: StoredMessage) -> tuple[StoredMessage, bool]:
        """Add what this look has found; whether it was more: then the mail is pending until its rows are written."""
        merged = stored.merged(mine)
        if _said(merged) == _said(stored):
            return stored, False
        return self._update(scope, stored, lambda one: replace(one.merged(mine), state=PENDING)), True

    def _update(self, scope: Scope, stored: StoredMessage, change: Change) -> StoredMessage:
        for _ in range(UPDATE_TRIES):
            try:
                return self.messages.update(scope.tenant_id, change(stored))
            except Conflict:
                stored = self.messages.get(scope.tenant_id, stored.key) or stored
        raise Conflict(f"message {stored.key} keeps changing")

    def _list_own(self, scope: Scope, stored: StoredMessage, document: Document) -> None:
        """The row in My Inbox for this copy, if its agent has something to decide."""
        reason = inbox_reason(stored, MatchPolicy.of(scope.organisation, scope.mailbox))
        if reason:
            self.inbox.put(scope.tenant_id, inbox_item(stored, document, scope.mailbox, reason))

    def _list_all(self, scope: Scope, stored: StoredMessage, document: Document) -> None:
        """The rows for all copies, after the decision has changed: what was to be decided may be decided now."""
        for copy in self.messages.copies(scope.tenant_id, stored.key):
            mailbox = self.mailboxes.by_id(scope.tenant_id, copy.mailbox_id)
            if mailbox is None:
                continue
            reason = inbox_reason(stored, MatchPolicy.of(scope.organisation, mailbox))
            item = inbox_item(stored, document, mailbox, reason)
            (self.inbox.put if reason else self.inbox.remove)(scope.tenant_id, item)

    def _keep_attachments(
        self, scope: Scope, stored: StoredMessage, copy: Copy, attachments: Sequence[Attachment]
    ) -> None:
        for one in attachments:
            try:
                with self.mail.attachment(scope.mailbox, copy.graph_id, one.graph_id) as chunks:
                    self.attachments.put(scope.tenant_id, stored.key, one.id, chunks)
            except PermanentError as error:
                # A link to a cloud file has no bytes (405), and one may vanish; the mail stands without.
                telemetry.event("attachment_not_kept", message=stored.key, id=one.id, code=error.code)

    def _put_back(self, scope: Scope, stored: StoredMessage) -> None:
        """Nobody waits who is not within the capture window, or history that was asked for."""
        by_mailbox: dict[str, list[str]] = {}
        for waiter in stored.waiters[:MAX_WAITERS]:
            by_mailbox.setdefault(waiter.mailbox_id, []).append(waiter.graph_id)
        for mailbox_id, ids in by_mailbox.items():
            for start in range(0, len(ids), MAX_IDS):
                self.queue.put(
                    IngestMessages(
                        tenant_id=scope.tenant_id,
                        mailbox_id=mailbox_id,
                        first_at=self.clock(),
                        ids=tuple(ids[start : start + MAX_IDS]),
                        silent=scope.unbounded,
                        unbounded=True,
                    )
                )


def _said(message: StoredMessage) -> tuple[object, ...]:
    """What entries and rows are made from: a change of these has them written again."""
    return message.decision, message.kind, message.automatic
