"""What sending a mail costs in storage operations and Graph requests, in this process alone.

    python -m bench.sending [--mails 20]

The product's own use cases run over Azurite's tables, queues and leases and over Graph as the simulator plays it.
Counts are exact under any load. A small mail without files, from the request to its confirmed copy: `asked` is the
request, `sent` what the queue function does, `copied` the filing of the sent copy that a notification brings, which
costs what any other mail does and confirms the mail. `alone` are mails that leave one by one, `burst` are ten at once.
The first mail of the mailbox is not counted: it makes a lease, and its draft is marked by one more request.
"""

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.operations import Counting
from dev.azurite import start_azurite
from dev.simulator.serve import Simulator, running_simulator
from shared.adapters.graph.delegated import Sessions
from shared.adapters.graph.mail import GraphMail
from shared.adapters.graph.options import NoMemory
from shared.adapters.graph.sending import GraphSender
from shared.adapters.graph.session import GraphSession
from shared.adapters.graph.tokens import ClientSecret, GraphTokens
from shared.domain.commands.commands import IngestMessages, SendMail, SyncMailbox
from shared.domain.mail.items import ItemRef
from shared.domain.privacy.callers import AGENT as ROLE
from shared.domain.privacy.callers import Caller
from shared.domain.records.records import RecordRef
from shared.domain.sending.states import State
from shared.domain.sending.wanted import MailWanted
from tests.builders import AGENT, CONTACT, TENANT, a_mailbox, a_record, an_organisation, people
from tests.composed import use_cases_over
from tests.contract.conftest import AzureStorage, provision
from tests.fakes import FakeConnections, FakePorts

OID: Final = "aaaaaaaa-1111-4111-8111-111111111111"
BURST: Final = 10
WORDS: Final = "The viewing is on Thursday at ten; the keys are with the porter. " * 6


@dataclass
class Costs:
    """By stage: storage operations by place and verb, and Graph calls by endpoint."""

    storage: dict[str, Counter[str]] = field(default_factory=dict)
    graph: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, stage: str, storage: Counter[str], graph: Counter[str]) -> None:
        self.storage.setdefault(stage, Counter()).update(storage)
        self.graph.setdefault(stage, Counter()).update(graph)


class Office:
    """An organisation with one agent and one contact, over real storage and simulated mail."""

    def __init__(self, connection_string: str, simulator: Simulator) -> None:
        self.storage = AzureStorage(connection_string, "direct")
        self.counting = Counting(self.storage.connection.calls)
        self.storage.connection.calls = self.counting
        self.control = simulator.control
        self.control.organisations(TENANT, "contoso.example")
        self.control.users(TENANT, AGENT, "Agent")
        ports: Any = FakePorts()
        sessions = sessions_with(simulator)
        ports.mail, ports.sender = GraphMail(sessions), GraphSender(sessions)
        vars(ports).update({name: port for name, port in vars(self.storage).items() if hasattr(ports, name)})
        self.ports = ports
        self.use_cases = use_cases_over(ports, lambda: datetime.now(UTC))
        # No pace, ours or the server's: it is not measured here how long a burst takes.
        self.control.put_habits(messages_a_minute=10_000)
        ports.organisations.put(an_organisation(mails_per_minute=10_000))
        self.mailbox = ports.mailboxes.save(a_mailbox(address=AGENT, agent=AGENT, agent_id=OID))
        ports.records.put_many(
            TENANT, [a_record("contact/C-1", addresses=(CONTACT,)), a_record("property/P-1")]
        )
        self.costs = Costs()
        # So that its folders are known.
        walk = SyncMailbox(tenant_id=TENANT, mailbox_id=self.mailbox.mailbox_id, first_at=datetime.now(UTC))
        self.use_cases.take_turn(walk)
        self._send_first()

    def _send_first(self) -> None:
        """The first mail makes the mailbox's lease, and its copy shows how those of the tenant are found."""
        seen: set[str] = set()
        self.copies(seen)
        self.ask("the first")
        self.send()
        self.file(self.copies(seen, 1))

    @contextmanager
    def measured(self, stage: str) -> Iterator[None]:
        self.counting.counts.clear()
        self.storage.requests.clear()
        self.control.clear_stats()
        yield
        counted = Counter({f"{place} {verb}": count for (place, verb), count in self.counting.counts.items()})
        counted["blobs"] = len(self.storage.requests) - counted.total()
        calls = Counter[str]()
        for row in self.control.stats()["graph"]["calls"]:
            calls[row["endpoint"]] += row["count"]
        self.costs.add(stage, +counted, calls)

    def ask(self, key: str) -> str:
        caller = Caller(TENANT, frozenset({ROLE}), oid=OID, address=AGENT)
        wanted = MailWanted(
            to=people(CONTACT),
            subject=f"Viewing {key}",
            html=f"<p>{WORDS}</p>",
            records=(RecordRef("property", "P-1"),),
        )
        return self.use_cases.ask_to_send(caller, wanted, key).mail.id

    def send(self) -> None:
        """The queue function, as the command of the first mail calls it."""
        command = SendMail(tenant_id=TENANT, mailbox_id=self.mailbox.mailbox_id, first_at=datetime.now(UTC))
        self.use_cases.send_due(command)

    def copies(self, seen: set[str], count: int = 0) -> list[ItemRef]:
        """What a notification tells of: the copies among the sent items, once there are so many new ones."""
        while True:
            lying = [row["id"] for row in self.control.messages(AGENT) if row["folder"] == "sentitems"]
            new = [item for item in lying if item not in seen]
            if len(new) >= count:
                seen.update(new)
                return [ItemRef("", item) for item in new]
            time.sleep(0.05)

    def file(self, items: Sequence[ItemRef]) -> None:
        self.use_cases.take_turn(
            IngestMessages(
                tenant_id=TENANT,
                mailbox_id=self.mailbox.mailbox_id,
                first_at=datetime.now(UTC),
                items=tuple(items),
            )
        )

    def is_confirmed(self, mail_id: str) -> bool:
        mail = self.ports.outbox.get(TENANT, mail_id)
        return mail is not None and mail.state is State.CONFIRMED


