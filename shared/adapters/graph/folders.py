"""The folder tree of a mailbox: ids, container classes and well-known names. Display names are never read."""

from collections.abc import Iterator, Mapping
from typing import Final

from shared.adapters.graph import batch
from shared.adapters.graph.parsing import extended_property
from shared.adapters.graph.session import GraphSession, Json, path, query
from shared.domain.capture.folders import MAIL_CLASS, WELL_KNOWN, Folder
from shared.domain.errors import PermanentError, none_passing

CONTAINER_CLASS: Final = "String 0x3613"  # PidTagContainerClass
PAGE: Final = 250
_LIST: Final = query(
    select="id,parentFolderId,childFolderCount",
    expand=f"singleValueExtendedProperties($filter=id eq '{CONTAINER_CLASS}')",
    top=str(PAGE),
)
# Kept searches: what they show lies in other folders.
_SEARCH_FOLDER: Final = "#microsoft.graph.mailsearchfolder"


def tree(session: GraphSession, tenant_id: str, user: str) -> list[Folder]:
    """Every folder that holds items, hidden ones too, parents first."""
    found: dict[str, Folder] = {}
    lists = [path("users", user, "mailFolders")]
    while lists:
        for one in _children(session, tenant_id, lists.pop(0)):
            folder_id = str(one["id"])
            if folder_id not in found and (one.get("childFolderCount") or 0) > 0:
                lists.append(path("users", user, "mailFolders", folder_id, "childFolders"))
            found[folder_id] = _folder(folder_id, one)
    return list(found.values())


def well_known(session: GraphSession, tenant_id: str, user: str) -> Mapping[str, str]:
    """Well-known names by folder id. A mailbox has not all of them: some are made when first needed."""
    paths = {name: path("users", user, "mailFolders", name) + query(select="id") for name in WELL_KNOWN}
    answers = none_passing(batch.fetch(session, tenant_id, paths))
    return {
        str(answer["id"]): name for name, answer in answers.items() if not isinstance(answer, PermanentError)
    }


def _children(session: GraphSession, tenant_id: str, where: str) -> Iterator[Json]:
    for one in session.pages(tenant_id, f"{where}{_LIST}&includeHiddenFolders=true"):
        if str(one.get("@odata.type") or "").casefold() != _SEARCH_FOLDER:
            yield one


def _folder(folder_id: str, entry: Json) -> Folder:
    container_class = extended_property(entry, CONTAINER_CLASS) or MAIL_CLASS
    return Folder(folder_id, entry.get("parentFolderId") or "", container_class)
