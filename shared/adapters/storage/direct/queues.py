"""One queue over HTTP. Source: Microsoft, "Put Message", "Get Messages", "Delete Message"."""

import base64
from typing import Final
from xml.etree import ElementTree

from shared.adapters.storage.calls import TakenMessage
from shared.adapters.storage.direct.exchange import Patience, Request, Sends, Service

# Without it Azure drops a message after seven days.
_NEVER: Final = "-1"


class DirectQueue:
    """Implements `calls.QueueCalls`. A message whose answer was lost is put again: commands may come twice."""

    def __init__(self, sender: Sends, name: str) -> None:
        self._sender = sender
        self._name = name

    def send(self, text: str, *, hidden: int, timeout: float | None) -> None:
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

    def take(self, count: int, *, hidden: int) -> list[TakenMessage]:
        query = (("numofmessages", str(count)), ("visibilitytimeout", str(hidden)))
        path = f"/{self._name}/messages"
        answer = self._sender.send(Request(Service.QUEUE, self._name, "GET", path, query))
        return [_taken(found) for found in ElementTree.fromstring(answer.body).iter("QueueMessage")]

    def peek(self, count: int) -> list[str]:
        query = (("numofmessages", str(count)), ("peekonly", "true"))
        answer = self._sender.send(
            Request(Service.QUEUE, self._name, "GET", f"/{self._name}/messages", query)
        )
        return [found.text or "" for found in ElementTree.fromstring(answer.body).iter("MessageText")]

    def remove(self, message: TakenMessage) -> None:
        path = f"/{self._name}/messages/{message.id}"
        query = (("popreceipt", message.receipt),)
        self._sender.send(Request(Service.QUEUE, self._name, "DELETE", path, query))


def _taken(found: ElementTree.Element) -> TakenMessage:
    return TakenMessage(
        id=found.findtext("MessageId", ""),
        receipt=found.findtext("PopReceipt", ""),
        content=found.findtext("MessageText", ""),
    )
