"""Brings all that is written of a stored message in line with its row: gathers, decides on effects, applies them.

It decides nothing itself: which effects follow from a row, `domain/filing/effects.py` says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from shared.domain.errors import Conflict, NotFound
from shared.domain.filing import consequences, effects
from shared.domain.filing.consequences import Surroundings
from shared.domain.filing.filing import DONE, StoredMessage
from shared.domain.filing.shown import Shown
from shared.domain.mail.messages import Document
from shared.ports.stores.connections import Mailboxes
from shared.ports.stores.filing import Attachments, MessageStore
from shared.services.filing.apply import Apply
from shared.services.filing.change_message import ChangeMessage
from shared.services.filing.holders import holders_among
from shared.services.remembering.filed_lately import FiledLately


@dataclass(frozen=True, slots=True)
class Filed:
    """A mail as its worker leaves it: readers see it. `is_first`: that worker has inserted it, with `text`."""

    message: StoredMessage
    is_first: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class BringInLine:
    """Write all that follows from a message's row, and mark the message done.

    First `show`: what readers see. Next the caller writes the ledger, where the mail has just come in. Last `finish`:
    other mails are told, and the row becomes `done`. Cut short anywhere, the row stays `pending`, and the command
    that comes back does all of it again.
    """

    messages: MessageStore
    mailboxes: Mailboxes
    attachments: Attachments
    change: ChangeMessage
    apply: Apply
    lately: FiledLately

    def __call__(self, tenant_id: str, stored: StoredMessage, document: Document) -> None:
        """Both halves, for a message whose copies are in the ledger already. Raises Conflict."""
        self.show(tenant_id, stored, document)
        self.finish(tenant_id, stored)

    def show(self, tenant_id: str, stored: StoredMessage, document: Document) -> None:
        """Timelines, My Inbox of every agent, the records that it opens, what its sender teaches."""
        self.show_with(tenant_id, stored, Surroundings(document))

    def show_with(self, tenant_id: str, stored: StoredMessage, around: Surroundings) -> None:
        """The same, where more is known already; who holds a copy is read unless it is.

        Nothing of a message that is done: it stands already, and a worker that comes late with a state that was done
        would never learn that the row has changed since.
        """
        if stored.state == DONE:
            return
        # Holders cost a query and a read each; a new mail has one, which the caller knows.
        if around.holders is None:
            around = self._surrounded(tenant_id, stored, around)
        self.apply(tenant_id, consequences.shown(stored.shown, stored, around))

    def show_together(self, tenant_id: str, mails: Iterable[tuple[StoredMessage, Surroundings]]) -> None:
        """The same for several that are not done, whose surroundings are known: written by kind, not by mail."""
        each = [consequences.shown(stored.shown, stored, around) for stored, around in mails]
        self.apply(tenant_id, effects.together(each))

    def arrange(self, tenant_id: str, stored: StoredMessage, document: Document) -> None:
        """My Inbox alone: a further copy has come of a message that is done."""
        around = self._surrounded(tenant_id, stored, Surroundings(document))
        self.apply(tenant_id, consequences.arranged_anew(stored, around))

    def finish(self, tenant_id: str, stored: StoredMessage) -> None:
        """First tell other mails, then mark this one done, last look at what has become of it meanwhile.

        Raises Conflict where other rows are to stand by now: what was written of this state is noted on the message,
        and goes when the command comes back.
        """
        conflicts = self.finish_together(tenant_id, [Filed(stored)])
        if conflicts:
            raise conflicts[stored.key]

    def finish_together(self, tenant_id: str, mails: Iterable[Filed]) -> Mapping[str, Conflict]:
        """The same for several mails; by key, those that changed while their rows were written."""
        # Told before it is done: a worker that is killed in between tells them again.
        unfinished = [filed for filed in mails if not filed.message.is_settled]
        each = [
            consequences.told(filed.message.shown, filed.message, is_first=filed.is_first)
            for filed in unfinished
        ]
        self.apply(tenant_id, effects.together(each))
        # Two copies of one mail may come at once: the later look knows what the earlier one has added.
        latest = {filed.message.key: filed.message for filed in unfinished}
        done = self.change.together(tenant_id, latest.values(), lambda row: row.finished(row))
        self._remember(tenant_id, unfinished, done)
        conflicts: dict[str, Conflict] = {}
        for key, message in latest.items():
            try:
                if key not in done:
                    self._mark_done(tenant_id, message)
            except Conflict as error:
                conflicts[key] = error
        return conflicts

    def _remember(self, tenant_id: str, mails: Iterable[Filed], done: Mapping[str, StoredMessage]) -> None:
        for filed in mails:
            # Who has not inserted a mail does not know the text that is stored.
            if filed.is_first and filed.message.key in done:
                self.lately.keep(tenant_id, done[filed.message.key], filed.text)

    def _mark_done(self, tenant_id: str, stored: StoredMessage) -> None:
        standing = self.change(tenant_id, stored.key, lambda row: row.finished(stored))
        if standing is None:
            raise NotFound("a message went away before it was done")
        # Deleted meanwhile: what this worker has written since is known to nobody else.
        if standing.is_deleted:
            self.clear(tenant_id, standing, stored.and_maybe_shown)
        elif standing.state != DONE:
            raise Conflict(f"message {stored.key} changed while its rows were written")

    def clear(self, tenant_id: str, deleted: StoredMessage, before: Shown) -> None:
        """Take away all that may have been written of a message that is a tombstone by now."""
        around = self._surrounded(tenant_id, deleted, Surroundings())
        self.apply(tenant_id, consequences.shown(before, deleted, around))
        self.attachments.drop(tenant_id, deleted.key)

    def _surrounded(self, tenant_id: str, stored: StoredMessage, around: Surroundings) -> Surroundings:
        copies = tuple(self.messages.copies(tenant_id, stored.key))
        holders = holders_among(self.mailboxes, tenant_id, copies)
        return replace(around, holders=tuple(holders), copies=copies)
