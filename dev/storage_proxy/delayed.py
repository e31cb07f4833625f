"""Remembers queue messages that were put to be seen later: no storage API shows what is hidden."""

import base64
import binascii
import json
import re
import time
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qs

_TEXT = re.compile(rb"<MessageText>([^<]*)</MessageText>")


class Delayed:
    """The commands that are hidden since they were put, by name. Nobody can have received one of them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: list[tuple[float, str]] = []

    def put(self, target: str, body: bytes) -> None:
        """A message was put: `target` of the request line, and the request's body as it stood on the wire."""
        seconds = int(parse_qs(target.partition("?")[2]).get("visibilitytimeout", ["0"])[0])
        if seconds:
            self._until.append((self._clock() + seconds, _command(body)))

    def now(self) -> dict[str, int]:
        """How many of each are hidden still."""
        self._until = [waiting for waiting in self._until if waiting[0] > self._clock()]
        return dict(Counter(name for _, name in self._until))


def text_in(body: bytes) -> bytes:
    """The text of the message that a request puts, b"" where it puts none."""
    text = _TEXT.search(body)
    try:
        return base64.b64decode(text[1] if text else b"")
    except binascii.Error:
        return b""


def _command(body: bytes) -> str:
    """The name of the command in a message, '' where there is none, or where it failed and is to be tried again."""
    try:
        content = json.loads(text_in(body))
    except ValueError:
        return ""
    is_first_try = isinstance(content, dict) and not content.get("attempt")
    return str(content.get("command", "")) if is_first_try else ""
