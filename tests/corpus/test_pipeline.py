"""Every public test mail through the whole house: simulator, capture, ingest, timeline or My Inbox.

Every sixth mail is notified while the poll that brings the others goes on. A mail may end filed, in triage, or skipped
with a reason; none may crash a worker, stay unfinished, or take long.
"""

import csv
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.utils import getaddresses
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dev.processes import PATIENCE
from dev.simulator.client import Control
from dev.simulator.mime import read_mail
from dev.stack import Stack, StackOptions
from dev.tenant import Api, Tenant
from shared.domain.capture.sightings import FILED, SKIPPED, TRIAGE, Sighting
from shared.domain.mail.addresses import normalise
from shared.domain.mail.html import safe_html
from shared.domain.mail.html_text import to_text
from shared.domain.mail.quotes import split
from tests.cpu import check_cost, rounds
from tests.html_audit import faults
from tests.ledger import Ledger

CORPUS = Path(__file__).parents[3] / "shared" / "mail"
pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(1_800),
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the public test mails are not here"),
]
DOMAIN = "corpus.example"
MAILBOXES = 6
KNOWN_SENDERS = 40
NOTIFIED = 6
SLOWEST = 50
Copy = tuple[str, str]


def mails() -> list[tuple[str, bytes]]:
    """Name and bytes of every mail."""
    with (CORPUS / "manifest.csv").open(encoding="utf-8", newline="") as lines:
        files = [row["file"] for row in csv.DictReader(lines) if row["type"] == "rfc822"]
    return [(file, (CORPUS / file).read_bytes()) for file in files]


def senders(raws: Sequence[bytes]) -> list[str]:
    """The addresses that wrote most of it."""
    found: Counter[str] = Counter()
    for raw in raws:
        mail = message_from_bytes(raw, policy=policy.compat32)
        written = getaddresses([str(mail.get("From") or "")])
        found.update({address for _, one in written if (address := normalise(one))})
    return [address for address, _ in found.most_common(KNOWN_SENDERS)]


