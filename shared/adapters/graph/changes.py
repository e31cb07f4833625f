"""A folder's changes, as Graph's delta tells them, and how far a first walk has come.

A cursor is Graph's link. During a first walk with a filter it also counts the items shown so far, since such a walk
ends at 5,000 messages without a word ("message: delta").
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from shared.adapters.graph import listing, parsing
from shared.adapters.graph.selections import HEAD_FIELDS, PROPERTIES
from shared.adapters.graph.session import GraphSession, Json, query
from shared.domain.errors import CursorExpired, Rejected, Unavailable
from shared.ports.mail import ChangePage

FILTERED_MAXIMUM: Final = 5_000
_COUNTED: Final = "counted:"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where to go on. `shown` counts the items of a first walk with a filter; None for any other walk."""

    link: str
    shown: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        if not text.startswith(_COUNTED):
            return cls(text)
        shown, _, link = text.removeprefix(_COUNTED).partition(":")
        return cls(link, int(shown))

    def __str__(self) -> str:
        return self.link if self.shown is None else f"{_COUNTED}{self.shown}:{self.link}"

    def behind(self, page: Json, shown: int) -> "Cursor":
        """Behind a page of so many items. The count ends with the walk: what comes later is not filtered."""
        more = page.get("@odata.nextLink")
        if more:
            return Cursor(more, None if self.shown is None else self.shown + shown)
        link = page.get("@odata.deltaLink")
        if not link:
            raise Unavailable("Microsoft Graph returned a page without a link to go on from.")
        return Cursor(link)


def page(
    session: GraphSession, tenant_id: str, folder: str, cursor: str, since: datetime | None
) -> ChangePage:
    """One page. A link that Graph does not take any more, for whatever reason, is an expired one."""
    at = Cursor.parse(cursor) if cursor else _first(folder, since)
    try:
        answer = listing.shrinking(
            listing.HEAD_PAGES,
            lambda size: session.get(tenant_id, at.link, prefer=f"odata.maxpagesize={size}"),
        )
    except Rejected as error:
        if not cursor:
            raise
        raise CursorExpired("Microsoft Graph refuses the stored link.", error.code) from error
    return _page(at, answer)


def _first(folder: str, since: datetime | None) -> Cursor:
    condition = f"receivedDateTime ge {parsing.stamp(since)}" if since else None
    options = query(select=HEAD_FIELDS, expand=PROPERTIES, filter=condition)
    return Cursor(f"{folder}/delta{options}", 0 if since else None)


def _page(at: Cursor, answer: Json) -> ChangePage:
    entries = _entries(answer)
    cursor, more = at.behind(answer, len(entries)), bool(answer.get("@odata.nextLink"))
    shown = (at.shown or 0) + len(entries)
    read = [(parsing.item_of(entry["id"]), parsing.shown_head(entry)) for entry in entries]
    return ChangePage(
        heads=tuple(head for _, head in read if head is not None),
        partial=tuple(item for item, head in read if head is None),
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
