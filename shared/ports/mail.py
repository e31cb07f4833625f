"""The mail of an organisation's mailboxes, read and never changed, whoever provides it.

Nothing here can move, mark or send: writing belongs to ports of its own, so that a type says who may only read.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.capture.folders import Folder, Role
from shared.domain.capture.windows import Window
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Outcome
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead


@dataclass(frozen=True, slots=True)
class Listed:
    """An item of a folder by receipt time; with its headers where they were asked for and could be read."""

    item: ItemRef
    received_at: datetime
    head: MessageHead | None = None


@dataclass(frozen=True, slots=True)
class ChangePage:
    """One page of a folder's changes. `partial` are items that were named without all of their headers.

    `bare` are those that were named without any, but with their receipt times: which of them are known already can
    be told before they are read. `cursor` continues: the next page when `more`, else where the next walk starts.
    `is_complete` is false on the last page of a walk that may not have shown all there is: the provider cuts such
    walks short without a word.
    """

    heads: tuple[MessageHead, ...]
    partial: tuple[ItemRef, ...]
    cursor: str
    more: bool
    is_complete: bool = True
    bare: tuple[Listed, ...] = ()


@dataclass(frozen=True, slots=True)
class ListPage:
    """Items, oldest first; `cursor` leads to the next page, '' at the end."""

    items: tuple[Listed, ...]
    cursor: str


class OpenMailbox(Protocol):
    """One mailbox over the connection it was given. Any method may raise AccessDenied or MailboxUnavailable."""

    def folders(self, known: Mapping[str, Role | None]) -> Sequence[Folder]:
        """All folders that hold items, with their roles.

        `known` are the roles of folders that were listed before, by folder id: telling roles may cost some twenty
        requests, and is left out where no other folder has come since.
        """

    def changes(
        self, folder_id: str, cursor: str, since: datetime | None, *, arrivals: bool = False
    ) -> ChangePage:
        """The next page of changes; where there is no cursor yet (''), of mail received from `since` on.

        `arrivals`: mail that is moved in later is shown, too, however long ago it was received. Some providers can
        tell it only if the whole folder is listed first: then earlier mail is shown as `bare`.
        May raise CursorExpired, and PageBroken when even a page of one item fails. NotFound: the folder is gone.
        """

    def list(
        self, folder_id: str, window: Window, *, with_heads: bool = False, unread: bool = False
    ) -> ListPage:
        """A page of the folder's items: up to 500 items, or 50 with headers. May raise PageBroken.

        `unread`: only of mail that nobody has read.
        """

    def count(self, folder_id: str, window: Window) -> int:
        """The number of messages in the folder that belong to the window."""

    def broken(self, folder_id: str, second: datetime) -> frozenset[ItemRef]:
        """The items received in this second that break a page of their own: a request for each."""

    def heads(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[MessageHead]]:
        """Headers by item, in one round trip where it can be.

        A TransientError is raised when none could be had; when some were, it stands for those that were not.
        """

    def messages(self, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[FetchedMessage]]:
        """Whole messages with attachments' metadata by item; errors as in `heads`."""

    def attachment(self, item: ItemRef, source_id: str) -> AbstractContextManager[Iterator[bytes]]:
        """An attachment's bytes, streamed; by the id that the copy itself gave it. Raises NotFound."""

    def mime(self, item: ItemRef, most: int) -> bytes:
        """A message as MIME, cut off behind so many bytes. Raises NotFound."""


class MailAccess(Protocol):
    """Opens mailboxes, each over its own connection."""

    def open(self, mailbox: Mailbox) -> OpenMailbox:
        """Makes no request by itself. Raises AccessDenied if no person has signed in for the mailbox."""
