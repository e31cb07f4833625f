"""The folder tree of a mailbox: ids, roles and what folders hold. Display names are never read."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from shared.adapters.graph import batch
from shared.adapters.graph.options import Option, Parts
from shared.adapters.graph.properties import extended_property
from shared.adapters.graph.session import GraphSession, Json, path, query
from shared.domain.capture.folders import Folder, Role
from shared.domain.errors import PermanentError, none_passing

# Well-known names ("mailFolder resource type"): the same in every language of a mailbox.
ROLES: Final[Mapping[str, Role]] = {
    "inbox": Role.INBOX,
    "sentitems": Role.SENT,
    "archive": Role.ARCHIVE,
    "drafts": Role.DRAFTS,
    "junkemail": Role.JUNK,
    "deleteditems": Role.TRASH,
    "clutter": Role.CLUTTER,
    "conversationhistory": Role.CONVERSATION_HISTORY,
    "syncissues": Role.SYNC_ISSUES,
    "conflicts": Role.CONFLICTS,
    "localfailures": Role.LOCAL_FAILURES,
    "serverfailures": Role.SERVER_FAILURES,
    "outbox": Role.OUTBOX,
    "recoverableitemsdeletions": Role.RECOVERABLE_ITEMS,
    "scheduled": Role.SCHEDULED,
    "searchfolders": Role.SEARCHES,
}
CONTAINER_CLASS: Final = "String 0x3613"  # PidTagContainerClass (MS-OXOSFLD)
# IPF.Note and nothing below it: RSS feeds are IPF.Note.OutlookHomepage. Folders made over IMAP have no class.
_MAIL_CLASSES: Final = ("", "ipf.note")
PAGE: Final = 250
# Kept searches: what they show lies in other folders.
_SEARCH_FOLDER: Final = "#microsoft.graph.mailsearchfolder"


def listed(
    session: GraphSession, tenant_id: str, user: str, known: Mapping[str, Role | None]
) -> list[Folder]:
    """Every folder that holds items, hidden ones too, parents first; one request, and one for each with children.

    Roles cost a batch, and one more for each name that the mailbox does not have: they are asked for only where a
    folder is new, since no folder changes its role.
    """
    found = _tree(session, tenant_id, user)
    roles: Mapping[str, Role | None] = known
    if not found.keys() <= known.keys():
        roles = _roles(session, tenant_id, user)
    return [replace(folder, role=roles.get(folder.folder_id)) for folder in found.values()]


def _tree(session: GraphSession, tenant_id: str, user: str) -> dict[str, Folder]:
    found: dict[str, Folder] = {}
    lists = [path("users", user, "mailFolders")]
    while lists:
        for entry in _children(session, tenant_id, lists.pop(0)):
            folder_id = str(entry["id"])
            if folder_id not in found and (entry.get("childFolderCount") or 0) > 0:
                lists.append(path("users", user, "mailFolders", folder_id, "childFolders"))
            found[folder_id] = _folder(folder_id, entry)
    return found


def _roles(session: GraphSession, tenant_id: str, user: str) -> dict[str, Role | None]:
    """Roles by folder id. A mailbox has not all of them: some folders are made when first needed."""
    paths = {
        role: path("users", user, "mailFolders", name) + query(select="id") for name, role in ROLES.items()
    }
    answers = none_passing(batch.fetch(session, tenant_id, paths))
    return {
        str(answer["id"]): role for role, answer in answers.items() if not isinstance(answer, PermanentError)
    }


def _children(session: GraphSession, tenant_id: str, where: str) -> Iterator[Json]:
    def ask(given: Parts) -> list[Json]:
        return list(session.pages(tenant_id, where + _options(given)))

    for entry in session.options(tenant_id).attempt(frozenset({Option.FOLDER_CLASSES}), ask):
        if str(entry.get("@odata.type") or "").casefold() != _SEARCH_FOLDER:
            yield entry


def _options(given: Parts) -> str:
    """Hidden folders can hold mail too; Graph lists them only where it is asked to."""
    wanted = f"singleValueExtendedProperties($filter=id eq '{CONTAINER_CLASS}')"
    options = query(
        select="id,parentFolderId,childFolderCount",
        expand=wanted if Option.FOLDER_CLASSES in given else None,
        top=str(PAGE),
    )
    return f"{options}&includeHiddenFolders=true"


def _folder(folder_id: str, entry: Json) -> Folder:
    container_class = extended_property(entry, CONTAINER_CLASS)
    is_mail = container_class.casefold() in _MAIL_CLASSES
    return Folder(folder_id, entry.get("parentFolderId") or "", holds="" if is_mail else container_class)
