"""Mailboxes in memory: changes by folder, moves that keep the id, failures on demand; and their users."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from shared.domain.capture.folders import Folder, Role
from shared.domain.capture.windows import Window, second_of
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import (
    CursorExpired,
    NotFound,
    Outcome,
    PageBroken,
    PermanentError,
    PostledgerError,
    TransientError,
    Unreadable,
)
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead
from shared.ports.directory import DirectoryUser
from shared.ports.mail import ChangePage, Listed, ListPage

STANDARD: Final = (Role.INBOX, Role.SENT, Role.DRAFTS, Role.TRASH, Role.JUNK, Role.ARCHIVE)


@dataclass(slots=True)
class _Box:
    user: DirectoryUser
    folders: dict[str, Folder] = field(default_factory=dict)
    messages: dict[ItemRef, FetchedMessage] = field(default_factory=dict)
    contents: dict[tuple[ItemRef, str], bytes] = field(default_factory=dict)
    mime: dict[ItemRef, bytes] = field(default_factory=dict)
    logs: dict[str, list[tuple[ItemRef, bool]]] = field(default_factory=dict)
    generation: int = 0


@dataclass(slots=True)
class FakeMail:
    """`fail` makes the next calls of a method raise; `failing` makes single messages fail, by item.

    One that fails as Unreadable stands on its page by its id only.
    `poison` are items that break every page they stand on with headers. A first walk of a window shows
    `filtered_maximum` messages at most, the newest ones. `bodies_read` counts whole fetches by item, `calls` counts
    calls by method; `roles` is how often roles were asked for. `opened` makes other mailboxes than the usual ones,
    `disabled` are addresses of users that may not sign in.
    """

    page_size: int = 50
    list_size: int = 500
    filtered_maximum: int = 5_000
    poison: set[ItemRef] = field(default_factory=set)
    failing: dict[ItemRef, PostledgerError] = field(default_factory=dict)
    bodies_read: Counter[ItemRef] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    disabled: set[str] = field(default_factory=set)
    opened: "Callable[[FakeMail, Mailbox], FakeOpenMailbox] | None" = None
    _boxes: dict[str, _Box] = field(default_factory=dict)
    _failures: dict[str, list[PostledgerError]] = field(default_factory=dict)
    _number: int = 0

    def add_mailbox(self, address: str, *, user_id: str = "", aliases: Sequence[str] = ()) -> DirectoryUser:
        """A user with a mailbox and the standard folders, whose ids are `{role}-folder`."""
        user = DirectoryUser(user_id or f"user-of-{address}", address, tuple(aliases))
        self._boxes[address] = self._boxes[user.user_id] = _Box(user)
        for role in STANDARD:
            self.add_folder(address, f"{role}-folder", role=role)
        return user

    def add_folder(
        self,
        address: str,
        folder_id: str,
        *,
        parent_id: str = "root",
        role: Role | None = None,
        holds: str = "",
        listed: bool = True,
    ) -> str:
        box = self._boxes[address]
        if listed:
            box.folders[folder_id] = Folder(folder_id, parent_id, role, holds)
        box.logs[folder_id] = []
        return folder_id

    def deliver(
        self,
        address: str,
        message: FetchedMessage,
        *,
        folder: str = "inbox-folder",
        contents: Mapping[str, bytes] | None = None,
        mime: bytes = b"",
    ) -> ItemRef:
        """Put a mail into a folder as a new item, which is returned; `contents` by attachments' source ids.

        `mime` is what the mail looks like as MIME, where a test needs to know.
        """
        box = self._boxes[address]
        self._number += 1
        item = ItemRef("", f"AAkALgFake{self._number:06}")
        head = replace(message.head, item=item, folder_id=folder)
        box.messages[item] = replace(message, head=head)
        box.mime[item] = mime
        box.contents |= {(item, source_id): data for source_id, data in (contents or {}).items()}
        box.logs[folder].append((item, True))
        return item

    def move(self, address: str, item: ItemRef, folder: str) -> None:
        """As the person would; the id stays."""
        box = self._boxes[address]
        message = box.messages[item]
        box.messages[item] = replace(message, head=replace(message.head, folder_id=folder))
        box.logs[folder].append((item, True))

    def touch(self, address: str, item: ItemRef) -> None:
        """Mark it as read: the changes name the item without showing it."""
        box = self._boxes[address]
        message = box.messages[item]
        box.messages[item] = replace(message, head=replace(message.head, is_read=True))
        box.logs[box.messages[item].head.folder_id].append((item, False))

    def delete(self, address: str, item: ItemRef) -> None:
        """For good."""
        del self._boxes[address].messages[item]

    def expire(self, address: str) -> None:
        """Forget every cursor of a mailbox."""
        self._boxes[address].generation += 1

    def fail(self, method: str, *errors: PostledgerError) -> None:
        """Let the next calls of a method raise these, in order."""
        self._failures.setdefault(method, []).extend(errors)

    def open(self, mailbox: Mailbox) -> "FakeOpenMailbox":
        return (self.opened or FakeOpenMailbox)(self, mailbox)

    def is_disabled(self, mailbox: Mailbox) -> bool:
        return self.user(mailbox).address in self.disabled

    def user(self, mailbox: Mailbox) -> DirectoryUser:
        """The mailbox's user, by whatever name; so this is the fake directory too."""
        self._called("user")
        name = mailbox.user_id or mailbox.address
        aliased = (box.user for box in self._boxes.values() if name in box.user.aliases)
        user = self._boxes[name].user if name in self._boxes else next(aliased, None)
        if user is None:
            raise NotFound("There is no such user.", "Request_ResourceNotFound")
        return user

    def box(self, method: str, mailbox: Mailbox) -> _Box:
        """The contents of a mailbox, for a call of a method."""
        self._called(method)
        box = self._boxes.get(mailbox.user_id or mailbox.address)
        if box is None:
            raise NotFound("There is no such user.", "Request_ResourceNotFound")
        return box

    def message(self, box: _Box, item: ItemRef) -> FetchedMessage | PermanentError:
        error = self.failing.get(item)
        if isinstance(error, PermanentError):
            return error
        if error is not None:
            raise error
        return box.messages.get(item) or NotFound("There is no such message.", "ErrorItemNotFound")

    def is_readable(self, item: ItemRef) -> bool:
        return not isinstance(self.failing.get(item), Unreadable)

    def _called(self, method: str) -> None:
        self.calls[method] += 1
        if self._failures.get(method):
            raise self._failures[method].pop(0)


