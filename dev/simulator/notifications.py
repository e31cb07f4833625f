"""Carries notifications to subscribers, as unreliably as the faults ask; shakes hands with new endpoints."""

import asyncio
import ssl
import uuid
from collections.abc import Coroutine
from datetime import UTC, datetime
from urllib.parse import quote

import httpx

from dev.simulator.errors import bad_request
from dev.simulator.mailbox import Change
from dev.simulator.subscriptions import Subscription, Subscriptions, written
from dev.simulator.world import World

HANDSHAKE_TIMEOUT = 10.0
FIRST_TIMEOUT, RETRY_TIMEOUT = 3.0, 10.0
GIVE_UP_AFTER = 4 * 3600.0
_GATHER_SECONDS = 0.005
_LARGEST_POST = 100

Item = dict[str, object]


class Notifier:
    """Gathers what is to be told per endpoint and posts it; retries what is not answered 2xx in time."""

    def __init__(self, world: World, subscriptions: Subscriptions, ca_file: str | None) -> None:
        self.world, self.subscriptions, self.ca_file = world, subscriptions, ca_file
        self._client: httpx.AsyncClient | None = None
        self._waiting: dict[str, list[Item]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def client(self) -> httpx.AsyncClient:
        if self._client is None:
            context = ssl.create_default_context()
            if self.ca_file:
                context.load_verify_locations(self.ca_file)
            self._client = httpx.AsyncClient(verify=context, trust_env=False)
        return self._client

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._client is not None:
            await self._client.aclose()

    def on_change(self, change: Change) -> None:
        """Called by the mailboxes, inside the event loop."""
        if not (change.folder.listed or self.world.habits.unlisted_notify):
            return
        for subscription in self.subscriptions.living(datetime.now(UTC)):
            if subscription.concerns(change):
                self._submit(subscription.notification_url, _change_item(subscription, change))

    def lifecycle(self, subscription: Subscription, event: str) -> bool:
        """Sends a lifecycle event; False when the subscription has no endpoint for them."""
        if event == "subscriptionRemoved":
            self.subscriptions.remove(subscription)
        if subscription.lifecycle_url is None:
            return False
        item = _envelope(subscription) | {"lifecycleEvent": event}
        self._post_soon(subscription.lifecycle_url, [item], delay=0)
        return True

    def _submit(self, url: str, item: Item) -> None:
        faults, counts = self.world.faults, self.world.stats.notifications
        delay = faults.settings.late_notifications_s
        if faults.strikes("drop_notifications"):
            counts["dropped"] += 1
            return
        if faults.strikes("duplicate_notifications"):
            counts["duplicated"] += 1
            self._post_soon(url, [item], delay=delay + 0.05)
        if faults.strikes("reorder_notifications"):
            counts["reordered"] += 1
            self._post_soon(url, [item], delay=delay + faults.dice.uniform(0.1, 0.6))
        elif delay:
            self._post_soon(url, [item], delay=delay)
        else:
            if url not in self._waiting:
                self._waiting[url] = []
                self.background(self._flush(url))
            self._waiting[url].append(item)

    async def _flush(self, url: str) -> None:
        await asyncio.sleep(_GATHER_SECONDS)
        items = self._waiting.pop(url, [])
        for start in range(0, len(items), _LARGEST_POST):
            self._post_soon(url, items[start : start + _LARGEST_POST], delay=0)

    def _post_soon(self, url: str, items: list[Item], *, delay: float) -> None:
        self.background(self._post(url, items, delay))

    def background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, url: str, items: list[Item], delay: float) -> None:
        """First try 3 s, then 10 s each, backing off exponentially for up to 4 h (webhooks page of 2026-04-22)."""
        await asyncio.sleep(delay)
        waited, pause, timeout = 0.0, 1.0, FIRST_TIMEOUT
        while waited < GIVE_UP_AFTER:
            if await self._delivered(url, items, timeout):
                self.world.stats.notifications["sent"] += len(items)
                return
            self.world.stats.notifications["failed"] += 1
            await asyncio.sleep(pause)
            waited, pause, timeout = waited + pause, min(pause * 2, 600.0), RETRY_TIMEOUT

    async def _delivered(self, url: str, items: list[Item], timeout: float) -> bool:
        try:
            answer = await self.client.post(url, json={"value": items}, timeout=timeout)
        except httpx.HTTPError:
            return False
        return answer.is_success

    async def validate(self, url: str) -> None:
        """The handshake: 200 and the token in plain text within 10 s. Raises GraphError 400."""
        token = (
            f"Validation: Testing client application reachability for subscription Request-Id: {uuid.uuid4()}"
        )
        joined = f"{url}{'&' if '?' in url else '?'}validationToken={quote(token, safe='')}"
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        try:
            answer = await self.client.post(joined, headers=headers, timeout=HANDSHAKE_TIMEOUT)
        except httpx.TimeoutException as error:
            raise bad_request("Subscription validation request timed out.", "InvalidRequest") from error
        except httpx.HTTPError as error:
            message = "Subscription validation request failed. Notification endpoint could not be reached."
            raise bad_request(message, "ValidationError") from error
        reason = f"HTTP status code is '{answer.reason_phrase}'" if answer.status_code != 200 else ""
        if not reason and not answer.headers.get("content-type", "").startswith("text/plain"):
            reason = "Content type is not text/plain"
        if not reason and answer.text != token:
            reason = "Response must match validationToken query parameter"
        if reason:
            advice = "Notification endpoint must respond with 200 OK to validation request."
            message = f"Subscription validation request failed. [{reason}.] {advice}"
            raise bad_request(message, "ValidationError")


def _envelope(subscription: Subscription) -> Item:
    return {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": written(subscription.expires),
        "tenantId": subscription.tenant_id,
        "clientState": subscription.client_state,
    }


def _change_item(subscription: Subscription, change: Change) -> Item:
    item_id = change.message.immutable_id if subscription.immutable_ids else change.mutable_id
    path = f"Users/{subscription.user.id}/Messages/{item_id}"
    return _envelope(subscription) | {
        "changeType": change.kind,
        "resource": path,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": path,
            "@odata.etag": f'W/"{change.message.change_key}"',
            "id": item_id,
        },
    }
