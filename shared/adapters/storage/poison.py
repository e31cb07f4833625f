"""The poison queues: what the Functions host gave up on, as text."""

import base64
import binascii
from contextlib import suppress
from typing import Final

from shared.adapters.storage.calls import TakenMessage
from shared.adapters.storage.connection import Connection
from shared.domain import names
from shared.domain.errors import NotFound
from shared.ports.work import PoisonMessage

# As many as Azure gives at once.
_PAGE: Final = 32
# Longer than a sweep takes, so that a message which cannot be stored is met once in it.
_HIDDEN: Final = 300


class AzurePoisonQueues:
    """Implements `ports.PoisonQueues`, each with one request."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(self, queue: str) -> list[PoisonMessage]:
        found = self._connection.calls.queue(names.poison(queue)).take(_PAGE, hidden=_HIDDEN)
        return [PoisonMessage(message.id, message.receipt, _text(message.content)) for message in found]

    def remove(self, queue: str, message: PoisonMessage) -> None:
        # Gone, or taken by another sweep, which has stored it too.
        with suppress(NotFound):
            taken = TakenMessage(message.id, message.receipt, "")
            self._connection.calls.queue(names.poison(queue)).remove(taken)


def _text(content: str) -> str:
    """The text behind base64; where there is none, what lies there: bytes stay readable to who has to find out."""
    try:
        return base64.b64decode(content, validate=True).decode()
    except (binascii.Error, ValueError):
        return content
