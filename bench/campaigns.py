"""How much memory a campaign takes: its list as it is asked for, and the turns in which its mails leave.

    python -m bench.campaigns [--recipients 100 1000 10000] [--turns 3]

The product's own use cases run over Azurite in this process, with a mail server that forgets what it has sent, each
number of recipients in a process of its own. Megabytes are the most that the process held (VmHWM) beyond what it held
before; operations are storage requests, exact under any load.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.memory import Memory
from bench.operations import Counting
from dev.azurite import start_azurite
from shared.domain.campaigns.campaigns import Campaign
from shared.domain.campaigns.plans import CampaignWanted, PersonWanted
from shared.domain.commands.commands import RunCampaign, SendMail
from shared.domain.errors import TransientError
from shared.domain.mail.templates import MailTemplate
from shared.domain.privacy.callers import AGENT as ROLE
from shared.domain.privacy.callers import Caller
from tests.builders import AGENT, TENANT, a_mailbox, a_record, an_organisation
from tests.composed import use_cases_over
from tests.contract.conftest import AzureStorage, provision
from tests.fakes import FakePorts

OID: Final = "aaaaaaaa-1111-4111-8111-111111111111"
CALLER: Final = Caller(TENANT, frozenset({ROLE}), oid=OID, address=AGENT)
TEMPLATE: Final = MailTemplate(
    "News for {{ first_name }}", "<p>Dear {{ first_name }},</p>" + "<p>The market this spring.</p>" * 200, ""
)
PAGE: Final = 200


class Office:
    """An organisation with one agent and so many contacts."""

    def __init__(self, connection_string: str, recipients: int) -> None:
        storage = AzureStorage(connection_string, "direct")
        self.counting = Counting(storage.connection.calls)
        storage.connection.calls = self.counting
        self.ports: Any = FakePorts()
        vars(self.ports).update(
            {name: port for name, port in vars(storage).items() if hasattr(self.ports, name)}
        )
        self.ports.queue = FakePorts().queue
        self.use_cases = use_cases_over(self.ports, lambda: datetime.now(UTC))
        self.ports.organisations.put(an_organisation(mails_per_minute=10_000, recipients_per_day=20_000))
        self.mailbox = self.ports.mailboxes.save(a_mailbox(address=AGENT, agent=AGENT, agent_id=OID))
        for first in range(0, recipients, PAGE):
            numbers = range(first, min(first + PAGE, recipients))
            contacts = (
                a_record(f"contact/C-{n}", addresses=(f"person{n}@fabrikam.example",)) for n in numbers
            )
            persistently(partial(self.ports.records.put_many, TENANT, list(contacts)))

    def ask(self, recipients: int) -> Campaign:
        people = tuple(PersonWanted(f"C-{n}", values={"first_name": f"Jane {n}"}) for n in range(recipients))
        return self.use_cases.ask_campaign(CALLER, CampaignWanted("Spring", TEMPLATE, people=people), "key")

    def turn(self) -> None:
        """What both queues have: the campaign's next mails are asked for, and what is due leaves."""
        for command in self.ports.queue.take(RunCampaign):
            self.use_cases.run_campaign(command)
        for mail in self.ports.queue.take(SendMail)[:1]:
            self.use_cases.send_due(mail)
        # A server keeps what it has sent in the mailbox, not in this process.
        self.ports.sender.outbound.clear()
        self.ports.sender.letters.clear()


def persistently(run: Callable[[], object]) -> None:
    """Azurite may have no time; whatever is repeated here may run twice."""
    while True:
        try:
            run()
        except TransientError:
            continue
        return


def measured(what: str, count: int, office: Office, run: Callable[[], object]) -> None:
    memory = Memory(os.getpid())
    office.counting.counts.clear()
    before, began = memory.resident(), time.monotonic()
    peak = memory.peak_of(partial(persistently, run))
    operations = office.counting.counts.total()
    print(
        f"{what:<34}{count:>8}{peak - before:>10.1f}{operations:>12}{time.monotonic() - began:>10.1f}",
        flush=True,
    )


def measure(recipients: int, turns: int) -> None:
    with tempfile.TemporaryDirectory() as directory, start_azurite(Path(directory) / "log") as azurite:
        provision(azurite.connection_string)
        office = Office(azurite.connection_string, recipients)
        measured("asked for", recipients, office, lambda: office.ask(recipients))
        for number in range(1, turns + 1):
            measured(f"turn {number}", recipients, office, office.turn)


def main() -> None:
    parser = argparse.ArgumentParser(description="The memory that a campaign takes.")
    parser.add_argument("--recipients", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    if len(options.recipients) == 1:
        measure(options.recipients[0], options.turns)
        return
    print(f"{'':<34}{'people':>8}{'MB':>10}{'operations':>12}{'seconds':>10}")
    for count in options.recipients:
        command = [sys.executable, "-m", "bench.campaigns", "--turns", str(options.turns)]
        subprocess.run([*command, "--recipients", str(count)], check=True)


if __name__ == "__main__":
    main()
