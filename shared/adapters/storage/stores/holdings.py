"""All tables and containers as rows and blobs of an organisation, to erase a person or to delete everything.

It knows that partitions and blob names begin with the tenant, and no meaning of a row: a new table is covered
without a change here.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from shared.adapters.storage.blobs import Blobs
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import (
    CONTENT,
    escaped,
    hashed,
    packed,
    part_names,
    surplus_parts,
    unpacked,
)
from shared.adapters.storage.errors import translated
from shared.adapters.storage.table import KEYS, Operation, Row, Table, etag_of, quoted
from shared.domain import names
from shared.domain.errors import NotFound
from shared.domain.privacy.erasure import Eraser

# Their own ports erase in these, or they hold nothing readable. Records are searched here too, after their own
# port: a row names the keys that have left it until it is written again.
_OWN_PORTS: Final = (names.MESSAGES, names.ERASURES, names.AUDIT)
# Lists of mails: a row with the person among its people is the row of a mail that is deleted.
_LISTS: Final = (names.TIMELINE, names.INBOX)
# Mail to the person speaks to the person: of what it says, nothing stays.
_LETTERS: Final = (names.OUTBOX,)
_WORDS: Final = ("subject", "html", "text")
_PREFIXES: Final[Mapping[str, str]] = {names.LEASES: "mailboxes/{}/"}


class AzureHoldings:
    """Implements `ports.Holdings`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def places(self) -> tuple[str, ...]:
        """The organisation's own row is last: while it exists, the tenant does not count as a new one."""
        tables = (table for table in names.TABLES if table != names.ORGANISATIONS)
        return (*tables, *names.CONTAINERS, names.ORGANISATIONS)

    @property
    def rewritable(self) -> tuple[str, ...]:
        return tuple(table for table in names.TABLES if table not in _OWN_PORTS)

    def erase(self, tenant_id: str, table: str, eraser: Eraser, *, limit: int, after: str) -> tuple[int, str]:
        """One query, and one request per changed row. Raises Conflict if a row changed meanwhile."""
        rows = list(islice(Table(self._connection, table).rows(_of(tenant_id, after)), limit))
        changes = self._connection.side_by_side(lambda row: self._erase(table, row, eraser), rows)
        last = rows[-1] if len(rows) == limit else None
        return sum(changes), f"{last['PartitionKey']}\n{last['RowKey']}" if last else ""

    def clear(self, tenant_id: str, place: str, *, limit: int) -> bool:
        """One query or listing, and one request per row or blob, side by side."""
        if place in names.CONTAINERS:
            return self._clear_container(tenant_id, place, limit)
        table = Table(self._connection, place)
        rows = list(islice(table.rows(_of(tenant_id, ""), select=KEYS), limit))
        self._connection.side_by_side(
            lambda row: table.delete(str(row["PartitionKey"]), str(row["RowKey"])), rows
        )
        return len(rows) == limit

    def _erase(self, table: str, row: Row, eraser: Eraser) -> bool:
        changed = _erased(row, eraser, is_letter=table in _LETTERS)
        if changed is None:
            return False
        goes = _is_keyed_by(row, eraser) or (table in _LISTS and eraser.names_person(_content(row)))
        verb = "delete" if goes else "replace"
        # A transaction of one row, since it alone answers 404 for a row that is gone.
        try:
            Table(self._connection, table).transact([Operation(verb, changed, etag_of(row))])
        except NotFound:
            return False
        return True

    def _clear_container(self, tenant_id: str, container: str, limit: int) -> bool:
        prefix = _PREFIXES.get(container, "{}/").format(escaped(tenant_id))
        blobs = Blobs(self._connection, container)
        with translated(container):
            found = self._connection.container(container).list_blob_names(name_starts_with=prefix)
            listed = list(islice(found, limit))
        self._connection.side_by_side(blobs.delete, listed)
        return len(listed) == limit


def _of(tenant_id: str, after: str) -> str:
    """A filter for the rows of an organisation, after a place. "}" sorts right after the "|" in keys."""
    condition = f"PartitionKey ge {quoted(tenant_id)} and PartitionKey lt {quoted(tenant_id + '}')}"
    if not after:
        return condition
    partition, key = (quoted(name) for name in after.split("\n"))
    return (
        f"{condition} and (PartitionKey gt {partition} or (PartitionKey eq {partition} and RowKey gt {key}))"
    )


def _erased(row: Row, eraser: Eraser, *, is_letter: bool) -> dict[str, Any] | None:
    """The row to write; None if nothing in it names the person."""
    if _is_keyed_by(row, eraser):
        return {name: row[name] for name in KEYS}
    changes = dict(_changed_columns(row, eraser, is_letter=is_letter))
    return {**row, **changes} if changes else None


def _changed_columns(row: Row, eraser: Eraser, *, is_letter: bool) -> Iterator[tuple[str, Any]]:
    yield from _changed_texts(row, eraser)
    content = _content(row)
    erased_content = eraser.value(content)
    if is_letter and erased_content is not content and eraser.names_person(content):
        erased_content = {**erased_content, **{name: "" for name in _WORDS if name in erased_content}}
    if erased_content is not content:
        # The erased value may need fewer parts; a part of the old value must not stay.
        cleared = {name: b"" for name in part_names() if name in row}
        yield from {**cleared, **packed(erased_content)}.items()
    else:
        # Nor one of an older value, which a merge has left behind.
        yield from ((name, b"") for name in surplus_parts(row))


def _changed_texts(row: Row, eraser: Eraser) -> Iterator[tuple[str, str]]:
    # A changed key would be another row: rows with the person in their keys are deleted instead.
    texts = {name: value for name, value in row.items() if isinstance(value, str) and name not in KEYS}
    for name, text in texts.items():
        erased = eraser.text(text)
        if erased != text:
            yield name, erased


def _content(row: Row) -> Any:
    return unpacked(row) if CONTENT in row else None


def _is_keyed_by(row: Row, eraser: Eraser) -> bool:
    """Whether the keys contain a hash of the person, or the address as a whole part."""
    keys = f"{row['PartitionKey']}|{row['RowKey']}"
    address = escaped(eraser.address)
    # A short address may be part of a longer one, which belongs to another person.
    if any(address in (part, part.partition(":")[2]) for part in keys.split("|")):
        return True
    hashes = filter(None, (hashed(eraser.address), eraser.hash))
    return any(digest in keys for digest in hashes)
