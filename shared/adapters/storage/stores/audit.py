"""The table Audit: the audited requests, newest first. Rows are only added."""

from contextlib import suppress
from typing import Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, packed, part_names, unpacked
from shared.adapters.storage.table import LARGEST_PAGE, Table, in_partition, where
from shared.domain import names
from shared.domain.errors import Conflict
from shared.domain.filing.entries import inverted
from shared.domain.privacy.audit import AuditFilter, AuditRow

# The number of rows that one page of a search by subject may read: subjects are inside a packed column.
SEARCHED: Final = 2_000


class AzureAudit:
    """Implements `ports.Audit`."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.AUDIT)

    def append(self, tenant_id: str, row: AuditRow) -> None:
        """One request."""
        # A run that was interrupted has written the row before.
        with suppress(Conflict):
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

    def page(
        self, tenant_id: str, wanted: AuditFilter, *, limit: int, after: str
    ) -> tuple[list[AuditRow], str]:
        """One range query; a search by subject reads at most 2,000 rows for a page."""
        condition = " and ".join([in_partition(tenant_id, beyond=after), *_filters(wanted)])
        found: list[AuditRow] = []
        last = after
        page = LARGEST_PAGE if wanted.subject else limit + 1
        rows = self._table.rows(condition, select=("RowKey", *part_names()), page=page)
        for number, row in enumerate(rows):
            if len(found) == limit or number == SEARCHED:
                return found, last
            last = str(row["RowKey"])
            audited = from_plain(AuditRow, unpacked(row))
            if wanted.takes(audited):
                found.append(audited)
        return found, ""


def _filters(wanted: AuditFilter) -> list[str]:
    columns = {"by": wanted.by, "what": wanted.what}
    return [where(**{name: value}) for name, value in columns.items() if value]
