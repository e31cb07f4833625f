"""What every `ports.MailMarker` must do, on the fake and on Graph as the simulator plays it."""

from collections.abc import Iterator
from typing import Protocol

import pytest

from dev.simulator.serve import Simulator, running_simulator
from shared.adapters.graph.marking import GraphMarker
from shared.domain.connections.mailboxes import INTAKE, Mailbox
from shared.domain.errors import AccessDenied, NotFound, Unavailable
from shared.domain.mail.items import ItemRef
from shared.ports.marking import MailMarker
from tests.builders import NOW, TENANT, a_mailbox
from tests.contract.eml_folders import eml
from tests.contract.graph_world import SimulatedMail
from tests.fakes.marking import FakeMarker

pytestmark = pytest.mark.stack

SERVICE = "service@contoso.example"


class Server(Protocol):
    """A mailbox with unread mail, and what marks it."""

    mailbox: Mailbox

    @property
    def marker(self) -> MailMarker: ...

    def deliver(self, name: str) -> ItemRef: ...

    def delete(self, item: ItemRef) -> None: ...

    def refuse(self) -> None:
        """From now on marking is not permitted."""

    def be_busy(self) -> None:
        """Whatever is asked next fails for now."""

    def is_read(self, item: ItemRef) -> bool: ...


class FakeServer:
    def __init__(self) -> None:
        self.marker = self.fake = FakeMarker()
        self.mailbox = a_mailbox(address=SERVICE, kind=INTAKE)

    def deliver(self, name: str) -> ItemRef:
        return ItemRef("", name)

    def delete(self, item: ItemRef) -> None:
        self.fake.gone.add(item)

    def refuse(self) -> None:
        self.fake.refuses = AccessDenied("no", "ErrorAccessDenied")

    def be_busy(self) -> None:
        self.fake.fail = Unavailable("busy")

    def is_read(self, item: ItemRef) -> bool:
        return (SERVICE, item) in self.fake.marked


class GraphServer:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator, self.control = simulator, simulator.control
        self.control.clear_faults()
        self.control.organisations(TENANT, "contoso.example")
        self.control.consent(TENANT, roles=["Mail.ReadWrite", "User.Read.All"])
        mail = SimulatedMail(simulator)
        mail.add_mailbox(SERVICE)
        self.marker = GraphMarker(mail.sessions)
        self.mailbox = a_mailbox(address=SERVICE, kind=INTAKE)

    def deliver(self, name: str) -> ItemRef:
        raw = eml(
            f"{name}@x.example",
            sender="kim@x.example",
            to=SERVICE,
            subject=name,
            sent_at=NOW,
            html="<p>Cold.</p>",
        )
        return ItemRef("", str(self.control.deliver(SERVICE, raw, received=NOW)["id"]))

    def delete(self, item: ItemRef) -> None:
        self.control.delete(SERVICE, item.item_id, hard=True)

    def refuse(self) -> None:
        self.control.consent(TENANT, roles=["Mail.Read", "User.Read.All"])
        self.marker = GraphMarker(SimulatedMail(self._simulator).sessions)

    def be_busy(self) -> None:
        self.control.put_faults(error_rate=1.0, error_kinds=["503"])

    def is_read(self, item: ItemRef) -> bool:
        found = self.control.messages(SERVICE)
        return next(bool(mail["isRead"]) for mail in found if mail["id"] == item.item_id)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture(params=["fake", "graph"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    if request.param == "fake":
        yield FakeServer()
        return
    simulator: Simulator = request.getfixturevalue("simulator")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", simulator.ca_file)
    yield GraphServer(simulator)
    simulator.control.clear_faults()
    simulator.control.consent(TENANT, roles=None)


def test_mails_are_marked_and_a_second_time_changes_nothing(server: Server) -> None:
    items = [server.deliver("first"), server.deliver("second")]
    other = server.deliver("other")
    for _ in range(2):
        assert server.marker.mark_read(server.mailbox, items) == {items[0]: None, items[1]: None}
    assert [server.is_read(item) for item in (*items, other)] == [True, True, False]


def test_a_mail_that_is_gone_keeps_back_no_other(server: Server) -> None:
    gone, there = server.deliver("gone"), server.deliver("there")
    server.delete(gone)
    outcomes = server.marker.mark_read(server.mailbox, [gone, there])
    assert isinstance(outcomes[gone], NotFound)
    assert (outcomes[there], server.is_read(there)) == (None, True)


def test_who_may_not_mark_is_told_so_for_each(server: Server) -> None:
    item = server.deliver("first")
    server.refuse()
    assert isinstance(server.marker.mark_read(server.mailbox, [item])[item], AccessDenied)
    assert not server.is_read(item)


def test_a_busy_server_is_asked_again(server: Server) -> None:
    item = server.deliver("first")
    server.be_busy()
    with pytest.raises(Unavailable):
        server.marker.mark_read(server.mailbox, [item])