@dataclass
class Run:
    """What was delivered, and what became of it. Copies are (mailbox, Graph id)."""

    stack: Stack
    tenant: Tenant
    ledger: Ledger
    agents: list[str]
    pids: list[int]
    names: dict[Copy, str] = field(default_factory=dict)
    as_delivered: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    sightings: dict[Copy, Sighting] = field(default_factory=dict)

    def deliver(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Each mailbox gets its share, all at the same time."""
        with ThreadPoolExecutor(MAILBOXES) as threads:
            for found in threads.map(
                lambda number: self._deliver(self.agents[number], files[number::MAILBOXES]), range(MAILBOXES)
            ):
                self.names |= found

    def _deliver(self, address: str, files: Sequence[tuple[str, bytes]]) -> dict[Copy, str]:
        with Control(self.stack.ready["simulator_url"], self.stack.ready["ca_file"]) as control:
            return {(address, str(control.deliver(address, raw)["id"])): file for file, raw in files}

    def unsettled(self) -> list[str]:
        """Files that no final sighting stands for, as of the last look."""
        for address in self.agents:
            for item, sighting in self.ledger.sightings(address).items():
                self.sightings[address, item] = sighting
        return [
            file
            for copy, file in self.names.items()
            if copy not in self.sightings or not self.sightings[copy].is_settled
        ]

    def settle(self) -> None:
        """Wait until all is done, or nothing moves any more: the tests say what is left."""
        left, deadline = -1, 0.0
        while left != 0 or self.unsettled():
            now_left = self.ledger.waiting()
            if now_left != left:
                left, deadline = now_left, time.monotonic() + PATIENCE
            if time.monotonic() > deadline:
                return
            time.sleep(1.0)


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with Stack(StackOptions(timers=False)) as stack:
        tenant = Tenant(stack.ready, DOMAIN)
        agents = [tenant.agent(f"agent{number}") for number in range(MAILBOXES)]
        made = Run(stack, tenant, Ledger(stack.ready, tenant), agents, list(stack.ready["pids"]["host"]))
        files = mails()
        for number, address in enumerate(senders([raw for _, raw in files])):
            tenant.contact(f"C-{number}", address)
        tenant.connect(*agents, capture="everything")
        tenant.control.clear_stats()
        tenant.control.put_faults(drop_notifications=1)
        made.deliver([one for number, one in enumerate(files) if number % NOTIFIED])
        tenant.control.clear_faults()
        made.ledger.poll()
        made.deliver(files[::NOTIFIED])
        made.as_delivered = {address: tenant.control.messages(address) for address in agents}
        made.settle()
        yield made


def test_every_mail_ends_on_a_timeline_in_my_inbox_or_with_a_reason(run: Run) -> None:
    assert run.unsettled() == []
    assert len(run.names) == len(mails()) > 1_000
    assert run.ledger.exceptions() == []
    for copy, file in run.names.items():
        found = run.sightings[copy]
        assert found.outcome in (FILED, TRIAGE) or (found.outcome == SKIPPED and found.reason), file
    outcomes = Counter(run.sightings[copy].outcome for copy in run.names)
    assert min(outcomes[FILED], outcomes[TRIAGE]) > 200, outcomes


def test_nothing_crashes_and_nothing_is_left_half_done(run: Run) -> None:
    assert run.ledger.poisoned() == 0
    assert run.ledger.waiting() == 0
    assert run.ledger.unfinished() == 0
    assert run.stack.ready["pids"]["host"] == run.pids
    lines = list(run.ledger.log())
    assert "function_failed" not in {line["event"] for line in lines}
    ends = {line["outcome"] for line in lines if line["event"].endswith("_handled")}
    assert ends.isdisjoint({"failed", "raised", "malformed"}), ends


def test_no_mail_takes_long(run: Run) -> None:
    """CPU time of each command's thread: how long it takes by the clock depends on who shares the machine."""
    slowest = 0
    for one in run.ledger.log():
        if one.get("command") == "IngestMessages":
            slowest = max(slowest, one["cpu_milliseconds"])
    assert slowest > 0
    assert rounds(slowest / 1000) < SLOWEST


def test_no_mails_text_takes_long() -> None:
    """CPU time, one mail at a time: cleaning its HTML, reading its text, finding the quoted chain."""
    for file, raw in mails():
        markup = read_mail(raw).markup
        check_cost(partial(_shown, markup), at_most=SLOWEST, name=file)


def _shown(markup: str) -> None:
    safe_html(markup, cid_url=lambda content_id: None)
    split(to_text(markup), html_only=True, parent_text=None, is_forward=False)


def test_every_kept_mail_can_be_read_and_is_safe(run: Run) -> None:
    shares = {
        address: sorted(
            {
                one.message_key
                for (owner, _), one in run.sightings.items()
                if owner == address and one.outcome in (FILED, TRIAGE)
            }
        )
        for address in run.agents
    }
    with ThreadPoolExecutor(2) as threads:
        found = [
            one for share in threads.map(lambda pair: wrong(run, *pair), shares.items()) for one in share
        ]
    assert found == []


def wrong(run: Run, address: str, keys: Sequence[str]) -> list[str]:
    """What is wrong with the messages that an agent may read."""
    api = run.tenant.api_of(address)
    return [fault for key in keys if (fault := wrong_with(api, key))]


def wrong_with(api: Api, key: str) -> str:
    answer = api.raw("GET", f"messages/{key}")
    if answer.status_code != 200:
        return f"{key}: {answer.status_code} {answer.text}"
    shown = answer.json()
    html = shown["html"].replace(f"/api/v1/messages/{key}/attachments/", "/inline/")
    unsafe = faults(html, places=("div",))
    return f"{key}: {unsafe}" if unsafe else ""


def test_filed_mail_is_on_the_timelines_of_who_wrote_it(run: Run) -> None:
    filed = {one.message_key for one in run.sightings.values() if one.outcome == FILED}
    shown = {
        entry["message_id"]
        for number in range(KNOWN_SENDERS)
        for entry in whole_timeline(run.tenant.admin, f"contact/C-{number}")
    }
    assert filed == shown


def whole_timeline(api: Api, ref: str) -> Iterator[dict[str, Any]]:
    cursor: str | None = ""
    while cursor is not None:
        page = api.call("GET", f"timelines/{ref}", params={"limit": 200, "cursor": cursor})
        yield from page["entries"]
        cursor = page["cursor"]


def test_personal_mailboxes_are_as_they_were(run: Run) -> None:
    assert run.tenant.control.stats()["writes"] == {}
    for address, before in run.as_delivered.items():
        assert run.tenant.control.messages(address) == before
        assert {(one["isRead"], one["folder"]) for one in before} == {(False, before[0]["folder"])}
