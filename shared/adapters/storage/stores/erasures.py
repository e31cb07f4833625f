"""The table Erasures: requests to erase a person, and organisations that were deleted.

Only the row of a running request holds the address; it loses the address when the request is done.
"""

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, packed, part_names, unpacked
from shared.adapters.storage.table import NEVER, Table, in_partition, moment_in, where
from shared.domain import names
from shared.domain.privacy.erasure import RUNNING, Deletion, Erasure

_DELETED = "~deleted"


class AzureErasures:
    """Implements `ports.Erasures`: one request each."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.ERASURES)

    def get(self, tenant_id: str, erasure_id: str) -> Erasure | None:
        row = self._table.get(tenant_id, escaped(erasure_id), part_names())
        return from_plain(Erasure, unpacked(row)) if row else None

    def put(self, tenant_id: str, erasure: Erasure) -> None:
        keys = {"PartitionKey": tenant_id, "RowKey": escaped(erasure.id)}
        self._table.upsert({**keys, "state": erasure.state, **packed(to_plain(erasure))})

    def running(self, tenant_id: str) -> list[Erasure]:
        condition = f"{in_partition(tenant_id)} and {where(state=RUNNING)}"
        rows = self._table.rows(condition, select=part_names())
        return [from_plain(Erasure, unpacked(row)) for row in rows]

    def deletion(self, organisation: str) -> Deletion | None:
        row = self._table.get(_DELETED, escaped(organisation), ("at", "done_at"))
        return Deletion(organisation, row["at"], moment_in(row, "done_at")) if row else None

    def note_deletion(self, deletion: Deletion) -> None:
        keys = {"PartitionKey": _DELETED, "RowKey": escaped(deletion.organisation)}
        self._table.upsert({**keys, "at": deletion.at, "done_at": deletion.done_at or NEVER})
