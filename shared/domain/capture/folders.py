"""Which folders of a mailbox are captured: told by their role or by what they hold, never by name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.domain.capture.windows import Window


class Role(StrEnum):
    """What a folder is for: the inbox (RFC 9051), special use (RFC 6154), and what Exchange keeps beside.

    Clients read the values as `folder` and within reasons, so they stay as they are.
    """

    INBOX = "inbox"
    SENT = "sentitems"
    ARCHIVE = "archive"
    DRAFTS = "drafts"
    JUNK = "junkemail"
    TRASH = "deleteditems"
    OUTBOX = "outbox"
    CLUTTER = "clutter"
    CONVERSATION_HISTORY = "conversationhistory"
    SYNC_ISSUES = "syncissues"
    CONFLICTS = "conflicts"
    LOCAL_FAILURES = "localfailures"
    SERVER_FAILURES = "serverfailures"
    RECOVERABLE_ITEMS = "recoverableitemsdeletions"
    SCHEDULED = "scheduled"
    SEARCHES = "searchfolders"


CAPTURED: Final = frozenset((Role.INBOX, Role.SENT, Role.ARCHIVE))
# The kind of a folder that people made.
PLAIN: Final = "folder"
# The kind of a folder that has mail and stands in no list, as Exchange keeps chats of Teams.
UNLISTED: Final = "unlisted"
# A folder that people made is listed by the next walk; so nothing is lost while it passes for an unlisted one.
UNLISTED_FOR: Final = timedelta(days=1)
# A walk costs some twenty calls: what nobody lists asks for no more than one in this time.
ASK_AGAIN_AFTER: Final = timedelta(hours=1)
# No tree of a real mailbox is as deep; parents that go round in a circle end here.
_DEEPEST: Final = 64


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as its provider lists it; `holds` is what lies in it, in the provider's word, where that is not mail."""

    folder_id: str
    parent_id: str = ""
    role: Role | None = None
    holds: str = ""

    @property
    def excluded_as(self) -> str:
        """Why its mail, and all below it, is not captured; '' where this folder itself is no reason."""
        if self.role is not None and self.role not in CAPTURED:
            return self.role
        return self.holds


@dataclass(frozen=True, slots=True)
class FolderState:
    """What is known of a folder: its kind, whether its mail is captured, how far its changes were read.

    `begins` is where changes without a cursor begin, if not at the mailbox's own window; `under_way`: not all pages
    from the last cursor on have been read. `broken` counts the tries since `broken_at` that ended in PageBroken.
    `resync` is what is left of a window that is read besides the changes; `searching`: an item that breaks pages is
    looked for in it. `noted`: the ledger has all that lay in it when it was first read as an intake mailbox's inbox.
    `unlisted_at`: when mail in it was seen though no walk had listed it.
    """

    folder_id: str
    kind: str
    captured: bool
    role: Role | None = None
    cursor: str = ""
    under_way: bool = False
    begins: datetime | None = None
    broken: int = 0
    broken_at: datetime | None = None
    resync: Window | None = None
    searching: bool = False
    noted: bool = False
    unlisted_at: datetime | None = None
    etag: str = ""

    @property
    def is_first_read(self) -> bool:
        """Whether its changes have not been read to their end since there has been a cursor."""
        return not self.cursor or self.under_way

    def is_known(self, now: datetime) -> bool:
        """Whether it may still be taken for what it was when it was last looked for."""
        return self.unlisted_at is None or now - self.unlisted_at < UNLISTED_FOR


def unlisted(folder_id: str, now: datetime) -> FolderState:
    """The state of a folder that no walk has listed so far. The walk that lists it makes it what it is."""
    return FolderState(folder_id, UNLISTED, captured=False, unlisted_at=now)


def may_ask(states: Iterable[FolderState], now: datetime) -> bool:
    """Whether a walk may be asked for because of one more unlisted folder."""
    asked = [state.unlisted_at for state in states if state.unlisted_at is not None]
    return not asked or now - max(asked) >= ASK_AGAIN_AFTER


def classify(folders: Sequence[Folder]) -> list[FolderState]:
    """Tell captured folders from excluded ones; a folder inside an excluded one is excluded too.

    The kind is why it is excluded, else its role, or `folder` for one that people made.
    """
    by_id = {folder.folder_id: folder for folder in folders}
    return [_state(folder, _excluded_as(folder, by_id)) for folder in folders]


def _state(folder: Folder, reason: str) -> FolderState:
    return FolderState(folder.folder_id, reason or folder.role or PLAIN, not reason, folder.role)


def _excluded_as(folder: Folder, by_id: Mapping[str, Folder]) -> str:
    """The nearest reason among the folder and those it lies in."""
    above: Folder | None = folder
    for _ in range(_DEEPEST):
        if above is None or above.excluded_as:
            break
        above = by_id.get(above.parent_id)
    return above.excluded_as if above else ""
