"""The table Timeline: a record's entries in either order, a page at a time."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, islice, product
from typing import Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped, joined, packed, part_names, unescaped, unpacked
from shared.adapters.storage.table import Operation, Row, Table, in_partition, quoted, where
from shared.domain import names
from shared.domain.filing import searching
from shared.domain.filing.entries import KINDS, Entry, at_of, inverted, message_key_of, ordered
from shared.domain.records.records import RecordRef
from shared.ports.stores.filing import EntryFilter

# How many rows one page of a text search may look at, and about how many characters: a mail may name thousands.
SEARCHED: Final = 2_000
SEARCHED_TEXT: Final = 4_000_000
_SEARCH_PAGE: Final = 200
# Rows of answers that one query reads: where a page spans a long time, most are of mails that are not on it.
_ANSWERS: Final = 1_000
# What the keys of answers begin with: behind those of all entries.
_ANSWER: Final = "~a"
# What the keys begin with under which entries stand oldest first.
_OLDEST: Final = "~o"
# A condition that no row meets: a filter cannot be empty.
_NO_KIND: Final = "entry_kind eq ''"


class AzureTimeline:
    """Implements `ports.Timeline`: a page is one range query, filters on kind, attachments and agent included."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(connection, names.TIMELINE)

    def put(self, tenant_id: str, entries: Sequence[Entry]) -> None:
        """One request per record, side by side."""
        rows = list(chain.from_iterable(_rows(tenant_id, entry) for entry in entries))
        # A transaction may name a row once.
        latest = {(row["PartitionKey"], row["RowKey"]): row for row in rows}
        self._table.write_many(Operation("upsert", row) for row in latest.values())

    def remove(self, tenant_id: str, refs: Sequence[RecordRef], entry_id: str, answered: str = "") -> None:
        """Two requests per record, three for an answer, side by side."""
        keys = [escaped(entry_id), _oldest_key(entry_id)]
        keys += [_answer_key(answered, entry_id)] if answered else []
        rows = [(_partition(tenant_id, ref), key) for ref, key in product(refs, keys)]
        self._connection.side_by_side(lambda row: self._table.delete(*row), rows)

    def answers(self, tenant_id: str, ref: RecordRef, ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        """One query; where it shows too many answers to other mails, one more for each mail that is left."""
        ordered = sorted(ids)
        partition = _partition(tenant_id, ref)
        found = list(islice(self._answers(partition, ordered[0], ordered[-1]), _ANSWERS)) if ordered else []
        if len(found) == _ANSWERS:
            left = [entry_id for entry_id in ordered if entry_id >= found[-1][0]]
            each = self._connection.side_by_side(
                lambda entry_id: list(self._answers(partition, entry_id, entry_id)), left
            )
            found += chain.from_iterable(each)
        return {
            entry_id: frozenset(answer for answered, answer in found if answered == entry_id)
            for entry_id in {answered for answered, _ in found}.intersection(ordered)
        }

    def _answers(self, partition: str, first: str, last: str) -> Iterator[tuple[str, str]]:
        """Entry ids from the first to the last, each with the key of a mail that answers it."""
        condition = in_partition(partition, first=_answer_key(first, ""), last=_answer_key(last, "}"))
        for row in self._table.rows(condition, select=("RowKey",)):
            _, answered, answer = str(row["RowKey"]).split("|")
            yield unescaped(answered), message_key_of(unescaped(answer))

    def page(
        self, tenant_id: str, ref: RecordRef, wanted: EntryFilter, *, limit: int, after: str
    ) -> tuple[list[Entry], str]:
        """With a text a page may end early: after looking at 2,000 rows, or much text, it says where to go on."""
        words = searching.words_of(wanted.text)
        page = max(limit + 1, _SEARCH_PAGE) if words else limit + 1
        rows = self._table.rows(_condition(tenant_id, ref, wanted, after), select=part_names(), page=page)
        found: list[Entry] = []
        last, looked_at = after, 0
        for number, row in enumerate(rows):
            if len(found) == limit or number == SEARCHED or looked_at > SEARCHED_TEXT:
                return found, last
            entry = from_plain(Entry, unpacked(row))
            last = entry.id
            text = searching.text_of(entry) if words else ""
            looked_at += len(text)
            found += [entry] if searching.says(text, words) else []
        return found, ""


def _partition(tenant_id: str, ref: RecordRef) -> str:
    return joined(tenant_id, ref.kind, escaped(ref.id))


def _rows(tenant_id: str, entry: Entry) -> Iterator[Row]:
    """An entry in both orders, and the mark that it answers another mail of its timeline."""
    yield _row(tenant_id, entry, escaped(entry.id))
    yield _row(tenant_id, entry, _oldest_key(entry.id))
    # Whoever may not see a Bcc is not to see its answers counted.
    if entry.answered and not entry.link.evidence.is_blind:
        key = _answer_key(entry.answered, entry.id)
        yield {"PartitionKey": _partition(tenant_id, entry.link.ref), "RowKey": key}


def _answer_key(answered: str, answer: str) -> str:
    """Behind all entries, in the order of the mails that are answered. "}" sorts behind every answer."""
    return joined(_ANSWER, escaped(answered), answer if answer == "}" else escaped(answer))


def _row(tenant_id: str, entry: Entry, key: str) -> Row:
    return {
        "PartitionKey": _partition(tenant_id, entry.link.ref),
        "RowKey": key,
        "entry_kind": entry.kind,
        "has_attachments": entry.has_attachments,
        "agent": entry.agent,
        **packed(to_plain(entry)),
    }


def _oldest_key(entry_id: str) -> str:
    """Behind all answers; ascending order is oldest first."""
    return joined(_OLDEST, f"{ordered(at_of(entry_id))}-{escaped(message_key_of(entry_id))}")


def _condition(tenant_id: str, ref: RecordRef, wanted: EntryFilter, after: str) -> str:
    between = _oldest_between if wanted.oldest_first else _newest_between
    first, last = between(wanted)
    beyond = (_oldest_key(after) if wanted.oldest_first else escaped(after)) if after else ""
    parts = [in_partition(_partition(tenant_id, ref), first=first, beyond=beyond, last=last)]
    if not wanted.kinds >= set(KINDS):
        kinds = [f"entry_kind eq {quoted(kind)}" for kind in sorted(wanted.kinds)]
        parts.append(f"({' or '.join(kinds) or _NO_KIND})")
    parts += ["has_attachments eq true"] if wanted.with_attachments else []
    parts += [where(agent=wanted.agent)] if wanted.agent else []
    return " and ".join(parts)


def _newest_between(wanted: EntryFilter) -> tuple[str, str]:
    """The first key of the wanted time, and the first behind it; "." sorts right behind the "-" in a key."""
    first = inverted(wanted.until) + "." if wanted.until else ""
    return first, inverted(wanted.since) + "." if wanted.since else _ANSWER


def _oldest_between(wanted: EntryFilter) -> tuple[str, str]:
    first = joined(_OLDEST, ordered(wanted.since) if wanted.since else "")
    return first, joined(_OLDEST, ordered(wanted.until)) if wanted.until else _OLDEST + "}"
