"""The one line of a command: what it has cost, what became of its mails, and what else happened while it ran."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import Final

# A line has at most 32 KB in Application Insights. What is more of a kind is counted; its first ones say enough.
MOST_OF_A_KIND: Final = 20
MOST_DELAYS: Final = 200


class Counted(StrEnum):
    """What is counted while a command runs; workbook and alerts sum it.

    A call to Graph is one request or one item of a batch: Graph's limits count each. Mails count by what became of
    them, whether the ledger or a timeline says so.
    """

    GRAPH_CALLS = "graph_calls"
    GRAPH_THROTTLED = "graph_throttled"
    STORAGE_CALLS = "storage_calls"
    FILED = "mails_filed"
    TRIAGE = "mails_triage"
    SKIPPED = "mails_skipped"
    FAILED = "mails_failed"


# Said even where they are 0: "nothing" is a figure, too.
COSTS: Final = (Counted.GRAPH_CALLS, Counted.GRAPH_THROTTLED, Counted.STORAGE_CALLS)
# What an event says of these is left out where the line says the same.
IDS: Final = ("tenant", "mailbox")


@dataclass(slots=True)
class Line:
    """What a command says when it ends. The threads of a command share its line.

    `fields` are its own. Each event in `noted` has its name and fields, ids only where they are not the line's, and
    its `level` if that is a warning or worse; the line's level is the worst of them.
    """

    fields: dict[str, object]
    level: int = logging.INFO
    counts: Counter[Counted] = field(default_factory=Counter)
    delays: list[int] = field(default_factory=list)
    noted: list[dict[str, object]] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def add(self, *, level: int = logging.INFO, **fields: object) -> None:
        """Say this of the command as well."""
        with self.lock:
            self.level = max(self.level, level)
            self.fields.update(fields)

    def count(self, what: Counted, times: int) -> None:
        with self.lock:
            self.counts[what] += times

    def delay(self, seconds: int) -> None:
        """A live mail was kept so many seconds after its receipt."""
        with self.lock:
            if len(self.delays) < MOST_DELAYS:
                self.delays.append(seconds)

    def note(self, name: str, level: int, fields: dict[str, object]) -> None:
        """Something happened while the command ran."""
        with self.lock:
            self.level = max(self.level, level)
            self.kinds[name] += 1
            if self.kinds[name] <= MOST_OF_A_KIND:
                self.noted.append(self._event(name, level, fields))

    def content(self) -> dict[str, object]:
        """The line as it is written, empty parts left out."""
        with self.lock:
            costs = {str(cost): self.counts[cost] for cost in COSTS}
            mails = {str(what): times for what, times in self.counts.items() if times and what not in COSTS}
            more = {name: times for name, times in self.kinds.items() if times > MOST_OF_A_KIND}
            lists = {"delays": self.delays, "noted": self.noted, "times": more}
            return {**self.fields, **costs, **mails, **{name: part for name, part in lists.items() if part}}

    def _event(self, name: str, level: int, fields: dict[str, object]) -> dict[str, object]:
        own = {key: value for key, value in fields.items() if key not in IDS or self.fields.get(key) != value}
        if level > logging.INFO:
            return {"event": name, "level": logging.getLevelName(level).lower(), **own}
        return {"event": name, **own}
