"""Contacts answer what agents have sent, in every way that an answer takes; then every person's notices are counted.

A third of what left is answered: in the thread, by the code alone, to a colleague, to both, and by a machine. Only the
agent who sent the mail may be told, once, and of a machine's answer nobody.
"""

import re
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from typing import Any, Final

from bench.sending_load import Agent, SendingLoad, own_token, timeline_of
from bench.soak_report import Report
from dev.simulator.client import Control
from dev.tenant import Api, a_mail

WAYS: Final = ("thread", "code", "both", "elsewhere", "machine")
ANSWERED: Final = 3  # of so many mails one is answered
PAUSE: Final = 3.0
_MARK: Final = re.compile(r"\+\d{5}\+")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was delivered. `mark` stands in its subject."""

    mark: str
    agent: Agent
    way: str


class Answers:
    """Delivers answers while mail leaves, and holds the notices of everybody in `readers` against them."""

    def __init__(self, load: SendingLoad, control: Control, readers: Sequence[tuple[str, Api]]) -> None:
        self.given: dict[str, Answer] = {}
        self._load, self._control, self._readers = load, control, readers
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """Answers the rest."""
        self._over.set()
        self._thread.join()
        self._deliver()

    def _run(self) -> None:
        while not self._over.wait(PAUSE):
            self._deliver()

    def _deliver(self) -> None:
        asked = {mail.token: mail for mail in list(self._load.asked)}
        for left in self._control.outbound():
            token = own_token(str(left["raw"]))
            if token in asked and token not in self.given and int(token.strip("~")) % ANSWERED == 0:
                self.given[token] = self._answer(len(self.given), asked[token].agent, left)

    def _answer(self, number: int, agent: Agent, left: dict[str, Any]) -> Answer:
        answer = Answer(f"+{number:05}+", agent, WAYS[number % len(WAYS)])
        mail = _composed(answer, left)
        colleague = next(
            other.address
            for other in self._load.agents
            if other.tenant is agent.tenant and other.address != agent.address
        )
        addresses = {"both": (agent.address, colleague), "elsewhere": (colleague,)}
        for address in addresses.get(answer.way, (agent.address,)):
            agent.tenant.deliver(address, mail)
        return answer

    def report(self, report: Report) -> None:
        """The figures, of which those that must be zero are marked."""
        owners = {
            answer.mark: answer.agent.address for answer in self.given.values() if answer.way != "machine"
        }
        told: Counter[tuple[str, str]] = Counter()
        for name, api in self._readers:
            told.update((name, mark) for mark in _marks(api))
        wrong = [f"{mark or 'no answer of ours'}: {name}" for name, mark in told if owners.get(mark) != name]
        missing = [f"{mark}: {owner}" for mark, owner in owners.items() if not told[owner, mark]]
        doubled = [f"{mark}: {owner}" for mark, owner in owners.items() if told[owner, mark] > 1]
        report.title("Answers, and who is told")
        report.figure("answers", len(self.given))
        report.figure("of them by a machine", len(self.given) - len(owners))
        report.figure("people whose notices were read", len(self._readers))
        report.zero("notices to a wrong person, or of a machine's answer", len(wrong), wrong)
        report.zero("answers that nobody was told of", len(missing), missing)
        report.zero("answers told twice", len(doubled), doubled)
        entries = self._wrong_entries()
        report.zero("answers without exactly one entry", len(entries), entries)

    def _wrong_entries(self) -> list[str]:
        wrong = []
        for agent in self._load.agents:
            entries = timeline_of(agent.tenant.admin, f"contact/{agent.contact}")
            counts = Counter(_mark(str(entry["subject"])) for entry in entries)
            wrong += [
                f"{answer.mark} ({answer.way}) on {agent.contact}: {counts[answer.mark]} entries"
                for answer in self.given.values()
                if answer.agent is agent and counts[answer.mark] != 1
            ]
        return wrong


def _composed(answer: Answer, left: dict[str, Any]) -> EmailMessage:
    """What the contact's mail program makes of it. `left` is the mail that is answered."""
    sent = message_from_string(str(left["raw"]), policy=default)
    subject = str(sent["Subject"])
    headers: dict[str, str] = {}
    if answer.way in ("thread", "both", "machine"):
        headers = {"In-Reply-To": str(sent["Message-ID"]), "References": str(sent["Message-ID"])}
    else:
        subject = subject.lower()
    if answer.way == "machine":
        headers["Auto-Submitted"] = "auto-replied"
    address = answer.agent.address
    return a_mail(answer.agent.recipient, address, f"AW: {answer.mark} {subject}", headers=headers)


def _mark(subject: str) -> str:
    found = _MARK.search(subject)
    return found[0] if found else ""


def _marks(api: Api) -> list[str]:
    """The answer of each notice of a person."""
    found, query = list[str](), {"limit": "100"}
    while True:
        page = api.call("GET", "notices", params=query)
        found += [_mark(str(notice["subject"])) for notice in page["notices"]]
        if not page["cursor"]:
            return found
        query["cursor"] = page["cursor"]
