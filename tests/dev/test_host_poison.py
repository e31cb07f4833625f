"""How often the local host looks at queues, and at poison queues that have a function of their own; in memory."""

import asyncio
import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from azure.storage.queue import QueueMessage

from dev.host import queues
from dev.host.configuration import QueueOptions
from dev.host.functions import QUEUE, Declared
from dev.host.held import HeldFile
from dev.host.invocation import Invoker
from dev.host.queues import QueueListener, Surroundings
from dev.host.storage import Storage
from dev.processes import PATIENCE

WORK, POISON = "work", "work-poison"
HOUR = 3_600.0


class Queue:
    """One queue of storage. `asked`: how often somebody has looked."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.asked = 0

    def receive_messages(self, **_: object) -> Any:
        self.asked += 1
        taken, self.waiting = [QueueMessage(content=text) for text in self.waiting], []
        for number, message in enumerate(taken):
            message.id, message.pop_receipt, message.dequeue_count = f"m{number}", "r", 1
        return self._Pages(taken)

    class _Pages:
        def __init__(self, messages: list[QueueMessage]) -> None:
            self.messages = messages

        def by_page(self) -> Iterator[list[QueueMessage]]:
            return iter([self.messages])

    def send_message(self, text: str) -> None:
        self.waiting.append(text)

    def delete_message(self, _: QueueMessage) -> None:
        return


class Host:
    """Two listeners over queues in memory, as one host has them."""

    def __init__(self, options: QueueOptions) -> None:
        self.queues = {WORK: Queue(), POISON: Queue()}
        self.seen: list[str] = []
        around = Surroundings(
            Invoker(Path(__file__).parent / "app"),
            Storage(ThreadPoolExecutor(4), first_wait=0.0),
            HeldFile(None),
            pytest.fail,
        )
        self.listeners = {
            name: QueueListener(
                Declared(name, self._called, QUEUE, "msg", {"queueName": name}),
                self,  # type: ignore[arg-type]
                options=options,
                around=around,
                invisibility=HOUR,
            )
            for name in (WORK, POISON)
        }

    def get_queue_client(self, name: str) -> Queue:
        return self.queues[name]

    async def _called(self, msg: Any) -> None:
        self.seen.append(msg.get_body().decode())


async def until(holds: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.005)


def test_what_this_host_has_poisoned_is_looked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look but the first would come after an hour."""
    monkeypatch.setattr(queues, "MIN_INTERVAL", HOUR)
    monkeypatch.setattr(queues, "POISON_INTERVAL", HOUR)

    async def run() -> None:
        host = Host(QueueOptions(max_dequeue_count=0))
        poison = asyncio.create_task(host.listeners[POISON].run())
        await until(lambda: host.queues[POISON].asked == 1)
        host.queues[WORK].send_message(base64.b64encode(b"hello").decode())
        work = asyncio.create_task(host.listeners[WORK].run())
        await until(lambda: host.seen == ["hello"])
        for listener in host.listeners.values():
            listener.stop()
        await asyncio.gather(poison, work)

    asyncio.run(run())


@pytest.mark.parametrize(("name", "longest"), [(WORK, 60.0), (POISON, 1.0)])
def test_a_queue_with_nothing_in_it_is_looked_at_less_and_less_and_a_poison_queue_each_second(
    monkeypatch: pytest.MonkeyPatch, name: str, longest: float
) -> None:
    host = Host(QueueOptions(max_polling_interval=60.0))
    waits: list[float] = []

    async def happened(_: asyncio.Event, within: float) -> bool:
        waits.append(within)
        if len(waits) == 40:
            host.listeners[name].stop()
        return False

    monkeypatch.setattr(queues, "happened", happened)
    asyncio.run(host.listeners[name].run())
    assert waits[0] == queues.MIN_INTERVAL
    assert waits == sorted(waits)
    assert max(waits) == longest
