"""Mails and replies that agents send while everything fails, and what became of each of them.

Every mail is asked for under a key of its own until the API has answered; what left is counted at the simulator.
"""

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_string
from email.policy import default
from typing import Any, Final

import requests

from bench.soak_report import Report
from bench.soak_verify import sent_token_of
from dev.tenant import Api, Tenant

CODE: Final = re.compile(r"\[[A-Z]{2,6}-[0-9A-Z]{6}-[0-9A-Z]{4}\]")
ENDED_WELL: Final = ("confirmed", "bounced")
ENDED: Final = (*ENDED_WELL, "failed", "cancelled", "outcome_unknown")
REPLIES: Final = 0.2
AGAIN: Final = 0.5


@dataclass(frozen=True, slots=True)
class Agent:
    """Who sends: an agent's own mailbox in an organisation, and a contact to write to."""

    tenant: Tenant
    address: str
    contact: str
    recipient: str

    def api(self) -> Api:
        return self.tenant.api_of(self.address, "Agent")


@dataclass(slots=True)
class Asked:
    """A mail that the API has taken."""

    token: str
    agent: Agent
    outbox_id: str
    is_reply: bool
    row: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Verdict:
    """What is wrong, a line for each mail; and how the rows stand."""

    twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    without_code: list[str] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)


class SendingLoad:
    """`count` mails within `seconds`, each agent in turn; a fifth are replies to what the agent has sent before."""

    def __init__(self, agents: Sequence[Agent], *, count: int, seconds: float, seed: int) -> None:
        self.asked: list[Asked] = []
        self.refused: list[str] = []
        self.agents, self._count, self._seconds = agents, count, seconds
        self._dice = random.Random(seed)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Until the API has taken all of them."""
        self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        for number in range(self._count):
            ahead = number * self._seconds / self._count - (time.monotonic() - began)
            time.sleep(max(ahead, 0.0))
            self._ask(number, self.agents[number % len(self.agents)])

    def _ask(self, number: int, agent: Agent) -> None:
        token = f"~{number:05}~"
        answered = self._answerable(agent) if self._dice.random() < REPLIES else ""
        body: dict[str, Any] = {"text": f"The keys are with the porter. {token}"}
        path = f"messages/{answered}/reply" if answered else "messages"
        if answered:
            body["mode"] = "reply"
        else:
            to = [{"name": agent.contact, "address": agent.recipient}]
            records = [{"kind": "contact", "id": agent.contact}]
            body |= {"to": to, "subject": f"Viewing {token}", "records": records}
        taken = self._until_taken(agent, path, body, token)
        if taken is not None:
            self.asked.append(Asked(token, agent, str(taken["outbox_id"]), bool(answered)))

    def _until_taken(
        self, agent: Agent, path: str, body: Mapping[str, Any], token: str
    ) -> Mapping[str, Any] | None:
        headers = {"Idempotency-Key": f"key{token}"}
        while True:
            try:
                answer = agent.api().raw("POST", path, json=body, headers=headers)
            except requests.RequestException:
                time.sleep(AGAIN)
                continue
            if answer.ok:
                taken: Mapping[str, Any] = answer.json()
                return taken
            if answer.status_code < 500 and answer.status_code not in (409, 429):
                self.refused.append(f"{token}: {answer.status_code} {answer.text[:200]}")
                return None
            time.sleep(AGAIN)

    def _answerable(self, agent: Agent) -> str:
        """A mail of this agent that is on its records; '' where none is known to be."""
        own = [mail for mail in self.asked if mail.agent is agent and not mail.is_reply]
        for mail in self._dice.sample(own, min(len(own), 3)):
            if message_id := self._read(mail).get("message_id"):
                return str(message_id)
        return ""

    def _read(self, mail: Asked) -> dict[str, Any]:
        """The row as it stands, as far as a host is there to tell."""
        try:
            answer = mail.agent.api().raw("GET", f"outbox/{mail.outbox_id}")
        except requests.RequestException:
            return mail.row
        if answer.ok:
            mail.row = answer.json()
        return mail.row

    def wait(self, *, seconds: float) -> list[Asked]:
        """Until every row has ended; those that have not within this time."""
        deadline = time.monotonic() + seconds
        waiting = list(self.asked)
        while waiting and time.monotonic() < deadline:
            waiting = [mail for mail in waiting if self._read(mail).get("state") not in ENDED]
            time.sleep(1.0)
        return waiting

    def verdict(self, outbound: Sequence[Mapping[str, Any]]) -> Verdict:
        """`outbound` is every mail that left, as the simulator shows it. Replies quote, so subjects do not tell."""
        found = Verdict()
        left = Counter(own_token(str(mail["raw"])) for mail in outbound)
        for mail in self.asked:
            row = self._read(mail)
            state = str(row.get("state"))
            found.states[state] += 1
            said = f"{mail.token} ({'reply' if mail.is_reply else 'mail'}, {state}): left {left[mail.token]} times"
            if left[mail.token] > 1:
                found.twice.append(said)
            if not left[mail.token] or state not in ENDED_WELL:
                found.lost.append(f"{said} {row.get('steps', [])[-3:]}")
        subjects = [str(mail["subject"]) for mail in outbound if own_token(str(mail["raw"]))]
        found.without_code += [subject for subject in subjects if len(CODE.findall(subject)) != 1]
        found.entries += self._wrong_entries()
        return found

    def report(self, report: Report, outbound: Sequence[Mapping[str, Any]], waiting: Sequence[Asked]) -> None:
        """The figures, of which those that must be zero are marked."""
        found = self.verdict(outbound)
        report.figure("mails asked for", len(self.asked))
        report.figure("of them replies", sum(mail.is_reply for mail in self.asked))
        report.zero("refused", len(self.refused), self.refused)
        report.zero("left twice", len(found.twice), found.twice)
        report.zero("sent and lost", len(found.lost), found.lost)
        report.zero("not ended", len(waiting), [mail.token for mail in waiting])
        report.zero("left without exactly one code", len(found.without_code), found.without_code)
        report.zero("without exactly one entry", len(found.entries), found.entries)
        report.counts("Rows, by state", found.states)

    def _wrong_entries(self) -> list[str]:
        """Each mail is one entry `sent` on its contact, and no other kind of entry."""
        wrong = []
        for agent in self.agents:
            entries = timeline_of(agent.tenant.admin, f"contact/{agent.contact}")
            counts = Counter(str(entry["message_id"]) for entry in entries if entry["kind"] == "sent")
            for mail in self.asked:
                message_id = str(mail.row.get("message_id"))
                if mail.agent is agent and counts[message_id] != 1:
                    wrong.append(f"{mail.token} on {agent.contact}: {counts[message_id]} entries")
        return wrong


def own_token(raw: str) -> str:
    """The token that a mail was written with: the first one of its body, above what it quotes."""
    body = message_from_string(raw, policy=default).get_body(("plain", "html"))
    return sent_token_of(body.get_content()) if body else ""


def timeline_of(api: Api, record: str) -> list[dict[str, Any]]:
    query: dict[str, Any] = {"limit": 200}
    found: list[dict[str, Any]] = []
    while True:
        page = api.call("GET", f"timelines/{record}", params=query)
        found += page["entries"]
        if not page["cursor"]:
            return found
        query["cursor"] = page["cursor"]
