"""How long commands have stood in their queue."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import text_in
from shared.domain.commands.envelope import first_asked_in
from shared.domain.errors import MalformedCommand

# As many as Azure shows at once; those behind them came later.
_PAGE: Final = 32


class AzureBacklog:
    """Implements `ports.Backlog`, with one request. Azure shows no message that is hidden: one that runs or waits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def oldest(self, queue: str) -> datetime | None:
        return min(_asked(self._connection.calls.queue(queue).peek(_PAGE)), default=None)


def _asked(contents: list[str]) -> Iterator[datetime]:
    for content in contents:
        try:
            yield first_asked_in(text_in(content))
        except MalformedCommand:
            continue
