"""What lies in a folder, by receipt time, oldest first; and pages that get smaller until Graph answers them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeVar

from shared.adapters.graph.errors import ServerError
from shared.adapters.graph.parsing import item_of, received_at, shown_head, stamp
from shared.adapters.graph.selections import HEAD_FIELDS, PROPERTIES
from shared.adapters.graph.session import GraphSession, Json, query
from shared.domain.capture.windows import Window
from shared.domain.errors import PageBroken
from shared.domain.mail.items import ItemRef
from shared.ports.mail import Listed, ListPage

# "List messages": `$top` goes up to 1,000, but large pages answer 504; those with headers are large at 50.
ID_PAGES: Final = (500, 50, 10, 1)
HEAD_PAGES: Final = (50, 10, 1)
# What to select and what to expand.
_IDS: Final = ("id,receivedDateTime", None)
_HEADS: Final = (HEAD_FIELDS, PROPERTIES)

Page = TypeVar("Page")


def page(
    session: GraphSession,
    tenant_id: str,
    folder: str,
    window: Window,
    *,
    with_heads: bool,
) -> ListPage:
    """One page of the window; ids and receipt times only, unless headers are asked for."""
    sizes, fields = (HEAD_PAGES, _HEADS) if with_heads else (ID_PAGES, _IDS)
    where = window.cursor or folder + _options(window, fields)
    found = shrinking(sizes, lambda size: session.get(tenant_id, where, prefer=f"odata.maxpagesize={size}"))
    listed = (_listed(entry, with_head=with_heads) for entry in found.get("value") or ())
    return ListPage(tuple(item for item in listed if item is not None), found.get("@odata.nextLink") or "")


def count(session: GraphSession, tenant_id: str, folder: str, window: Window) -> int:
    """How many messages of the window there are."""
    where = folder + _options(window, _IDS) + "&$count=true&$top=1"
    return int(session.get(tenant_id, where).get("@odata.count") or 0)


def broken(session: GraphSession, tenant_id: str, folder: str, window: Window) -> frozenset[ItemRef]:
    """Ids of the items that Graph cannot put on a page of their own: ids are listed, then each is tried."""
    ids = [str(entry["id"]) for entry in session.pages(tenant_id, folder + _options(window, _IDS))]
    alone = folder + _options(window, _HEADS) + "&$top=1&$skip="
    return frozenset(
        item_of(graph_id) for at, graph_id in enumerate(ids) if _fails(session, tenant_id, f"{alone}{at}")
    )


def shrinking(sizes: Sequence[int], ask: Callable[[int], Page]) -> Page:
    """A page of the largest size that is answered. Raises PageBroken when not even the smallest is."""
    for size in sizes:
        try:
            return ask(size)
        except ServerError as error:
            failed = error
    raise PageBroken(str(failed), failed.retry_after) from failed


def _options(window: Window, fields: tuple[str, str | None]) -> str:
    """Graph wants what it orders by to come first in the filter, or calls the filter inefficient."""
    condition = f"receivedDateTime ge {stamp(window.start)} and receivedDateTime lt {stamp(window.end)}"
    select, expand = fields
    return query(select=select, expand=expand, filter=condition, orderby="receivedDateTime asc")


def _fails(session: GraphSession, tenant_id: str, where: str) -> bool:
    try:
        session.get(tenant_id, where)
    except ServerError:
        return True
    return False


def _listed(entry: Json, *, with_head: bool) -> Listed | None:
    """An item without any date cannot be placed in time; Graph does not list such ones by it either."""
    received: datetime | None = received_at(entry)
    if received is None or "id" not in entry:
        return None
    shown = shown_head(entry) if with_head else None
    return Listed(item_of(entry["id"]), received, shown)
