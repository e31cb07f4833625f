"""One queue through `azure-storage-queue`."""

from typing import TYPE_CHECKING, Any

from shared.adapters.storage.calls import TakenMessage
from shared.adapters.storage.errors import translated

if TYPE_CHECKING:
    from azure.storage.queue import QueueClient


class SdkQueue:
    """Implements `calls.QueueCalls`; the client encodes what it sends."""

    def __init__(self, client: "QueueClient", name: str) -> None:
        self._client = client
        self._name = name

    def send(self, text: str, *, hidden: int, timeout: float | None) -> None:
        options: dict[str, Any] = {}
        if timeout is not None:
            half = timeout / 2
            options = {"connection_timeout": half, "read_timeout": half, "retry_total": 0}
        with translated(self._name):
            # -1: without it Azure drops a message after seven days.
            self._client.send_message(text, visibility_timeout=hidden, time_to_live=-1, **options)

    def take(self, count: int, *, hidden: int) -> list[TakenMessage]:
        with translated(self._name):
            found = self._client.receive_messages(max_messages=count, visibility_timeout=hidden)
            return [
                TakenMessage(str(message.id), str(message.pop_receipt), message.content) for message in found
            ]

    def peek(self, count: int) -> list[str]:
        with translated(self._name):
            return [message.content for message in self._client.peek_messages(max_messages=count)]

    def remove(self, message: TakenMessage) -> None:
        with translated(self._name):
            self._client.delete_message(message.id, message.receipt)
