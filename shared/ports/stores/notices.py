"""The store of notices."""

from dataclasses import dataclass
from typing import Protocol

from shared.domain.notices.notices import Notice


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a notice by its mail: its id, and whether it still stands."""

    notice_id: str
    message_key: str
    stands: bool


class Notices(Protocol):
    """Each agent's list, newest first: by the order of writing, so that no notice ever comes in behind another one.

    Agents are named by their object ids. A mail has at most one notice, ever: what was dismissed is remembered.
    """

    def add(self, tenant_id: str, notice: Notice) -> None:
        """Write a notice unless its mail had one. Raises Conflict where the agent's list changes all the time."""

    def refresh(self, tenant_id: str, notice: Notice) -> None:
        """Bring a notice that stands in line with its mail; nothing where none stands."""

    def take_away(self, tenant_id: str, agent: str, message_key: str, *, for_good: bool) -> None:
        """Without its mail a notice goes; `for_good`: so does the memory of it."""

    def count(self, tenant_id: str, agent: str) -> int:
        """How many stand. Costs one read, however many."""

    def page(self, tenant_id: str, agent: str, *, limit: int, after: str) -> tuple[list[Notice], str]:
        """Notices behind the id `after`, and the id of the last one, '' at the end."""

    def told(self, tenant_id: str, agent: str, notice_id: str) -> Told | None:
        """What is known of a notice of this agent, also once it was dismissed; None for any other."""

    def dismiss(self, tenant_id: str, agent: str, notice_id: str) -> bool:
        """Whether it stood until now."""

    def dismiss_until(self, tenant_id: str, agent: str, notice_id: str) -> list[Notice]:
        """Dismiss some of those that were written no later than this one; those, none once all have gone."""
