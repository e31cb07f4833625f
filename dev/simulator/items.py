"""What lies in a mailbox: folders, messages, and the records of what happened to them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal

from dev.simulator import ids
from dev.simulator.content import Content
from dev.simulator.threading_index import conversation_id

Origin = Literal["inbound", "internal", "sent", "draft"]
ChangeKind = Literal["created", "updated", "deleted"]


def stamp(moment: datetime) -> str:
    """Second precision and Z, as Outlook writes dates."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Search:
    """What a search folder looks for, in which folders; `is_deep`: and in those below them."""

    sources: tuple[str, ...]
    condition: str
    is_deep: bool


@dataclass(eq=False, slots=True)
class Folder:
    """A mail folder and its log, oldest first. A folder with a `search` holds no mail of its own."""

    id: str
    name: str
    well_known: str | None
    parent_id: str | None
    container_class: str
    hidden: bool
    listed: bool = True
    messages: dict[int, "StoredMessage"] = field(default_factory=dict)
    log: list["LogEntry"] = field(default_factory=list)
    ordered: list["StoredMessage"] | None = None
    search: Search | None = None


@dataclass(eq=False)
class StoredMessage:
    """One item of a mailbox. `key` stays; `serial` changes with each move.

    `is_read` is None where the store does not say. `detached` are the numbers of attachments that were deleted: those
    of the others stay.
    """

    mailbox_id: str
    key: int
    serial: int
    content: Content
    folder: Folder
    origin: Origin
    received: datetime
    created: datetime
    modified: datetime
    index: bytes
    internet_message_id: str
    is_read: bool | None = False
    categories: list[str] = field(default_factory=list)
    flag: dict[str, object] = field(default_factory=lambda: {"flagStatus": "notFlagged"})
    inference: str = "focused"
    importance: str = ""
    version: int = 0
    draft_fields: dict[str, object] = field(default_factory=dict)
    extended: dict[str, str] = field(default_factory=dict)
    detached: list[int] = field(default_factory=list)

    def attachment_number(self, place: int) -> int:
        """Under which number the attachment at this place was added."""
        for number in sorted(self.detached):
            place += number <= place
        return place

    @property
    def is_draft(self) -> bool:
        return self.origin == "draft"

    @property
    def mutable_id(self) -> str:
        return ids.mutable_id(self.mailbox_id, self.serial)

    @cached_property
    def immutable_id(self) -> str:
        return ids.immutable_id(self.mailbox_id, self.key)

    def id_for(self, *, immutable: bool) -> str:
        return self.immutable_id if immutable else self.mutable_id

    @property
    def change_key(self) -> str:
        return ids.change_key(self.mailbox_id, self.version)

    @cached_property
    def conversation_id(self) -> str:
        return conversation_id(self.mailbox_id, self.index, self.content.topic)

    @property
    def order(self) -> tuple[datetime, int]:
        return self.received, self.key


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What happened to one item in one folder, for delta. `properties` names what an update changed."""

    sequence: int
    kind: Literal["added", "updated", "removed"]
    message: StoredMessage
    mutable_id: str
    reason: Literal["deleted", "changed"] = "deleted"
    properties: frozenset[str] = frozenset()
