"""Mail read over IMAP, from the account that each mailbox was given. Never writes.

A cursor is a position: how the folder numbers, and the last number whose mail was taken in. What lies above it has
arrived, whatever dates and flags say.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.adapters.imap import folders, messages, ranges
from shared.adapters.imap.errors import Broken, Refused
from shared.adapters.imap.messages import item_of, uid_of
from shared.adapters.imap.ranges import Opened
from shared.adapters.imap.sessions import Session, Sessions
from shared.domain.capture.folders import Folder, Role
from shared.domain.capture.windows import Window, second_of
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import (
    CursorExpired,
    NotFound,
    Outcome,
    PageBroken,
    TransientError,
    none_passing,
)
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead
from shared.domain.mime.reading import part_of
from shared.ports.mail import ChangePage, Listed, ListPage

PAGE: Final = 50
LIST: Final = 500
# So many breaks of the line within one reading of some mails, and it is the server, not a mail.
_MOST_BREAKS: Final = 3
_CHUNK: Final = 256 * 1024
_INBOX: Final = "INBOX"


@dataclass(frozen=True, slots=True)
class ImapMail:
    """Implements `ports.MailAccess`."""

    sessions: Sessions
    page_size: int = PAGE
    list_size: int = LIST

    def open(self, mailbox: Mailbox) -> "ImapMailbox":
        return ImapMailbox(self, mailbox)


@dataclass(frozen=True, slots=True)
class Position:
    """How far a folder was read. A first reading passes over mail from before `since` that has a number up to `top`."""

    validity: int
    last: int
    since: datetime | None = None
    top: int = 0

    @property
    def text(self) -> str:
        return json.dumps(
            [self.validity, self.last, self.since.isoformat() if self.since else None, self.top]
        )

    @classmethod
    def of(cls, text: str) -> "Position":
        """Raises CursorExpired for what is none."""
        try:
            validity, last, since, top = json.loads(text)
            return cls(int(validity), int(last), datetime.fromisoformat(since) if since else None, int(top))
        except (ValueError, TypeError) as error:
            raise CursorExpired("This is no position in a folder.") from error


class ImapMailbox:
    """Implements `ports.OpenMailbox`. Holds the last mail that was read whole: its files are asked for in turn."""

    def __init__(self, access: ImapMail, mailbox: Mailbox) -> None:
        self._access = access
        self._mailbox = mailbox
        self._last: tuple[ItemRef, bytes] | None = None

    def folders(self, known: Mapping[str, Role | None]) -> list[Folder]:  # noqa: ARG002
        """Roles cost nothing: what is known of them is not needed."""
        with self._session() as session:
            return folders.listed(session)

    def changes(
        self,
        folder_id: str,
        cursor: str,
        since: datetime | None,
        *,
        arrivals: bool = False,  # noqa: ARG002
    ) -> ChangePage:
        """What has a number above the position has arrived: nothing needs to be listed to know that."""
        with self._session() as session:
            folder = _walked(session, folder_id)
            position = Position.of(cursor) if cursor else _beginning(session, folder, since)
            ranges.checked(folder, position.validity)
            uids = _next(session, folder, position)
        page = uids[: self._access.page_size]
        has_more = len(uids) > len(page) or (
            bool(page) and not ranges.is_searched_whole(folder, position.last)
        )
        return self._change_page(folder, position, page, has_more=has_more)

    def list(
        self, folder_id: str, window: Window, *, with_heads: bool = False, unread: bool = False
    ) -> ListPage:
        size = self._access.page_size if with_heads else self._access.list_size
        with self._session() as session:
            folder = _walked(session, folder_id)
            found = ranges.dated(session, window, size + _place(window.cursor)[2], unread=unread)
        start = _start(folder, found, window.cursor)
        page = found[start : start + size]
        items: Sequence[Listed] = [Listed(item_of(folder, uid), received) for received, uid in page]
        if with_heads:
            items = self._with_heads(items)
        end = start + len(items)
        return ListPage(tuple(items), _cursor(folder, found, end) if end < len(found) else "")

    def count(self, folder_id: str, window: Window) -> int:
        with self._session() as session:
            _walked(session, folder_id)
            return len(ranges.dated(session, window, None))

    def broken(self, folder_id: str, second: datetime) -> frozenset[ItemRef]:
        with self._session() as session:
            folder = ranges.opened(session, folder_id)
            found = ranges.dated(session, Window.second(second), None)
        items = [item_of(folder, uid) for _, uid in found]
        return frozenset(item for item in items if isinstance(self._outcomes([item])[item], TransientError))

    def heads(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[MessageHead]]:
        return _told(self._outcomes(items))

    def messages(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[FetchedMessage]]:
        """One at a time, so that no more than one is held."""
        found: dict[ItemRef, Outcome[FetchedMessage]] = {}
        breaks = 0
        for item in items:
            found[item] = self._whole(item) if breaks < _MOST_BREAKS else _lost()
            breaks += isinstance(found[item], Broken)
        return _told(found)

    @contextmanager
    def attachment(self, item: ItemRef, source_id: str) -> Iterator[Iterator[bytes]]:
        content = part_of(self._octets(item), source_id)
        yield (content[start : start + _CHUNK] for start in range(0, max(len(content), 1), _CHUNK))

    def mime(self, item: ItemRef, most: int) -> bytes:
        with self._session() as session:
            _, uid = _looked_at(session, item)
            return messages.content(messages.octets(session, uid, most))[:most]

    def _session(self) -> AbstractContextManager[Session]:
        return self._access.sessions.of(self._mailbox)

    def _change_page(
        self, folder: Opened, position: Position, page: Sequence[int], *, has_more: bool
    ) -> ChangePage:
        """The mails up to the first one that cannot be had now. Raises PageBroken where that is the first of all."""
        outcomes = self._outcomes([item_of(folder, uid) for uid in page])
        had = _before_the_first_failure(outcomes)
        is_whole = len(had) == len(outcomes)
        if not had and outcomes:
            raise PageBroken("The mail server fails to give this mail's headers.")
        last = page[len(had) - 1] if had else position.last
        if is_whole and not has_more:
            last = max(ranges.passed(folder, last), position.top)
        moved = Position(position.validity, last, position.since, position.top)
        heads = [head for head in had.values() if isinstance(head, MessageHead)]
        return ChangePage(
            heads=tuple(head for head in heads if _is_wanted(head, folder, position)),
            partial=tuple(item for item, head in had.items() if _is_unread(head)),
            cursor=moved.text,
            more=has_more or not is_whole,
        )

    def _with_heads(self, items: Sequence[Listed]) -> Sequence[Listed]:
        had = _before_the_first_failure(self._outcomes([listed.item for listed in items]))
        if items and not had:
            raise PageBroken("The mail server fails to give this mail's headers.")
        shown = [listed for listed in items if listed.item in had]
        return [Listed(listed.item, listed.received_at, _head_in(had[listed.item])) for listed in shown]

    def _outcomes(self, items: Sequence[ItemRef]) -> dict[ItemRef, Outcome[MessageHead]]:
        """Folder by folder; after a break of the line one by one, each over a new session."""
        found: dict[ItemRef, Outcome[MessageHead]] = {}
        for folder, some in _by_folder(items).items():
            found |= self._heads_in(folder, some)
        return {item: found[item] for item in items}

    def _heads_in(self, folder_id: str, items: Sequence[ItemRef]) -> dict[ItemRef, Outcome[MessageHead]]:
        try:
            with self._session() as session:
                return _heads(session, folder_id, items)
        except Broken as error:
            if len(items) == 1:
                return {items[0]: error}
        found: dict[ItemRef, Outcome[MessageHead]] = {}
        breaks = 0
        for item in items:
            found |= self._heads_in(folder_id, [item]) if breaks < _MOST_BREAKS else {item: _lost()}
            breaks += isinstance(found[item], Broken)
        return found

    def _whole(self, item: ItemRef) -> Outcome[FetchedMessage]:
        try:
            with self._session() as session:
                folder, uid = _looked_at(session, item)
                return messages.whole(session, folder, uid)
        except (NotFound, Broken) as error:
            return error

    def _octets(self, item: ItemRef) -> bytes:
        if self._last is not None and self._last[0] == item:
            return self._last[1]
        with self._session() as session:
            _, uid = _looked_at(session, item)
            content = messages.content(messages.octets(session, uid))
        self._last = item, content
        return content


def _lost() -> Broken:
    return Broken("The connection to the mail server is lost again and again.")


def _walked(session: Session, folder_id: str) -> Opened:
    """A folder whose mail is listed. Raises NotFound for one that the server lists and refuses to open for good."""
    try:
        return ranges.opened(session, folder_id)
    except Refused as error:
        if folder_id.upper() == _INBOX:
            raise
        raise NotFound("The mail server refuses to open this folder.", error.code) from error


def _beginning(session: Session, folder: Opened, since: datetime | None) -> Position:
    return Position(folder.validity, 0, since, ranges.highest(session, folder) if since else 0)


def _next(session: Session, folder: Opened, position: Position) -> list[int]:
    if position.since is None or position.last >= position.top:
        return ranges.behind(session, folder, position.last)
    return ranges.behind_since(session, folder, position.last, position.since)


def _is_wanted(head: MessageHead, folder: Opened, position: Position) -> bool:
    """What came before the window is passed over in a first reading only: above the position, dates say nothing."""
    uid = uid_of(folder, head.item) or 0
    return position.since is None or uid > position.top or head.received_at >= position.since


def _is_unread(head: Outcome[MessageHead]) -> bool:
    return not isinstance(head, MessageHead | NotFound)


def _head_in(outcome: Outcome[MessageHead]) -> MessageHead | None:
    return outcome if isinstance(outcome, MessageHead) else None


def _before_the_first_failure(
    outcomes: Mapping[ItemRef, Outcome[MessageHead]],
) -> dict[ItemRef, Outcome[MessageHead]]:
    had: dict[ItemRef, Outcome[MessageHead]] = {}
    for item, outcome in outcomes.items():
        if isinstance(outcome, TransientError):
            break
        had[item] = outcome
    return had


def _by_folder(items: Sequence[ItemRef]) -> Mapping[str, Sequence[ItemRef]]:
    found: defaultdict[str, list[ItemRef]] = defaultdict(list)
    for item in items:
        found[item.folder].append(item)
    return found


def _looked_at(session: Session, item: ItemRef) -> tuple[Opened, int]:
    """The item's folder, looked at, and its number there. Raises NotFound."""
    folder = ranges.opened(session, item.folder)
    uid = uid_of(folder, item)
    if uid is None:
        raise NotFound("There is no such mail.")
    return folder, uid


