"""The calls of one account through Azure's packages; the clients come from the connection."""

from typing import TYPE_CHECKING, Any, Final

from shared.adapters.storage.calls import LISTED_WITHIN
from shared.adapters.storage.errors import translated
from shared.adapters.storage.sdk.leases import SdkLeases
from shared.adapters.storage.sdk.queues import SdkQueue
from shared.adapters.storage.sdk.tables import SdkTable

if TYPE_CHECKING:
    from shared.adapters.storage.connection import Connection

_PROMPT: Final[dict[str, Any]] = {
    "connection_timeout": LISTED_WITHIN,
    "read_timeout": LISTED_WITHIN,
    "retry_total": 0,
}


class SdkCalls:
    """Implements `calls.Calls`."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection

    def tables(self) -> set[str]:
        with translated("tables"):
            return {table.name for table in self._connection.table_service.list_tables(**_PROMPT)}

    def queues(self) -> set[str]:
        with translated("queues"):
            return {str(queue.name) for queue in self._connection.queue_service.list_queues(**_PROMPT)}

    def containers(self) -> set[str]:
        with translated("containers"):
            return {container.name for container in self._connection.blob_service.list_containers(**_PROMPT)}

    def table(self, name: str) -> SdkTable:
        return SdkTable(self._connection.table(name), name)

    def queue(self, name: str) -> SdkQueue:
        return SdkQueue(self._connection.queue(name), name)

    def leases(self, container: str) -> SdkLeases:
        return SdkLeases(self._connection.container(container), container)
