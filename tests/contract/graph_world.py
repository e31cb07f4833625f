"""The product over fakes of storage and over Microsoft Graph as the simulator plays it."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from dev.simulator.client import Control
from dev.simulator.serve import Simulator
from shared.adapters.graph.delegated import Sessions
from shared.adapters.graph.directory import GraphDirectory
from shared.adapters.graph.mail import GraphMail
from shared.adapters.graph.options import Memory, NoMemory
from shared.adapters.graph.probe import GraphProbe
from shared.adapters.graph.remembered import Remembered
from shared.adapters.graph.session import GraphSession
from shared.adapters.graph.tokens import ClientSecret, GraphTokens
from shared.domain.connections.mailboxes import Mailbox
from tests.builders import AGENT, CONTACT, TENANT, a_record
from tests.contract.eml_folders import eml
from tests.fakes import FakeConnections, FakePorts
from tests.unit.services.world import World


class SimulatedMail(GraphMail):
    """The real adapter, with application permissions: nobody signs in. `memory` outlasts it."""

    def __init__(self, simulator: Simulator, memory: Callable[[str], Memory] = lambda _: NoMemory()) -> None:
        credential = ClientSecret(simulator.client_secret)
        tokens = GraphTokens(
            simulator.url, simulator.client_id, credential, "https://graph.microsoft.com/.default"
        )
        session = GraphSession(simulator.url, tokens, memory)
        self.tokens, self.sessions = tokens, Sessions(session, None, FakeConnections())  # type: ignore[arg-type]
        super().__init__(self.sessions)
        self._control = simulator.control

    def add_mailbox(self, address: str) -> None:
        """An empty one: what an earlier test left there goes."""
        for has_mailbox in (False, True):
            self._control.users(TENANT, address, "Agent", mailbox=has_mailbox)


class GraphWorld(World):
    """One mailbox of the agent on the simulator, empty at first; the contact C-1 is known."""

    # A first walk asks for folders by names that not every mailbox has.
    NAMES_THAT_ARE_NO_FOLDERS = 1

    def __init__(self, simulator: Simulator) -> None:
        self.control: Control = simulator.control
        self.control.organisations(TENANT, "contoso.example")
        self._simulator = simulator
        super().__init__(FakePorts(mail=SimulatedMail(simulator)))  # type: ignore[arg-type]
        self.become_another_process()
        self.records(a_record())

    def become_another_process(self) -> None:
        """Nothing that the adapter has learnt is left but what was stored. The mailbox test asks Graph too."""
        storage: Any = self.storage
        memory = partial(Remembered, storage.habits, now=self.clock)
        storage.mail = SimulatedMail(self._simulator, memory)
        storage.directory = GraphDirectory(storage.mail.sessions)
        storage.probe = self.graph_probe()
        self.restart()

    def connect(self, address: str, **settings: Any) -> Mailbox:
        """Its folders are known once they have been walked."""
        mailbox = super().connect(address, **settings)
        self.storage.folder_states.forget(mailbox)
        return mailbox

    def arrive(
        self,
        name: str,
        folder: str = "inbox",
        *,
        received: datetime | None = None,
        answers: tuple[str, ...] = (),
        sensitivity: str = "",
        attachment: bytes = b"",
        image: bytes = b"",
    ) -> str:
        """A mail between agent and contact, just before now; its immutable id."""
        at = received or self.now - timedelta(minutes=1)
        agent, buyer = f"Agent <{AGENT}>", f"Buyer <{CONTACT}>"
        sender, to = (agent, buyer) if folder == "sentitems" else (buyer, agent)
        raw = eml(
            f"{name}@fabrikam.example",
            sender=sender,
            to=to,
            subject=name,
            sent_at=at,
            in_reply_to=answers[-1] if answers else "",
            references=answers,
            html=f"<p>{name}</p>",
            attachment=attachment,
            image=image,
        )
        if sensitivity:
            raw = f"Sensitivity: {sensitivity}\n".encode() + raw
        return str(self.control.deliver(AGENT, raw, folder, received=at)["id"])

    def settle(self) -> None:
        """Walk and work until nothing is left to do."""
        self.walk()
        self.work()

    def filed(self) -> list[str]:
        return sorted(entry.subject for entry in self.timeline())

    def found_by(self, address: str) -> str:
        """The main address of whoever has this one."""
        return GraphDirectory(self.mail.sessions).user(replace(self.mailbox, address=address)).address

    def graph_probe(self) -> GraphProbe:
        return GraphProbe(self.mail.sessions, self.mail.tokens)

    def wait_out(self, seconds: float | None) -> None:
        """Until Graph may be asked again: the adapter's own clock is the real one."""
        if seconds:
            time.sleep(seconds)

    def calls(self, status: int | None = None) -> int:
        """Graph calls since `control.clear_stats`, each item of a batch counted; or those answered so."""
        made = self.control.stats()["graph"]["calls"]
        return sum(row["count"] for row in made if status in (None, row["status"]))

    def reads(self) -> "Reads":
        """What was asked of Graph since `control.clear_stats`."""
        graph = self.control.stats()["graph"]
        made = Counter[str]()
        for row in graph["calls"]:
            made[row["endpoint"].removeprefix("GET /users/{id}/")] += row["count"]
        return Reads(
            delta=made["mailFolders/{id}/messages/delta"],
            lists=made["mailFolders/{id}/messages"],
            messages=made["messages/{id}"],
            folders=made["mailFolders"] + made["mailFolders/{id}/childFolders"],
            round_trips=graph["http_requests"],
        )


@dataclass(frozen=True, slots=True)
class Reads:
    """Calls by what they ask for, each item of a batch counted; and how often the wire was used."""

    delta: int
    lists: int
    messages: int
    folders: int
    round_trips: int
