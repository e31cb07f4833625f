"""Mailboxes in memory, as a MailSource: deltas by folder, moves that keep the id, failures on demand."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from shared.domain.capture.folders import MAIL_CLASS, Folder, FolderState
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
from shared.ports.mail import DeltaPage, Listed, ListPage

STANDARD = ("inbox", "sentitems", "drafts", "deleteditems", "junkemail", "archive")


@dataclass(slots=True)
class _Box:
    user: DirectoryUser
    folders: dict[str, Folder] = field(default_factory=dict)
    well_known: dict[str, str] = field(default_factory=dict)
    messages: dict[ItemRef, FetchedMessage] = field(default_factory=dict)
    contents: dict[tuple[ItemRef, str], bytes] = field(default_factory=dict)
    mime: dict[ItemRef, bytes] = field(default_factory=dict)
    logs: dict[str, list[tuple[ItemRef, bool]]] = field(default_factory=dict)
    generation: int = 0


@dataclass(slots=True)
class FakeMail:
    """`fail` makes the next calls of a method raise; `failing` makes single messages fail, by item.

    One that fails as Unreadable stands on its page by its id only.
    `poison` are items that break every page they stand on with headers. A delta with a filter shows
    `filtered_maximum` messages at most, the newest ones.
    `bodies_read` counts whole fetches by item, `calls` counts calls by method.
    """

    page_size: int = 50
    list_size: int = 500
    filtered_maximum: int = 5_000
    poison: set[ItemRef] = field(default_factory=set)
    failing: dict[ItemRef, PostledgerError] = field(default_factory=dict)
    bodies_read: Counter[ItemRef] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    _boxes: dict[str, _Box] = field(default_factory=dict)
    _failures: dict[str, list[PostledgerError]] = field(default_factory=dict)
    _number: int = 0

    def add_mailbox(self, address: str, *, user_id: str = "", aliases: Sequence[str] = ()) -> DirectoryUser:
        """A user with a mailbox and the standard folders, whose ids are `{name}-folder`."""
        user = DirectoryUser(user_id or f"user-of-{address}", address, tuple(aliases))
        box = _Box(user)
        self._boxes[address] = self._boxes[user.user_id] = box
        for name in STANDARD:
            self.add_folder(address, f"{name}-folder")
            box.well_known[f"{name}-folder"] = name
        return user

    def add_folder(
        self, address: str, folder_id: str, *, parent_id: str = "root", container_class: str = MAIL_CLASS
    ) -> str:
        box = self._boxes[address]
        box.folders[folder_id] = Folder(folder_id, parent_id, container_class)
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
        """Put a mail into a folder under a new id, which is returned; `contents` by attachment's Graph id.

        `mime` is what the mail looks like as MIME, where a test needs to know.
        """
        box = self._boxes[address]
        self._number += 1
        item = ItemRef("", f"AAkALgFake{self._number:06}")
        head = replace(message.head, item=item, folder_id=folder)
        box.messages[item] = replace(message, head=head)
        box.mime[item] = mime
        box.contents |= {(item, one): data for one, data in (contents or {}).items()}
        box.logs[folder].append((item, True))
        return item

    def move(self, address: str, item: ItemRef, folder: str) -> None:
        """As the person would; the id stays."""
        box = self._boxes[address]
        message = box.messages[item]
        box.messages[item] = replace(message, head=replace(message.head, folder_id=folder))
        box.logs[folder].append((item, True))

    def touch(self, address: str, item: ItemRef) -> None:
        """Change something small: the delta names the item without showing it."""
        box = self._boxes[address]
        box.logs[box.messages[item].head.folder_id].append((item, False))

    def delete(self, address: str, item: ItemRef) -> None:
        """For good."""
        del self._boxes[address].messages[item]

    def expire(self, address: str) -> None:
        """Forget every delta link of a mailbox."""
        self._boxes[address].generation += 1

    def fail(self, method: str, *errors: PostledgerError) -> None:
        """Let the next calls of a method raise these, in order."""
        self._failures.setdefault(method, []).extend(errors)

    def user(self, mailbox: Mailbox) -> DirectoryUser:
        return self._box("user", mailbox).user

    def folders(self, mailbox: Mailbox) -> list[Folder]:
        return list(self._box("folders", mailbox).folders.values())

    def well_known_folders(self, mailbox: Mailbox) -> Mapping[str, str]:
        return dict(self._box("well_known_folders", mailbox).well_known)

    def delta(self, mailbox: Mailbox, folder: FolderState, since: datetime | None) -> DeltaPage:
        box = self._box("delta", mailbox)
        if folder.folder_id not in box.logs:
            raise NotFound("There is no such folder.", "ErrorItemNotFound")
        start, since = _read_link(folder.link, box.generation) if folder.link else (0, since)
        log = box.logs[folder.folder_id]
        if start == 0 and since is not None:
            start = max(0, len(log) - self.filtered_maximum)
        end = min(start + self.page_size, len(log))
        shown = dict(log[start:end])
        found = {one: box.messages[one].head for one in shown if one in box.messages}
        there = {
            one: head
            for one, head in found.items()
            if head.folder_id == folder.folder_id and (since is None or head.received_at >= since)
        }
        if self.poison & there.keys():
            if end - start > 1:  # a smaller page is tried
                return replace(self, page_size=1).delta(mailbox, folder, since)
            raise PageBroken("The page is broken.")
        return DeltaPage(
            heads=tuple(head for one, head in there.items() if shown[one] and self._is_readable(one)),
            partial=tuple(one for one in there if not shown[one] or not self._is_readable(one)),
            link=f"fake:{box.generation}:{end}:{since.isoformat() if since else ''}",
            more=end < len(log),
        )

    def listed(
        self, mailbox: Mailbox, folder_id: str, window: Window, *, with_heads: bool = False
    ) -> ListPage:
        found = self._of(self._box("listed", mailbox), folder_id, window)
        start = int(window.link) if window.link else 0
        end = start + (self.page_size if with_heads else self.list_size)
        shown = found[start:end]
        if with_heads and self.poison & {one.item for one in shown}:
            if len(shown) > 1:
                return replace(self, page_size=1).listed(mailbox, folder_id, window, with_heads=True)
            raise PageBroken("The page is broken.")
        items = (
            Listed(one.item, one.received_at, one if with_heads and self._is_readable(one.item) else None)
            for one in shown
        )
        return ListPage(tuple(items), str(end) if end < len(found) else "")

    def count(self, mailbox: Mailbox, folder_id: str, window: Window) -> int:
        return len(self._of(self._box("count", mailbox), folder_id, window))

    def broken(self, mailbox: Mailbox, folder_id: str, second: datetime) -> frozenset[ItemRef]:
        found = self._of(self._box("broken", mailbox), folder_id, Window.second(second))
        return frozenset(one.item for one in found) & self.poison

    def heads(self, mailbox: Mailbox, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[MessageHead]]:
        found = self._messages(self._box("heads", mailbox), items)
        return {k: v.head if isinstance(v, FetchedMessage) else v for k, v in found.items()}

    def messages(
        self, mailbox: Mailbox, items: Sequence[ItemRef]
    ) -> Mapping[ItemRef, Outcome[FetchedMessage]]:
        found = self._messages(self._box("messages", mailbox), items)
        self.bodies_read.update(k for k, v in found.items() if isinstance(v, FetchedMessage))
        return found

    @contextmanager
    def attachment(self, mailbox: Mailbox, item: ItemRef, attachment_id: str) -> Iterator[Iterator[bytes]]:
        data = self._box("attachment", mailbox).contents.get((item, attachment_id))
        if data is None:
            raise NotFound("There is no such attachment.", "ErrorItemNotFound")
        yield iter([data])

    def mime(self, mailbox: Mailbox, item: ItemRef, most: int) -> bytes:
        box = self._box("mime", mailbox)
        found = self._message(box, item)
        if isinstance(found, PermanentError):
            raise found
        return box.mime[item][:most]

    def _box(self, method: str, mailbox: Mailbox) -> _Box:
        self.calls[method] += 1
        if self._failures.get(method):
            raise self._failures[method].pop(0)
        box = self._boxes.get(mailbox.graph_user)
        if box is None:
            aliased = (one for one in self._boxes.values() if mailbox.graph_user in one.user.aliases)
            box = next(aliased, None) if method == "user" else None
        if box is None:
            raise NotFound("There is no such user.", "Request_ResourceNotFound")
        return box

    def _of(self, box: _Box, folder_id: str, window: Window) -> list[MessageHead]:
        """A folder's messages of a window, oldest first."""
        if folder_id not in box.logs:
            raise NotFound("There is no such folder.", "ErrorItemNotFound")
        found = (one.head for one in box.messages.values() if one.head.folder_id == folder_id)
        inside = (one for one in found if window.start <= second_of(one.received_at) < window.end)
        return sorted(inside, key=lambda one: (one.received_at, one.item))

    def _is_readable(self, item: ItemRef) -> bool:
        return not isinstance(self.failing.get(item), Unreadable)

    def _messages(self, box: _Box, items: Sequence[ItemRef]) -> dict[ItemRef, Outcome[FetchedMessage]]:
        """As in a chain: behind one that fails for now, nothing is had."""
        found: dict[ItemRef, Outcome[FetchedMessage]] = {}
        for one in items:
            try:
                found[one] = self._message(box, one)
            except TransientError as error:
                if not found:
                    raise
                found |= dict.fromkeys(items[len(found) :], error)
                break
        return found

    def _message(self, box: _Box, item: ItemRef) -> FetchedMessage | PermanentError:
        error = self.failing.get(item)
        if isinstance(error, PermanentError):
            return error
        if error is not None:
            raise error
        return box.messages.get(item) or NotFound("There is no such message.", "ErrorItemNotFound")


def _read_link(link: str, generation: int) -> tuple[int, datetime | None]:
    _, made_in, position, since = link.split(":", 3)
    if int(made_in) != generation:
        raise CursorExpired("The link is too old.", "SyncStateNotFound")
    return int(position), datetime.fromisoformat(since).astimezone(UTC) if since else None
