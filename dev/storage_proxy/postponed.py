"""Remembers the queue messages that were put to be seen minutes later: storage shows nobody what is hidden."""

import base64
import binascii
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

# What failed comes back sooner, as a rule; seconds.
SHORTEST: Final = 120.0
_TEXT: Final = re.compile(rb"<MessageText>(.*?)</MessageText>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Message:
    """A queue's name, the text of a message, and when it is seen by the clock of `Postponed`."""

    queue: str
    text: str
    due: float


class Postponed:
    """The messages that are not due yet. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._messages: list[Message] = []

    def put(self, target: str, request: bytes) -> None:
        """Storage has taken a message. `target` is the request line's, `request` head and body."""
        path, _, query = target.partition("?")
        delay = float(parse_qs(query).get("visibilitytimeout", ["0"])[0])
        found = _TEXT.search(request)
        if delay < SHORTEST or found is None:
            return
        queue = path.strip("/").split("/")[1]
        self._messages.append(Message(queue, _decoded(found[1]), self._clock() + delay))

    def as_json(self) -> list[dict[str, str]]:
        """`queue` and `text` of each."""
        now = self._clock()
        self._messages = [message for message in self._messages if message.due > now]
        return [{"queue": message.queue, "text": message.text} for message in self._messages]


def _decoded(content: bytes) -> str:
    try:
        return base64.b64decode(content, validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return content.decode("utf-8", "replace")
