"""Queues, leases and the clock, as use cases need them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.commands.envelope import Command

Clock = Callable[[], datetime]


class CommandQueue(Protocol):
    def send(self, command: Command, *, delay: float = 0.0) -> None:
        """Enqueue, readable after `delay` seconds. Never expires."""

    def send_as_it_is(self, queue: str, text: str, *, delay: float) -> None:
        """The same for the text of a command that this version cannot read: another one finds it byte for byte."""


class PromptQueue(CommandQueue, Protocol):
    """A queue that takes the command within two seconds or raises: a caller waits for the answer."""


@dataclass(frozen=True, slots=True)
class PoisonMessage:
    """What the host gave up on: its text, or as it lies there where it is no text. `receipt` allows its removal."""

    id: str
    receipt: str
    text: str


class PoisonQueues(Protocol):
    def take(self, queue: str) -> list[PoisonMessage]:
        """Some of what was given up on from a queue; hidden for five minutes, so the next call finds others."""

    def remove(self, queue: str, message: PoisonMessage) -> None: ...


class Backlog(Protocol):
    def oldest(self, queue: str) -> datetime | None:
        """When the oldest command was asked for that a queue holds and nobody runs; None without one."""


class StoreParts(Protocol):
    def missing(self) -> list[str]:
        """The tables, queues and containers that the account lacks, each as its kind and name."""


class Lease(Protocol):
    """A mailbox that is held."""

    def release(self) -> None:
        """Give it back. A lease that cannot be given back ends by itself, some seconds later."""


class Leases(Protocol):
    def take(self, tenant_id: str, mailbox_id: str) -> Lease | None:
        """Hold the mailbox, renewed until it is released; None while anybody holds it. Tries once, waits for nobody."""
