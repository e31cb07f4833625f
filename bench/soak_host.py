"""The soak's mode `host`: what the Functions host does to the app. Storage keeps what was finished, then goes away, for
half a minute each; hosts are killed, drained and aborted in turn; two ticks come at once; some mails kill their worker.

The host's times are a quarter of the real ones. A mail that kills its worker must end in Exceptions, with advice, and
nothing else may come to its last try because of it.
"""

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from bench.soak_faults import Climate
from bench.soak_plan import Plan
from bench.soak_report import Report
from bench.soak_run import Post
from bench.soak_script import Script
from bench.soak_world import COMPANIES
from dev.tenant import Tenant

SHORTEN: Final = 4.0
KILLER: Final = "This sentence ends the process that reads it."
PLANT: Final = "killing-mails"
# Of so many mails one kills its worker.
SHARE: Final = 100
_CALM: Final[dict[str, Any]] = {
    "error_rate": 0.05,
    "error_kinds": ["429", "503", "reset"],
    "retry_after_s": 1.0,
    "in_flight_s": 0.4,
}
CLIMATE: Final = Climate(
    phases=(
        _CALM,
        # What the hosts have finished cannot be deleted: each of them stops, and all of it runs twice.
        {**_CALM, "storage_undeleted": 1.0},
        _CALM,
        {**_CALM, "storage_busy": 1.0, "drop_notifications": 1.0},
    ),
    rounds=1,
    signals=(signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1),
)


def mails_kill() -> None:
    """A plant: who reads a mail with the sentence dies as by a fault of a library in C, without a word."""
    from shared.adapters.graph.mail import GraphMailbox

    original: Callable[..., Any] = GraphMailbox.messages

    def messages(self: Any, items: Any) -> Any:
        found = original(self, items)
        if any(KILLER in (getattr(mail, "text", "") or getattr(mail, "html", "")) for mail in found.values()):
            os._exit(139)
        return found

    GraphMailbox.messages = messages  # type: ignore[method-assign]


def at_once(run: Callable[[], None]) -> None:
    """Twice, side by side. Raises what either of them raises."""
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(run) for _ in range(2)]:
            done.result()


def killing_mail(seed: int, mails: int, seconds: float, start: datetime) -> Plan:
    """Mails of contacts to agents in turn, numbered behind the rest; nothing is expected of them here."""
    script = Script(seed, start, first=90_000)
    agents = cycle(
        [agent for pair in zip(*(company.agents for company in COMPANIES), strict=True) for agent in pair]
    )
    for number in range(max(mails // SHARE, 1)):
        agent = next(agents)
        company = next(one for one in COMPANIES if one.is_own(agent))
        mail = script.mail("killing", script.dice.choice(company.contacts).address, [agent])
        mail.text = KILLER
        script.deliver(mail, agent, seconds * (number + 1) / (mails // SHARE + 2))
    return Plan(tuple(script.steps), script.truth)


@dataclass(frozen=True, slots=True)
class Killers:
    """The mails that kill: delivered beside the others, and looked for in Exceptions afterwards."""

    post: Post
    tenants: Sequence[Tenant]

    @classmethod
    def beside(cls, post: Post, plan: Plan, tenants: Sequence[Tenant]) -> "Killers":
        """Where mail lies is remembered in one place for all."""
        return cls(Post(post.control, plan, lies=post.lies), tenants)

    def delivering(self) -> threading.Thread:
        """Under way."""
        thread = threading.Thread(target=self.post.apply_decision, args=[self.post.plan.steps], daemon=True)
        thread.start()
        return thread

    def judge(self, report: Report, logs: Path) -> None:
        """Each of them is in Exceptions with advice, once; nothing else is there as poison, or was given up."""
        found = [row for tenant in self.tenants for row in _poison(tenant)]
        known = {item: row for row in found for item in row["ids"]}
        killers = {step.token: self.post.ids[step.copy] for step in self.post.plan.steps}
        lacking = [token for token, item in killers.items() if not known.get(item, {}).get("advice")]
        others = [str(row) for row in found if not set(row["ids"]) & set(killers.values())]
        given_up = given_up_in(logs)
        report.title("Mails that kill their worker")
        report.figure("mails", len(killers))
        report.figure("workers that they killed", count_in(logs, "worker_died"))
        report.figure("hosts that storage stopped", count_in(logs, "host_stopping"))
        report.figure("times that a command made way", _count_of(logs, '"outcome": "made_way"'))
        report.zero("not in Exceptions with advice", len(lacking), lacking)
        report.zero("others in Exceptions as poison", len(others), others)
        report.zero("commands that came to their last try", len(given_up), given_up)


def _poison(tenant: Tenant) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tenant.admin.call(
        "GET", "exceptions", params={"code": "poison", "limit": 200}
    )["exceptions"]
    return rows


def given_up_in(logs: Path) -> list[str]:
    """The lines of hosts about messages that came to their last try."""
    return [line for line in _lines(logs) if '"queue_message_poisoned"' in line]


def count_in(logs: Path, event: str) -> int:
    """How many lines of hosts say this."""
    return _count_of(logs, f'"event": "{event}"')


def _count_of(logs: Path, pair: str) -> int:
    return sum(1 for line in _lines(logs) if pair in line)


def _lines(logs: Path) -> list[str]:
    return [
        line
        for path in sorted(logs.glob("host-*.log"))
        for line in path.read_text(errors="replace").splitlines()
    ]
