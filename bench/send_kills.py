"""Agents send while the hosts are killed again and again, under both readings of Graph; then what left is counted.

    python -m bench.send_kills [--kills 50] [--mails 200] [--seed 1]

A host is killed by SIGKILL, somewhere in the first seconds of its work, while Graph and storage fail now and then. Half
of the kills come where a sent copy keeps id and Message-ID, half where it loses both. What a killed worker was about to
hand over is sent again after ten minutes, so a run may take a quarter of an hour. Ends with 1 where a mail left twice,
was lost, bears no code, or has not exactly one entry.
"""

import argparse
import contextlib
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from typing import Any, Final

from bench.sending_load import Agent, Asked, SendingLoad
from bench.soak_report import Report
from dev.stack import Stack, StackOptions
from dev.tenant import Tenant

AGENTS: Final = 6
FAULTS: Final = {
    "error_rate": 0.1,
    "error_kinds": ["429", "500", "503", "reset", "timeout"],
    "retry_after_s": 1.0,
    "timeout_s": 1.5,
    "storage_busy": 0.02,
    "storage_reply_lost": 0.02,
}
KEEPS: Final = {"draft_keeps_immutable_id": True, "keeps_message_id": True}
CHANGES: Final = {"draft_keeps_immutable_id": False, "keeps_message_id": False}
START: Final = 90.0
ENDS: Final = 900.0


def agents_of(tenant: Tenant, count: int = AGENTS) -> list[Agent]:
    """So many agents with captured mailboxes, each with a contact of its own."""
    found = []
    for number in range(1, count + 1):
        contact, recipient = f"B{number}", f"buyer{number}@fabrikam.example"
        tenant.contact(contact, recipient)
        found.append(Agent(tenant, tenant.agent(f"sender{number}"), contact, recipient))
    tenant.connect(*(agent.address for agent in found))
    return found


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run has sent; `waiting` are the mails that had not ended when it was over."""

    tenant: Tenant
    load: SendingLoad
    killed: int
    waiting: list[Asked]

    def report(self) -> Report:
        report = Report()
        report.title("Sending under kills")
        report.figure("hosts killed", self.killed)
        self.load.report(report, self.tenant.control.outbound(), self.waiting)
        return report


def run(stack: Stack, *, kills: int, mails: int, seed: int, wait: float = ENDS) -> Ran:
    """`mails` in the time that the kills take; then `wait` seconds for them to end."""
    tenant = Tenant(stack.ready, f"kills{seed}.example")
    tenant.control.put_habits(**KEEPS)
    load = SendingLoad(agents_of(tenant), count=mails, seconds=kills * 4.0, seed=seed)
    tenant.control.put_faults(**FAULTS, seed=seed)
    load.start()
    killed = _kill(stack.ready, tenant, kills, random.Random(seed))
    tenant.control.clear_faults()
    load.join()
    return Ran(tenant, load, killed, load.wait(seconds=wait))


def _kill(ready: dict[str, Any], tenant: Tenant, kills: int, dice: random.Random) -> int:
    """Each time that a host is there; the second half under the other reading."""
    last, killed = 0, 0
    for number in range(kills):
        if number == kills // 2:
            tenant.control.put_habits(**CHANGES)
        began = time.monotonic()
        while ready["pids"]["host"][0] == last and time.monotonic() - began < START:
            time.sleep(0.05)
        time.sleep(dice.uniform(0.5, 5.0))
        last = ready["pids"]["host"][0]
        with contextlib.suppress(ProcessLookupError):
            os.kill(last, signal.SIGKILL)
            killed += 1
    return killed


def main() -> None:
    parser = argparse.ArgumentParser(description="Sends while hosts are killed, and counts what left.")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--mails", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with Stack(StackOptions(shorten=4, invisibility=5)) as stack:
        report = run(stack, kills=options.kills, mails=options.mails, seed=options.seed).report()
    print(report)
    sys.exit(bool(report.failures))


if __name__ == "__main__":
    main()
