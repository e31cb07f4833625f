"""Mail as a tree of .eml files, whose ids hold within their folder only: a provider that is as unlike Graph as IMAP.

`root/{address}/{folder}/{uid}.eml`, its receipt time being the file's. A folder's `.state` says how its ids are
numbered (validity and next number, as RFC 9051 has them) and its `.log` what has come to it. A mail that is moved gets
a new id in its new folder. When a folder is numbered anew, every id and every cursor of before is void.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import lru_cache
from pathlib import Path
from typing import Final

from shared.domain.capture.folders import Folder, Role
from shared.domain.capture.windows import Window, second_of
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import CursorExpired, NotFound, Outcome, PageBroken
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead
from shared.domain.mime.reading import Copy, part_of, whole_of
from shared.ports.mail import ChangePage, Listed, ListPage

# Special use as a server would say it, by the names that this one gives.
ROLES: Final[Mapping[str, Role]] = {
    "INBOX": Role.INBOX,
    "Sent": Role.SENT,
    "Drafts": Role.DRAFTS,
    "Trash": Role.TRASH,
    "Junk": Role.JUNK,
    "Archive": Role.ARCHIVE,
}
PATHS: Final = {role: name for name, role in ROLES.items()}


def eml(
    own_id: str,
    *,
    sender: str,
    to: str,
    subject: str,
    sent_at: datetime,
    in_reply_to: str = "",
    references: Sequence[str] = (),
    html: str = "<p>Hello.</p>",
    attachment: bytes = b"",
    image: bytes = b"",
) -> bytes:
    """A mail as it goes over the wire; the body shows the image."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Date"] = sender, to, subject, sent_at
    mail["Message-ID"] = f"<{own_id}>"
    if in_reply_to:
        mail["In-Reply-To"] = f"<{in_reply_to}>"
    if references:
        mail["References"] = " ".join(f"<{reference}>" for reference in references)
    shown = '<img src="cid:plan@fabrikam.example">' if image else ""
    mail.set_content(html + shown, subtype="html")
    if image:
        mail.add_related(image, maintype="image", subtype="png", cid="<plan@fabrikam.example>")
    if attachment:
        mail.add_attachment(attachment, maintype="application", subtype="pdf", filename="plan.pdf")
    return mail.as_bytes()


@dataclass(slots=True)
class EmlFolders:
    """Implements `ports.MailAccess`. `poison` are items, by address, that break each page of headers they stand on."""

    root: Path
    page_size: int = 50
    list_size: int = 500
    poison: set[tuple[str, ItemRef]] = field(default_factory=set)

    def add_mailbox(self, address: str) -> None:
        for name in ROLES:
            self.add_folder(address, name)

    def add_folder(self, address: str, name: str, *, holds: str = "") -> None:
        path = self.root / address / name
        path.mkdir(parents=True)
        _State(path, 1, 1, holds).write()

    def deliver(self, address: str, mail: bytes, role: Role, *, received: datetime) -> ItemRef:
        """Put a mail into a folder; its item."""
        return self._put(self.root / address, PATHS[role], mail, received)

    def move(self, address: str, item: ItemRef, role: Role) -> ItemRef:
        """As the person would: copied under a new id, then removed."""
        box = self.root / address
        path = _path(box, item)
        moved = self._put(box, PATHS[role], path.read_bytes(), _received(path))
        path.unlink()
        return moved

    def touch(self, address: str, item: ItemRef) -> None:
        """Change something small: the changes name the item without showing it."""
        _note(self.root / address / item.folder, _number_of(item), is_new=False)

    def delete(self, address: str, item: ItemRef) -> None:
        """For good."""
        _path(self.root / address, item).unlink()

    def expire(self, address: str) -> None:
        """Number every folder anew, the newest mail first, so that no number means the mail that it meant."""
        for name in _names(self.root / address):
            path = self.root / address / name
            mails = [(found.read_bytes(), _received(found)) for found in _mails(path)]
            for found in _mails(path):
                found.unlink()
            (path / ".log").unlink(missing_ok=True)
            state = _State.read(path)
            _State(path, state.validity + 1, 1, state.holds).write()
            for mail, received in reversed(mails):
                self._put(self.root / address, name, mail, received)

    def open(self, mailbox: Mailbox) -> "EmlMailbox":
        return EmlMailbox(self, mailbox.address)

    def _put(self, box: Path, name: str, mail: bytes, received: datetime) -> ItemRef:
        state = _State.read(box / name)
        path = state.path / f"{state.next_number}.eml"
        path.write_bytes(mail)
        os.utime(path, (received.timestamp(), received.timestamp()))
        _note(state.path, state.next_number, is_new=True)
        _State(state.path, state.validity, state.next_number + 1, state.holds).write()
        return ItemRef(name, f"{state.validity}-{state.next_number}")


