"""Which storage requests fail: shares set in the simulator's control API, asked for about once a second."""

import asyncio
import http.client
import json
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

BUSY, REPLY_LOST = "storage_busy", "storage_reply_lost"
INTERVAL = 1.0


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares (0 to 1) of requests that answer 503 undone, and that are carried out and lose their answer."""

    seed: int | None = None
    busy: float = 0.0
    reply_lost: float = 0.0


class Faults:
    """Decides for each request; the same seed gives the same decisions in the same order."""

    def __init__(self) -> None:
        self._shares = Shares()
        self._random = random.Random()

    def set(self, shares: Shares) -> None:
        """Use these shares from the next request on; a change starts the seeded order again."""
        if shares != self._shares:
            self._shares = shares
            self._random = random.Random(shares.seed)

    def next(self) -> str | None:
        """The fault of the next request, if any."""
        shares = self._shares
        if not shares.busy and not shares.reply_lost:
            return None
        drawn = self._random.random()
        if drawn < shares.busy:
            return BUSY
        return REPLY_LOST if drawn < shares.busy + shares.reply_lost else None


async def follow(simulator_url: str, ca_file: str | None, changed: Callable[[Shares], None]) -> None:
    """Ask the simulator for its faults again and again and hand on the storage ones. Never returns."""
    control = _Control(simulator_url, ca_file)
    while True:
        shares = await asyncio.to_thread(control.read)
        if shares is not None:
            changed(shares)
        await asyncio.sleep(INTERVAL)


class _Control:
    """One kept-open connection to the simulator's control API."""

    def __init__(self, url: str, ca_file: str | None) -> None:
        parts = urlsplit(url)
        host, port = parts.hostname or "127.0.0.1", parts.port
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=ca_file)
            self._connection = http.client.HTTPSConnection(host, port, timeout=5, context=context)
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=5)

    def read(self) -> Shares | None:
        """The shares set now, or None where the simulator does not answer: then the last ones hold."""
        try:
            self._connection.request("GET", "/_control/faults")
            response = self._connection.getresponse()
            content = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            self._connection.close()
            return None
        if response.status != 200 or not isinstance(content, dict):
            return None
        return Shares(
            seed=content.get("seed"), busy=content.get(BUSY) or 0.0, reply_lost=content.get(REPLY_LOST) or 0.0
        )
