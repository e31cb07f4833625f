"""The table Audit: who changed what, newest first. Rows are only ever added."""

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

# How many rows one page of a search by subject may look at.
SEARCHED: Final = 2_000


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

    def page(
        self, tenant_id: str, wanted: AuditFilter, *, limit: int, after: str
    ) -> tuple[list[AuditRow], str]:
        """One range query; subjects are looked at here, at most 2,000 rows for a page."""
        columns = {"by": wanted.by, "what": wanted.what}
        filters = [where(**{name: value}) for name, value in columns.items() if value]
        condition = " and ".join([in_partition(tenant_id, beyond=after), *filters])
        found: list[AuditRow] = []
        last = after
        page = LARGEST_PAGE if wanted.subject else limit + 1
        rows = self._table.rows(condition, select=("RowKey", *part_names()), page=page)
        for number, row in enumerate(rows):
            if len(found) == limit or number == SEARCHED:
                return found, last
            last = str(row["RowKey"])
            one = from_plain(AuditRow, unpacked(row))
            found += [one] if wanted.takes(one) else []
        return found, ""
