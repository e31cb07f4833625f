"""The one place where a matched mail is written, in an order that any crash leaves repairable.

Body and `pending` message first, then attachments, timeline or My Inbox; the caller writes the
sighting, and `done` comes last. Running it again ends in the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from shared import telemetry
from shared.domain.errors import PermanentError
from shared.domain.filing import inbox
from shared.domain.filing.consequences import NO_REPORT, About, Surroundings
from shared.domain.filing.copies import Copy
from shared.domain.filing.filing import DONE, StoredMessage
from shared.domain.filing.opening import opened
from shared.domain.mail.identity import MAX_VARIANTS, variant_key
from shared.domain.mail.messages import Attachment, Document
from shared.ports.mail import MailAccess
from shared.ports.stores.filing import Attachments, Claim, MessageStore
from shared.ports.stores.records import Records
from shared.services.capture.scopes import Scope
from shared.services.filing.bring_in_line import BringInLine, Filed
from shared.services.filing.change_message import ChangeMessage
from shared.services.filing.opening import as_renamed

# Each is a call to the mailbox's server: a mail of thousands would hold its mailbox for as many, run after run.
MOST_KEPT: Final = 500


@dataclass(frozen=True, slots=True)
class Filing:
    """Write one mail; what was stored by whoever came first is adopted and added to."""

    messages: MessageStore
    change: ChangeMessage
    bring_in_line: BringInLine
    attachments: Attachments
    records: Records
    mail: MailAccess

    def __call__(
        self, scope: Scope, message: StoredMessage, document: Document, copy: Copy, about: About = NO_REPORT
    ) -> Filed:
        """File or triage the mail and return it as it stands, not yet done.

        A message that is returned `done` was complete before and needs nothing more; nor does a deleted one.
        """
        message = replace(message, silent=scope.silent)
        claim = self._claim(scope, message, document, copy)
        stored = claim.message
        if not claim.created and not stored.is_deleted:
            stored = self._adopt(scope, message, stored, copy)
        if stored.is_deleted:
            return Filed(stored)
        if stored.state == DONE:
            # This copy's agent may have to see it, too; a filed mail waits only where the mailbox's settings say so.
            if not message.is_filed or inbox.may_list(scope.mailbox):
                self.bring_in_line.arrange(scope.tenant_id, stored, document)
            return Filed(stored)
        self.keep_attachments(scope, stored, copy, document.attachments)
        if claim.created:
            around = Surroundings.of_new(document, scope.mailbox, copy, about)
        else:
            around = Surroundings(document, about=about)
        self.bring_in_line.show_with(scope.tenant_id, stored, around)
        return Filed(stored, is_first=claim.created, text=document.text)

    def to_insert(self, scope: Scope, message: StoredMessage) -> StoredMessage:
        """A matched mail as a first insert writes it, under its own key."""
        return opened(replace(message, silent=scope.silent))

    def _adopt(
        self, scope: Scope, message: StoredMessage, stored: StoredMessage, copy: Copy
    ) -> StoredMessage:
        """A further copy of a stored mail: noted, and what this look at it has found is added."""
        self.messages.add_copy(scope.tenant_id, stored.key, copy)
        mine = opened(replace(message, key=stored.key))
        mine = as_renamed(self.records, scope.tenant_id, mine, stored)
        return self._merge(scope, stored, mine)

    def _claim(self, scope: Scope, message: StoredMessage, document: Document, copy: Copy) -> Claim:
        """Find the row of this very mail under its key, or take a free one: other mails may reuse its id."""
        first = None
        for number in range(MAX_VARIANTS):
            mine = opened(replace(message, key=variant_key(message.key, number)))
            claim = self.messages.create(scope.tenant_id, mine, document, copy)
            first = first or claim.message
            if claim.created or _is_same(claim.message, message, scope):
                # The first row says how many there are: whoever looks for the id reads no more than that.
                if first.variants < number:
                    noted = partial(StoredMessage.with_variants, number=number)
                    self.change(scope.tenant_id, first.key, noted, known=first)
                return claim
        if message.fingerprint.form:
            # A form's enquiries have one Message-ID for ever: from here on each is found by what it says.
            mine = opened(replace(message, key=f"{message.key}v{message.fingerprint.form}"))
            return self.messages.create(scope.tenant_id, mine, document, copy)
        raise PermanentError(f"more than {MAX_VARIANTS} different mails share one Message-ID", "reused_id")

    def _merge(self, scope: Scope, stored: StoredMessage, mine: StoredMessage) -> StoredMessage:
        """Add what this look at the mail has found; a changed message is pending until its rows are written."""
        # Nearly every further copy comes to the same, and writes nothing.
        if stored.merged(mine).rests_on == stored.rests_on:
            return stored
        changed = self.change(
            scope.tenant_id,
            stored.key,
            lambda row: row.merged(mine).reopened(silent=mine.silent),
            known=stored,
        )
        return changed or stored

    def keep_attachments(
        self, scope: Scope, stored: StoredMessage, copy: Copy, attachments: Sequence[Attachment]
    ) -> None:
        """Fetch and store what is attached, as far as it can be had; of thousands the first 500."""
        if len(attachments) > MOST_KEPT:
            telemetry.event("attachments_not_kept", message=stored.key, count=len(attachments) - MOST_KEPT)
        box = None
        # Behind the row, ahead of the entries: a reader who sees the mail can open what is attached.
        for attachment in attachments[:MOST_KEPT]:
            try:
                box = box or self.mail.open(scope.mailbox)
                with box.attachment(copy.item, attachment.source_id) as chunks:
                    self.attachments.put(scope.tenant_id, stored.key, attachment.id, chunks)
            except PermanentError as error:
                # A link to a cloud file has no bytes (405), and one may vanish; the mail stands without.
                telemetry.event("attachment_not_kept", message=stored.key, id=attachment.id, code=error.code)


def _is_same(stored: StoredMessage, mine: StoredMessage, scope: Scope) -> bool:
    """Of a deleted mail only hashes are left to compare with."""
    if stored.fingerprint.is_same_mail(mine.fingerprint):
        return True
    return stored.is_deleted and stored.fingerprint.is_same_mail(mine.fingerprint.hashed(scope.hasher))
