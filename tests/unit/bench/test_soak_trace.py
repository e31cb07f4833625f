"""A lost mail's history: what was done, what storage has of it, and what hosts have said."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from bench.soak_ledger import Ledger
from bench.soak_script import Step
from bench.soak_trace import Trace
from shared.domain.capture.sightings import Sighting
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.mail.items import ItemRef
from tests.builders import a_mailbox

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STEP = Step(3.0, "deliver", "#00290", "copy-0-1", "agent1@contoso.example", "inbox")


@dataclass
class OneMailbox:
    """A ledger with one organisation, one mailbox and one copy."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.copy = Sighting(ItemRef("inbox", "item-1"), "inbox", NOW, "queued", "", False, "key-1")
        self.tenants = {"contoso.example": a_mailbox()}
        self.mailboxes = self
        self.sightings = self

    def of(self, _: str) -> Iterator[Mailbox]:
        yield a_mailbox()

    def between(self, *_: object) -> Mapping[ItemRef, Sighting]:
        return {self.copy.item: self.copy}

    def message_rows(self) -> dict[str, list[dict[str, Any]]]:
        return self.rows


def trace(ledger: OneMailbox, logs: Path) -> Trace:
    return Trace(cast(Ledger, ledger), [STEP], {"copy-0-1": "item-1"}, logs)


def test_a_mail_that_only_the_ledger_knows_is_shown_with_its_copy_and_what_hosts_said(tmp_path: Path) -> None:
    (tmp_path / "host-0.log").write_text('{"event": "a", "id": "item-1"}\n{"event": "b", "id": "item-2"}\n')
    token, step, copy, row, said = trace(OneMailbox(), tmp_path).of(["#00290"])
    assert token == "#00290"
    assert "at 3.0 s deliver copy-0-1 agent1@contoso.example inbox item-1" in step
    assert "item-1" in copy
    assert "queued" in copy
    assert "no row of the message" in row
    assert said == '  host-0.log: {"event": "a", "id": "item-1"}'


def test_a_stored_message_is_shown_with_its_state_and_its_copies_are_found_by_its_key(tmp_path: Path) -> None:
    ledger = OneMailbox({"#00291": [{"key": "key-1", "state": "pending"}]})
    lines = trace(ledger, tmp_path).of(["#00291"])
    assert any('"state": "pending"' in line for line in lines)
    assert any("copy item-1" in line for line in lines)


def test_nothing_wrong_has_no_history(tmp_path: Path) -> None:
    assert trace(OneMailbox(), tmp_path).of([]) == []
