"""What lies in a folder, by receipt time, oldest first; and pages that get smaller until Graph answers them.

A page's size is asked for by `$top`: `Prefer: odata.maxpagesize` is documented for delta only, and a list that does
not know it has pages of ten. Links are followed as given, so the cursor keeps the size that its link was made with.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Final, Self, TypeVar

from shared.adapters.graph import parsing
from shared.adapters.graph.dates import stamp
from shared.adapters.graph.errors import Broken, NotTaken, ServerError
from shared.adapters.graph.options import Option, Options, Parts
from shared.adapters.graph.selections import HEAD_FIELDS, PROPERTIES
from shared.adapters.graph.session import GraphSession, Json, query
from shared.domain.capture.windows import SECOND, Window, second_of
from shared.domain.errors import PageBroken
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import MessageHead
from shared.ports.mail import Listed, ListPage

# "List messages": `$top` goes up to 1,000, but large pages answer 504; those with headers are large at 50.
ID_PAGES: Final = (500, 50, 10, 1)
HEAD_PAGES: Final = (50, 10, 1)
_IDS: Final = "id,receivedDateTime"
_ORDER: Final = frozenset({Option.ORDER})
_PROPERTIES: Final = frozenset({Option.LIST_PROPERTIES})
# Where Graph does not sort, pages are cut here, from a list that is read anew for each; its cursor is a moment.
_SORTED_HERE: Final = "sorted here from "
# So many ids are listed at once there, unless they came in the same second: a window of years holds a million.
MOST_SORTED: Final = 5_000
# Graph's links have no fragment, so a version that does not know this one follows the link as well.
_WITH_PROPERTIES: Final = "#properties"

Page = TypeVar("Page")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Graph's link to the next page, how many items its pages have (0: not known), and whether with properties.

    The process that follows a link may have other options than the one that was given it.
    """

    size: int
    link: str
    with_properties: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        link = text.removesuffix(_WITH_PROPERTIES)
        size, _, rest = link.partition(" ")
        with_properties = link != text
        return cls(int(size), rest, with_properties) if size.isdigit() else cls(0, link, with_properties)

    def __str__(self) -> str:
        return f"{self.size} {self.link}{_WITH_PROPERTIES if self.with_properties else ''}"