def sessions_with(simulator: Simulator) -> Sessions:
    """With application permissions: nobody signs in."""
    credential = ClientSecret(simulator.client_secret)
    scope = "https://graph.microsoft.com/.default"
    tokens = GraphTokens(simulator.url, simulator.client_id, credential, scope)
    nobody: Any = None
    connections: Any = FakeConnections()
    return Sessions(GraphSession(simulator.url, tokens, lambda _: NoMemory()), nobody, connections)


def run(office: Office, name: str, mails: int, size: int) -> None:
    """Ask for `size` mails, send them, file their copies; again until `mails` have left."""
    seen: set[str] = set()
    office.copies(seen)
    office.costs = Costs()
    confirmed = 0
    for start in range(0, mails, size):
        keys = [f"{name} {number}" for number in range(start, start + size)]
        with office.measured("asked"):
            ids = [office.ask(key) for key in keys]
        with office.measured("sent"):
            office.send()
        items = office.copies(seen, len(ids))
        with office.measured("copied"):
            office.file(items)
        confirmed += sum(map(office.is_confirmed, ids))
    report(name, mails, confirmed, office.costs)


def report(name: str, mails: int, confirmed: int, costs: Costs) -> None:
    own = sum(costs.storage[stage].total() for stage in ("asked", "sent")) / mails
    requests = sum(calls.total() for calls in costs.graph.values()) / mails
    print(f"\n{name}: {mails} mails, {confirmed} confirmed; until it has left {own:.2f} operations a mail,")
    print(f"    its copy {costs.storage['copied'].total() / mails:.2f}; {requests:.2f} Graph requests in all")
    for stage, counts in costs.storage.items():
        for place, count in counts.most_common():
            print(f"    {stage:<10}{place:<28}{count:>6}{count / mails:>9.3f}")
    for stage, calls in costs.graph.items():
        for endpoint, count in calls.most_common():
            print(f"    {stage:<10}{endpoint:<60}{count:>6}{count / mails:>9.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Storage operations and Graph requests of a mail that is sent."
    )
    parser.add_argument("--mails", type=int, default=20)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as directory,
        start_azurite(Path(directory) / "azurite.log") as azurite,
        running_simulator() as simulator,
    ):
        os.environ["REQUESTS_CA_BUNDLE"] = simulator.ca_file
        provision(azurite.connection_string)
        office = Office(azurite.connection_string, simulator)
        run(office, "alone", options.mails, 1)
        run(office, "burst", options.mails, BURST)


if __name__ == "__main__":
    main()
