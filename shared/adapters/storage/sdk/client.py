"""The calls of one account through Azure's packages."""

from typing import TYPE_CHECKING, Any, Final, Protocol

from shared.adapters.storage.calls import LISTED_WITHIN
from shared.adapters.storage.errors import translated
from shared.adapters.storage.sdk.leases import SdkLeases
from shared.adapters.storage.sdk.queues import SdkQueue
from shared.adapters.storage.sdk.tables import SdkTable

if TYPE_CHECKING:
    from azure.data.tables import TableClient, TableServiceClient
    from azure.storage.blob import BlobServiceClient, ContainerClient
    from azure.storage.queue import QueueClient, QueueServiceClient

_PROMPT: Final[dict[str, Any]] = {
    "connection_timeout": LISTED_WITHIN,
    "read_timeout": LISTED_WITHIN,
    "retry_total": 0,
}


class Clients(Protocol):
    """Where Azure's clients come from."""

    @property
    def table_service(self) -> "TableServiceClient": ...

    @property
    def queue_service(self) -> "QueueServiceClient": ...

    @property
    def blob_service(self) -> "BlobServiceClient": ...

    def table(self, name: str) -> "TableClient": ...

    def queue(self, name: str) -> "QueueClient": ...

    def container(self, name: str) -> "ContainerClient": ...


class SdkCalls:
    """Implements `calls.Calls`."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def tables(self) -> set[str]:
        with translated("tables"):
            return {table.name for table in self._clients.table_service.list_tables(**_PROMPT)}

    def queues(self) -> set[str]:
        with translated("queues"):
            return {str(queue.name) for queue in self._clients.queue_service.list_queues(**_PROMPT)}

    def containers(self) -> set[str]:
        with translated("containers"):
            return {container.name for container in self._clients.blob_service.list_containers(**_PROMPT)}

    def table(self, name: str) -> SdkTable:
        return SdkTable(self._clients.table(name), name)

    def queue(self, name: str) -> SdkQueue:
        return SdkQueue(self._clients.queue(name), name)

    def leases(self, container: str) -> SdkLeases:
        return SdkLeases(self._clients.container(container), container)
