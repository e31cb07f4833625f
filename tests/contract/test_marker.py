"""What every `ports.MailMarker` must do, on the fake, on Graph as the simulator plays it, and on Dovecot."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

import pytest

from dev.dovecot import Dovecot, running
from dev.simulator.serve import Simulator, running_simulator
from shared.adapters.graph.marking import GraphMarker
from shared.adapters.imap.marking import ImapMarker
from shared.domain.capture.folders import Role
from shared.domain.connections.mailboxes import INTAKE, Mailbox
from shared.domain.errors import AccessDenied, NotFound, Unavailable
from shared.domain.mail.items import ItemRef
from shared.ports.marking import MailMarker
from tests.builders import NOW, TENANT, a_mailbox
from tests.contract.dovecot_world import WANTED, OnDovecot, certificate
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


class ImapServer:
    """What a folder that may not be changed comes to, test_imap_cases.py has."""

    def __init__(self, dovecot: Dovecot) -> None:
        self.world = OnDovecot.fresh(dovecot, SERVICE, "other@contoso.example")
        self.mailbox = replace(self.world.mailbox, kind=INTAKE)
        self.marker = ImapMarker(self.world.mail.sessions)

    def deliver(self, name: str) -> ItemRef:
        raw = f"From: kim@x.example\r\nTo: {SERVICE}\r\nSubject: {name}\r\n\r\nCold.\r\n".encode()
        return self.world.mail.deliver(SERVICE, raw, Role.INBOX, received=NOW)

    def delete(self, item: ItemRef) -> None:
        self.world.delete(item)

    def be_busy(self) -> None:
        def nobody(host: str, port: int) -> socket.socket:
            raise OSError(f"{host}:{port} does not answer")

        self.world.mail.sessions.close()
        self.world.mail.sessions.dial = nobody

    def is_read(self, item: ItemRef) -> bool:
        return b"\\Seen" in self.world.mail.flags(SERVICE, item)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    cert, key, ca_file = certificate(tmp_path_factory.mktemp("certificate"))
    with running(cert=cert, key=key, ca_file=ca_file) as server:
        yield server


@pytest.fixture(params=["fake", "graph", pytest.param("imap", marks=WANTED)])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    if request.param == "fake":
        yield FakeServer()
        return
    if request.param == "imap":
        imap = ImapServer(request.getfixturevalue("dovecot"))
        yield imap
        imap.world.mail.sessions.close()
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


@pytest.mark.parametrize("server", ["fake", "graph"], indirect=True)
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
