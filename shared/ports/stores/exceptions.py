"""The store of commands that could not be processed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.mail.items import ItemRef


@dataclass(frozen=True, slots=True)
class Failure:
    """A command that could not be processed, with all that a replay needs.

    `id` follows from `command` alone. `item` is set where the command is about one mail.
    `rules_version` is that of the capture rules at the time.
    """

    id: str
    tenant_id: str
    mailbox_id: str
    command: str
    error: str
    code: str
    at: datetime
    queue: str = ""
    item: ItemRef | None = None
    rules_version: int = 0
    replayed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FailureFilter:
    """The exceptions that a caller wants; '' = all. Those that failed at `since` or later, and before `until`."""

    code: str = ""
    queue: str = ""
    item: ItemRef | None = None
    unreplayed: bool = False
    mailbox_id: str = ""
    since: datetime | None = None
    until: datetime | None = None


class Exceptions(Protocol):
    def record(self, failure: Failure) -> None:
        """Keep a failure; a failure whose id is known stays as it is."""

    def get(self, tenant_id: str, failure_id: str) -> Failure | None: ...

    def page(
        self, tenant_id: str, wanted: FailureFilter, *, limit: int, after: str
    ) -> tuple[list[Failure], str]:
        """A page, newest first, that begins after `after`; and the place where the next page begins, '' at the end."""

    def note_replayed(self, failure: Failure, at: datetime) -> None: ...