@dataclass(frozen=True, slots=True)
class EmlMailbox:
    """Implements `ports.OpenMailbox`."""

    access: EmlFolders
    address: str

    def folders(self, known: Mapping[str, Role | None]) -> list[Folder]:
        """Roles cost nothing here: what is known of them is not needed."""
        return [self._folder(name) for name in _names(self._box())]

    def changes(
        self,
        folder_id: str,
        cursor: str,
        since: datetime | None,
        *,
        arrivals: bool = False,
    ) -> ChangePage:
        state = self._state(folder_id)
        start = _position(cursor, state) if cursor else 0
        log = _log(state.path)
        end = min(start + self.access.page_size, len(log))
        latest = dict(log[start:end])
        there = [number for number in latest if (state.path / f"{number}.eml").exists()]
        heads = {number: self._head(state, number) for number in there}
        shown = {number for number, head in heads.items() if since is None or head.received_at >= since}
        if self._holds_poison([heads[number].item for number in shown], end - start):
            return self._in_pages_of_one().changes(folder_id, cursor, since)
        return ChangePage(
            heads=tuple(heads[number] for number in there if number in shown and latest[number]),
            partial=tuple(heads[number].item for number in there if number in shown and not latest[number]),
            cursor=f"{state.validity}:{end}",
            more=end < len(log),
        )

    def list(
        self, folder_id: str, window: Window, *, with_heads: bool = False, unread: bool = False
    ) -> ListPage:
        found = self._of(folder_id, window)
        start = int(window.cursor) if window.cursor else 0
        end = start + (self.access.page_size if with_heads else self.access.list_size)
        shown = found[start:end]
        if with_heads and self._holds_poison([head.item for head in shown], len(shown)):
            return self._in_pages_of_one().list(folder_id, window, with_heads=True)
        items = (Listed(head.item, head.received_at, head if with_heads else None) for head in shown)
        return ListPage(tuple(items), str(end) if end < len(found) else "")

    def count(self, folder_id: str, window: Window) -> int:
        return len(self._of(folder_id, window))

    def broken(self, folder_id: str, second: datetime) -> frozenset[ItemRef]:
        items = [head.item for head in self._of(folder_id, Window.second(second))]
        return frozenset(item for item in items if self._is_poison(item))

    def heads(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[MessageHead]]:
        read = self.messages(items)
        return {k: v.head if isinstance(v, FetchedMessage) else v for k, v in read.items()}

    def messages(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[FetchedMessage]]:
        return {item: self._message(item) for item in items}

    @contextmanager
    def attachment(self, item: ItemRef, source_id: str) -> Iterator[Iterator[bytes]]:
        yield iter([part_of(self._found(item).read_bytes(), source_id)])

    def mime(self, item: ItemRef, most: int) -> bytes:
        return self._found(item).read_bytes()[:most]

    def _box(self) -> Path:
        box = self.access.root / self.address
        if not box.is_dir():
            raise NotFound("There is no such mailbox.")
        return box

    def _state(self, folder_id: str) -> "_State":
        path = self._box() / folder_id
        if not path.is_dir():
            raise NotFound("There is no such folder.")
        return _State.read(path)

    def _folder(self, name: str) -> Folder:
        parent = name.rpartition("/")[0]
        return Folder(name, parent, ROLES.get(name), self._state(name).holds)

    def _of(self, folder_id: str, window: Window) -> Sequence[MessageHead]:
        """A folder's mails of a window, oldest first."""
        state = self._state(folder_id)
        heads = [self._head(state, int(path.stem)) for path in _mails(state.path)]
        inside = [head for head in heads if window.start <= second_of(head.received_at) < window.end]
        return sorted(inside, key=lambda head: (head.received_at, head.item))

    def _head(self, state: "_State", number: int) -> MessageHead:
        name = str(state.path.relative_to(self._box()))
        return _fetched(ItemRef(name, f"{state.validity}-{number}"), state.path / f"{number}.eml").head

    def _message(self, item: ItemRef) -> Outcome[FetchedMessage]:
        try:
            return _fetched(item, self._found(item))
        except NotFound as error:
            return error

    def _found(self, item: ItemRef) -> Path:
        path = _path(self._box(), item)
        if not path.exists() or _State.read(path.parent).validity != int(item.item_id.partition("-")[0]):
            raise NotFound("There is no such mail.")
        return path

    def _is_poison(self, item: ItemRef) -> bool:
        return (self.address, item) in self.access.poison

    def _holds_poison(self, items: Sequence[ItemRef], size: int) -> bool:
        """Whether a smaller page is to be tried. Raises PageBroken where there is none."""
        if not any(map(self._is_poison, items)):
            return False
        if size == 1:
            raise PageBroken("The page is broken.")
        return True

    def _in_pages_of_one(self) -> "EmlMailbox":
        return replace(self, access=replace(self.access, page_size=1))


