"""One instance of the host: the HTTP server, the listeners, and the order in which they start and stop."""

import asyncio
import contextlib
import hashlib
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from dev.host.configuration import HostOptions, read_host_json
from dev.host.connections import HOST_STORAGE, Connections
from dev.host.functions import HTTP, QUEUE, TIMER, Declared, load_functions
from dev.host.http import HttpFrontEnd, RunByHand
from dev.host.invocation import Invoker, report
from dev.host.queues import QueueListener
from dev.host.routing import Router
from dev.host.timers import TimerListener
from dev.processes import write_json

HOST_ID_SETTING = "AzureFunctionsWebHost__hostid"
STOP_GRACE = 5.0  # seconds that running invocations get at the end


@dataclass(frozen=True, slots=True)
class HostArguments:
    """What the command line asks for. `port` 0 means a free one."""

    app_dir: Path
    port: int
    invisibility: float
    timers: bool
    reuse_port: bool
    ready_file: Path | None


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: the host decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(arguments: HostArguments) -> None:
    """Serve the app until SIGTERM or SIGINT. Raises HostError where the app cannot be hosted."""
    options = read_host_json(arguments.app_dir / "host.json")
    functions = load_functions(arguments.app_dir)
    asyncio.run(_serve(arguments, options, functions))


async def _serve(arguments: HostArguments, options: HostOptions, functions: list[Declared]) -> None:
    invoker = Invoker(arguments.app_dir)
    # One thread per listener may wait for storage, and some for deletions and renewals.
    io = ThreadPoolExecutor(16 + len(functions), thread_name_prefix="storage")
    queues, timers = _listeners(arguments, options, functions, invoker=invoker, io=io)
    started: list[QueueListener | TimerListener] = [*queues, *(timers if arguments.timers else [])]
    change_by_person: dict[str, RunByHand] = {queue.name: queue.run_by_hand for queue in queues}
    change_by_person |= {timer.name: timer.run_by_hand for timer in timers}
    router = Router([function for function in functions if function.trigger == HTTP], options.route_prefix)

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    listening = _bind(arguments)
    config = uvicorn.Config(
        HttpFrontEnd(router, invoker, change_by_person),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.005)
    port = listening.getsockname()[1]
    if arguments.ready_file is not None:
        write_json(arguments.ready_file, {"url": f"http://127.0.0.1:{port}", "pid": os.getpid()})
    report("host_started", port=port, functions=len(functions))

    tasks = [asyncio.create_task(listener.run()) for listener in started]
    await stop.wait()
    for listener in started:
        listener.stop()
    server.should_exit = True
    _, unfinished = await asyncio.wait([serving, *tasks], timeout=STOP_GRACE)
    by_hand_done = await invoker.finish(grace=0.5)
    report("host_stopped", finished=by_hand_done and not unfinished)
    os._exit(0)  # a function that still runs in its thread would keep the interpreter; its message comes back


def _listeners(
    arguments: HostArguments,
    options: HostOptions,
    functions: list[Declared],
    *,
    invoker: Invoker,
    io: ThreadPoolExecutor,
) -> tuple[list[QueueListener], list[TimerListener]]:
    connections = Connections()
    queues = [
        QueueListener(
            function,
            connections.queues(str(function.values.get("connection") or HOST_STORAGE)),
            options=options.queues,
            invoker=invoker,
            io=io,
            invisibility=arguments.invisibility,
        )
        for function in functions
        if function.trigger == QUEUE
    ]
    host_id = os.environ.get(HOST_ID_SETTING) or _host_id(arguments.app_dir)
    timers = [
        TimerListener(function, connections.blobs(HOST_STORAGE), host_id=host_id, invoker=invoker, io=io)
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
