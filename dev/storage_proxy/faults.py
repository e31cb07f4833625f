"""Which storage requests fail: shares set in the simulator's control API, asked for about once a second."""

import asyncio
import http.client
import json
import random
import ssl
from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

BUSY, REPLY_LOST, UNDELETED = "storage_busy", "storage_reply_lost", "storage_undeleted"
INTERVAL = 1.0
_NO_ANSWER = 60.0


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares (0 to 1) of requests that answer 503 undone, and that are carried out and lose their answer.

    `undeleted`: the share of deletions of queue messages that answer 503 undone.
    """

    seed: int | None = None
    busy: float = 0.0
    reply_lost: float = 0.0
    undeleted: float = 0.0


class Faults:
    """Decides for each request; the same seed gives the same decisions in the same order."""

    def __init__(self) -> None:
        self._shares = Shares()
        self._random = random.Random()
        self._struck: Counter[str] = Counter()

    def set(self, shares: Shares) -> None:
        """Use these shares from the next request on; a change starts the seeded order again."""
        if shares != self._shares:
            self._shares = shares
            self._random = random.Random(shares.seed)

    def as_json(self) -> dict[str, float]:
        """The shares in use, under their names at the simulator, which they come from a moment later."""
        shares = self._shares
        return {BUSY: shares.busy, REPLY_LOST: shares.reply_lost, UNDELETED: shares.undeleted}

    def next(self, *, is_deletion: bool = False) -> str | None:
        """The fault of the next request, if any; whether that deletes a message of a queue."""
        shares = self._shares
        if is_deletion and shares.undeleted and self._random.random() < shares.undeleted:
            self._struck[UNDELETED] += 1
            return UNDELETED
        if not shares.busy and not shares.reply_lost:
            return None
        drawn = self._random.random()
        if drawn >= shares.busy + shares.reply_lost:
            return None
        kind = BUSY if drawn < shares.busy else REPLY_LOST
        self._struck[kind] += 1
        return kind

    def take_struck(self) -> dict[str, int]:
        """How often each fault struck since this was last asked."""
        struck = dict(self._struck)
        self._struck.clear()
        return struck


async def follow(simulator_url: str, ca_file: str | None, faults: Faults) -> None:
    """Take the storage faults from the simulator again and again, and tell it which struck. Never returns."""
    control = _Control(simulator_url, ca_file)
    while True:
        shares = await asyncio.to_thread(control.read)
        if shares is not None:
            faults.set(shares)
        if struck := faults.take_struck():
            await asyncio.to_thread(control.tell, struck)
        await asyncio.sleep(INTERVAL)


class _Control:
    """One kept-open connection to the simulator's control API."""

    def __init__(self, url: str, ca_file: str | None) -> None:
        parts = urlsplit(url)
        host, port = parts.hostname or "127.0.0.1", parts.port
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=ca_file)
            self._connection = http.client.HTTPSConnection(host, port, timeout=_NO_ANSWER, context=context)
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=_NO_ANSWER)

    def read(self) -> Shares | None:
        """The shares set now, or None where the simulator does not answer: then the last ones hold."""
        content = self._call("GET", "/_control/faults")
        if content is None:
            return None
        return Shares(
            seed=content.get("seed"),
            busy=content.get(BUSY) or 0.0,
            reply_lost=content.get(REPLY_LOST) or 0.0,
            undeleted=content.get(UNDELETED) or 0.0,
        )

    def tell(self, struck: dict[str, int]) -> None:
        """Add to the simulator's count of faults that struck, so that one place has them all."""
        self._call("POST", "/_control/faults/struck", json.dumps(struck))

    def _call(self, method: str, path: str, body: str | None = None) -> dict[str, Any] | None:
        try:
            self._connection.request(method, path, body, {"content-type": "application/json"})
            response = self._connection.getresponse()
            content = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            self._connection.close()
            return None
        return content if response.status == 200 and isinstance(content, dict) else None
