"""My Inbox: a page of what waits for an agent, in the own mailboxes only: a mail without a link is private."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import chain, groupby
from typing import Final

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.filing import inbox
from shared.domain.filing.inbox import InboxItem
from shared.domain.matching.decisions import Link
from shared.domain.privacy.callers import ADMIN, AGENT, Caller
from shared.domain.records.records import RecordRef
from shared.ports.stores.connections import Mailboxes
from shared.ports.stores.filing import Inbox, MessageStore
from shared.ports.stores.records import Records
from shared.services.filing.visibility import Visibility
from shared.services.filing.visible_pages import VisiblePages

# A badge shows no larger number.
MOST_COUNTED: Final = 100
# What stands in one line is counted so far.
MOST_ALIKE: Final = 1_000


@dataclass(frozen=True, slots=True)
class WaitingMail:
    """A row of My Inbox as its agent sees it; `version` is what a decision is made under.

    `alike` counts the mails that the row stands for, the own one among them.
    """

    item: InboxItem
    mailbox: str
    suggestions: tuple[Link, ...]
    version: str
    alike: int = 1

    @property
    def id(self) -> str:
        return self.item.id


@dataclass(frozen=True, slots=True)
class InboxPage:
    """Mail newest first, names of the suggested records; the cursor is None on the last page."""

    mails: tuple[WaitingMail, ...]
    names: Mapping[RecordRef, str]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class InboxFilter:
    """The waiting mail that a caller wants, by the address of the mailbox and by reason; '' = all."""

    mailbox: str = ""
    reason: str = ""

    def takes(self, item: InboxItem) -> bool:
        """By reason alone: whose mailbox a row is shown for is known later."""
        return self.reason in ("", item.reason)

    def holds(self, mailbox: Mailbox) -> bool:
        return self.mailbox in ("", mailbox.address)


ALL: Final = InboxFilter()


@dataclass(frozen=True, slots=True)
class Counted:
    """How many there are; `more`: at least so many, and the rest was not counted."""

    count: int
    more: bool


@dataclass(frozen=True, slots=True)
class ReadInbox:
    """A page of what waits in the caller's own mailboxes.

    Costs one query for the organisation's mailboxes, one per agent who has or had one of them, and one read per
    mail; one more where a former agent's row names another mailbox, and for each reason for which mail stands in one
    line: its newest mail stands for all, unless that reason is asked for. Mail that waited for a former agent waits
    for who has the mailbox now. A mail that was decided on meanwhile, or that is a former agent's own, is left out;
    neither a page's length nor its cursor tells of it.
    """

    inbox: Inbox
    messages: MessageStore
    mailboxes: Mailboxes
    records: Records
    visibility: Visibility
    pages: VisiblePages

    def __call__(self, caller: Caller, wanted: InboxFilter = ALL, *, limit: int, cursor: str) -> InboxPage:
        mails, following = self._mails(caller, wanted, limit=limit, cursor=cursor)
        return InboxPage(tuple(mails), self._names(caller.tenant_id, mails), following)

    def count(self, caller: Caller, wanted: InboxFilter = ALL) -> Counted:
        """How many mails wait, as far as a badge shows it. Costs what a page of so many costs, without names."""
        mails, following = self._mails(caller, wanted, limit=MOST_COUNTED, cursor="")
        return Counted(len(mails), following is not None)

    def _mails(
        self, caller: Caller, wanted: InboxFilter, *, limit: int, cursor: str
    ) -> tuple[Sequence[WaitingMail], str | None]:
        caller.needs(AGENT, ADMIN)
        own = self._own(caller)
        return self.pages(
            lambda count, after: self._page(caller.tenant_id, own, count, after),
            lambda items: self._shown(caller, [item for item in items if wanted.takes(item)], own, wanted),
            about=f"{caller.tenant_id}/inbox/{caller.oid}",
            limit=limit,
            cursor=cursor,
        )

    def _own(self, caller: Caller) -> dict[str, Mailbox]:
        mailboxes = self.mailboxes.of(caller.tenant_id)
        return {mailbox.mailbox_id: mailbox for mailbox in mailboxes if caller.owns(mailbox)}

    def _page(
        self, tenant_id: str, own: Mapping[str, Mailbox], limit: int, after: str
    ) -> tuple[list[InboxItem], str]:
        """The first rows of all agents together, each mail once; and the place of the last if there are more."""
        agents = sorted(set(chain.from_iterable(mailbox.inboxes for mailbox in own.values())))
        pages = [self.inbox.page(tenant_id, agent, limit=limit, after=after) for agent in agents]
        in_order = merge(*(items for items, _ in pages), key=lambda item: item.id)
        found = list(_once(in_order, own))
        more = len(found) > limit or any(following for _, following in pages)
        return found[:limit], found[limit - 1].id if more else ""

    def _names(self, tenant_id: str, mails: Iterable[WaitingMail]) -> dict[RecordRef, str]:
        """What the suggested records are called."""
        suggestions = chain.from_iterable(mail.suggestions for mail in mails)
        refs = {link.ref for link in suggestions}
        records = self.records.get_many(tenant_id, refs) if refs else {}
        return {ref: record.name or record.summary for ref, record in records.items()}

    def _shown(
        self, caller: Caller, items: Sequence[InboxItem], own: Mapping[str, Mailbox], wanted: InboxFilter
    ) -> list[WaitingMail]:
        waiting = self._waiting(caller, items, own, wanted)
        if wanted.reason:
            return waiting
        lines = self._lines(caller.tenant_id, [mail.item for mail in waiting if mail.item.line])
        alike = {mail.id: lines.get(mail.item.line, [mail.id]) for mail in waiting}
        newest = [mail for mail in waiting if alike[mail.id][0] == mail.id]
        return [replace(mail, alike=len(alike[mail.id])) for mail in newest]

    def _lines(self, tenant_id: str, items: Sequence[InboxItem]) -> dict[str, list[str]]:
        """The ids of the mails that stand in one line, newest first. A mail far behind stands for itself."""
        found: dict[str, list[str]] = {}
        for agent, reason in sorted({(item.agent, item.reason) for item in items}):
            for item in self.inbox.of_reason(tenant_id, agent, reason, most=MOST_ALIKE):
                found.setdefault(item.line, []).append(item.id)
        return found

    def _waiting(
        self, caller: Caller, items: Sequence[InboxItem], own: Mapping[str, Mailbox], wanted: InboxFilter
    ) -> list[WaitingMail]:
        tenant_id = caller.tenant_id
        stored = self.messages.get_many(tenant_id, [item.message_key for item in items])
        held = {item.id: self._holder(tenant_id, item, own) for item in items if item.message_key in stored}
        # The mail's row is the truth: a row of My Inbox may be about to go.
        return [
            WaitingMail(
                item=replace(item, mailbox_id=holder.mailbox_id),
                mailbox=holder.address,
                suggestions=self.visibility.links(caller, item.message_key, item.suggestions),
                version=inbox.version_of(stored[item.message_key]),
            )
            for item in items
            if (holder := held.get(item.id)) is not None
            and wanted.holds(holder)
            and inbox.reason_to_wait(stored[item.message_key], holder)
        ]

    def _holder(self, tenant_id: str, item: InboxItem, own: Mapping[str, Mailbox]) -> Mailbox | None:
        """The own mailbox that a row is shown for. A former agent's may name another one that had a copy, too."""
        if item.mailbox_id in own:
            return own[item.mailbox_id]
        handed_over = {name for name, mailbox in own.items() if item.agent in mailbox.former_agents}
        # A query for each such row; there are none where no mailbox has changed hands.
        copies = self.messages.copies(tenant_id, item.message_key) if handed_over else []
        holders = sorted(handed_over & {copy.mailbox_id for copy in copies})
        return own[holders[0]] if holders else None


def _once(items: Iterable[InboxItem], own: Mapping[str, Mailbox]) -> Iterator[InboxItem]:
    """Each mail once, in order: it may stand with the agent of today and with a former one. An own mailbox's counts."""
    for _, same in groupby(items, key=lambda item: item.id):
        rows = list(same)
        yield next((row for row in rows if row.mailbox_id in own), rows[0])
