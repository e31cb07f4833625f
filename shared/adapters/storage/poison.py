"""The poison queues: what the Functions host gave up on, as text."""

from contextlib import suppress
from typing import Final

from shared.adapters.storage.calls import TakenMessage
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import text_in
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
        return [PoisonMessage(message.id, message.receipt, text_in(message.content)) for message in found]

    def remove(self, queue: str, message: PoisonMessage) -> None:
        # Gone, or taken by another sweep, which has stored it too.
        with suppress(NotFound):
            taken = TakenMessage(message.id, message.receipt, "")
            self._connection.calls.queue(names.poison(queue)).remove(taken)