@dataclass(frozen=True, slots=True)
class FolderList:
    """The messages of one folder, or the unread ones. `folder` is its path, up to `/messages`."""

    session: GraphSession
    tenant_id: str
    folder: str
    unread: bool = False

    def page(self, window: Window, *, with_heads: bool) -> ListPage:
        """One page of the window; ids and receipt times only, unless headers are asked for."""
        sizes: Sequence[int] = HEAD_PAGES if with_heads else ID_PAGES
        if window.cursor.startswith(_SORTED_HERE):
            moment = datetime.fromisoformat(window.cursor.removeprefix(_SORTED_HERE))
            window = Window(moment, window.end)
        if window.cursor:
            cursor = Cursor.parse(window.cursor)
            try:
                return self._followed(cursor, with_heads=with_heads)
            except ServerError as error:
                # The link asks for as many again: from the window's first second on, in smaller pages.
                sizes = [size for size in sizes if size < (cursor.size or sizes[0])]
                if not sizes:
                    raise PageBroken(str(error), error.retry_after) from error
        return shrinking(sizes, lambda size: self._first(window, size, with_heads=with_heads))

    def count(self, window: Window) -> int:
        """How many messages of the window there are."""
        options = query(select="id", filter=self._condition(window), count="true", top="1")
        return int(self.session.get(self.tenant_id, self.folder + options).get("@odata.count") or 0)

    def broken(self, window: Window) -> frozenset[ItemRef]:
        """Ids of the items that Graph cannot put on a page of their own: ids are listed, then each is tried."""
        given = self._options.usable(_ORDER | _PROPERTIES)
        alone = self.folder + self._query(window, 1, given, with_heads=True) + "&$skip="
        return frozenset(
            parsing.item_of(entry["id"])
            for at, entry in enumerate(self._ids(window, given))
            if self._fails(f"{alone}{at}")
        )

    @property
    def _options(self) -> Options:
        return self.session.options(self.tenant_id)

    def _first(self, window: Window, size: int, *, with_heads: bool) -> ListPage:
        options = self._options
        ask = partial(self._asked, window, size, with_heads=with_heads)
        if not with_heads:
            return options.attempt(_ORDER, ask)
        try:
            return options.attempt(_PROPERTIES, lambda given: ask(given | options.usable(_ORDER)))
        except (NotTaken, Broken):
            if options.knows(Option.ORDER):
                raise
        # Whether it was the order's fault is seen where no mail's can be: in a list of ids.
        self._first(window, 1, with_heads=False)
        return ask(options.usable(_ORDER | _PROPERTIES))

    def _asked(self, window: Window, size: int, given: Parts, *, with_heads: bool) -> ListPage:
        if Option.ORDER not in given:
            return self._sorted_here(window, size)
        where = self.folder + self._query(window, size, given, with_heads=with_heads)
        found = self.session.get(self.tenant_id, where)
        self._options.take(given)
        return _page(found, Cursor(size, "", given >= _PROPERTIES), with_heads=with_heads)

    def _followed(self, cursor: Cursor, *, with_heads: bool) -> ListPage:
        found = self.session.get(self.tenant_id, cursor.link)
        return _page(found, cursor, with_heads=with_heads)

    def _sorted_here(self, window: Window, size: int) -> ListPage:
        """The oldest of the window, without headers; no page ends within its first second.

        The cursor leads on where a page shows nothing behind that second.
        """
        part = self._sortable(window)
        listed = [_listed(entry) for entry in self._ids(part, frozenset())]
        items = sorted((item for item in listed if item is not None), key=lambda item: item.received_at)
        seconds = [second_of(item.received_at) for item in items]
        breaks = [at + 2 for at, (before, after) in enumerate(pairwise(seconds)) if before != after]
        end = max(size, breaks[0]) if breaks else len(items)
        rest = seconds[end - 1] if end < len(items) else part.end
        return ListPage(tuple(items[:end]), f"{_SORTED_HERE}{rest.isoformat()}" if rest < window.end else "")

    def _sortable(self, window: Window) -> Window:
        """The oldest part of a window that holds anything, and not too much to be sorted: found by halves."""
        part = window
        count = self.count(part)
        while count > MOST_SORTED and part.end - part.start > SECOND:
            middle = second_of(part.start + (part.end - part.start) / 2)
            older = Window(part.start, middle)
            found = self.count(older)
            part, count = (older, found) if found else (Window(middle, part.end), count)
        return part

    def _ids(self, window: Window, given: Parts) -> list[Json]:
        where = self.folder + self._query(window, ID_PAGES[0], given, with_heads=False)
        return list(self.session.pages(self.tenant_id, where))

    def _query(self, window: Window, size: int, given: Parts, *, with_heads: bool) -> str:
        """Graph wants what it orders by to come first in the filter, or calls the filter inefficient."""
        return query(
            select=HEAD_FIELDS if with_heads else _IDS,
            expand=PROPERTIES if with_heads and Option.LIST_PROPERTIES in given else None,
            filter=self._condition(window),
            orderby="receivedDateTime asc" if Option.ORDER in given else None,
            top=str(size),
        )

    def _condition(self, window: Window) -> str:
        start, end = stamp(window.start), stamp(window.end)
        # `eq false` leaves out what the store does not say it of, which may have been read by nobody.
        unread = " and isRead ne true" if self.unread else ""
        return f"receivedDateTime ge {start} and receivedDateTime lt {end}{unread}"

    def _fails(self, where: str) -> bool:
        try:
            self.session.get(self.tenant_id, where)
        except ServerError:
            return True
        return False


def shrinking(sizes: Sequence[int], ask: Callable[[int], Page]) -> Page:
    """A page of the largest size that is answered. Raises PageBroken when not even the smallest is."""
    for size in sizes:
        try:
            return ask(size)
        except ServerError as error:
            failed = error
    raise PageBroken(str(failed), failed.retry_after) from failed


def _page(found: Json, cursor: Cursor, *, with_heads: bool) -> ListPage:
    """A page that was asked for as `cursor` says, and the cursor of the next one."""
    entries = found.get("value") or ()
    heads = [parsing.listed_head(entry, cursor.with_properties) if with_heads else None for entry in entries]
    listed = [_listed(entry, head) for entry, head in zip(entries, heads, strict=True)]
    link = found.get("@odata.nextLink") or ""
    items = tuple(item for item in listed if item is not None)
    return ListPage(items, str(replace(cursor, link=link)) if link else "")


def _listed(entry: Json, head: MessageHead | None = None) -> Listed | None:
    """An item without any date cannot be placed in time; Graph does not list such ones by it either."""
    received: datetime | None = parsing.received_at(entry)
    if received is None or "id" not in entry:
        return None
    return Listed(parsing.item_of(entry["id"]), received, head)
