"""One queue trigger: fetches messages, keeps them hidden while they run, decides what becomes of failures.

The rules are those of the WebJobs queue extension 5.x: a failed message is released after
`visibilityTimeout`, copied to `<queue>-poison` at `maxDequeueCount`, and not run at all above it.
"""

import asyncio
import base64
import binascii
import contextlib
import random
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeVar

import azure.functions as func
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.functions.queue import QueueMessage as FunctionMessage
from azure.storage.queue import QueueClient, QueueMessage, QueueServiceClient

from dev.host.configuration import QueueOptions
from dev.host.functions import Declared
from dev.host.invocation import Invoker, reason, report
from dev.host.waiting import happened

T = TypeVar("T")
POISON = "-poison"
MIN_INTERVAL = 0.1  # QueuePollingIntervals.Minimum
# Azurite shares the developer's machine: poison queues, nearly always empty, are asked this much less often there.
POISON_PATIENCE = 5


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
        invoker: Invoker,
        io: Executor,
        invisibility: float,
    ) -> None:
        self.name = function.name
        self._function = function
        self._queue_name = str(function.values["queueName"])
        self._queue: QueueClient = service.get_queue_client(self._queue_name)
        self._poison: QueueClient | None = None
        self._longest_interval = options.max_polling_interval * POISON_PATIENCE
        if not self._queue_name.endswith(POISON):
            self._poison = service.get_queue_client(self._queue_name + POISON)
            self._longest_interval = options.max_polling_interval
        self._options = options
        self._invoker = invoker
        self._io = io
        self._invisibility = invisibility
        self._running: dict[asyncio.Task[None], QueueMessage] = {}
        self._done = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Fetch and run messages until `stop`, then wait for those that run.

        A storage error is reported and the poll tried again.
        """
        interval = MIN_INTERVAL
        created = False
        while not self._stopping.is_set():
            try:
                created = created or await self._create()
                found = await self._fetch()
            except AzureError as error:
                report("queue_poll_failed", queue=self._queue_name, reason=reason(error))
                found, interval = 0, self._longest_interval
            if found:
                interval = MIN_INTERVAL
                await self._room()
            else:
                await happened(self._stopping, interval)
                interval = min(interval * 2 * random.uniform(0.8, 1.2), self._longest_interval)
        await asyncio.gather(*self._running)

    def stop(self) -> None:
        """Fetch no more; what runs goes on."""
        self._stopping.set()
        self._done.set()

    async def give_back(self) -> int:
        """Release what runs as though it had failed, and say how much that was; its threads go on."""
        running = dict(self._running)
        for task in running:
            task.cancel()
        for message in running.values():
            with contextlib.suppress(AzureError):  # finished, or renewed meanwhile: it comes back later
                await self._hide(message, self._options.visibility_timeout)
        return len(running)

    async def run_by_hand(self, body: str) -> None:
        """Run the function once with this text as its message, as the admin call does."""
        await self._invoker.call(self._function, _by_hand(body))

    async def _create(self) -> bool:
        with contextlib.suppress(ResourceExistsError):
            await self._call(self._queue.create_queue)
        return True

    async def _fetch(self) -> int:
        """Start what is waiting, at most a batch; says how many messages there were."""
        messages = await self._call(self._receive)
        for message in messages:
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

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._done.set()

    async def _room(self) -> None:
        """Wait until no more than `newBatchThreshold` messages run."""
        while len(self._running) > self._options.new_batch_threshold and not self._stopping.is_set():
            self._done.clear()
            await self._done.wait()

    async def _process(self, message: QueueMessage) -> None:
        count = message.dequeue_count or 0
        try:
            body = self._decode(message.content)
            if body is None or (self._poison is not None and count > self._options.max_dequeue_count):
                report(
                    "queue_message_poisoned", queue=self._queue_name, message=message.id, dequeue_count=count
                )
                await self._to_poison(message)
            elif await self._ran(message, body):
                await self._call(self._queue.delete_message, message)
            elif self._poison is not None and count >= self._options.max_dequeue_count:
                report(
                    "queue_message_poisoned", queue=self._queue_name, message=message.id, dequeue_count=count
                )
                await self._to_poison(message)
            else:
                await self._hide(message, self._options.visibility_timeout)
        except ResourceNotFoundError:  # somebody else holds the message by now, or has finished it
            report("queue_message_lost", queue=self._queue_name, message=message.id)
        except AzureError as error:
            report("queue_message_left", queue=self._queue_name, message=message.id, reason=reason(error))

    async def _ran(self, message: QueueMessage, body: bytes) -> bool:
        """Run the function, renewing the message at half-time; says whether it succeeded."""
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
            except AzureError as error:
                report(
                    "queue_renewal_failed",
                    queue=self._queue_name,
                    message=message.id,
                    reason=reason(error),
                )

    async def _hide(self, message: QueueMessage, delay: float) -> None:
        changed = await self._call(self._queue.update_message, message, visibility_timeout=round(delay))
        message.pop_receipt = changed.pop_receipt

    async def _to_poison(self, message: QueueMessage) -> None:
        if self._poison is not None:
            put = partial(self._call, self._poison.send_message, message.content)
            try:
                await put()
            except ResourceNotFoundError:
                await self._call(self._poison.create_queue)
                await put()
        await self._call(self._queue.delete_message, message)

    def _decode(self, content: str) -> bytes | None:
        if not self._options.base64:
            return content.encode()
        try:
            return base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            return None

    async def _call(self, operation: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._io, partial(operation, *args, **kwargs))


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
