"""What a comparison of a mailbox with its ledger has found, as counts, and which rows of the ledger are in doubt."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Self

from shared.domain.capture.sightings import FILED, QUEUED, SKIPPED, TRIAGE, Sighting

# The nightly sweep looks this far back: two nights, so that one that was missed is made up for.
REACH: Final = timedelta(hours=48)
# Live mail is filed within seconds, but a mailbox's history may rightly take hours, and one night is made up for by
# the next: what was queued longer ago than this is queued again.
QUEUE_PATIENCE: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Counts of one comparison, of mail received from `since` until `at`.

    seen = filed + triaged + all skipped + waiting. `repaired` were missing from the ledger or left behind in
    it, and have been decided anew.
    """

    at: datetime
    since: datetime
    seen: int = 0
    filed: int = 0
    triaged: int = 0
    waiting: int = 0
    repaired: int = 0
    skipped: dict[str, int] = field(default_factory=dict)

    def counting(self, rows: list[Sighting], *, repaired: int) -> Self:
        """With a page's mails, by what the ledger now says of each."""
        outcomes = Counter(row.outcome for row in rows)
        reasons = Counter(row.reason for row in rows if row.outcome == SKIPPED)
        filed, triaged, skipped = outcomes[FILED], outcomes[TRIAGE], outcomes[SKIPPED]
        return type(self)(
            at=self.at,
            since=self.since,
            seen=self.seen + len(rows),
            filed=self.filed + filed,
            triaged=self.triaged + triaged,
            waiting=self.waiting + len(rows) - filed - triaged - skipped,
            repaired=self.repaired + repaired,
            skipped=dict(Counter(self.skipped) + reasons),
        )

    def to_json(self) -> str:
        """As it is kept with the mailbox, and shown."""
        return json.dumps(
            {
                "at": self.at.isoformat(),
                "from": self.since.isoformat(),
                "seen": self.seen,
                "filed": self.filed,
                "triaged": self.triaged,
                "waiting": self.waiting,
                "skipped": self.skipped,
                "repaired": self.repaired,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        content = json.loads(text)
        return cls(
            at=datetime.fromisoformat(content["at"]),
            since=datetime.fromisoformat(content["from"]),
            skipped=content["skipped"],
            **{name: content[name] for name in ("seen", "filed", "triaged", "waiting", "repaired")},
        )


def is_in_doubt(sighting: Sighting | None, now: datetime) -> bool:
    """Whether a mail in a captured folder needs another look: unknown, left behind, or decided elsewhere."""
    if sighting is None:
        return True
    if sighting.outcome == QUEUED:
        return sighting.queued_at is None or now - sighting.queued_at >= QUEUE_PATIENCE
    return not (sighting.is_settled or sighting.is_given_up)
