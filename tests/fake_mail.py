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
    NotFound,
    Outcome,
    PageBroken,
    PermanentError,
    PostledgerError,
    SyncStateExpired,
    TransientError,
)
from shared.domain.mail.messages import FetchedMessage, MessageHead
from shared.ports.directory import DirectoryUser
from shared.ports.mail import DeltaPage, Listed, ListPage

STANDARD = ("inbox", "sentitems", "drafts", "deleteditems", "junkemail", "archive")


@dataclass(slots=True)
class _Box:
    user: DirectoryUser
    folders: dict[str, Folder] = field(default_factory=dict)
    well_known: dict[str, str] = field(default_factory=dict)
    messages: dict[str, FetchedMessage] = field(default_factory=dict)
    contents: dict[tuple[str, str], bytes] = field(default_factory=dict)
    mime: dict[str, bytes] = field(default_factory=dict)
    logs: dict[str, list[tuple[str, bool]]] = field(default_factory=dict)
    generation: int = 0


@dataclass(slots=True)
class FakeMail:
    """`fail` makes the next calls of a method raise; `failing` makes single messages fail, by Graph id.

    `poison` are Graph ids that break every page they stand on with headers. A delta with a filter shows
    `filtered_maximum` messages at most, the newest ones.
    `bodies_read` counts whole fetches by Graph id, `calls` counts calls by method.
    """

    page_size: int = 50
    list_size: int = 500
    filtered_maximum: int = 5_000
    poison: set[str] = field(default_factory=set)
    failing: dict[str, PostledgerError] = field(default_factory=dict)
    bodies_read: Counter[str] = field(default_factory=Counter)
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
    ) -> str:
        """Put a mail into a folder under a new id, which is returned; `contents` by attachment's Graph id.

        `mime` is what the mail looks like as MIME, where a test needs to know.
        """
        box = self._boxes[address]
        self._number += 1
        graph_id = f"AAkALgFake{self._number:06}"
        head = replace(message.head, graph_id=graph_id, folder_id=folder)
        box.messages[graph_id] = replace(message, head=head)
        box.mime[graph_id] = mime
        box.contents |= {(graph_id, one): data for one, data in (contents or {}).items()}
        box.logs[folder].append((graph_id, True))
        return graph_id

    def move(self, address: str, graph_id: str, folder: str) -> None:
        """As the person would; the id stays."""
        box = self._boxes[address]
        message = box.messages[graph_id]
        box.messages[graph_id] = replace(message, head=replace(message.head, folder_id=folder))
        box.logs[folder].append((graph_id, True))

    def touch(self, address: str, graph_id: str) -> None:
        """Change something small: the delta names the item without showing it."""
        box = self._boxes[address]
        box.logs[box.messages[graph_id].head.folder_id].append((graph_id, False))

    def delete(self, address: str, graph_id: str) -> None:
        """For good."""
        del self._boxes[address].messages[graph_id]

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
            heads=tuple(head for one, head in there.items() if shown[one]),
            partial=tuple(one for one in there if not shown[one]),
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
        if with_heads and self.poison & {one.graph_id for one in shown}:
            if len(shown) > 1:
                return replace(self, page_size=1).listed(mailbox, folder_id, window, with_heads=True)
            raise PageBroken("The page is broken.")
        items = (Listed(one.graph_id, one.received_at, one if with_heads else None) for one in shown)
        return ListPage(tuple(items), str(end) if end < len(found) else "")

    def count(self, mailbox: Mailbox, folder_id: str, window: Window) -> int:
        return len(self._of(self._box("count", mailbox), folder_id, window))

    def broken(self, mailbox: Mailbox, folder_id: str, second: datetime) -> frozenset[str]:
        found = self._of(self._box("broken", mailbox), folder_id, Window.second(second))
        return frozenset(one.graph_id for one in found) & self.poison

    def heads(self, mailbox: Mailbox, ids: Sequence[str]) -> Mapping[str, Outcome[MessageHead]]:
        found = self._messages(self._box("heads", mailbox), ids)
        return {k: v.head if isinstance(v, FetchedMessage) else v for k, v in found.items()}

    def messages(self, mailbox: Mailbox, ids: Sequence[str]) -> Mapping[str, Outcome[FetchedMessage]]:
        found = self._messages(self._box("messages", mailbox), ids)
        self.bodies_read.update(k for k, v in found.items() if isinstance(v, FetchedMessage))
        return found

    @contextmanager
    def attachment(self, mailbox: Mailbox, message_id: str, attachment_id: str) -> Iterator[Iterator[bytes]]:
        data = self._box("attachment", mailbox).contents.get((message_id, attachment_id))
        if data is None:
            raise NotFound("There is no such attachment.", "ErrorItemNotFound")
        yield iter([data])

    def mime(self, mailbox: Mailbox, graph_id: str, most: int) -> bytes:
        box = self._box("mime", mailbox)
        found = self._message(box, graph_id)
        if isinstance(found, PermanentError):
            raise found
        return box.mime[graph_id][:most]

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
        return sorted(inside, key=lambda one: (one.received_at, one.graph_id))

    def _messages(self, box: _Box, ids: Sequence[str]) -> dict[str, Outcome[FetchedMessage]]:
        """As in a chain: behind one that fails for now, nothing is had."""
        found: dict[str, Outcome[FetchedMessage]] = {}
        for one in ids:
            try:
                found[one] = self._message(box, one)
            except TransientError as error:
                if not found:
                    raise
                found |= dict.fromkeys(ids[len(found) :], error)
                break
        return found

    def _message(self, box: _Box, graph_id: str) -> FetchedMessage | PermanentError:
        error = self.failing.get(graph_id)
        if isinstance(error, PermanentError):
            return error
        if error is not None:
            raise error
        return box.messages.get(graph_id) or NotFound("There is no such message.", "ErrorItemNotFound")


def _read_link(link: str, generation: int) -> tuple[int, datetime | None]:
    _, made_in, position, since = link.split(":", 3)
    if int(made_in) != generation:
        raise SyncStateExpired("The link is too old.", "SyncStateNotFound")
    return int(position), datetime.fromisoformat(since).astimezone(UTC) if since else None
