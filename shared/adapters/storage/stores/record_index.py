"""The table RecordIndex: the records and mailboxes of an address, a domain, a subject or a contact.

A row carries the record's card, so that a look-up need not read the record. Partitions are 16 buckets by hash:
a bulk load of records fills whole transactions, and one range query answers for an address. Rows that are few, or
read as a whole, share a partition: staff once more, contacts that are listed but missing, taught addresses of a
record, and records that Postledger opened.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import chain, islice
from typing import Final

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, hashed, joined, unescaped
from shared.adapters.storage.table import Operation, Row, Table, etag_of, in_partition
from shared.domain import names
from shared.domain.errors import Conflict
from shared.domain.mail.addresses import mailbox_key, mailbox_keys
from shared.domain.matching.candidates import KnownAddress
from shared.domain.records.records import Card, RecordRef, opened_key

_STAFF: Final = "staff"
_TAUGHT: Final = "taught"
_BUCKET: Final = {"address": "a", "domain": "d", "subject": "s", "contact": "c"}
_WHOLE: Final = {"missing": "m", "staff": "w", "record": "t", "opened": "o"}
# Up to this number, each address or contact is a request; above it, reading the whole partition is cheaper.
_FEW: Final = 20
IndexKey = tuple[Card, str]
_WITH_CONTACTS: Final = ("domain", "subject")
_COLUMNS: Final = ("RowKey", "client", "status", "type", "contacts", "domains")


class AzureRecordIndex:
    """Implements `ports.RecordIndex`: one request per text, side by side. An address stands under its mailbox's key."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(connection, names.RECORD_INDEX)

    def addresses(self, tenant_id: str, addresses: Iterable[str]) -> Mapping[str, KnownAddress]:
        keys = {address: mailbox_key(address) for address in addresses}
        asked = list(dict.fromkeys(keys.values()))
        found = dict(zip(asked, self._look_up(tenant_id, "address", asked), strict=True))
        return {address: found[key] for address, key in keys.items()}

    def domains(self, tenant_id: str, domains: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        return self._cards(tenant_id, "domain", domains)

    def subjects(self, tenant_id: str, subjects: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        return self._cards(tenant_id, "subject", subjects)

    def listing_contact(self, tenant_id: str, contacts: Iterable[str]) -> Mapping[str, frozenset[RecordRef]]:
        found = self._cards(tenant_id, "contact", contacts)
        return {contact: _refs_of(cards) for contact, cards in found.items()}

    def awaiting(self, tenant_id: str, contacts: Iterable[str]) -> Mapping[str, frozenset[RecordRef]]:
        """A request per contact, or one per thousand contacts that are missing."""
        asked = list(dict.fromkeys(contacts))
        keys_by_hash = self._under(tenant_id, "missing", asked)
        waiting = {contact: frozenset(map(_ref, keys_by_hash.get(hashed(contact), ()))) for contact in asked}
        return {contact: refs for contact, refs in waiting.items() if refs}

    def staff_among(self, tenant_id: str, addresses: Iterable[str]) -> frozenset[str]:
        """A request per address, or one per thousand addresses of the organisation's people."""
        keys = {address: mailbox_key(address) for address in addresses}
        keys_by_hash = self._under(tenant_id, "staff", list(dict.fromkeys(keys.values())))
        return frozenset(address for address, key in keys.items() if hashed(key) in keys_by_hash)

    def opened(
        self, tenant_id: str, since: datetime, *, limit: int, after: str
    ) -> tuple[list[RecordRef], str]:
        """One range query."""
        partition = joined(tenant_id, _WHOLE["opened"])
        place = {"beyond": after} if after else {"first": opened_key(since)}
        rows = self._table.rows(in_partition(partition, **place), select=("RowKey",), page=limit + 1)
        keys = [str(row["RowKey"]) for row in islice(rows, limit + 1)]
        shown = keys[:limit]
        return [_ref(key) for key in shown], shown[-1] if len(keys) > limit else ""

    def taught_to(self, tenant_id: str, ref: RecordRef) -> frozenset[str]:
        """One range query."""
        keys_by_hash = self._under(tenant_id, "record", [str(ref)])
        keys = chain.from_iterable(keys_by_hash.values())
        return frozenset(unescaped(key.split("|")[1]) for key in keys)

    def teach(self, tenant_id: str, address: str, refs: Iterable[RecordRef]) -> None:
        self._put_rows(_taught_rows(tenant_id, mailbox_key(address), ref) for ref in dict.fromkeys(refs))

    def unteach(self, tenant_id: str, address: str, refs: Iterable[RecordRef]) -> None:
        self._drop_rows(_taught_rows(tenant_id, mailbox_key(address), ref) for ref in dict.fromkeys(refs))

    def put_staff(self, tenant_id: str, mailbox_id: str, addresses: Iterable[str]) -> None:
        self._put_rows(_staff_rows(tenant_id, mailbox_id, key) for key in mailbox_keys(addresses))

    def drop_staff(self, tenant_id: str, mailbox_id: str, addresses: Iterable[str]) -> None:
        self._drop_rows(_staff_rows(tenant_id, mailbox_id, key) for key in mailbox_keys(addresses))

    def add(self, tenant_id: str, keys: Iterable[IndexKey]) -> None:
        """Write the rows by which records are found; an existing row is written again."""
        self._put_rows([[_record_row(tenant_id, card, key)] for card, key in dict.fromkeys(keys)])

    def seen(self, tenant_id: str, keys: Iterable[IndexKey]) -> Mapping[IndexKey, str]:
        """The ETags of the keys that have a row, as `drop` takes them. One request per key."""

        def read(key: IndexKey) -> str:
            row = _record_row(tenant_id, *key)
            found = self._table.get(row["PartitionKey"], row["RowKey"], ("RowKey",))
            return etag_of(found) if found else ""

        asked = list(dict.fromkeys(keys))
        etags = self._connection.side_by_side(read, asked)
        return {key: etag for key, etag in zip(asked, etags, strict=True) if etag}

    def drop(self, tenant_id: str, seen: Mapping[IndexKey, str]) -> None:
        """Delete the rows that have not changed since they were seen."""
        rows = [(_record_row(tenant_id, *key), etag) for key, etag in seen.items()]
        self._connection.side_by_side(self._drop, rows)

    def _put_rows(self, rows: Iterable[list[Row]]) -> None:
        self._table.write_many(Operation("upsert", row) for row in chain.from_iterable(rows))

    def _drop_rows(self, rows: Iterable[list[Row]]) -> None:
        self._connection.side_by_side(self._drop, [(row, "") for row in chain.from_iterable(rows)])

    def _drop(self, read: tuple[Row, str]) -> None:
        row, etag = read
        # A conflict means that a newer version of the record has this key again: its row stays.
        with suppress(Conflict):
            self._table.delete(row["PartitionKey"], row["RowKey"], etag)

    def _cards(self, tenant_id: str, what: str, texts: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        asked = list(dict.fromkeys(texts))
        found = self._look_up(tenant_id, what, asked)
        return {text: known.cards for text, known in zip(asked, found, strict=True)}

    def _look_up(self, tenant_id: str, what: str, asked: list[str]) -> list[KnownAddress]:
        def read(text: str) -> KnownAddress:
            partition, prefix = _place(tenant_id, what, text)
            # "}" sorts right after the "|" that joins a key's parts.
            condition = in_partition(partition, first=prefix + "|", last=prefix + "}")
            return _known(self._table.rows(condition, select=_COLUMNS))

        return self._connection.side_by_side(read, asked)

    def _under(self, tenant_id: str, what: str, asked: list[str]) -> Mapping[str, list[str]]:
        """Row keys by hash: those of the texts if they are few, else all keys of the partition."""

        def read(text: str) -> list[str]:
            partition, prefix = _place(tenant_id, what, text)
            return self._keys(in_partition(partition, first=prefix + "|", last=prefix + "}"))

        if len(asked) <= _FEW:
            keys = list(chain.from_iterable(self._connection.side_by_side(read, asked)))
        else:
            keys = self._keys(in_partition(joined(tenant_id, _WHOLE[what])))
        keys_by_hash: dict[str, list[str]] = {}
        for key in keys:
            keys_by_hash.setdefault(key.partition("|")[0], []).append(key)
        return keys_by_hash

    def _keys(self, condition: str) -> list[str]:
        return [str(row["RowKey"]) for row in self._table.rows(condition, select=("RowKey",))]


def _place(tenant_id: str, what: str, text: str) -> tuple[str, str]:
    """Partition and start of the row key."""
    digest = text if what == "opened" else hashed(text)
    if what in _WHOLE:
        return joined(tenant_id, _WHOLE[what]), digest
    return joined(tenant_id, _BUCKET[what] + digest[0]), digest


def _refs_of(cards: Iterable[Card]) -> frozenset[RecordRef]:
    return frozenset(card.ref for card in cards)


def _record_row(tenant_id: str, card: Card, key: str) -> Row:
    what, _, text = key.partition(":")
    contacts = card.contacts if what in _WITH_CONTACTS else ()
    domains = card.domains if what == "domain" else ()
    partition, prefix = _place(tenant_id, what, text)
    return {
        "PartitionKey": partition,
        "RowKey": joined(prefix, card.ref.kind, escaped(card.ref.id)),
        "client": card.client,
        "status": card.status,
        "type": card.type,
        "contacts": "|".join(contacts),
        "domains": "|".join(domains),
    }


def _staff_rows(tenant_id: str, mailbox_id: str, address: str) -> list[Row]:
    """A row among the address's own rows, for look-ups, and a row among all of staff, for bulk loads."""
    partition, prefix = _place(tenant_id, "address", address)
    whole, _ = _place(tenant_id, "staff", address)
    return [
        {"PartitionKey": partition, "RowKey": joined(prefix, _STAFF, escaped(mailbox_id))},
        {"PartitionKey": whole, "RowKey": joined(prefix, escaped(mailbox_id))},
    ]


def _taught_rows(tenant_id: str, address: str, ref: RecordRef) -> list[Row]:
    """A row of the address, and a row of the record."""
    partition, prefix = _place(tenant_id, "address", address)
    whole, under = _place(tenant_id, "record", str(ref))
    return [
        {"PartitionKey": partition, "RowKey": joined(prefix, _TAUGHT, ref.kind, escaped(ref.id))},
        {"PartitionKey": whole, "RowKey": joined(under, escaped(address))},
    ]


def _ref(key: str) -> RecordRef:
    """The record at the end of a row key."""
    _, kind, record_id = key.split("|")
    return RecordRef(kind, unescaped(record_id))


def _known(rows: Iterable[Row]) -> KnownAddress:
    cards: set[Card] = set()
    taught: set[RecordRef] = set()
    is_staff = False
    for row in rows:
        _, what, *rest = str(row["RowKey"]).split("|")
        # No kind of record has one of these two names.
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
