"""One timer trigger: waits for its next time in UTC and runs it on one instance only.

The instance that holds the timer's lease runs it; the schedule's status is kept in a blob beside it, so that
a host that was away runs a missed time once, marked as past due. A failed run is not retried. A run that outlasts its
interval is followed by the next one at once, which is not past due.

A holder that cannot renew its lease goes on, since storage may be away for it alone: for so long another instance
runs the timer, too. Once storage says that the lease is another's, the host ends.

After a changed schedule no time counts as missed. Otherwise than here, the real host keeps no status of a schedule
that is due more often than once a minute.
"""

import asyncio
import contextlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import azure.functions as func
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobLeaseClient, BlobServiceClient
from croniter import croniter

from dev.host.configuration import HostError
from dev.host.functions import Declared
from dev.host.invocation import reason, report
from dev.host.queues import Surroundings
from dev.host.storage import is_refused
from dev.host.times import Times
from dev.host.waiting import happened

CONTAINER = "azure-webjobs-hosts"


@dataclass(frozen=True, slots=True)
class Holder:
    """The app that a timer belongs to, and the instance that may hold it.

    An instance whose Python worker died is the same as before, and goes on with its lease.
    """

    host_id: str
    instance: str


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

    def following(self, due: datetime, now: datetime) -> datetime:
        """The time behind `due`, or at once where the run has outlasted it."""
        return max(self.after(due), now)

    def missed(self, status: Mapping[str, str], now: datetime) -> datetime | None:
        """The time that a stored status says is due, if it has passed; none of another schedule has.

        Raises ValueError or KeyError for a status that is none.
        """
        due, last, updated = (
            datetime.fromisoformat(status[name]) for name in ("Next", "Last", "LastUpdated")
        )
        is_changed = self.after(max(last, updated)) != due
        return due if due < now and not is_changed else None


class TimerListener:
    """Runs one timer function at its times while this instance holds the timer's lease."""

    def __init__(
        self,
        function: Declared,
        service: BlobServiceClient,
        *,
        holder: Holder,
        times: Times,
        around: Surroundings,
    ) -> None:
        self.name = function.name
        self._function = function
        self._schedule = Schedule(str(function.values["schedule"]))
        self._monitored = bool(function.values.get("useMonitor", True))
        self._on_startup = bool(function.values.get("runOnStartup", False))
        full_name = f"Host.Functions.{function.name}"
        self._container = service.get_container_client(CONTAINER)
        self._lock = self._container.get_blob_client(f"locks/{holder.host_id}/{full_name}.Listener")
        self._status = self._container.get_blob_client(f"timers/{holder.host_id}/{full_name}/status")
        self._lease_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{holder.instance}/{full_name}"))
        self._times = times
        self._invoker = around.invoker
        self._call = around.storage.call
        self._fail = around.fail
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
                report("timer_storage_failed", function=self.name, reason=reason(error))
            await happened(self._stopping, self._times.look)

    async def _take_lease(self) -> BlobLeaseClient | None:
        try:
            return await self._acquire()
        except ResourceNotFoundError:
            await self._create_lock()
            return await self._acquire()
        except HttpResponseError as error:
            if error.status_code == 409:  # another instance holds it
                return None
            raise

    async def _acquire(self) -> BlobLeaseClient:
        return await self._call(self._lock.acquire_lease, round(self._times.lease), self._lease_id)

    async def _create_lock(self) -> None:
        for create in (self._container.create_container, partial(self._lock.upload_blob, b"")):
            try:
                await self._call(create)
            except ResourceExistsError:
                continue

    async def _hold(self, lease: BlobLeaseClient) -> None:
        """Run the schedule and renew the lease until a stop; a run that has begun is finished."""
        ending = asyncio.Event()
        ticking = asyncio.create_task(self._tick(ending))
        while not await happened(self._stopping, self._times.renewal):
            await self._renew(lease)
        ending.set()
        await ticking
        with contextlib.suppress(AzureError):
            await self._call(lease.release)

    async def _renew(self, lease: BlobLeaseClient) -> None:
        try:
            await self._call(lease.renew)
        except AzureError as error:
            report("timer_renewal_failed", function=self.name, reason=reason(error))
            if is_refused(error):
                self._fail(f"the lease of the timer {self.name} is another's")

    async def _tick(self, ending: asyncio.Event) -> None:
        now = datetime.now(UTC)
        due = await self._missed(now)
        if due is not None or self._on_startup:
            await self._fire(due or now, past_due=due is not None)
        due = self._schedule.after(datetime.now(UTC))
        while not await happened(ending, max(0.0, (due - datetime.now(UTC)).total_seconds())):
            await self._fire(due, past_due=False)
            due = self._schedule.following(due, datetime.now(UTC))

    async def _fire(self, due: datetime, *, past_due: bool) -> None:
        # The boundary: the invoker has reported an error, and a timer is not retried.
        with contextlib.suppress(Exception):
            await self._invoker.call(self._function, self._request(due, past_due))
        if self._monitored:
            await self._note(due)

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
            return self._schedule.missed(status, now)
        except ResourceNotFoundError:
            await self._note(now)
            return None
        except (AzureError, ValueError, KeyError) as error:
            report("timer_status_unreadable", function=self.name, reason=reason(error))
            return None

    async def _note(self, last: datetime) -> None:
        """Without its status a timer goes on: at worst a missed time stays unknown."""
        try:
            await self._save_status(last)
        except AzureError as error:
            report("timer_status_not_saved", function=self.name, reason=reason(error))

    async def _save_status(self, last: datetime) -> None:
        now = datetime.now(UTC)
        status = {"Last": last, "Next": self._schedule.after(max(last, now)), "LastUpdated": now}
        content = json.dumps({name: moment.isoformat() for name, moment in status.items()})
        await self._call(partial(self._status.upload_blob, content, overwrite=True))


def _download(blob: BlobClient) -> bytes:
    return blob.download_blob().readall()
