"""What Graph took and refused in a tenant, as it is kept between processes: parts of requests as habits.

Processes live for minutes, and what one found out the next one need not try.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from shared.adapters.graph.options import Option, Recalled
from shared.domain.connections.habits import Habit, Learnt
from shared.domain.errors import TransientError
from shared.ports.stores.connections import Habits

HABITS: Final[Mapping[Option, Habit]] = {
    Option.DELTA_PROPERTIES: Habit.CHANGES_WITH_PROPERTIES,
    Option.DELTA_HEADERS: Habit.CHANGES_WITH_HEADERS,
    Option.PAGE_SIZE: Habit.CHANGES_OF_PREFERRED_SIZE,
    Option.LIST_PROPERTIES: Habit.LISTS_WITH_PROPERTIES,
    Option.ORDER: Habit.LISTS_IN_ORDER,
    Option.CONTENT_IDS: Habit.MAIL_WITH_CONTENT_IDS,
    Option.ATTACHMENTS: Habit.MAIL_WITH_ATTACHMENTS,
    Option.LISTED_CONTENT_IDS: Habit.ATTACHMENTS_WITH_CONTENT_IDS,
    Option.PROPERTIES: Habit.MAIL_WITH_PROPERTIES,
    Option.FOLDER_CLASSES: Habit.FOLDERS_WITH_CLASSES,
    Option.HEADER_TAGS: Habit.COPIES_WITH_HEADERS,
}


def _now() -> datetime:
    return datetime.now(UTC)


class Remembered:
    """Implements `options.Memory` for one tenant over `ports.Habits`."""

    def __init__(self, habits: Habits, tenant_id: str, now: Callable[[], datetime] = _now) -> None:
        self._habits = habits
        self._tenant_id = tenant_id
        self._now = now

    def recall(self) -> Mapping[Option, Recalled]:
        now, known = self._now(), self._habits.of(self._tenant_id)
        learnt = {option: known[habit] for option, habit in HABITS.items() if habit in known}
        return {
            option: Recalled(found.holds, max((now - found.at).total_seconds(), 0.0))
            for option, found in learnt.items()
        }

    def note(self, parts: Iterable[Option], *, is_taken: bool) -> None:
        """Where storage is busy another process will find out as well: the mail at hand does not wait for this."""
        now = self._now()
        with suppress(TransientError):
            self._habits.put(self._tenant_id, [Learnt(HABITS[part], is_taken, now) for part in parts])
