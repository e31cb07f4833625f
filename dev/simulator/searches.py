"""Search folders (`mailSearchFolder`): kept searches, listed among folders, that hold no mail of their own."""

from collections.abc import Iterator, Mapping

from dev.simulator.errors import GraphError, bad_request
from dev.simulator.filters import parse_filter
from dev.simulator.items import Folder, Search, StoredMessage
from dev.simulator.mailbox import Mailbox

ODATA_TYPE = "#microsoft.graph.mailSearchFolder"


def search_of(mailbox: Mailbox, given: Mapping[str, object]) -> Search:
    """The search that a body describes. Raises GraphError 400 or 404."""
    sources, condition = given.get("sourceFolderIds"), given.get("filterQuery")
    if not isinstance(sources, list) or not sources or not isinstance(condition, str):
        raise bad_request("A search folder needs sourceFolderIds and filterQuery.", "ErrorInvalidRequest")
    parse_filter(condition)
    ids = tuple(mailbox.folder(str(source)).id for source in sources)
    return Search(ids, condition, is_deep=given.get("includeNestedFolders") is True)


def search_json(search: Search) -> dict[str, object]:
    """What a search folder has beside the properties of any folder."""
    return {
        "isSupported": True,
        "includeNestedFolders": search.is_deep,
        "sourceFolderIds": list(search.sources),
        "filterQuery": search.condition,
    }


def messages_in(mailbox: Mailbox, folder: Folder) -> list[StoredMessage]:
    """What a folder shows, newest first: its own mail, or what its search finds."""
    if folder.search is None:
        return mailbox.ordered(folder)
    holds = parse_filter(folder.search.condition).rule
    found = [message for source in _sources(mailbox, folder.search) for message in mailbox.ordered(source)]
    return sorted(filter(holds, found), key=lambda message: message.order, reverse=True)


def refuse_sync(folder: Folder) -> None:
    """Raises GraphError 404: changes are kept of folders that hold mail."""
    if folder.search is not None:
        raise GraphError(404, "ErrorSyncFolderNotFound", "The specified folder could not be synchronised.")


def _sources(mailbox: Mailbox, search: Search) -> Iterator[Folder]:
    waiting = [mailbox.folders[source] for source in search.sources]
    seen: set[str] = set()
    while waiting:
        folder = waiting.pop(0)
        if folder.id not in seen and folder.search is None:
            seen.add(folder.id)
            waiting += mailbox.children(folder) if search.is_deep else []
            yield folder
