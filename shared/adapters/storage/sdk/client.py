"""The calls of one account through Azure's packages; the clients come from the connection."""

from typing import TYPE_CHECKING

from shared.adapters.storage.sdk.leases import SdkLeases
from shared.adapters.storage.sdk.queues import SdkQueue
from shared.adapters.storage.sdk.tables import SdkTable

if TYPE_CHECKING:
    from shared.adapters.storage.connection import Connection


class SdkCalls:
    """Implements `calls.Calls`."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection

    def table(self, name: str) -> SdkTable:
        return SdkTable(self._connection.table(name), name)

    def queue(self, name: str) -> SdkQueue:
        return SdkQueue(self._connection.queue(name), name)

    def leases(self, container: str) -> SdkLeases:
        return SdkLeases(self._connection.container(container), container)
