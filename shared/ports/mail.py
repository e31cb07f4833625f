"""The mail of an organisation's mailboxes, read and never changed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.capture.folders import Folder, FolderState
from shared.domain.capture.windows import Window
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Outcome
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead
from shared.ports.directory import DirectoryUser


@dataclass(frozen=True, slots=True)
class DeltaPage:
    """One page of a folder's changes. `partial` are ids whose page entry was incomplete.

    `link` continues: the next page when `more`, else where the next walk starts.
    """

    heads: tuple[MessageHead, ...]
    partial: tuple[ItemRef, ...]
    link: str
    more: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """An item of a folder by receipt time; with its headers where they were asked for and could be read."""

    item: ItemRef
    received_at: datetime
    head: MessageHead | None = None


@dataclass(frozen=True, slots=True)
class ListPage:
    """Items, oldest first; `link` leads to the next page, '' at the end."""

    items: tuple[Listed, ...]
    link: str


class MailSource(Protocol):
    """The mail of one organisation's mailboxes. Never moves, deletes or marks anything."""

    def user(self, mailbox: Mailbox) -> DirectoryUser:
        """Look the mailbox's user up in the directory."""

    def folders(self, mailbox: Mailbox) -> list[Folder]:
        """All folders that hold items."""

    def well_known_folders(self, mailbox: Mailbox) -> Mapping[str, str]:
        """Well-known names by folder id. They cost a request each: ask only when a folder is new."""

    def delta(self, mailbox: Mailbox, folder: FolderState, since: datetime | None) -> DeltaPage:
        """The next page of changes; from `since` where the folder has no link yet.

        May raise CursorExpired, and PageBroken when even a page of one item fails.
        """

    def listed(
        self, mailbox: Mailbox, folder_id: str, window: Window, *, with_heads: bool = False
    ) -> ListPage:
        """A page of what lies in the folder: up to 500 ids, or 50 with headers. May raise PageBroken."""

    def count(self, mailbox: Mailbox, folder_id: str, window: Window) -> int:
        """How many messages of the window lie in the folder."""

    def broken(self, mailbox: Mailbox, folder_id: str, second: datetime) -> frozenset[ItemRef]:
        """Ids of the items received in this second that break a page of their own: a request for each."""

    def heads(self, mailbox: Mailbox, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[MessageHead]]:
        """Headers by item, in one round trip where it can be.

        A TransientError is raised when none could be had; when some were, it stands for those that were not.
        """

    def messages(
        self, mailbox: Mailbox, items: Sequence[ItemRef]
    ) -> Mapping[ItemRef, Outcome[FetchedMessage]]:
        """Whole messages with attachments' metadata by item, at most 20; errors as in `heads`."""

    def attachment(
        self, mailbox: Mailbox, item: ItemRef, attachment_id: str
    ) -> AbstractContextManager[Iterator[bytes]]:
        """An attachment's bytes, streamed. Ids are Graph's."""

    def mime(self, mailbox: Mailbox, item: ItemRef, most: int) -> bytes:
        """A message as MIME, cut off behind so many bytes. Raises NotFound."""
