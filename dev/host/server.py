"""One instance of the host: the HTTP server, the listeners, and the order in which they start and stop."""

import asyncio
import contextlib
import hashlib
import os
import signal
import socket
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import uvicorn

from dev.host.configuration import ABORTED, FAILED, HostOptions, read_host_json
from dev.host.connections import HOST_STORAGE, Connections
from dev.host.functions import HTTP, QUEUE, TIMER, Declared, load_functions
from dev.host.groups import members
from dev.host.held import HeldFile
from dev.host.http import HttpFrontEnd, RunByHand
from dev.host.invocation import Invoker, report
from dev.host.queues import QueueListener, Surroundings
from dev.host.routing import Router
from dev.host.storage import Storage
from dev.host.timers import Holder, TimerListener
from dev.host.times import Times
from dev.processes import write_json

HOST_ID_SETTING = "AzureFunctionsWebHost__hostid"


@dataclass(frozen=True, slots=True)
class HostArguments:
    """What the command line asks for.

    `port` 0 means a free one. `group`: the function group that is served, "" for all functions. `instance`: names
    this one among those that share timers. `held_file`: where its messages are noted, and those that its predecessor
    has left when it died as a worker.
    """

    app_dir: Path
    port: int
    times: Times
    timers: bool
    reuse_port: bool
    ready_file: Path | None
    group: str = ""
    instance: str = ""
    held_file: Path | None = None


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: the host decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(arguments: HostArguments) -> None:
    """Serve the app until it is told to end. Raises HostError where the app cannot be hosted."""
    options = read_host_json(arguments.app_dir / "host.json")
    instance = Instance(arguments, options, load_functions(arguments.app_dir))
    asyncio.run(instance.serve())


class Instance:
    """Serves one group of an app's functions, or all of them."""

    def __init__(self, arguments: HostArguments, options: HostOptions, functions: Sequence[Declared]) -> None:
        self._arguments = arguments
        self._invoker = Invoker(arguments.app_dir)
        # One thread per listener may wait for storage, and some for deletions and renewals.
        io = ThreadPoolExecutor(16 + len(functions), thread_name_prefix="storage")
        storage = Storage(io, first_wait=arguments.times.first_wait)
        self._held = HeldFile(arguments.held_file)
        around = Surroundings(self._invoker, storage, self._held, self._fail)
        queues, timers = _listeners(arguments, options, functions, around)
        own = members(functions, arguments.group)
        names = {function.name for function in own}
        self._queues = [queue for queue in queues if queue.name in names]
        self._timers = [timer for timer in timers if timer.name in names and arguments.timers]
        # Any process runs any function by hand, since only the one that serves HTTP can be asked.
        by_hand: dict[str, RunByHand] = {queue.name: queue.run_by_hand for queue in queues}
        by_hand |= {timer.name: timer.run_by_hand for timer in timers}
        routes = [function for function in own if function.trigger == HTTP]
        self._front = HttpFrontEnd(Router(routes, options.route_prefix), self._invoker, by_hand)
        self._size = len(own)
        self._stop, self._abort = asyncio.Event(), asyncio.Event()
        self._exit_code = 0

    async def serve(self) -> None:
        """Start, say so, and serve until SIGTERM, SIGINT (drain) or SIGUSR1 (abort); ends the process."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGUSR1, self._cut_off)
        listening = _bind(self._arguments)
        config = uvicorn.Config(self._front, log_config=None, access_log=False, lifespan="off", ws="none")
        server = Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        self._started(listening.getsockname()[1])
        await self._take_over()
        listeners: list[QueueListener | TimerListener] = [*self._queues, *self._timers]
        tasks = [asyncio.create_task(listener.run()) for listener in listeners]
        await self._stop.wait()
        for listener in listeners:
            listener.stop()
        server.should_exit = True
        if self._abort.is_set():
            await self._give_back()
        await self._drain(serving, *tasks)

    def _cut_off(self) -> None:
        self._abort.set()
        self._stop.set()

    def _fail(self, why: str) -> None:
        """The real host stops where it can no longer say what becomes of a message or a timer."""
        if not self._stop.is_set():
            report("host_stopping", reason=why)
        self._exit_code = FAILED
        self._stop.set()

    async def _take_over(self) -> None:
        if left := self._held.left():
            taken = await asyncio.gather(*(queue.take_over(left) for queue in self._queues))
            report("worker_died", given_back=sum(taken))

    def _started(self, port: int) -> None:
        if self._arguments.ready_file is not None:
            write_json(self._arguments.ready_file, {"url": f"http://127.0.0.1:{port}", "pid": os.getpid()})
        report("host_started", port=port, functions=self._size)

    async def _give_back(self) -> NoReturn:
        given_back = await asyncio.gather(*(queue.give_back() for queue in self._queues))
        report("host_aborted", given_back=sum(given_back))
        os._exit(ABORTED)

    async def _drain(self, *tasks: "asyncio.Task[None]") -> NoReturn:
        _, unfinished = await asyncio.wait(tasks, timeout=self._arguments.times.drain)
        by_hand_done = await self._invoker.finish(grace=min(0.5, self._arguments.times.drain))
        report("host_stopped", finished=by_hand_done and not unfinished)
        # A function that still runs in its thread would keep the interpreter; its message comes back.
        os._exit(self._exit_code)


def _listeners(
    arguments: HostArguments, options: HostOptions, functions: Sequence[Declared], around: Surroundings
) -> tuple[list[QueueListener], list[TimerListener]]:
    times = arguments.times
    connections = Connections(retries=0, no_answer=times.no_answer)
    queues = [
        QueueListener(
            function,
            connections.queues(str(function.values.get("connection") or HOST_STORAGE)),
            options=options.queues.shortened(times.share),
            around=around,
            invisibility=times.invisibility,
        )
        for function in functions
        if function.trigger == QUEUE
    ]
    host_id = os.environ.get(HOST_ID_SETTING) or _host_id(arguments.app_dir)
    holder = Holder(host_id, arguments.instance or uuid.uuid4().hex)
    timers = [
        TimerListener(function, connections.blobs(HOST_STORAGE), holder=holder, times=times, around=around)
        for function in functions
        if function.trigger == TIMER
    ]
    return queues, timers


def _host_id(app_dir: Path) -> str:
    return "local-" + hashlib.sha256(str(app_dir).encode()).hexdigest()[:20]


def _bind(arguments: HostArguments) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if arguments.reuse_port:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind(("127.0.0.1", arguments.port))
    return listening
