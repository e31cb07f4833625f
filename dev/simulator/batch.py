"""JSON batching: up to 20 calls in one request, each judged alone; `dependsOn` chains run in order.

Rules: json-batching page. Outlook takes up to four items of a batch at a time.
"""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from dev.simulator.call import Answer, Call
from dev.simulator.errors import GraphError, bad_request
from dev.simulator.gateway import Gateway

LARGEST_BATCH = 20
AT_A_TIME = 4


@dataclass(frozen=True, slots=True)
class Item:
    """One request of a batch."""

    id: str
    call: Call
    depends_on: tuple[str, ...] = field(default=())


def parse_items(call: Call) -> list[Item]:
    """Raises GraphError 400 for what makes Graph refuse the whole batch."""
    given = call.json().get("requests")
    if not isinstance(given, list) or not given:
        raise bad_request("Invalid batch payload format.")
    if len(given) > LARGEST_BATCH:
        raise bad_request(f"Number of batch request steps exceeds the maximum value of {LARGEST_BATCH}.")
    items = [_item(one, call) for one in given]
    seen: set[str] = set()
    for item in items:
        if item.id in seen or not item.id:
            raise bad_request("Request Id is missing or not unique in the batch.")
        if not set(item.depends_on) <= seen:
            raise bad_request("dependsOn must name an earlier request of the batch.")
        seen.add(item.id)
    return items


def _item(given: object, batch: Call) -> Item:
    if not isinstance(given, Mapping):
        raise bad_request("Invalid batch payload format.")
    url, method = str(given.get("url") or ""), str(given.get("method") or "")
    if "://" in url or not url or not method or url.lstrip("/").lower().startswith("$batch"):
        raise bad_request("The url of a batch item must be relative, and batches cannot be nested.")
    headers = {str(name).lower(): str(value) for name, value in dict(given.get("headers") or {}).items()}
    body = given.get("body")
    if body is not None and "content-type" not in headers:
        raise bad_request("A batch item with a body needs a Content-Type header.")
    data = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    headers.setdefault("authorization", batch.headers.get("authorization", ""))
    depends_on = given.get("dependsOn")
    names = tuple(str(one) for one in depends_on) if isinstance(depends_on, list) else ()
    return Item(str(given.get("id") or ""), Call.of(method, url, headers, data, batch.arrived), names)


def _shown(item: Item, answer: Answer) -> dict[str, object]:
    headers = {"Content-Type": "application/json", **answer.headers}
    shown: dict[str, object] = {"id": item.id, "status": answer.status, "headers": headers}
    if answer.raw is not None:
        headers["Content-Type"] = answer.content_type
        shown["body"] = base64.b64encode(answer.raw).decode("ascii")
    elif answer.payload is not None:
        shown["body"] = answer.payload
    return shown


async def run_batch(gateway: Gateway, call: Call) -> Answer:
    """200 with an answer per item, in the order in which they finished. Raises GraphError 400 or 401."""
    gateway.claims_of(call)
    items = parse_items(call)
    stats = gateway.world.stats
    stats.batch_requests += 1
    stats.batch_items += len(items)
    places = asyncio.Semaphore(AT_A_TIME)
    tasks: dict[str, asyncio.Task[Answer]] = {}
    finished: list[dict[str, object]] = []

    async def run(item: Item) -> Answer:
        before = [await tasks[name] for name in item.depends_on]
        if any(answer.status >= 400 for answer in before):
            error = GraphError(
                424, "FailedDependency", "The request failed because a request it depends on failed."
            )
            answer = Answer.refusal(error, None)
        else:
            async with places:
                answer = await gateway.answer(item.call, batched=True)
        finished.append(_shown(item, answer))
        return answer

    for item in items:
        tasks[item.id] = asyncio.create_task(run(item))
    await asyncio.gather(*tasks.values())
    gateway.tell(call.arrived)
    return Answer(payload={"responses": finished})
