"""The history of a mail that was lost or doubled: what the script did, and what storage and hosts say of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.soak_ledger import Ledger
from bench.soak_script import Step
from shared.domain.capture.sightings import Sighting
from shared.domain.connections.mailboxes import Mailbox

MOST_MAILS: Final = 12
MOST_LINES: Final = 30
_FIRST, _LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Trace:
    """Reads what is there. `steps` are all that was done, `ids` the items of their copies where these are known."""

    ledger: Ledger
    steps: Sequence[Step]
    ids: Mapping[str, str]
    logs: Path

    def of(self, tokens: Sequence[str]) -> list[str]:
        """A line for each thing that is known, mail by mail, of the first few mails."""
        if not tokens:
            return []
        seen = list(self._sightings())
        rows = self.ledger.message_rows()
        found: list[str] = []
        for token in sorted(tokens)[:MOST_MAILS]:
            found += self._history(token, seen, rows.get(token, []))
        return found

    def _history(
        self, token: str, seen: Sequence[tuple[Mailbox, Sighting]], rows: Sequence[Mapping[str, Any]]
    ) -> list[str]:
        steps = [step for step in self.steps if step.token == token]
        items = {self.ids[step.copy] for step in steps if step.copy in self.ids}
        keys = {str(row["key"]) for row in rows}
        of_mail = [
            (box, copy) for box, copy in seen if copy.item.item_id in items or copy.message_key in keys
        ]
        words = items | keys | {copy.item.item_id for _, copy in of_mail}
        lines = [_step(step, self.ids.get(step.copy, "")) for step in steps]
        lines += [_copy(box, copy) for box, copy in of_mail] or ["no row in the ledger of copies"]
        lines += [f"row {json.dumps(row, default=str)[:400]}" for row in rows] or ["no row of the message"]
        return [token, *(f"  {line}" for line in lines), *(f"  {line}" for line in self._said(words))]

    def _said(self, words: set[str]) -> list[str]:
        """What hosts have said with one of these words in it, in order."""
        if not words:
            return []
        lines = [
            f"{path.name}: {line[:500]}"
            for path in sorted(self.logs.glob("host-*.log"))
            for line in path.read_text("utf-8", "replace").splitlines()
            if any(word in line for word in words)
        ]
        return lines[:MOST_LINES]

    def _sightings(self) -> Iterator[tuple[Mailbox, Sighting]]:
        for tenant in self.ledger.tenants.values():
            for mailbox in self.ledger.mailboxes.of(tenant.tenant_id):
                for copy in self.ledger.sightings.between(mailbox, _FIRST, _LAST).values():
                    yield mailbox, copy


def _step(step: Step, item: str) -> str:
    return f"at {step.at:.1f} s {step.kind} {step.copy} {step.address} {step.folder} {item}"


def _copy(mailbox: Mailbox, copy: Sighting) -> str:
    return (
        f"copy {copy.item.item_id} in {mailbox.address} {copy.item.folder}: {copy.outcome} ({copy.reason}), "
        f"received {copy.received_at}, queued {copy.queued_at}, key {copy.message_key}"
    )
