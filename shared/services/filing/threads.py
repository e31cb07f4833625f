"""The other mails of a thread that wait in My Inbox: filed along with a decision, and put back with its undo."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from typing import Final

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Unknown
from shared.domain.filing import inbox
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.inbox import InboxItem
from shared.domain.filing.person_decisions import LINK, UNDO, PersonDecision
from shared.domain.mail.messages import Document
from shared.ports.stores.connections import Mailboxes
from shared.ports.stores.filing import Inbox, MessageStore
from shared.ports.work import Clock
from shared.services.filing.change_by_person import Attribution, ChangeByPerson
from shared.services.filing.change_message import ChangeMessage
from shared.services.filing.holders import holders_of

# How far one decision reaches: rows of My Inbox looked at for each agent, newest first, and mails filed along.
MOST_LOOKED_AT: Final = 1_000
MOST_ALONG: Final = 50
_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class FileThread:
    """File along, once, what waits with the agents who hold a copy; each mail in a command of its own."""

    messages: MessageStore
    change: ChangeMessage
    mailboxes: Mailboxes
    inbox: Inbox
    change_by_person: ChangeByPerson
    clock: Clock

    def __call__(self, tenant_id: str, lead: StoredMessage, document: Document) -> StoredMessage:
        """The mail as it stands then. Which mails go along is noted on it first, so that an undo finds them."""
        decided = lead.decided
        if decided is None or not decided.file_thread or decided.settled:
            return lead
        keys = self._waiting(tenant_id, lead, document)
        # Both tries of a run that was cut short: what the first one filed along does not wait any more.
        noted = tuple(dict.fromkeys((*decided.thread, *keys)))
        lead = self._note(tenant_id, lead, decided, replace(decided, thread=noted))
        # Dated now: the lead's own decision may have waited so long that a note of its date counts as lost.
        attribution = Attribution(LINK, decided.by, self.clock(), decided.refs)
        for key in keys:
            # A row of My Inbox may outlast its mail for a moment.
            with suppress(Unknown):
                self.change_by_person(
                    tenant_id, key, attribution, lambda stored: inbox.filed_along(stored, lead)
                )
        return self._note(tenant_id, lead, decided, replace(decided, thread=noted, settled=True))

    def _note(
        self, tenant_id: str, stored: StoredMessage, decided: PersonDecision, noted: PersonDecision
    ) -> StoredMessage:
        """Write how far the thread has been seen to; on another decision than this one nothing is noted."""

        def change(row: StoredMessage) -> StoredMessage | None:
            is_same = row.decided is not None and row.decided.is_same_as(decided)
            return replace(row, decided=noted) if is_same else None

        return self.change(tenant_id, stored.key, change, known=stored) or stored

    def checked(self, tenant_id: str, mate: StoredMessage) -> StoredMessage:
        """The mail itself, put back if it went along with a decision that was gone by then.

        Looked at once: from then on an undo of that decision finds it, and nothing else that becomes of the other
        mail is about this one.
        """
        decided = mate.decided
        if decided is None or not decided.along or decided.settled:
            return mate
        lead = self.messages.get(tenant_id, decided.along)
        follows = lead is not None and lead.decided is not None and mate.key in lead.decided.thread
        # The undo of the lead may have looked at this mail before it was filed along.
        if follows:
            return self._note(tenant_id, mate, decided, replace(decided, settled=True))
        back = partial(_put_back, decision=decided, lead=decided.along)
        return self.change(tenant_id, mate.key, back, known=mate) or mate

    def _waiting(self, tenant_id: str, lead: StoredMessage, document: Document) -> list[str]:
        holders = holders_of(self.messages, self.mailboxes, tenant_id, lead.key)
        thread = inbox.thread_of(document)
        found: dict[str, None] = {}
        for agent, among in _rows_of(holders).items():
            items = islice(self._items(tenant_id, agent), MOST_LOOKED_AT)
            found |= {
                item.message_key: None
                for item in items
                if (among is None or item.mailbox_id in among) and inbox.is_of_thread(item, lead, thread)
            }
        return list(found)[:MOST_ALONG]

    def _items(self, tenant_id: str, agent: str) -> Iterator[InboxItem]:
        after = ""
        while True:
            page, after = self.inbox.page(tenant_id, agent, limit=_PAGE, after=after)
            yield from page
            if not after:
                return


@dataclass(frozen=True, slots=True)
class UndoThread:
    """Undo what went along with a decision that is being undone. A mail that was decided on since stays."""

    messages: MessageStore
    change_by_person: ChangeByPerson
    clock: Clock

    def __call__(self, tenant_id: str, lead_key: str, undone: PersonDecision) -> None:
        back = partial(_put_back, decision=undone, lead=lead_key)
        for key, mate in self.messages.get_many(tenant_id, undone.thread).items():
            gone_along = mate.decided or mate.undone
            if gone_along is not None and gone_along.along == lead_key:
                attribution = Attribution(UNDO, undone.by, self.clock(), gone_along.refs)
                with suppress(Unknown):
                    self.change_by_person(tenant_id, key, attribution, back)


def _rows_of(mailboxes: Sequence[Mailbox]) -> dict[str, frozenset[str] | None]:
    """Whose rows to look at: all of each agent's, and a former one's of the mailboxes that were handed over."""
    rows: dict[str, frozenset[str] | None] = {
        name: frozenset(mailbox.mailbox_id for mailbox in mailboxes if name in mailbox.inboxes)
        for name in sorted(set(chain.from_iterable(mailbox.inboxes for mailbox in mailboxes)))
    }
    # None, all rows: an agent may decide on whatever waits with the agent.
    return rows | dict.fromkeys((mailbox.inbox for mailbox in mailboxes), None)


def _put_back(mate: StoredMessage, decision: PersonDecision, lead: str) -> StoredMessage | None:
    if mate.decided is None or mate.decided.along != lead:
        return None
    return inbox.undone(mate, by=decision.by, at=decision.at)
