"""Queues, leases and the clock, as use cases need them."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from shared.domain.commands.envelope import Command

Clock = Callable[[], datetime]


class CommandQueue(Protocol):
    def put(self, command: Command, *, delay: float = 0.0) -> None:
        """Enqueue, readable after `delay` seconds. Never expires."""


class PromptQueue(CommandQueue, Protocol):
    """A queue that takes the command within two seconds or raises: a caller waits for the answer."""


class Lease(Protocol):
    """A mailbox that is held."""

    def release(self) -> None:
        """Give it back. A lease that cannot be given back ends by itself, some seconds later."""


class Leases(Protocol):
    def take(self, tenant_id: str, mailbox_id: str) -> Lease | None:
        """Hold the mailbox, renewed until it is released; None while anybody holds it. Tries once, waits for nobody."""
