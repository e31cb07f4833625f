"""Reads folders in windows of receipt time, page by page, and around what breaks pages.

Stores nothing: resync, reconciliation, backfill and preview say what becomes of the mails that a page shows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.domain.capture.windows import Window, is_done
from shared.domain.commands.commands import MAX_IDS
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import PageBroken, PermanentError, Throttled, Unavailable, Unreadable, none_passing
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import MessageHead
from shared.ports.mail import Listed, MailAccess, OpenMailbox


@dataclass(frozen=True, slots=True)
class FolderPage:
    """The items of a page that count now, and what is left of the window (None: nothing).

    `around` is what was read in place of a broken page: its first second, of whose items `broken` break pages.
    """

    items: tuple[Listed, ...]
    rest: Window | None
    around: Window | None = None
    broken: frozenset[ItemRef] = frozenset()


@dataclass(slots=True)
class HeadsRead:
    """Headers, without those of mails that are gone; and those that break a parser.

    `failed` could not be had for now, where each was asked for alone.
    """

    heads: list[MessageHead] = field(default_factory=list)
    unreadable: dict[ItemRef, Unreadable] = field(default_factory=dict)
    failed: dict[ItemRef, Unavailable] = field(default_factory=dict)

    def take(self, answers: Mapping[ItemRef, MessageHead | PermanentError]) -> None:
        """Take in what some were answered with."""
        for item, answer in answers.items():
            if isinstance(answer, Unreadable):
                self.unreadable[item] = answer
            elif isinstance(answer, MessageHead):
                self.heads.append(answer)


@dataclass(frozen=True, slots=True)
class FolderReader:
    """The one way to read what lies in a folder, whoever wants to know."""

    mail: MailAccess

    def page(
        self,
        mailbox: Mailbox,
        folder_id: str,
        window: Window,
        *,
        with_heads: bool = False,
        around: bool = False,
        unread: bool = False,
    ) -> FolderPage:
        """The next page of a window. `around`: in place of a page that is broken, the mails of its first second.

        `unread`: of mail that nobody has read.

        Raises PageBroken where it is not to be gone around.
        """
        box = self.mail.open(mailbox)
        try:
            page = box.list(folder_id, window, with_heads=with_heads, unread=unread)
        except PageBroken:
            if not around:
                raise
            return _around(box, folder_id, window)
        rest = window.after([listed.received_at for listed in page.items], page.cursor)
        return FolderPage(tuple(listed for listed in page.items if is_done(listed.received_at, rest)), rest)

    def heads(self, mailbox: Mailbox, items: Sequence[ItemRef], *, singly: bool = False) -> HeadsRead:
        """Headers by item. `singly`: one request each, so that one that fails for now keeps back no other."""
        box, read = self.mail.open(mailbox), HeadsRead()
        if singly:
            _read_singly(box, items, read)
            return read
        for start in range(0, len(items), MAX_IDS):
            read.take(none_passing(box.heads(items[start : start + MAX_IDS])))
        return read

    def complete(self, mailbox: Mailbox, listed: Sequence[Listed], *, singly: bool = False) -> HeadsRead:
        """The headers of listed items; those that came without are asked for."""
        had = [entry.head for entry in listed if entry.head is not None]
        asked = self.heads(mailbox, [entry.item for entry in listed if entry.head is None], singly=singly)
        return replace(asked, heads=had + asked.heads)


def _around(box: OpenMailbox, folder_id: str, window: Window) -> FolderPage:
    """The next second of the window in which there is mail, by ids; nothing where there is none."""
    # A cursor may lead into the broken page: the list of ids begins anew.
    whole = replace(window, cursor="")
    first = box.list(folder_id, whole).items[:1]
    if not first:
        return FolderPage((), None, around=whole)
    second = Window.second(first[0].received_at)
    broken = box.broken(folder_id, second.start)
    rest = window.from_second_after(second.start)
    return FolderPage(
        tuple(_all(box, folder_id, second)), None if rest.is_empty else rest, around=second, broken=broken
    )


def _all(box: OpenMailbox, folder_id: str, second: Window) -> Iterator[Listed]:
    """Every item of a second, however crowded: more than a page of them have been seen."""
    rest: Window | None = second
    while rest is not None:
        page = box.list(folder_id, rest)
        yield from page.items
        rest = replace(second, cursor=page.cursor) if page.cursor else None


def _read_singly(box: OpenMailbox, items: Sequence[ItemRef], read: HeadsRead) -> None:
    for item in items:
        try:
            read.take(none_passing(box.heads([item])))
        except Throttled:  # no item's fault
            raise
        except Unavailable as error:
            read.failed[item] = error
