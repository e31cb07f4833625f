"""Queues and leases in memory."""

from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Final, TypeVar

from shared.domain import names
from shared.domain.commands.envelope import Command
from shared.ports.work import PoisonMessage
from tests.fakes.faults import Faults

C = TypeVar("C", bound=Command)
PAGE: Final = 32


class FakeCommandQueue:
    """`sent` holds (command, delay) in order; `take` hands out what a worker would receive.

    `unread` are texts that were sent as they are: queue, text and delay.
    """

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.sent: list[tuple[Command, float]] = []
        self.unread: list[tuple[str, str, float]] = []

    def send(self, command: Command, *, delay: float = 0.0) -> None:
        with self.faults.write("CommandQueue.send"):
            self.sent.append((command, delay))

    def send_as_it_is(self, queue: str, text: str, *, delay: float) -> None:
        with self.faults.write("CommandQueue.send_as_it_is"):
            self.unread.append((queue, text, delay))

    @property
    def commands(self) -> list[Command]:
        return [command for command, _ in self.sent]

    def take(self, kind: type[C]) -> list[C]:
        """Remove and return the commands of one kind."""
        taken = [command for command in self.commands if isinstance(command, kind)]
        self.sent = [one for one in self.sent if not isinstance(one[0], kind)]
        return taken


class FakePoisonQueues:
    """`lying` holds each poison queue's texts; `hidden` are the ids that were taken and not removed."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.lying: dict[str, dict[str, str]] = {queue: {} for queue in names.QUEUES}
        self.hidden: set[str] = set()
        self._numbers = count()

    def give_up(self, queue: str, text: str) -> None:
        """As the host does after the last try."""
        self.lying[queue][str(next(self._numbers))] = text

    def take(self, queue: str) -> list[PoisonMessage]:
        self.faults.read("PoisonQueues.take")
        seen = [number for number in self.lying[queue] if number not in self.hidden][:PAGE]
        self.hidden.update(seen)
        return [PoisonMessage(number, "receipt", self.lying[queue][number]) for number in seen]

    def remove(self, queue: str, message: PoisonMessage) -> None:
        with self.faults.write("PoisonQueues.remove"):
            self.lying[queue].pop(message.id, None)


class FakeBacklog:
    """`asked` is when the first command of a queue was asked for that nobody runs."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.asked: dict[str, datetime] = {}

    def oldest(self, queue: str) -> datetime | None:
        self.faults.read("Backlog.oldest")
        return self.asked.get(queue)


class FakeParts:
    """`lacking` is what the account lacks."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.lacking: list[str] = []

    def missing(self) -> list[str]:
        self.faults.read("StoreParts.missing")
        return list(self.lacking)


class FakeLeases:
    """`held` are the mailboxes held right now, as tenant and mailbox id; a test may change it."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.held: set[tuple[str, str]] = set()

    def take(self, tenant_id: str, mailbox_id: str) -> "FakeLease | None":
        self.faults.read("Leases.take")
        if (tenant_id, mailbox_id) in self.held:
            return None
        self.held.add((tenant_id, mailbox_id))
        return FakeLease(self, (tenant_id, mailbox_id))


@dataclass
class FakeLease:
    """Held until it is released."""

    leases: FakeLeases
    mailbox: tuple[str, str]

    def release(self) -> None:
        self.leases.faults.read("Leases.release")
        self.leases.held.discard(self.mailbox)
