"""Requests to storage as the real host's SDK makes them: in threads, six tries each, with growing waits."""

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any, Final, TypeVar

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

T = TypeVar("T")
# Azure.Core's default: five tries after the first.
TRIES: Final = 6
_PASSING: Final = {408, 429, 500, 502, 503, 504}


class Storage:
    """Makes requests, and tries those again that failed for now."""

    def __init__(self, io: Executor, *, first_wait: float) -> None:
        self._io = io
        self._first_wait = first_wait

    async def call(self, operation: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """The operation's result. Raises what it raises: after the last try, where the error is a passing one."""
        for tried in range(1, TRIES):
            try:
                return await self._once(operation, *args, **kwargs)
            except AzureError as error:
                if not _is_passing(error):
                    raise
            wait = self._first_wait * 2 ** (tried - 1)
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))
        return await self._once(operation, *args, **kwargs)

    async def _once(self, operation: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._io, partial(operation, *args, **kwargs))


def is_refused(error: AzureError) -> bool:
    """Whether storage has said that the lease or the message is somebody else's by now."""
    return isinstance(error, HttpResponseError) and error.status_code in {404, 409, 412}


def _is_passing(error: AzureError) -> bool:
    if isinstance(error, HttpResponseError):
        return error.status_code in _PASSING
    return isinstance(error, ServiceRequestError | ServiceResponseError)
