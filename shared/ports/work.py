"""Queues, leases and the clock, as use cases need them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.commands.envelope import Command

Clock = Callable[[], datetime]


class CommandQueue(Protocol):
    def put(self, command: Command, *, delay: float = 0.0) -> None:
        """Enqueue, readable after `delay` seconds. Never expires."""


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


class Leases(Protocol):
    # One walk and three ingests are the four requests that Outlook takes at once for a mailbox and an application.
    def walk(self, tenant_id: str, mailbox_id: str) -> AbstractContextManager[None]:
        """Hold the mailbox's only place for a walk. Raises Busy. Renewed while held."""

    def slot(self, tenant_id: str, mailbox_id: str) -> AbstractContextManager[None]:
        """Take one of the mailbox's three ingest slots. Raises Busy. Renewed while held."""