@dataclass(frozen=True, slots=True)
class FakeOpenMailbox:
    """One mailbox of a FakeMail."""

    mail: FakeMail
    mailbox: Mailbox

    def folders(self, known: Mapping[str, Role | None]) -> list[Folder]:
        found = self.mail.box("folders", self.mailbox).folders
        if found.keys() <= known.keys():
            return [replace(folder, role=known[folder.folder_id]) for folder in found.values()]
        self.mail.calls["roles"] += 1
        return list(found.values())

    def changes(
        self, folder_id: str, cursor: str, since: datetime | None, *, arrivals: bool = False
    ) -> ChangePage:
        box = self.mail.box("changes", self.mailbox)
        log = _log(box, folder_id)
        # As Graph does: a filter would hold for all that comes later.
        begin = None if arrivals else since
        start, since = _read_cursor(cursor, box.generation) if cursor else (0, begin)
        is_first_walk = not cursor or cursor.endswith("first")
        is_cut = is_first_walk and since is not None and len(log) >= self.mail.filtered_maximum
        if start == 0 and is_cut:
            start = len(log) - self.mail.filtered_maximum
        end = min(start + self.mail.page_size, len(log))
        there = {
            item: head
            for item, head in _heads_of(box, log[start:end], folder_id).items()
            if _fits(head, since)
        }
        if self.mail.poison & there.keys():
            if end - start > 1:  # a smaller page is tried
                return self._in_pages_of_one().changes(folder_id, cursor, since)
            raise PageBroken("The page is broken.")
        shown = dict(log[start:end])
        readable = {item for item in there if shown[item] and self.mail.is_readable(item)}
        more = end < len(log)
        at = since.isoformat() if since else ""
        return ChangePage(
            heads=tuple(there[item] for item in there if item in readable),
            partial=tuple(item for item in there if item not in readable),
            cursor=f"{box.generation}|{end}|{at}|{'first' if more and is_first_walk else ''}",
            more=more,
            is_complete=more or not is_cut,
        )

    def list(
        self, folder_id: str, window: Window, *, with_heads: bool = False, unread: bool = False
    ) -> ListPage:
        found = _of(self.mail.box("list", self.mailbox), folder_id, window)
        found = [head for head in found if not (unread and head.is_read)]
        start = int(window.cursor) if window.cursor else 0
        end = start + (self.mail.page_size if with_heads else self.mail.list_size)
        shown = found[start:end]
        if with_heads and self.mail.poison & {head.item for head in shown}:
            if len(shown) > 1:
                return self._in_pages_of_one().list(folder_id, window, with_heads=True)
            raise PageBroken("The page is broken.")
        readable = {head.item for head in shown if with_heads and self.mail.is_readable(head.item)}
        items = (
            Listed(head.item, head.received_at, head if head.item in readable else None) for head in shown
        )
        return ListPage(tuple(items), str(end) if end < len(found) else "")

    def count(self, folder_id: str, window: Window) -> int:
        return len(_of(self.mail.box("count", self.mailbox), folder_id, window))

    def broken(self, folder_id: str, second: datetime) -> frozenset[ItemRef]:
        found = _of(self.mail.box("broken", self.mailbox), folder_id, Window.second(second))
        return frozenset(head.item for head in found) & self.mail.poison

    def heads(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[MessageHead]]:
        found = self._messages(self.mail.box("heads", self.mailbox), items)
        return {k: v.head if isinstance(v, FetchedMessage) else v for k, v in found.items()}

    def messages(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[FetchedMessage]]:
        found = self._messages(self.mail.box("messages", self.mailbox), items)
        self.mail.bodies_read.update(k for k, v in found.items() if isinstance(v, FetchedMessage))
        return found

    @contextmanager
    def attachment(self, item: ItemRef, source_id: str) -> Iterator[Iterator[bytes]]:
        data = self.mail.box("attachment", self.mailbox).contents.get((item, source_id))
        if data is None:
            raise NotFound("There is no such attachment.", "ErrorItemNotFound")
        yield iter([data])

    def mime(self, item: ItemRef, most: int) -> bytes:
        box = self.mail.box("mime", self.mailbox)
        found = self.mail.message(box, item)
        if isinstance(found, PermanentError):
            raise found
        return box.mime[item][:most]

    def _in_pages_of_one(self) -> "FakeOpenMailbox":
        return replace(self, mail=replace(self.mail, page_size=1))

    def _messages(self, box: _Box, items: Sequence[ItemRef]) -> dict[ItemRef, Outcome[FetchedMessage]]:
        """As in a chain: behind one that fails for now, nothing is had."""
        found: dict[ItemRef, Outcome[FetchedMessage]] = {}
        for item in items:
            try:
                found[item] = self.mail.message(box, item)
            except TransientError as error:
                if not found:
                    raise
                found |= dict.fromkeys(items[len(found) :], error)
                break
        return found