def _heads(session: Session, folder_id: str, items: Sequence[ItemRef]) -> dict[ItemRef, Outcome[MessageHead]]:
    gone = NotFound("There is no such mail.")
    try:
        folder = ranges.opened(session, folder_id)
    except NotFound as error:
        return dict.fromkeys(items, error)
    uids = {item: uid_of(folder, item) for item in items}
    read = messages.heads(session, folder, [uid for uid in uids.values() if uid is not None])
    return {item: gone if uid is None else read[uid] for item, uid in uids.items()}


def _told(outcomes: dict[ItemRef, Outcome]) -> dict[ItemRef, Outcome]:  # type: ignore[type-arg]
    """Raises a passing error that is all there is."""
    if outcomes and all(isinstance(outcome, TransientError) for outcome in outcomes.values()):
        none_passing(outcomes)
    return outcomes


def _place(cursor: str) -> tuple[int, datetime | None, int]:
    """(numbering, second, how many of that second's mails were listed): where a crowded second goes on."""
    if not cursor:
        return 0, None, 0
    validity, moment, count = json.loads(cursor)
    return int(validity), datetime.fromisoformat(moment), int(count)


def _cursor(folder: Opened, found: Sequence[tuple[datetime, int]], end: int) -> str:
    second = second_of(found[end - 1][0])
    count = sum(second_of(received) == second for received, _ in found[:end])
    return json.dumps([folder.validity, second.isoformat(), count])


def _start(folder: Opened, found: Sequence[tuple[datetime, int]], cursor: str) -> int:
    """Behind what the cursor has passed. Raises CursorExpired."""
    validity, second, count = _place(cursor)
    if second is None:
        return 0
    if validity != folder.validity:
        raise CursorExpired("The mail server has numbered the folder anew.")
    earlier = sum(second_of(received) < second for received, _ in found)
    return earlier + count
