"""One queue trigger: fetches messages, keeps them hidden while they run, decides what becomes of failures.

The rules are those of the WebJobs queue extension 5.x: a failed message is released after `visibilityTimeout`, copied
to `<queue>-poison` at `maxDequeueCount`, and not run at all above it. A queue that is not there is asked for again and
again without a word. A host that cannot delete or release a message is at its end. On a poison queue nothing is
released or removed: what fails or cannot be decoded is back once its time of invisibility is over. It is asked for
each second, and at once where this host has put a message there.
"""

import asyncio
import base64
import binascii
import contextlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import azure.functions as func
from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.functions.queue import QueueMessage as FunctionMessage
from azure.storage.queue import QueueClient, QueueMessage, QueueServiceClient

from dev.host.configuration import QueueOptions
from dev.host.functions import Declared
from dev.host.held import HeldFile, HeldMessage
from dev.host.invocation import Invoker, reason, report
from dev.host.storage import Storage, is_refused
from dev.host.waiting import happened

POISON = "-poison"
MIN_INTERVAL = 0.1  # QueuePollingIntervals.Minimum
POISON_INTERVAL = 1.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the listeners of one host share. `fail` ends the host, with what could not be done.

    `poisoned`: set where this host has put a message into the poison queue of that name.
    """

    invoker: Invoker
    storage: Storage
    held: HeldFile
    fail: Callable[[str], None]
    poisoned: dict[str, asyncio.Event] = field(default_factory=dict)


class QueueListener:
    """Polls one queue for one function until it is stopped.

    `invisibility`: for how many seconds a running message is hidden from others; renewed at half-time.
    """

    def __init__(
        self,
        function: Declared,
        service: QueueServiceClient,
        *,
        options: QueueOptions,
        around: Surroundings,
        invisibility: float,
    ) -> None:
        self.name = function.name
        self._function = function
        self._queue_name = str(function.values["queueName"])
        self._queue: QueueClient = service.get_queue_client(self._queue_name)
        self._poison: QueueClient | None = None
        is_poison = self._queue_name.endswith(POISON)
        if not is_poison:
            self._poison = service.get_queue_client(self._queue_name + POISON)
        longest = options.max_polling_interval
        self._max_interval = min(longest, POISON_INTERVAL) if is_poison else longest
        self._poisoned = around.poisoned
        self._look = asyncio.Event()
        if is_poison:
            self._poisoned[self._queue_name] = self._look
        self._options = options
        self._invoker = around.invoker
        self._call = around.storage.call
        self._held = around.held
        self._fail = around.fail
        self._invisibility = invisibility
        self._running: dict[asyncio.Task[None], QueueMessage] = {}
        self._done = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Fetch and run messages until `stop`, then wait for those that run.

        A storage error is reported and the poll tried again.
        """
        interval = MIN_INTERVAL
        while not self._stopping.is_set():
            try:
                found = await self._fetch()
            except AzureError as error:
                if not isinstance(error, ResourceNotFoundError):
                    report("queue_poll_failed", queue=self._queue_name, reason=reason(error))
                found, interval = 0, self._max_interval
            if found:
                interval = MIN_INTERVAL
                await self._room()
            else:
                await happened(self._look, interval)
                self._look.clear()
                interval = min(interval * 2 * random.uniform(0.8, 1.2), self._max_interval)
        await asyncio.gather(*self._running)

    def stop(self) -> None:
        """Fetch no more; what runs goes on."""
        self._stopping.set()
        self._look.set()
        self._done.set()

    async def give_back(self) -> int:
        """Release what runs as though it had failed, and say how much that was; its threads go on."""
        running = dict(self._running)
        for task in running:
            task.cancel()
        for message in running.values():
            with contextlib.suppress(AzureError):  # finished, or renewed meanwhile: it comes back later
                await self._release(message, message.dequeue_count or 0)
        return len(running)

    async def take_over(self, left: Sequence[HeldMessage]) -> int:
        """Release what ran in a worker that has died: as though it had failed. Says how much that was."""
        own = [message for message in left if message.queue == self._queue_name]
        for message in own:
            with contextlib.suppress(AzureError):
                await self._release(_as_taken(message), message.dequeue_count)
        return len(own)

    async def run_by_hand(self, body: str) -> None:
        """Run the function once with this text as its message, as the admin call does."""
        await self._invoker.call(self._function, _by_hand(body))

    async def _fetch(self) -> int:
        """Start what is waiting, at most a batch; says how many messages there were."""
        messages = await self._call(self._receive)
        for message in messages:
            self._hold(message)
            task = asyncio.create_task(self._process(message))
            self._running[task] = message
            task.add_done_callback(self._finished)
        return len(messages)

    def _receive(self) -> list[QueueMessage]:
        size = self._options.batch_size
        pages = self._queue.receive_messages(
            messages_per_page=size, max_messages=size, visibility_timeout=round(self._invisibility)
        ).by_page()
        return list(next(pages, ()))

    def _hold(self, message: QueueMessage) -> None:
        self._held.hold(
            HeldMessage(
                queue=self._queue_name,
                id=message.id,
                pop_receipt=str(message.pop_receipt),
                content=message.content,
                dequeue_count=message.dequeue_count or 0,
            )
        )

    def _finished(self, task: asyncio.Task[None]) -> None:
        message = self._running.pop(task)
        self._held.release(message.id)
        self._done.set()

    async def _room(self) -> None:
        """Wait until no more than `newBatchThreshold` messages run."""
        while len(self._running) > self._options.new_batch_threshold and not self._stopping.is_set():
            self._done.clear()
            await self._done.wait()

    async def _process(self, message: QueueMessage) -> None:
        try:
            await self._settle(message)
        except AzureError as error:
            if is_refused(error):  # somebody else holds the message by now, or has finished it
                report("queue_message_lost", queue=self._queue_name, message=message.id)
                return
            report("queue_message_left", queue=self._queue_name, message=message.id, reason=reason(error))
            self._fail(f"a message of {self._queue_name} could be neither deleted nor released")

    async def _settle(self, message: QueueMessage) -> None:
        """Run a message, unless it is one for poison; delete or release it."""
        count = message.dequeue_count or 0
        body = self._decode(message.content)
        if body is None or (self._poison is not None and count > self._options.max_dequeue_count):
            await self._to_poison(message, count)
        elif await self._ran(message, body):
            await self._call(self._queue.delete_message, message)
        else:
            await self._release(message, count)

    async def _ran(self, message: QueueMessage, body: bytes) -> bool:
        """Run the function, renewing the message at half-time; says whether it succeeded."""
        if not _is_text(body):
            # The host binds a message to Python's parameter as text: the call fails before the function is reached.
            report("function_not_called", function=self.name, reason="the message is not UTF-8")
            return False
        done = asyncio.Event()
        renewal = asyncio.create_task(self._renew(message, done))
        try:
            await self._invoker.call(self._function, _function_message(message, body))
        except Exception:  # noqa: BLE001  the boundary; the invoker has reported it
            return False
        else:
            return True
        finally:
            done.set()
            await renewal  # one that is under way changes the receipt, which the deletion then needs

    async def _renew(self, message: QueueMessage, done: asyncio.Event) -> None:
        while not await happened(done, self._invisibility / 2):
            try:
                await self._hide(message, self._invisibility)
                self._hold(message)
            except AzureError as error:
                report(
                    "queue_renewal_failed",
                    queue=self._queue_name,
                    message=message.id,
                    reason=reason(error),
                )
                if not is_refused(error):
                    self._fail(f"a message of {self._queue_name} could not be renewed")
                return

    async def _release(self, message: QueueMessage, count: int) -> None:
        """After a failure: to poison with the last try, else back after a while."""
        if self._poison is None:
            return
        if count >= self._options.max_dequeue_count:
            await self._to_poison(message, count)
        else:
            await self._hide(message, self._options.visibility_timeout)

    async def _hide(self, message: QueueMessage, delay: float) -> None:
        changed = await self._call(self._queue.update_message, message, visibility_timeout=round(delay))
        message.pop_receipt = changed.pop_receipt

    async def _to_poison(self, message: QueueMessage, count: int) -> None:
        report("queue_message_poisoned", queue=self._queue_name, message=message.id, dequeue_count=count)
        if self._poison is None:
            return
        try:
            await self._call(self._poison.send_message, message.content)
        except ResourceNotFoundError:
            await self._call(self._poison.create_queue)
            await self._call(self._poison.send_message, message.content)
        if (served := self._poisoned.get(self._queue_name + POISON)) is not None:
            served.set()
        await self._call(self._queue.delete_message, message)

    def _decode(self, content: str) -> bytes | None:
        if not self._options.base64:
            return content.encode()
        try:
            # .NET ignores white space in base64.
            return base64.b64decode("".join(content.split()), validate=True)
        except (binascii.Error, ValueError):
            return None


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _as_taken(message: HeldMessage) -> QueueMessage:
    taken = QueueMessage(content=message.content)
    taken.id, taken.pop_receipt = message.id, message.pop_receipt
    return taken


def _by_hand(body: str) -> func.QueueMessage:
    return FunctionMessage(id="", body=body, dequeue_count=1)  # type: ignore[no-untyped-call]


def _function_message(message: QueueMessage, body: bytes) -> func.QueueMessage:
    return FunctionMessage(  # type: ignore[no-untyped-call]
        id=message.id,
        body=body,
        dequeue_count=message.dequeue_count,
        expiration_time=message.expires_on,
        insertion_time=message.inserted_on,
        time_next_visible=message.next_visible_on,
        pop_receipt=message.pop_receipt,
    )
