"""The store of the feed of changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from shared.domain.events.events import Event


class Events(Protocol):
    def append(self, tenant_id: str, events: Sequence[Event]) -> None:
        """Put these at their places; again changes nothing. Those of one time stand together, or none of them does.

        That holds for up to a hundred; of more, some may stand.
        """

    def page(self, tenant_id: str, *, after: str, until: datetime, limit: int) -> tuple[list[Event], str]:
        """Events behind the place `after`, oldest first; and the place to go on from, '' at the end.

        Raises InvalidInput where `after` is no place. None from a day behind `until` is looked for.
        """

    def forget(self, tenant_id: str, before: datetime, *, limit: int) -> bool:
        """Delete up to `limit` events of days that were over at this time; returns whether more may be left."""
