"""One mailbox: its folders, its messages, and what can be done to them. Knows nothing of HTTP or OData."""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal

from dev.simulator import ids
from dev.simulator.content import Content
from dev.simulator.errors import item_not_found, malformed_id
from dev.simulator.folders import DEFAULT_FOLDERS, MAIL, ROOT, Birth
from dev.simulator.items import ChangeKind, Folder, LogEntry, Origin, Search, StoredMessage
from dev.simulator.threading_index import new_index, reply_index


@dataclass(frozen=True, slots=True)
class Change:
    """What subscribers are told: the item, the folder it happened in, and the id it had then."""

    kind: ChangeKind
    mailbox: "Mailbox"
    message: StoredMessage
    folder: Folder
    mutable_id: str


class Mailbox:
    """The store of one user. Every change goes through its methods, which log it and tell `listener`."""

    def __init__(
        self, mailbox_id: str, address: str, listener: Callable[[Change], None], language: str = "en"
    ) -> None:
        self.id, self.address, self.listener = mailbox_id, address, listener
        self._numbers = itertools.count(1)
        self.sequence = 0
        self.folders: dict[str, Folder] = {}
        self.well_known: dict[str, Folder] = {}
        self.folder_log: list[tuple[int, Folder]] = []
        self._by_id: dict[str, StoredMessage] = {}
        self._by_message_id: dict[str, StoredMessage] = {}
        for birth in (ROOT, *DEFAULT_FOLDERS):
            self._add_birth(birth, language)

    def _add_birth(self, birth: Birth, language: str) -> None:
        parent = self.well_known.get(birth.parent)
        self.create_folder(
            birth.display_name(language),
            parent,
            birth.container_class,
            hidden=birth.hidden,
            well_known=birth.well_known,
        ).listed = birth.listed

    def create_folder(
        self,
        name: str,
        parent: Folder | None,
        container_class: str = MAIL,
        *,
        hidden: bool = False,
        well_known: str | None = None,
        search: Search | None = None,
    ) -> Folder:
        """A new folder under `parent` (None: the root itself)."""
        number = next(self._numbers)
        folder = Folder(
            ids.folder_id(self.id, number),
            name,
            well_known,
            parent.id if parent else None,
            container_class,
            hidden,
            search=search,
        )
        self.folders[folder.id] = folder
        if well_known:
            self.well_known[well_known] = folder
        self.sequence += 1
        self.folder_log.append((self.sequence, folder))
        return folder

    def children(self, parent: Folder) -> list[Folder]:
        """Those that a list shows."""
        return [folder for folder in self.folders.values() if folder.parent_id == parent.id and folder.listed]

    def folder(self, name_or_id: str) -> Folder:
        """By id or well-known name. Raises GraphError 404 or 400."""
        folder = self.folders.get(name_or_id) or self.well_known.get(name_or_id.lower())
        if folder is None:
            raise item_not_found() if ids.is_well_formed(name_or_id) else malformed_id()
        return folder

    def message(self, item_id: str) -> StoredMessage:
        """By either kind of id. Raises GraphError 404 or 400."""
        message = self._by_id.get(item_id)
        if message is None:
            raise item_not_found() if ids.is_well_formed(item_id) else malformed_id()
        return message

    def find(self, internet_message_id: str) -> StoredMessage | None:
        return self._by_message_id.get(internet_message_id)

    def all_messages(self) -> list[StoredMessage]:
        """Every item of every folder, newest first."""
        found = [message for folder in self.folders.values() for message in folder.messages.values()]
        return sorted(found, key=lambda message: message.order, reverse=True)

    @staticmethod
    def ordered(folder: Folder) -> list[StoredMessage]:
        """The items of a folder, newest first."""
        if folder.ordered is None:
            folder.ordered = sorted(folder.messages.values(), key=lambda message: message.order, reverse=True)
        return folder.ordered

    def add(
        self,
        content: Content,
        folder: Folder,
        *,
        received: datetime,
        origin: Origin,
        now: datetime,
        is_read: bool = False,
    ) -> StoredMessage:
        """Stores a mail: its conversation is found by Thread-Index, else by its parent in this mailbox."""
        number = next(self._numbers)
        digest = (
            sha256(f"{content.headers}{content.markup}".encode("utf-8", "replace")).hexdigest()[:32].upper()
        )
        message_id = content.message_id or f"<{digest}@server.outlook.example>"
        message = StoredMessage(
            self.id,
            number,
            number,
            content,
            folder,
            origin,
            received,
            now,
            now,
            self._index(content, message_id, received),
            message_id,
            is_read,
        )
        self._by_id[message.immutable_id] = message
        self._by_id[message.mutable_id] = message
        self._by_message_id.setdefault(message_id, message)
        self._touch(message, now)
        self._enter(message, folder)
        return message

    def parent_of(self, content: Content) -> StoredMessage | None:
        """The newest of the mails that this one names as its predecessors."""
        found = [self._by_message_id.get(reference) for reference in content.references]
        return next((message for message in reversed(found) if message), None)

    def _index(self, content: Content, message_id: str, received: datetime) -> bytes:
        if content.thread_index:
            return content.thread_index
        parent = self.parent_of(content)
        return reply_index(parent.index, received) if parent else new_index(received, self.id + message_id)

    def _touch(self, message: StoredMessage, now: datetime) -> None:
        self.sequence += 1
        message.version, message.modified = self.sequence, now

    def _enter(self, message: StoredMessage, folder: Folder, *, in_delta: bool = True) -> None:
        message.folder = folder
        folder.messages[message.key] = message
        folder.ordered = None
        if in_delta:
            folder.log.append(LogEntry(self.sequence, "added", message, message.mutable_id))
        self.listener(Change("created", self, message, folder, message.mutable_id))

    def _leave(self, message: StoredMessage, reason: Literal["deleted", "changed"]) -> None:
        folder, old_id = message.folder, message.mutable_id
        del folder.messages[message.key]
        folder.ordered = None
        folder.log.append(LogEntry(self.sequence, "removed", message, old_id, reason))
        self._by_id.pop(old_id, None)
        self.listener(Change("deleted", self, message, folder, old_id))

    def move(self, message: StoredMessage, folder: Folder, now: datetime, *, in_delta: bool = True) -> None:
        """A move is deleted + created; the mutable id changes, the immutable one stays.

        Without `in_delta` no walk of the new folder that has begun is told of it.
        """
        self._touch(message, now)
        self._leave(message, "changed")
        message.serial = next(self._numbers)
        self._by_id[message.mutable_id] = message
        self._touch(message, now)
        self._enter(message, folder, in_delta=in_delta)

    def delete(self, message: StoredMessage, now: datetime) -> None:
        """Deleted for good."""
        self._touch(message, now)
        self._leave(message, "deleted")
        self._by_id.pop(message.immutable_id, None)
        if self._by_message_id.get(message.internet_message_id) is message:
            del self._by_message_id[message.internet_message_id]

    def update(self, message: StoredMessage, changes: Mapping[str, object], now: datetime) -> None:
        """Sets isRead (None: the store does not say), categories, flag, inferenceClassification, importance.

        Others are only logged as changed.
        """
        if "isRead" in changes:
            message.is_read = None if changes["isRead"] is None else bool(changes["isRead"])
        if isinstance(categories := changes.get("categories"), list):
            message.categories = [str(category) for category in categories]
        if isinstance(flag := changes.get("flag"), dict):
            message.flag = dict(flag)
        if "importance" in changes:
            message.importance = str(changes["importance"]).lower()
        if "inferenceClassification" in changes:
            message.inference = str(changes["inferenceClassification"])
        self._touch(message, now)
        entry = LogEntry(self.sequence, "updated", message, message.mutable_id, properties=frozenset(changes))
        message.folder.log.append(entry)
        self.listener(Change("updated", self, message, message.folder, message.mutable_id))

    def rewrite(self, message: StoredMessage, content: Content) -> None:
        """Replaces the content of a draft."""
        if content.message_id and content.message_id != message.internet_message_id:
            self._by_message_id.pop(message.internet_message_id, None)
            message.internet_message_id = content.message_id
            self._by_message_id[content.message_id] = message
        message.content = content
        message.folder.ordered = None

    def become_sent(self, message: StoredMessage, *, keep_immutable_id: bool, now: datetime) -> None:
        """A draft that was sent: moved to Sent Items, its immutable id kept unless told otherwise."""
        message.origin, message.is_read, message.received = "sent", True, now
        if not keep_immutable_id:
            self._by_id.pop(message.immutable_id, None)
            del message.folder.messages[message.key]
            message.key = next(self._numbers)
            message.__dict__.pop("immutable_id", None)
            message.folder.messages[message.key] = message
            self._by_id[message.immutable_id] = message
        self.move(message, self.well_known["sentitems"], now)

    def path(self, folder: Folder) -> str:
        """The well-known name, or the display names from the root down."""
        if folder.well_known:
            return folder.well_known
        parent = self.folders.get(folder.parent_id or "")
        prefix = "" if parent is None or parent.well_known == "msgfolderroot" else self.path(parent) + "/"
        return prefix + folder.name

    def by_path(self, wanted: str) -> Folder | None:
        """A folder by well-known name, id or path of display names; None when there is none."""
        known = self.folders.get(wanted) or self.well_known.get(re.sub(r"[\s_]", "", wanted).lower())
        return known or next(
            (one for one in self.folders.values() if self.path(one).lower() == wanted.lower()), None
        )
