"""Stops the app after a chosen write: the write is answered, and no request after it is carried out.

Whoever kills the app's processes while the dam is closed has killed them between that write and the next. Requests
of processes that are gone by the time it opens are dropped.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from dev.storage_proxy.delayed import text_in

# A message that is hidden for longer, or deleted, changes nothing that the app has to do.
_WRITES: Final = {"table": {"POST", "PUT", "PATCH", "MERGE", "DELETE"}, "queue": {"POST"}, "blob": {"PUT"}}


@dataclass(frozen=True, slots=True)
class Mark:
    """The write to stop after: the `count`th to a service whose head or body contains each of `texts`.

    Of a queue's message the decoded text counts.
    """

    service: str
    texts: tuple[str, ...]
    count: int = 1

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Self:
        """Raises ValueError where a member is missing or of another type."""
        service, texts, count = value.get("service"), value.get("texts"), value.get("count", 1)
        if service not in _WRITES or not isinstance(texts, Sequence) or not isinstance(count, int):
            raise ValueError(
                "A dam needs service (table, queue or blob), texts (a list) and count (a number)."
            )
        return cls(str(service), tuple(map(str, texts)), count)

    def fits(self, service: str, method: str, request: bytes) -> bool:
        is_write = service == self.service and method in _WRITES[service]
        if not is_write:
            return False
        read = request + text_in(request) if service == "queue" else request
        return all(text.encode() in read for text in self.texts)


class Dam:
    """Open until the write it was set for has been carried out, and again once it is lifted.

    `waiting`: how many requests it holds back.
    """

    def __init__(self) -> None:
        self._mark: Mark | None = None
        self._left = 0
        self.waiting = 0
        self._open = asyncio.Event()
        self._open.set()

    @property
    def is_closed(self) -> bool:
        return not self._open.is_set()

    def set(self, mark: Mark) -> None:
        """Close after this write; one that was set before is forgotten."""
        self._mark, self._left = mark, mark.count

    def lift(self) -> None:
        """Let everything through again."""
        self._mark = None
        self._open.set()

    async def passed(self) -> bool:
        """Wait while the dam is closed. Whether there was anything to wait for."""
        was_closed = self.is_closed
        self.waiting += 1
        try:
            await self._open.wait()
        finally:
            self.waiting -= 1
        return was_closed

    def written(self, service: str, method: str, request: bytes) -> None:
        """A request is on its way to storage: after the chosen one nothing else is."""
        if self._mark is None or not self._mark.fits(service, method, request):
            return
        self._left -= 1
        if not self._left:
            self._mark = None
            self._open.clear()
