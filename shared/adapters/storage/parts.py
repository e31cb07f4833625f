"""Whether an account has every table, queue and container of this version."""

from collections.abc import Iterable

from shared.adapters.storage.connection import Connection
from shared.domain import names


class AzureParts:
    """Implements `ports.StoreParts`, with three requests."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def missing(self) -> list[str]:
        calls = self._connection.calls
        queues = (*names.QUEUES, *map(names.poison, names.QUEUES))
        return [
            *_lacking("table", names.TABLES, calls.tables()),
            *_lacking("queue", queues, calls.queues()),
            *_lacking("container", names.CONTAINERS, calls.containers()),
        ]


def _lacking(kind: str, wanted: Iterable[str], found: set[str]) -> list[str]:
    return [f"{kind} {name}" for name in wanted if name not in found]
