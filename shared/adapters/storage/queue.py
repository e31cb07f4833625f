"""The storage queues: commands as base64 text that never expires."""

import math
from typing import Any, Final

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import check_queue_message
from shared.adapters.storage.errors import translated
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
        self._options: dict[str, Any] = {}
        if timeout is not None:
            half = timeout / 2
            self._options = {"connection_timeout": half, "read_timeout": half, "retry_total": 0}

    def put(self, command: Command, *, delay: float = 0.0) -> None:
        """Raises Rejected for a command of more than 48 KiB."""
        text = command.to_json()
        check_queue_message(text)
        hidden = min(max(math.ceil(delay), 0), LONGEST_DELAY)
        client = self._connection.queue(command.queue)
        with translated(command.queue):
            # -1: without it Azure drops a message after seven days.
            client.send_message(text, visibility_timeout=hidden, time_to_live=-1, **self._options)
