"""One queue over HTTP. Source: Microsoft, "Put Message"."""

import base64
from typing import Final

from shared.adapters.storage.direct.exchange import Patience, Request, Sends, Service

# Without it Azure drops a message after seven days.
_NEVER: Final = "-1"


class DirectQueue:
    """Implements `calls.QueueCalls`. A message whose answer was lost is put again: commands may come twice."""

    def __init__(self, sender: Sends, name: str) -> None:
        self._sender = sender
        self._name = name

    def put(self, text: str, *, hidden: int, timeout: float | None) -> None:
        # The Functions queue trigger expects base64; host.json says the same.
        content = base64.b64encode(text.encode()).decode()
        body = f"<QueueMessage><MessageText>{content}</MessageText></QueueMessage>".encode()
        request = Request(
            Service.QUEUE,
            self._name,
            "POST",
            f"/{self._name}/messages",
            (("visibilitytimeout", str(hidden)), ("messagettl", _NEVER)),
            {"Content-Type": "application/xml"},
            body,
        )
        once = None if timeout is None else Patience(timeout / 2, timeout / 2, retries=0)
        self._sender.send(request, once)
