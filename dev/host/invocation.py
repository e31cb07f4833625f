"""Runs functions: synchronous ones in a bounded pool of threads, asynchronous ones on the event loop.

Reports each uncaught exception, and knows how many invocations are running. Knows nothing of triggers.
"""

import asyncio
import json
import os
import sys
import threading
import traceback
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.functions as func

from dev.host.functions import Declared


class InvocationContext(func.Context):
    """What a function sees that declares a `context` parameter."""

    def __init__(self, function_name: str, function_directory: Path) -> None:
        self._invocation_id = str(uuid.uuid4())
        self._function_name = function_name
        self._function_directory = str(function_directory)
        self._local = threading.local()

    @property
    def invocation_id(self) -> str:
        return self._invocation_id

    @property
    def thread_local_storage(
        self,
    ) -> Any:  # the library's annotation names the class, the worker hands an instance
        return self._local

    @property
    def function_name(self) -> str:
        return self._function_name

    @property
    def function_directory(self) -> str:
        return self._function_directory

    @property
    def trace_context(self) -> Any:
        trace = self._invocation_id.replace("-", "")
        return SimpleNamespace(trace_parent=f"00-{trace}-{trace[:16]}-00", trace_state="", attributes={})

    @property
    def retry_context(self) -> Any:
        return SimpleNamespace(retry_count=0, max_retry_count=0, exception=None)


class Invoker:
    """Calls functions and counts those that are running.

    The pool's size is the worker's: `PYTHON_THREADPOOL_THREAD_COUNT`, else min(32, processors + 4).
    """

    def __init__(self, app_dir: Path) -> None:
        default = min(32, (os.cpu_count() or 1) + 4)
        size = int(os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT", default))
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="function")
        self._app_dir = app_dir
        self.running = 0

    async def call(self, function: Declared, argument: object) -> Any:
        """Run `function` with its trigger's argument; what it raises is reported, then raised."""
        arguments = {function.argument: argument}
        if function.wants_context:
            arguments["context"] = InvocationContext(function.name, self._app_dir)
        self.running += 1
        try:
            if function.is_async:
                return await function.call(**arguments)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, partial(function.call, **arguments))
        except Exception as error:
            report("function_failed", error, function=function.name)
            raise
        finally:
            self.running -= 1

    async def finish(self, grace: float) -> bool:
        """Wait until nothing runs, at most `grace` seconds; says whether all was done."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace
        while self.running and loop.time() < deadline:
            await asyncio.sleep(0.02)
        return self.running == 0


def report(event: str, error: BaseException | None = None, **details: object) -> None:
    """One JSON line on stderr, the event's name first, then the traceback where there is an error."""
    lines = [json.dumps({"event": event, **details})]
    if error is not None:
        lines.append("".join(traceback.format_exception(error)).rstrip())
    print("\n".join(lines), file=sys.stderr, flush=True)


def reason(error: BaseException) -> str:
    """An error in one line: its type and the first line of its message."""
    message = str(error).splitlines()
    return f"{type(error).__name__}: {message[0]}" if message else type(error).__name__
