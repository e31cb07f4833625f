"""Connecting and mailbox tests over fakes, put together as the composition root does it."""

from dataclasses import dataclass, field
from datetime import datetime

from shared.services.connections.connecting import AskToConnect, TakeAnswer
from shared.services.connections.connection_care import (
    Disconnect,
    ProveAccess,
    ShowConnections,
    VerifyConnections,
    WatchConnections,
)
from shared.services.connections.mailbox_tests import Examine, TestMailbox, TestMailboxes
from shared.services.connections.mailboxes import GetMailbox, Register
from shared.services.connections.readdressing import NoticeAddresses, TakeOverAddress
from tests.builders import NOW
from tests.fake_connecting import FakeProbe, FakeSignIns
from tests.fake_mail import FakeMail
from tests.fakes import FakeStorage


@dataclass
class ConnectingWorld:
    """The use cases at `now`; `probe` and `sign_ins` do what a test says."""

    storage: FakeStorage = field(default_factory=FakeStorage)
    probe: FakeProbe = field(default_factory=FakeProbe)
    sign_ins: FakeSignIns = field(default_factory=FakeSignIns)
    mail: FakeMail = field(default_factory=FakeMail)
    now: datetime = NOW

    def clock(self) -> datetime:
        return self.now

    @property
    def examine(self) -> Examine:
        return Examine(self.probe, self.storage.connections, self.storage.index, self.clock)

    @property
    def register(self) -> Register:
        return Register(self.storage.organisations, self.storage.index)

    @property
    def test_mailbox(self) -> TestMailbox:
        return TestMailbox(self.examine, self.storage.mailboxes, self.clock)

    @property
    def test_mailboxes(self) -> TestMailboxes:
        return TestMailboxes(self.test_mailbox, self.storage.mailboxes)

    @property
    def prove(self) -> ProveAccess:
        storage = self.storage
        return ProveAccess(
            organisations=storage.organisations,
            connections=storage.connections,
            mailboxes=storage.mailboxes,
            examine=self.examine,
            queue=storage.queue,
            clock=self.clock,
        )

    @property
    def ask(self) -> AskToConnect:
        storage = self.storage
        return AskToConnect(
            storage.organisations, storage.connections, storage.mailboxes, self.sign_ins, self.clock
        )

    @property
    def take_answer(self) -> TakeAnswer:
        storage = self.storage
        return TakeAnswer(
            organisations=storage.organisations,
            connections=storage.connections,
            mailboxes=storage.mailboxes,
            sign_ins=self.sign_ins,
            prove=self.prove,
            clock=self.clock,
        )

    @property
    def show(self) -> ShowConnections:
        return ShowConnections(self.storage.connections, self.sign_ins.redirect_uri)

    @property
    def verify(self) -> VerifyConnections:
        storage = self.storage
        return VerifyConnections(storage.connections, storage.mailboxes, self.prove, self.test_mailbox)

    @property
    def disconnect(self) -> Disconnect:
        storage = self.storage
        return Disconnect(
            storage.organisations, storage.connections, storage.mailboxes, storage.queue, self.clock
        )

    @property
    def watch(self) -> WatchConnections:
        storage = self.storage
        return WatchConnections(
            storage.organisations, storage.connections, storage.mailboxes, self.prove, self.test_mailbox
        )

    @property
    def notice_addresses(self) -> NoticeAddresses:
        return NoticeAddresses(self.probe, self.storage.organisations, self.storage.mailboxes)

    @property
    def take_over_address(self) -> TakeOverAddress:
        storage = self.storage
        return TakeOverAddress(
            get=GetMailbox(storage.mailboxes),
            probe=self.probe,
            mail=self.mail,
            mailboxes=storage.mailboxes,
            folders=storage.folder_states,
            register=self.register,
            queue=storage.queue,
            clock=self.clock,
        )
