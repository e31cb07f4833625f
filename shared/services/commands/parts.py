"""Whether storage has what this version needs. The host makes nothing that is missing, and says nothing of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from shared.domain.errors import PostledgerError
from shared.ports.work import Clock, StoreParts

LOOK_EVERY: Final = timedelta(minutes=1)


@dataclass(slots=True)
class LastFound:
    """What this process has last found missing, and when."""

    missing: list[str] = field(default_factory=list)
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MissingParts:
    """The tables, queues and containers that storage lacks; none where it cannot be asked. Asked once a minute."""

    parts: StoreParts
    clock: Clock
    last: LastFound = field(default_factory=LastFound)

    def __call__(self) -> list[str]:
        now = self.clock()
        if self.last.at is None or now - self.last.at >= LOOK_EVERY:
            self.last.at = now
            try:
                self.last.missing = self.parts.missing()
            except PostledgerError:
                self.last.missing = []
        return self.last.missing
