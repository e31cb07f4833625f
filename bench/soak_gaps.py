"""Kills every host between two writes of a mail's way, for each write in turn.

Each mail has one way in, the page of changes that shows it: no notification tells of it, no cursor is lost, and
nothing is compared with the mailbox. What the process that was killed had not made safe is therefore missed.
"""

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import cycle
from typing import Any, Final

import requests

from bench.soak_ledger import Ledger
from bench.soak_plan import Plan
from bench.soak_run import Post
from bench.soak_script import Script, Step
from bench.soak_world import COMPANIES
from dev.tenant import eventually
from shared.domain import names
from shared.domain.capture.pending import MAIL
from shared.domain.errors import TransientError

SECONDS: Final = 60.0
INBOX: Final = "{inbox}"
MAILBOX: Final = "{mailbox}"


@dataclass(frozen=True, slots=True)
class Gap:
    """The write after which the hosts are killed: its service, and what stands in its request."""

    name: str
    service: str
    texts: tuple[str, ...]
    count: int = 1


GAPS: Final = (
    Gap("a mail's row in the ledger", "table", (f"/{names.SIGHTINGS}", MAILBOX)),
    Gap("its row in the worklist", "table", (f"/{names.PENDING}", MAILBOX, f'"{MAIL}"')),
    Gap("its folder's cursor", "table", (f"/{names.SYNC_STATES}", INBOX)),
    Gap("its own row", "table", (f"/{names.MESSAGES}",)),
    Gap("its entry on a timeline", "table", (f"/{names.TIMELINE}",)),
    Gap("the second change of its row", "table", (f"/{names.MESSAGES}",), count=2),
)


def gap_mail(seed: int, start: datetime, *, first: int) -> Plan:
    """One mail of a contact for each gap, each to a mailbox of its own, numbered from `first`."""
    script = Script(seed, start, first)
    for number, company in zip(range(len(GAPS)), cycle(COMPANIES)):
        agent = company.agents[number // len(COMPANIES) % len(company.agents)]
        contact = company.contacts[script.dice.randrange(len(company.clients))]
        mail = script.mail("killed over", contact.address, [agent])
        script.expect(mail)
        script.deliver(mail, agent, 0.0)
    return Plan(tuple(script.steps), script.truth)


class Gaps:
    """Has each mail walked into its gap. Mind that notifications are off, and other faults too."""

    def __init__(self, ready: Mapping[str, Any], ledger: Ledger, post: Post) -> None:
        self._ready, self._ledger, self._post = ready, ledger, post

    def run(self, steps: Sequence[Step]) -> list[str]:
        """Names the gaps that no write led to: nothing was killed there."""
        return [gap.name for gap, step in zip(GAPS, steps, strict=True) if not self._killed(gap, step)]

    def _killed(self, gap: Gap, step: Step) -> bool:
        self._post.apply_decision([step])
        mailbox, inbox = self._ledger.mailbox_and_inbox(step.address)
        filled = {MAILBOX: mailbox, INBOX: inbox}
        texts = [filled.get(text, text) for text in gap.texts]
        self._dam("PUT", {"service": gap.service, "texts": texts, "count": gap.count})
        try:
            eventually(partial(self._polled, step.address), seconds=SECONDS, what="a poll")
            eventually(self._is_closed, seconds=SECONDS, what=gap.name)
            self._kill()
        except TimeoutError:
            return False
        finally:
            self._dam("DELETE")
        return True

    def _polled(self, address: str) -> bool:
        """A host that was killed takes a moment to come back."""
        with contextlib.suppress(requests.RequestException, TransientError):
            self._ledger.poll_now(address)
            return True
        return False

    def _kill(self) -> None:
        """All hosts, without a word; back come others."""
        killed: list[int] = list(self._ready["pids"]["host"])
        for pid in killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        eventually(
            lambda: not set(killed) & set(self._ready["pids"]["host"]),
            seconds=SECONDS,
            what="the start of other hosts",
        )

    def _is_closed(self) -> bool:
        return bool(self._dam("GET")["closed"])

    def _dam(self, method: str, mark: Mapping[str, object] | None = None) -> Any:
        answer = requests.request(method, self._ready["storage_dam_url"], json=mark, timeout=30)
        answer.raise_for_status()
        return answer.json()
