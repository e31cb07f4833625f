"""The table Sightings: the ledger of every copy seen, per mailbox, newest first, and where each Message-ID is in it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, hashed, joined, packed, part_names, unpacked
from shared.adapters.storage.table import KEYS, Operation, Row, Table, in_partition, where
from shared.domain import names
from shared.domain.capture.sightings import Sighting
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.filing.entries import inverted
from shared.domain.mail.items import ItemRef

# "~" sorts behind all times: what reads the ledger by time reads none of these rows.
_NAMED: Final = "~m"
_HASH: Final = "message_id_hash"


class AzureSightings:
    """Implements `ports.Sightings`: one request per hundred rows, two of which are of one copy."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(connection, names.SIGHTINGS)

    def put(self, mailbox: Mailbox, sightings: Sequence[Sighting]) -> None:
        copies = (_row(mailbox, sighting) for sighting in sightings)
        rows = {str(row["RowKey"]): row for row in copies}
        self._table.write_many(
            Operation("upsert", row) for row in chain.from_iterable(map(_pair, rows.values()))
        )

    def between(self, mailbox: Mailbox, first: datetime, last: datetime) -> Mapping[ItemRef, Sighting]:
        # "." sorts behind the "-" that follows the time.
        condition = in_partition(_partition(mailbox), first=inverted(last), last=inverted(first) + ".")
        rows = self._table.rows(condition, select=part_names())
        found = (from_plain(Sighting, unpacked(row)) for row in rows)
        # The key has the time in milliseconds, which takes in a little more than was asked for.
        return {sighting.item: sighting for sighting in found if first <= sighting.received_at <= last}

    def undecided_since(
        self, mailbox: Mailbox, since: datetime, reasons: Sequence[str]
    ) -> Iterator[Sighting]:
        """One request per thousand rows found; the reasons are looked for by the table."""
        wanted = " or ".join(where(reason=reason) for reason in reasons)
        condition = f"{in_partition(_partition(mailbox), last=inverted(since) + '.')} and ({wanted})"
        found = (
            from_plain(Sighting, unpacked(row)) for row in self._table.rows(condition, select=part_names())
        )
        return (sighting for sighting in found if sighting.received_at >= since)

    def of_message(
        self, mailboxes: Sequence[Mailbox], message_id_hash: str
    ) -> list[tuple[Mailbox, Sighting]]:
        """One range query per mailbox, and a request per copy."""
        first = joined(_NAMED, message_id_hash)

        def look(mailbox: Mailbox) -> list[tuple[Mailbox, Sighting]]:
            partition = _partition(mailbox)
            named = self._table.rows(in_partition(partition, first=first, last=first + "}"), select=KEYS)
            found = (self._table.get(partition, _copy_key(row), part_names()) for row in named)
            return [(mailbox, from_plain(Sighting, unpacked(row))) for row in found if row is not None]

        found = self._connection.side_by_side(look, mailboxes)
        return list(chain.from_iterable(found))

    def forget(self, mailbox: Mailbox, before: datetime, *, limit: int) -> bool:
        """One query, and a request per fifty copies."""
        condition = in_partition(_partition(mailbox), first=inverted(before) + ".", last=_NAMED)
        rows = list(islice(self._table.rows(condition, select=(*KEYS, _HASH)), limit))
        # A copy goes with the row that leads to it, or neither goes.
        pairs = {str(row["RowKey"]): [Operation("delete", each) for each in _pair(row)] for row in rows}
        self._table.write_together(pairs)
        return len(rows) == limit


def _partition(mailbox: Mailbox) -> str:
    return joined(mailbox.tenant_id, escaped(mailbox.mailbox_id))


def _pair(row: Row) -> list[Row]:
    """A copy's row behind the one that leads there from its Message-ID, where it has one."""
    if not row.get(_HASH):
        return [row]
    named = joined(_NAMED, str(row[_HASH]), str(row["RowKey"]))
    return [{"PartitionKey": row["PartitionKey"], "RowKey": named}, row]


def _copy_key(row: Row) -> str:
    """The key of the copy to which such a row leads."""
    return str(row["RowKey"]).rpartition("|")[2]


def _row(mailbox: Mailbox, sighting: Sighting) -> Row:
    return {
        "PartitionKey": _partition(mailbox),
        "RowKey": f"{inverted(sighting.received_at)}-{hashed(sighting.item.key)[:16]}",
        "outcome": sighting.outcome,
        "reason": sighting.reason,
        "message_key": sighting.message_key,
        _HASH: sighting.message_id_hash,
        **packed(to_plain(sighting)),
    }
