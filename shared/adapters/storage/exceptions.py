"""The table Exceptions: commands and messages that could not be processed, newest first."""

from shared.adapters.storage.codec import to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, packed
from shared.adapters.storage.table import Table
from shared.domain import names
from shared.domain.entries import inverted
from shared.ports import Failure


class AzureExceptions:
    """Implements `ports.Exceptions`, with one request."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.EXCEPTIONS)

    def record(self, failure: Failure) -> None:
        self._table.upsert(
            {
                "PartitionKey": escaped(failure.tenant_id),
                "RowKey": f"{inverted(failure.at)}-{escaped(failure.id)}",
                "mailbox_id": failure.mailbox_id,
                "code": failure.code,
                **packed(to_plain(failure)),
            }
        )
