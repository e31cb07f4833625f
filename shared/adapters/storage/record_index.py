"""The table RecordIndex: which records, and whose mailboxes, stand under an address, a domain, a subject, a contact.

A row carries the record's card, so that a look-up decides without reading the record. Partitions are 16
buckets by hash, so that a bulk load of records fills whole transactions, and one range query answers for one
address.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, hashed, joined, unescaped
from shared.adapters.storage.table import Operation, Row, Table, etag_of, in_partition
from shared.domain import names
from shared.domain.errors import Conflict
from shared.domain.records import Card, RecordRef
from shared.ports import KnownAddress

_STAFF: Final = "staff"
_TAUGHT: Final = "taught"
_BUCKET: Final = {"address": "a", "domain": "d", "subject": "s", "contact": "c"}
IndexKey = tuple[Card, str]
_WITH_CONTACTS: Final = ("domain", "subject")
_COLUMNS: Final = ("RowKey", "client", "status", "type", "contacts", "domains")


class AzureRecordIndex:
    """Implements `ports.RecordIndex`: one request per text asked for, side by side."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(connection, names.RECORD_INDEX)

    def addresses(self, tenant_id: str, addresses: Iterable[str]) -> Mapping[str, KnownAddress]:
        asked = list(dict.fromkeys(addresses))
        return dict(zip(asked, self._look_up(tenant_id, "address", asked), strict=True))

    def domains(self, tenant_id: str, domains: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        return self._cards(tenant_id, "domain", domains)

    def subjects(self, tenant_id: str, subjects: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        return self._cards(tenant_id, "subject", subjects)

    def listing(self, tenant_id: str, contacts: Iterable[str]) -> Mapping[str, frozenset[RecordRef]]:
        found = self._cards(tenant_id, "contact", contacts)
        return {contact: frozenset(one.ref for one in cards) for contact, cards in found.items()}

    def teach(self, tenant_id: str, address: str, refs: Iterable[RecordRef]) -> None:
        rows = [_taught_row(tenant_id, address, one) for one in dict.fromkeys(refs)]
        self._table.write_many(Operation("upsert", row) for row in rows)

    def unteach(self, tenant_id: str, address: str, refs: Iterable[RecordRef]) -> None:
        rows = [_taught_row(tenant_id, address, one) for one in dict.fromkeys(refs)]
        self._connection.side_by_side(self._drop, [(row, "") for row in rows])

    def put_staff(self, tenant_id: str, mailbox_id: str, addresses: Iterable[str]) -> None:
        rows = [_staff_row(tenant_id, mailbox_id, one) for one in dict.fromkeys(addresses)]
        self._table.write_many(Operation("upsert", row) for row in rows)

    def drop_staff(self, tenant_id: str, mailbox_id: str, addresses: Iterable[str]) -> None:
        rows = [_staff_row(tenant_id, mailbox_id, one) for one in dict.fromkeys(addresses)]
        self._connection.side_by_side(self._drop, [(row, "") for row in rows])

    def add(self, tenant_id: str, keys: Iterable[IndexKey]) -> None:
        """Let records be found; a key that is there already is written again."""
        rows = [_record_row(tenant_id, card, key) for card, key in dict.fromkeys(keys)]
        self._table.write_many(Operation("upsert", row) for row in rows)

    def seen(self, tenant_id: str, keys: Iterable[IndexKey]) -> Mapping[IndexKey, str]:
        """The ETags of those keys that have a row: what `drop` takes. One request per key."""

        def read(key: IndexKey) -> str:
            row = _record_row(tenant_id, *key)
            found = self._table.get(row["PartitionKey"], row["RowKey"], ("RowKey",))
            return etag_of(found) if found else ""

        asked = list(dict.fromkeys(keys))
        etags = self._connection.side_by_side(read, asked)
        return {key: etag for key, etag in zip(asked, etags, strict=True) if etag}

    def drop(self, tenant_id: str, seen: Mapping[IndexKey, str]) -> None:
        """Remove rows that nobody has written since they were seen."""
        rows = [(_record_row(tenant_id, *key), etag) for key, etag in seen.items()]
        self._connection.side_by_side(self._drop, rows)

    def _drop(self, read: tuple[Row, str]) -> None:
        row, etag = read
        try:
            self._table.delete(row["PartitionKey"], row["RowKey"], etag)
        except Conflict:  # a newer version of the record carries this key again
            return

    def _cards(self, tenant_id: str, what: str, texts: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        asked = list(dict.fromkeys(texts))
        found = self._look_up(tenant_id, what, asked)
        return {text: known.cards for text, known in zip(asked, found, strict=True)}

    def _look_up(self, tenant_id: str, what: str, asked: list[str]) -> list[KnownAddress]:
        def read(text: str) -> KnownAddress:
            partition, prefix = _place(tenant_id, what, text)
            condition = in_partition(partition, first=prefix + "|", last=prefix + "}")
            return _known(self._table.rows(condition, select=_COLUMNS))

        return self._connection.side_by_side(read, asked)


def _place(tenant_id: str, what: str, text: str) -> tuple[str, str]:
    """Partition and start of the row key."""
    digest = hashed(text)
    return joined(tenant_id, _BUCKET[what] + digest[0]), digest


def _record_row(tenant_id: str, card: Card, key: str) -> Row:
    what, _, text = key.partition(":")
    partition, prefix = _place(tenant_id, what, text)
    return {
        "PartitionKey": partition,
        "RowKey": joined(prefix, card.ref.kind, escaped(card.ref.id)),
        "client": card.client,
        "status": card.status,
        "type": card.type,
        "contacts": "|".join(card.contacts) if what in _WITH_CONTACTS else "",
        "domains": "|".join(card.domains) if what == "domain" else "",
    }


def _staff_row(tenant_id: str, mailbox_id: str, address: str) -> Row:
    partition, prefix = _place(tenant_id, "address", address)
    return {"PartitionKey": partition, "RowKey": joined(prefix, _STAFF, escaped(mailbox_id))}


def _taught_row(tenant_id: str, address: str, ref: RecordRef) -> Row:
    partition, prefix = _place(tenant_id, "address", address)
    return {"PartitionKey": partition, "RowKey": joined(prefix, _TAUGHT, ref.kind, escaped(ref.id))}


def _known(rows: Iterable[Row]) -> KnownAddress:
    cards: set[Card] = set()
    taught: set[RecordRef] = set()
    is_staff = False
    for row in rows:
        _, what, *rest = str(row["RowKey"]).split("|")
        if what == _STAFF:
            is_staff = True
        elif what == _TAUGHT:
            taught.add(RecordRef(rest[0], unescaped(rest[1])))
        else:
            cards.add(_card(RecordRef(what, unescaped(rest[0])), row))
    return KnownAddress(frozenset(cards), is_staff, frozenset(taught))


def _card(ref: RecordRef, row: Row) -> Card:
    return Card(
        ref, row["client"], row["status"], row["type"], _listed(row, "contacts"), _listed(row, "domains")
    )


def _listed(row: Row, column: str) -> tuple[str, ...]:
    text = str(row.get(column) or "")
    return tuple(text.split("|")) if text else ()
