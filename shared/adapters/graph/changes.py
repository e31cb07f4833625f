"""A folder's changes, as Graph's delta tells them, and how far a first walk has come.

A cursor is Graph's link, and whether it was made with extended properties. During a first walk with a filter it also
counts the items shown so far, since such a walk ends at 5,000 messages without a word ("message: delta").
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from shared.adapters.graph import listing, parsing
from shared.adapters.graph.dates import stamp
from shared.adapters.graph.options import Option, Parts
from shared.adapters.graph.selections import FIELDS, HEAD_FIELDS, PROPERTIES
from shared.adapters.graph.session import GraphSession, Json, query
from shared.domain.errors import CursorExpired, Rejected, Unavailable
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import MessageHead
from shared.ports.mail import ChangePage, Listed

FILTERED_MAXIMUM: Final = 5_000
# A page with headers is large at 50; three batches of 20 read all of a page that shows none.
PAGES: Final = (60, 10, 1)
# Without headers, as where a whole folder is listed to know what comes into it later.
ID_PAGES: Final = (500, 60, 10, 1)
_COUNTED: Final = "counted:"
# Graph's links have no fragment, so a version that does not know this one follows the link as well.
_WITH_PROPERTIES: Final = "#properties"
_IDS_ONLY: Final = "#ids"
_IDS: Final = "id,receivedDateTime"
_LATER: Final = frozenset({Option.PAGE_SIZE})
_FIRST: Final = _LATER | {Option.DELTA_HEADERS, Option.DELTA_PROPERTIES}


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where to go on. `shown` counts the items of a first walk with a filter; None for any other walk.

    Options go along with the first request only, and stay with the links that follow from it: `ids_only` shows of
    each item when it was received, and nothing besides.
    """

    link: str
    shown: int | None = None
    with_properties: bool = False
    ids_only: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        if text.endswith(_IDS_ONLY):
            return cls(text.removesuffix(_IDS_ONLY), ids_only=True)
        whole = text.removesuffix(_WITH_PROPERTIES)
        with_properties = whole != text
        if not whole.startswith(_COUNTED):
            return cls(whole, None, with_properties)
        shown, _, link = whole.removeprefix(_COUNTED).partition(":")
        return cls(link, int(shown), with_properties)

    def __str__(self) -> str:
        counted = "" if self.shown is None else f"{_COUNTED}{self.shown}:"
        kept = _IDS_ONLY if self.ids_only else ""
        return f"{counted}{self.link}{_WITH_PROPERTIES if self.with_properties else kept}"

    def behind(self, page: Json, shown: int) -> "Cursor":
        """Behind a page of so many items. The count ends with the walk: what comes later is not filtered."""
        more = page.get("@odata.nextLink")
        if more:
            counted = None if self.shown is None else self.shown + shown
            return replace(self, link=more, shown=counted)
        link = page.get("@odata.deltaLink")
        if not link:
            raise Unavailable("Microsoft Graph returned a page without a link to go on from.")
        return replace(self, link=link, shown=None)


def page(
    session: GraphSession,
    tenant_id: str,
    folder: str,
    cursor: str,
    since: datetime | None,
    *,
    ids_only: bool = False,
) -> ChangePage:
    """One page. A link that Graph does not take any more, for whatever reason, is an expired one.

    A first walk with `ids_only` has no filter, which would hold for all that comes later.
    """
    ids_only = Cursor.parse(cursor).ids_only if cursor else ids_only

    def ask(size: int, given: Parts) -> tuple[Cursor, Json]:
        at = Cursor.parse(cursor) if cursor else _begun(folder, since, given, ids_only=ids_only)
        prefer = f"odata.maxpagesize={size}" if Option.PAGE_SIZE in given else ""
        return at, session.get(tenant_id, at.link, prefer=prefer)

    parts = _LATER if cursor or ids_only else _FIRST
    try:
        at, answer = listing.shrinking(
            ID_PAGES if ids_only else PAGES,
            lambda size: session.options(tenant_id).attempt(parts, lambda given: ask(size, given)),
        )
    except Rejected as error:
        if not cursor:
            raise
        raise CursorExpired("Microsoft Graph refuses the stored link.", error.code) from error
    return _page(at, answer)


def _begun(folder: str, since: datetime | None, given: Parts, *, ids_only: bool) -> Cursor:
    if ids_only:
        return Cursor(f"{folder}/delta{query(select=_IDS)}", ids_only=True)
    return first(folder, since, given)


def first(folder: str, since: datetime | None, given: Parts) -> Cursor:
    """Never with `$top`, which may end the whole round there."""
    condition = f"receivedDateTime ge {stamp(since)}" if since else None
    select = HEAD_FIELDS if Option.DELTA_HEADERS in given else FIELDS
    with_properties = Option.DELTA_PROPERTIES in given
    expand = PROPERTIES if with_properties else None
    options = query(select=select, expand=expand, filter=condition)
    return Cursor(f"{folder}/delta{options}", 0 if since else None, with_properties)


def _page(at: Cursor, answer: Json) -> ChangePage:
    entries = _entries(answer)
    cursor, more = at.behind(answer, len(entries)), bool(answer.get("@odata.nextLink"))
    shown = (at.shown or 0) + len(entries)
    heads: list[MessageHead] = []
    bare: list[Listed] = []
    partial: list[ItemRef] = []
    for entry in entries:
        received = parsing.received_at(entry)
        head = None if at.ids_only else parsing.shown_head(entry)
        if at.ids_only and received is not None:
            bare.append(Listed(parsing.item_of(entry["id"]), received))
        elif head is None:
            partial.append(parsing.item_of(entry["id"]))
        elif parsing.shows_headers(entry) or (at.with_properties and parsing.shows_properties(entry)):
            heads.append(head)
        else:
            bare.append(Listed(head.item, head.received_at))
    return ChangePage(
        heads=tuple(heads),
        partial=tuple(partial),
        bare=tuple(bare),
        cursor=str(cursor),
        more=more,
        is_complete=more or at.shown is None or shown < FILTERED_MAXIMUM,
    )


def _entries(answer: Json) -> list[Json]:
    """What lies in the folder. An item may stand in a page several times: the last one counts."""
    latest: dict[str, Json] = {}
    for entry in answer.get("value") or ():
        if "id" in entry and not parsing.is_removed(entry):
            latest[entry["id"]] = entry
    return list(latest.values())