@dataclass(frozen=True, slots=True)
class _State:
    """How a folder's ids are numbered, and what it holds where that is no mail."""

    path: Path
    validity: int
    next_number: int
    holds: str

    @classmethod
    def read(cls, path: Path) -> "_State":
        return cls(path, *json.loads((path / ".state").read_text()))

    def write(self) -> None:
        (self.path / ".state").write_text(json.dumps([self.validity, self.next_number, self.holds]))


def _names(box: Path) -> list[str]:
    if not box.is_dir():
        raise NotFound("There is no such mailbox.")
    return sorted(str(found.parent.relative_to(box)) for found in box.rglob(".state"))


def _mails(path: Path) -> list[Path]:
    return sorted(path.glob("*.eml"), key=lambda found: int(found.stem))


def _number_of(item: ItemRef) -> int:
    return int(item.item_id.partition("-")[2] or 0)


def _path(box: Path, item: ItemRef) -> Path:
    return box / item.folder / f"{_number_of(item)}.eml"


def _received(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _note(path: Path, number: int, *, is_new: bool) -> None:
    with (path / ".log").open("a") as log:
        log.write(f"{number} {is_new:d}\n")


def _log(path: Path) -> list[tuple[int, bool]]:
    """What has come to a folder or changed in it, in order, and whether it was new."""
    log = path / ".log"
    lines = log.read_text().splitlines() if log.exists() else []
    return [(int(number), is_new == "1") for number, _, is_new in (line.partition(" ") for line in lines)]


def _position(cursor: str, state: _State) -> int:
    validity, _, position = cursor.partition(":")
    if int(validity) != state.validity:
        raise CursorExpired("The folder was numbered anew.")
    return int(position)


@lru_cache(maxsize=1_000)
def _fetched(item: ItemRef, path: Path) -> FetchedMessage:
    copy = Copy(item, item.folder, _received(path), is_draft=item.folder == PATHS[Role.DRAFTS])
    return whole_of(path.read_bytes(), copy)
