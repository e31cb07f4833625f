"""Connecting and mailbox tests of one process, put together: for the client API, and for the timers."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from shared.bootstrap.adapters import Adapters
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


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Connecting:
    """The use cases over these adapters, each made when it is first asked for."""

    parts: Adapters

    @cached_property
    def examine(self) -> Examine:
        return Examine(self.parts.probe, self.parts.connections, self.parts.index, _now)

    @cached_property
    def register(self) -> Register:
        return Register(self.parts.organisations, self.parts.index)

    @cached_property
    def test_mailbox(self) -> TestMailbox:
        return TestMailbox(self.examine, self.parts.mailboxes, _now)

    @cached_property
    def test_mailboxes(self) -> TestMailboxes:
        return TestMailboxes(self.test_mailbox, self.parts.mailboxes)

    @cached_property
    def prove(self) -> ProveAccess:
        parts = self.parts
        return ProveAccess(
            organisations=parts.organisations,
            connections=parts.connections,
            mailboxes=parts.mailboxes,
            examine=self.examine,
            queue=parts.queue,
            clock=_now,
        )

    @cached_property
    def ask(self) -> AskToConnect:
        parts = self.parts
        return AskToConnect(parts.organisations, parts.connections, parts.mailboxes, parts.sign_ins, _now)

    @cached_property
    def take_answer(self) -> TakeAnswer:
        parts = self.parts
        return TakeAnswer(
            organisations=parts.organisations,
            connections=parts.connections,
            mailboxes=parts.mailboxes,
            sign_ins=parts.sign_ins,
            prove=self.prove,
            clock=_now,
        )

    @cached_property
    def show(self) -> ShowConnections:
        return ShowConnections(self.parts.connections, self.parts.sign_ins.redirect_uri)

    @cached_property
    def verify(self) -> VerifyConnections:
        parts = self.parts
        return VerifyConnections(parts.connections, parts.mailboxes, self.prove, self.test_mailbox)

    @cached_property
    def disconnect(self) -> Disconnect:
        parts = self.parts
        return Disconnect(parts.organisations, parts.connections, parts.mailboxes, parts.queue, _now)

    @cached_property
    def watch(self) -> WatchConnections:
        parts = self.parts
        return WatchConnections(
            parts.organisations, parts.connections, parts.mailboxes, self.prove, self.test_mailbox
        )

    @cached_property
    def notice_addresses(self) -> NoticeAddresses:
        parts = self.parts
        return NoticeAddresses(parts.probe, parts.organisations, parts.mailboxes)

    @cached_property
    def take_over_address(self) -> TakeOverAddress:
        parts = self.parts
        return TakeOverAddress(
            get=GetMailbox(parts.mailboxes),
            probe=parts.probe,
            mail=parts.mail,
            mailboxes=parts.mailboxes,
            folders=parts.folders,
            register=self.register,
            queue=parts.queue,
            clock=_now,
        )
