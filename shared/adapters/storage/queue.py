"""The storage queues: commands as base64 text that never expires."""

import math
from typing import Final

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import check_queue_message
from shared.domain.commands.envelope import Command

# Azure refuses a longer visibility timeout.
LONGEST_DELAY: Final = 7 * 24 * 3_600


class AzureCommandQueue:
    """Implements `ports.CommandQueue`, with one request.

    With `timeout` (seconds) it answers in about that time or raises, without a second try: a webhook's caller
    repeats its request. If the answer is missing, the command may be in the queue all the same.
    """

    def __init__(self, connection: Connection, *, timeout: float | None = None) -> None:
        self._connection = connection
        self._timeout = timeout

    def send(self, command: Command, *, delay: float = 0.0) -> None:
        """Raises Rejected for a command of more than 48 KiB."""
        self.send_as_it_is(command.queue, command.to_json(), delay=delay)

    def send_as_it_is(self, queue: str, text: str, *, delay: float) -> None:
        """Raises Rejected for more than 48 KiB."""
        check_queue_message(text)
        hidden = min(max(math.ceil(delay), 0), LONGEST_DELAY)
        self._connection.calls.queue(queue).send(text, hidden=hidden, timeout=self._timeout)
