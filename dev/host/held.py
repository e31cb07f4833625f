"""The messages that a host is running, in a file beside it.

In Azure the host outlives its Python worker: it releases what ran in it. Here both are one process, and the next one
finds in this file what its predecessor has left.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """What it takes to release a message, or to put it into poison."""

    queue: str
    id: str
    pop_receipt: str
    content: str
    dequeue_count: int


class HeldFile:
    """Remembers what is held; nothing without a path."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._held: set[str] = set()

    def left(self) -> list[HeldMessage]:
        """What the predecessor held when it died. Forgotten with this call."""
        if self._path is None or not self._path.exists():
            return []
        found: dict[str, HeldMessage] = {}
        for line in self._path.read_text().splitlines():
            with suppress(ValueError):  # half a line: it died while writing
                _note(found, json.loads(line))
        self._path.write_text("")
        return list(found.values())

    def hold(self, message: HeldMessage) -> None:
        """Held from now on, under this receipt."""
        self._held.add(message.id)
        self._append(asdict(message))

    def release(self, message_id: str) -> None:
        """Not held any more."""
        self._held.discard(message_id)
        if self._path is not None and not self._held:
            self._path.write_text("")
        else:
            self._append({"released": message_id})

    def _append(self, line: dict[str, Any]) -> None:
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps(line) + "\n")


def _note(found: dict[str, HeldMessage], line: dict[str, Any]) -> None:
    if "released" in line:
        found.pop(line["released"], None)
    else:
        found[line["id"]] = HeldMessage(**line)
