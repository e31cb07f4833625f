"""Which folders of a mailbox are captured: told by well-known id or container class, never by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.domain.capture.windows import Window

# mailFolder well-known names (Graph, "mailFolder resource type"); names are locale-independent.
EXCLUDED_WELL_KNOWN = (
    "drafts",
    "junkemail",
    "deleteditems",
    "clutter",
    "conversationhistory",
    "syncissues",
    "conflicts",
    "localfailures",
    "serverfailures",
    "outbox",
    "recoverableitemsdeletions",
    "scheduled",
    "searchfolders",
)
CAPTURED_WELL_KNOWN = ("inbox", "sentitems", "archive")
WELL_KNOWN = (*CAPTURED_WELL_KNOWN, *EXCLUDED_WELL_KNOWN)

MAIL_CLASS = "IPF.Note"


@dataclass(frozen=True, slots=True)
class Folder:
    """A mail folder as Graph lists it; `container_class` is PidTagContainerClass (MS-OXOSFLD)."""

    folder_id: str
    parent_id: str = ""
    container_class: str = MAIL_CLASS


@dataclass(frozen=True, slots=True)
class FolderState:
    """What is known of a folder: its kind, whether its mail is captured, how far its delta was read.

    `well_known` is the name that Graph knows this very folder by, '' for any other. `begins` is where a delta
    without a link begins, if not at the mailbox's own window; `served` is how many items such a delta has
    shown. `broken` counts the tries since `broken_at` that ended in PageBroken. `resync` is what is left of a
    window that is read besides the delta; `searching`: an item that breaks pages is looked for in it.
    """

    folder_id: str
    kind: str
    captured: bool
    well_known: str = ""
    link: str = ""
    begins: datetime | None = None
    served: int = 0
    broken: int = 0
    broken_at: datetime | None = None
    resync: Window | None = None
    searching: bool = False
    etag: str = ""


def classify(folders: list[Folder], well_known: Mapping[str, str]) -> list[FolderState]:
    """Tell captured folders from excluded ones; a folder inside an excluded one is excluded too.

    `well_known` maps folder ids to well-known names. The kind is the well-known name, the container
    class of a folder that holds no mail, or `folder` for one that people made.
    """
    parents = {one.folder_id: one.parent_id for one in folders}
    classes = {one.folder_id: one.container_class for one in folders}

    def excluded_by(folder_id: str) -> str:
        for _ in range(64):
            name = well_known.get(folder_id, "")
            if name in EXCLUDED_WELL_KNOWN:
                return name
            if not _holds_mail(classes.get(folder_id, MAIL_CLASS)):
                return classes[folder_id]
            if folder_id not in parents:
                return ""
            folder_id = parents[folder_id]
        return ""

    states = []
    for one in folders:
        reason = excluded_by(one.folder_id)
        name = well_known.get(one.folder_id, "")
        states.append(FolderState(one.folder_id, reason or name or "folder", not reason, name))
    return states


def _holds_mail(container_class: str) -> bool:
    """IPF.Note and nothing below it: RSS feeds are IPF.Note.OutlookHomepage."""
    return container_class.casefold() in ("", MAIL_CLASS.casefold())
