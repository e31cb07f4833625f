"""One mail in the hands of a worker, and what a look through its mailbox shows of it."""

from dataclasses import dataclass

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.mail.items import ItemRef
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.outcomes import Found, Outcome
from shared.domain.sending.pacing import Pause
from shared.ports.sending import OpenOutbox, OutgoingCopy
from shared.services.sending.gate import Gate


@dataclass(slots=True)
class Visit:
    """One mail in the hands of a worker: the row as it stands, what the server said last, what a look showed."""

    mailbox: Mailbox
    box: OpenOutbox
    gate: Gate
    mail: OutboxMail
    is_fresh: bool
    said: Outcome | None = None
    found: Found | None = None
    copy: OutgoingCopy | None = None
    pause: Pause | None = None

    @property
    def draft(self) -> ItemRef:
        """The draft that a look has shown, else the one that was made."""
        is_seen = self.found is Found.DRAFT and self.copy is not None
        return self.copy.item if is_seen and self.copy else ItemRef("", self.mail.draft_id)

    @property
    def draft_id(self) -> str:
        return self.copy.item.item_id if self.found is Found.DRAFT and self.copy else ""

    def look(self) -> None:
        copies = self.box.copies(self.mail.tag, self.mail.message_id)
        kinds = {_kind_of(copy): copy for copy in reversed(copies)}
        self.found = next((kind for kind in Found if kind in kinds), Found.NOTHING)
        self.copy = kinds.get(self.found)


def _kind_of(copy: OutgoingCopy) -> Found:
    if not copy.is_draft:
        return Found.COPY
    return Found.DELETED if copy.is_in_trash else Found.DRAFT
