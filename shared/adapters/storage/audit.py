"""The table Audit: who changed what, newest first. Rows are only ever added."""

from contextlib import suppress

from shared.adapters.storage.codec import to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, packed
from shared.adapters.storage.table import Table
from shared.domain import names
from shared.domain.audit import AuditRow
from shared.domain.entries import inverted
from shared.domain.errors import Conflict


class AzureAudit:
    """Implements `ports.Audit`."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.AUDIT)

    def append(self, tenant_id: str, row: AuditRow) -> None:
        """One request."""
        with suppress(Conflict):  # told before, by a run that was cut short
            self._table.write(
                {
                    "PartitionKey": tenant_id,
                    "RowKey": f"{inverted(row.at)}-{escaped(row.id)}",
                    "what": row.what,
                    "by": row.by,
                    **packed(to_plain(row)),
                },
                "",
            )