def _log(box: _Box, folder_id: str) -> list[tuple[ItemRef, bool]]:
    if folder_id not in box.logs:
        raise NotFound("There is no such folder.", "ErrorItemNotFound")
    return box.logs[folder_id]


def _heads_of(box: _Box, log: Sequence[tuple[ItemRef, bool]], folder_id: str) -> dict[ItemRef, MessageHead]:
    """Of what a log names, the mails that still lie in the folder."""
    named = (box.messages[item].head for item in dict(log) if item in box.messages)
    return {head.item: head for head in named if head.folder_id == folder_id}


def _fits(head: MessageHead, since: datetime | None) -> bool:
    return since is None or head.received_at >= since


def _of(box: _Box, folder_id: str, window: Window) -> list[MessageHead]:
    """A folder's messages of a window, oldest first."""
    _log(box, folder_id)
    found = (message.head for message in box.messages.values() if message.head.folder_id == folder_id)
    inside = (head for head in found if window.start <= second_of(head.received_at) < window.end)
    return sorted(inside, key=lambda head: (head.received_at, head.item))


def _read_cursor(cursor: str, generation: int) -> tuple[int, datetime | None]:
    made_in, position, since, _ = cursor.split("|")
    if int(made_in) != generation:
        raise CursorExpired("The cursor is too old.", "SyncStateNotFound")
    return int(position), datetime.fromisoformat(since).astimezone(UTC) if since else None
