"""One timer trigger: waits for its next time in UTC and runs it on one instance only.

The instance that holds the timer's lease runs it; the schedule's status is kept in a blob beside it, so that
a host that was away runs a missed time once, marked as past due. A failed run is not retried.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import azure.functions as func
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobLeaseClient, BlobServiceClient
from croniter import croniter

from dev.host.configuration import HostError
from dev.host.functions import Declared
from dev.host.invocation import Invoker, reason, report
from dev.host.waiting import happened

T = TypeVar("T")
CONTAINER = "azure-webjobs-hosts"
LEASE_SECONDS = 15  # the shortest Azure offers and the host's own
RETRY_SECONDS = 5


class Schedule:
    """A six-field NCRONTAB expression (a leading field of seconds; five fields mean second 0)."""

    def __init__(self, expression: str) -> None:
        fields = expression.split()
        self._expression = expression if len(fields) == 6 else f"0 {expression}"
        valid = len(fields) in {5, 6} and croniter.is_valid(self._expression, second_at_beginning=True)
        if not valid:
            raise HostError(f"the timer schedule {expression!r} is not an NCRONTAB expression")

    def after(self, moment: datetime) -> datetime:
        """The first time after `moment`."""
        times = croniter(self._expression, moment, second_at_beginning=True, day_or=False)
        found: datetime = times.get_next(datetime)
        return found


class TimerListener:
    """Runs one timer function at its times while this instance holds the timer's lease."""

    def __init__(
        self, function: Declared, service: BlobServiceClient, *, host_id: str, invoker: Invoker, io: Executor
    ) -> None:
        self.name = function.name
        self._function = function
        self._schedule = Schedule(str(function.values["schedule"]))
        self._monitored = bool(function.values.get("useMonitor", True))
        self._on_startup = bool(function.values.get("runOnStartup", False))
        full_name = f"Host.Functions.{function.name}"
        self._container = service.get_container_client(CONTAINER)
        self._lock = self._container.get_blob_client(f"locks/{host_id}/{full_name}.Listener")
        self._status = self._container.get_blob_client(f"timers/{host_id}/{full_name}/status")
        self._invoker = invoker
        self._io = io
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Run no further time; what runs goes on."""
        self._stopping.set()

    async def run_by_hand(self, _: str) -> None:
        """Run the function once now, outside its schedule, as the admin call does."""
        await self._invoker.call(self._function, func.timer.TimerRequest())

    async def run(self) -> None:
        """Take the lease, then run the schedule while it is held; again from the start where it is lost."""
        while not self._stopping.is_set():
            try:
                lease = await self._take_lease()
                if lease is not None:
                    await self._hold(lease)
                    continue
            except AzureError as error:
                report("timer_storage_failed", function=self._function.name, reason=reason(error))
            await happened(self._stopping, RETRY_SECONDS)

    async def _take_lease(self) -> BlobLeaseClient | None:
        try:
            return await self._call(self._lock.acquire_lease, LEASE_SECONDS)
        except ResourceNotFoundError:
            await self._create_lock()
            return await self._call(self._lock.acquire_lease, LEASE_SECONDS)
        except HttpResponseError as error:
            if error.status_code == 409:  # another instance holds it
                return None
            raise

    async def _create_lock(self) -> None:
        for create in (self._container.create_container, partial(self._lock.upload_blob, b"")):
            try:
                await self._call(create)
            except ResourceExistsError:
                continue

    async def _hold(self, lease: BlobLeaseClient) -> None:
        """Run the schedule and renew the lease until a stop or an error; a run that has begun is finished."""
        ending = asyncio.Event()
        ticking = asyncio.create_task(self._tick(ending))
        try:
            while not ticking.done() and not await happened(self._stopping, LEASE_SECONDS / 2):
                await self._call(lease.renew)
        finally:
            ending.set()
            await ticking
        await self._call(lease.release)

    async def _tick(self, ending: asyncio.Event) -> None:
        now = datetime.now(UTC)
        due = await self._missed(now)
        if due is not None or self._on_startup:
            await self._fire(due or now, past_due=due is not None)
        due = self._schedule.after(datetime.now(UTC))
        while not await happened(ending, max(0.0, (due - datetime.now(UTC)).total_seconds())):
            await self._fire(due, past_due=False)
            due = self._schedule.after(max(due, datetime.now(UTC)))

    async def _fire(self, due: datetime, *, past_due: bool) -> None:
        # The boundary: the invoker has reported an error, and a timer is not retried.
        with contextlib.suppress(Exception):
            await self._invoker.call(self._function, self._request(due, past_due))
        if self._monitored:
            await self._save_status(due)

    def _request(self, due: datetime, past_due: bool) -> func.TimerRequest:
        status = {"Last": due.isoformat(), "Next": self._schedule.after(due).isoformat()}
        return func.timer.TimerRequest(
            past_due=past_due, schedule_status=status, schedule={"AdjustForDST": True}
        )

    async def _missed(self, now: datetime) -> datetime | None:
        """The time that passed while no host ran, if any."""
        if not self._monitored:
            return None
        try:
            status = json.loads(await self._call(partial(_download, self._status)))
            due = datetime.fromisoformat(status["Next"])
        except ResourceNotFoundError:
            await self._save_status(now)
            return None
        except (ValueError, KeyError) as error:
            report("timer_status_unreadable", function=self._function.name, reason=reason(error))
            return None
        return due if due < now else None

    async def _save_status(self, last: datetime) -> None:
        upcoming = self._schedule.after(max(last, datetime.now(UTC)))
        status = {"Last": last, "Next": upcoming, "LastUpdated": datetime.now(UTC)}
        content = json.dumps({name: moment.isoformat() for name, moment in status.items()})
        await self._call(partial(self._status.upload_blob, content, overwrite=True))

    async def _call(self, operation: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._io, partial(operation, *args))


def _download(blob: BlobClient) -> bytes:
    return blob.download_blob().readall()
