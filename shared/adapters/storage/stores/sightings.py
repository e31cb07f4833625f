"""The table Sightings: the ledger of every copy seen, per mailbox, newest first."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, hashed, joined, packed, part_names, unpacked
from shared.adapters.storage.table import KEYS, Operation, Row, Table, in_partition, where
from shared.domain import names
from shared.domain.capture.sightings import Sighting
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Conflict, NotFound
from shared.domain.filing.entries import inverted
from shared.domain.mail.items import ItemRef


class AzureSightings:
    """Implements `ports.Sightings`: one request per hundred rows."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(connection, names.SIGHTINGS)

    def put(self, mailbox: Mailbox, sightings: Sequence[Sighting]) -> None:
        rows = {str(row["RowKey"]): row for row in (_row(mailbox, sighting) for sighting in sightings)}
        self._table.write_many(Operation("upsert", row) for row in rows.values())

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
        """The column is no key: one query per mailbox, in which the table reads all of the mailbox's rows."""

        def look(mailbox: Mailbox) -> list[tuple[Mailbox, Sighting]]:
            condition = f"{in_partition(_partition(mailbox))} and {where(message_id_hash=message_id_hash)}"
            rows = self._table.rows(condition, select=part_names())
            return [(mailbox, from_plain(Sighting, unpacked(row))) for row in rows]

        found = self._connection.side_by_side(look, mailboxes)
        return list(chain.from_iterable(found))

    def forget(self, mailbox: Mailbox, before: datetime, *, limit: int) -> bool:
        """One query, and a request per hundred rows. A row that somebody else deletes meanwhile is a Conflict."""
        condition = in_partition(_partition(mailbox), first=inverted(before) + ".")
        rows = list(islice(self._table.rows(condition, select=KEYS), limit))
        try:
            self._table.write_many(Operation("delete", row) for row in rows)
        except NotFound as error:
            raise Conflict(str(error)) from error
        return len(rows) == limit


def _partition(mailbox: Mailbox) -> str:
    return joined(mailbox.tenant_id, escaped(mailbox.mailbox_id))


def _row(mailbox: Mailbox, sighting: Sighting) -> Row:
    return {
        "PartitionKey": _partition(mailbox),
        "RowKey": f"{inverted(sighting.received_at)}-{hashed(sighting.item.key)[:16]}",
        "outcome": sighting.outcome,
        "reason": sighting.reason,
        "message_key": sighting.message_key,
        "message_id_hash": sighting.message_id_hash,
        **packed(to_plain(sighting)),
    }
