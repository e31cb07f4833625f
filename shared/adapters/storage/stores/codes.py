"""The table Codes: reference codes by number, and forged ones counted by sender.

A number is claimed by the insert of its row. A sender has a row for each mail with forged codes, so that a mail
that is matched again counts once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, joined
from shared.adapters.storage.table import KEYS, Row, Table, in_partition
from shared.domain import names
from shared.domain.errors import Conflict
from shared.domain.records.records import RecordRef

_COLUMNS: Final = (*KEYS, "links", "message_key")


class AzureCodes:
    """Implements `ports.Codes`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(connection, names.CODES)

    def get_many(self, tenant_id: str, numbers: Iterable[int]) -> Mapping[int, tuple[RecordRef, ...]]:
        """One request each, side by side."""
        asked = list(dict.fromkeys(numbers))
        found = self._connection.side_by_side(
            lambda number: self._table.get(*_place(tenant_id, number), _COLUMNS), asked
        )
        rows = zip(asked, found, strict=True)
        return {number: _refs(row) for number, row in rows if row is not None}

    def claim(self, tenant_id: str, number: int, refs: Sequence[RecordRef], message_key: str) -> bool:
        """One request; one more if the number is taken, since the answer to the own claim may have been lost."""
        partition, key = _place(tenant_id, number)
        row = {
            "PartitionKey": partition,
            "RowKey": key,
            "links": " ".join(map(str, refs)),
            "message_key": message_key,
        }
        try:
            self._table.write(row, "")
        except Conflict:
            taken = self._table.get(partition, key, _COLUMNS)
            return taken is not None and taken["message_key"] == message_key
        return True

    def note_forged(self, tenant_id: str, sender_hash: str, message_key: str, count: int) -> int:
        """One request to write, and a range query."""
        partition, prefix = joined(tenant_id, f"~f{sender_hash[:1]}"), escaped(sender_hash)
        row_key = joined(prefix, escaped(message_key))
        self._table.upsert({"PartitionKey": partition, "RowKey": row_key, "forged": count})
        own = in_partition(partition, first=prefix + "|", last=prefix + "}")
        return sum(int(row["forged"]) for row in self._table.rows(own, select=(*KEYS, "forged")))


def _refs(row: Row) -> tuple[RecordRef, ...]:
    return tuple(map(RecordRef.parse, str(row["links"]).split()))


def _place(tenant_id: str, number: int) -> tuple[str, str]:
    """Buckets by the last digit, since numbers are random."""
    text = f"{number:08x}"
    return joined(tenant_id, text[-1]), text
