"""The rows of the table Messages: a message, an awaited one, a copy, a dependent, a place in a conversation or thread.

No requests here.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.encoding import (
    compressed,
    decompressed,
    escaped,
    hashed,
    joined,
    packed,
    part_names,
    unescaped,
    unpacked,
)
from shared.adapters.storage.table import KEYS, Operation, Row, etag_of, quoted, where
from shared.domain.filing.copies import Copy, Dependent
from shared.domain.filing.entries import inverted, ordered
from shared.domain.filing.filing import DONE, PENDING, StoredMessage
from shared.domain.mail.messages import Document
from shared.domain.matching.candidates import ThreadHit
from shared.ports.stores.filing import ThreadPlace

# The state of a row that nobody has filed yet: somebody waits for its mail, or its Message-ID is another one's.
AWAITED: Final = "awaited"
SAME_AS: Final = "same_as"
_KEPT: Final = "kept"
# Few, so that the mails of a group share transactions, and more than a single one, since a partition has a limit of
# 2,000 rows a second. Each is the first digit of its keys: a scan reads them in turn, in the order of keys.
BUCKETS: Final = ("0", "4", "8", "c")
# Compressed documents up to here stand on the row itself, larger ones in a blob.
INLINE: Final = 48 * 1024
DOCUMENT: Final = "document"
BODY: Final = "body"
MESSAGE_COLUMNS: Final = (*KEYS, "state", "has_dependents", "variants", SAME_AS, *part_names())
DOCUMENT_COLUMNS: Final = (*KEYS, BODY, DOCUMENT)
COPY_COLUMNS: Final = (*KEYS, *part_names())


@dataclass(frozen=True, slots=True)
class Body:
    """A document ready to be stored: columns of the row, and what goes into a blob, where it is large."""

    columns: Row
    blob: str = ""
    content: bytes = b""


def place(tenant_id: str, key: str) -> tuple[str, str]:
    """Partition and row key of a message."""
    row_key = escaped(key)
    return joined(tenant_id, _bucket(row_key)), row_key


def buckets(tenant_id: str) -> list[str]:
    """The partitions of an organisation's messages."""
    return [joined(tenant_id, bucket) for bucket in BUCKETS]


def _bucket(row_key: str) -> str:
    """The last bucket that does not sort behind the key; keys that are not hexadecimal come from outside."""
    return max((bucket for bucket in BUCKETS if bucket <= row_key[:1]), default=BUCKETS[0])


def keys_of(tenant_id: str, key: str) -> Row:
    return dict(zip(KEYS, place(tenant_id, key), strict=True))


def message_row(tenant_id: str, message: StoredMessage) -> Row:
    """A message without its document."""
    # Columns of their own: queries ask for the state, and whoever leaves word merges `has_dependents` alone.
    plain = {
        name: value for name, value in to_plain(message).items() if name not in ("has_dependents", "state")
    }
    return {
        **keys_of(tenant_id, message.key),
        "state": message.state,
        "disposition": message.decision.disposition.value,
        "variants": message.variants,
        "has_dependents": message.has_dependents,
        **packed(plain),
    }


def saved(tenant_id: str, message: StoredMessage) -> Operation:
    """A message written under its ETag."""
    row = dict(message_row(tenant_id, message))
    # Whoever leaves word says that there are dependents, and nobody else does.
    del row["has_dependents"]
    return Operation("merge", row, message.etag)


def noted(tenant_id: str, key: str, etag: str = "") -> Operation:
    """That a message has dependents. It gets a new ETag by this, so that a save that is under way reads again."""
    return Operation("merge", {**keys_of(tenant_id, key), "has_dependents": True}, etag)


def awaited(tenant_id: str, key: str) -> Operation:
    """A placeholder for a mail that is not there, and has dependents."""
    return Operation("create", awaited_row(tenant_id, key))


def beside(tenant_id: str, message: StoredMessage, copy: Copy) -> list[Operation]:
    """What stands with a message from its insert on: the copy that brought it, its conversation, its thread."""
    rows = [copy_row(tenant_id, message.key, copy)]
    rows += [conversation_row(tenant_id, message)] if message.enters_conversation else []
    rows += [thread_row(tenant_id, message)] if message.thread else []
    return [Operation("upsert", row) for row in rows]


def awaited_row(tenant_id: str, key: str) -> Row:
    return {**keys_of(tenant_id, key), "state": AWAITED, "has_dependents": True}


def named_row(tenant_id: str, name: str, key: str) -> Row:
    """At the key of a Message-ID that a relay gave to a mail: which mail that is."""
    return {**keys_of(tenant_id, name), "state": AWAITED, SAME_AS: key}


def dependent_row(tenant_id: str, key: str, dependent: Dependent) -> Row:
    """Beside the message that it depends on, behind that one's copies."""
    partition, row_key = place(tenant_id, key)
    return {
        "PartitionKey": partition,
        "RowKey": f"{row_key}~~{escaped(dependent.mailbox_id)}~{hashed(dependent.item.key)}",
        **packed(to_plain(dependent)),
    }


def copy_row(tenant_id: str, key: str, copy: Copy) -> Row:
    partition, row_key = place(tenant_id, key)
    return {
        "PartitionKey": partition,
        "RowKey": f"{row_key}~{escaped(copy.mailbox_id)}~{hashed(copy.item.key)}",
        **packed(to_plain(copy)),
    }


def copies_range(key: str) -> tuple[str, str]:
    """First row key of a message's copies, and the first behind them."""
    # A dependent's key has two tildes and sorts behind every copy's, so that each kind is one range.
    return f"{escaped(key)}~", f"{escaped(key)}~~"


def dependents_range(key: str) -> tuple[str, str]:
    """First row key of a message's dependents, and the first behind them."""
    return f"{escaped(key)}~~", f"{escaped(key)}~~~"


def behind(tenant_id: str, after: str) -> str:
    """All messages of an organisation behind a key: pending ones and done ones."""
    states = " or ".join(where(state=state) for state in (PENDING, DONE))
    first, last = quoted(joined(tenant_id, "")), quoted(joined(tenant_id, "~"))
    condition = f"PartitionKey ge {first} and PartitionKey lt {last} and ({states})"
    if not after:
        return condition
    partition, key = (quoted(part) for part in place(tenant_id, after))
    return (
        f"{condition} and (PartitionKey gt {partition} or (PartitionKey eq {partition} and RowKey gt {key}))"
    )


def conversation_range(conversation: str, until: datetime) -> tuple[str, str]:
    """Row keys of a conversation's messages, in any bucket: of the newest until then, and the first behind them all."""
    prefix = _conversation_prefix(conversation)
    return joined(prefix, inverted(until)), prefix + "}"


def conversation_row(tenant_id: str, message: StoredMessage) -> Row:
    """In the partition of its message, so that one transaction writes both. The newest message comes first."""
    partition, row_key = place(tenant_id, message.key)
    key = joined(_conversation_prefix(message.conversation), inverted(message.at), row_key)
    return {"PartitionKey": partition, "RowKey": key}


def conversation_key(row: Row) -> str:
    """The message key behind such a row."""
    return unescaped(str(row["RowKey"]).split("|")[3])


def thread_range(thread: str, after: str) -> tuple[str, str]:
    """Row keys of a thread's messages, in any bucket: the one at the place `after`, and the first behind them all."""
    prefix = _thread_prefix(thread)
    return joined(prefix, after), prefix + "}"


def thread_row(tenant_id: str, message: StoredMessage) -> Row:
    """In the partition of its message, so that one transaction writes both. The oldest message comes first."""
    partition, row_key = place(tenant_id, message.key)
    key = joined(_thread_prefix(message.thread), ordered(message.at), row_key)
    return {"PartitionKey": partition, "RowKey": key}


def thread_place(row: Row) -> ThreadPlace:
    """Where such a row places its message."""
    _, _, time, row_key = str(row["RowKey"]).split("|")
    return ThreadPlace(joined(time, row_key), unescaped(row_key))


def body_of(tenant_id: str, key: str, document: Document) -> Body:
    """Where a document goes. A blob is named by its content: another mail's document never lands on it."""
    content = compressed(to_plain(document))
    if len(content) <= INLINE:
        return Body({DOCUMENT: content})
    name = f"{bodies_of(tenant_id, key)}{hashed(content)}"
    return Body({BODY: name}, name, content)


def bodies_of(tenant_id: str, key: str) -> str:
    """What the names of a message's blobs begin with."""
    return f"{escaped(tenant_id)}/{escaped(key)}/"


def to_document(content: bytes) -> Document:
    """The document behind the column `document` or behind a blob."""
    return from_plain(Document, decompressed(content))


def to_message(row: Row) -> StoredMessage:
    return from_plain(
        StoredMessage,
        unpacked(row),
        state=row["state"],
        has_dependents=bool(row["has_dependents"]),
        etag=etag_of(row),
    )


def to_hit(row: Row, evidence: str) -> ThreadHit:
    """A message as a later mail of its thread sees it, with its text if its document was read along."""
    text = to_document(row[DOCUMENT]).text if row.get(DOCUMENT) else None
    return replace(to_message(row).as_thread_hit(evidence), text=text)


def to_copy(row: Row) -> Copy:
    return from_plain(Copy, unpacked(row))


def to_dependent(row: Row) -> Dependent:
    return from_plain(Dependent, unpacked(row))


def key_of(row: Row) -> str:
    """The key of a message's own row."""
    return unescaped(str(row["RowKey"]))


def is_awaited(row: Row) -> bool:
    return bool(row["state"] == AWAITED)


def _thread_prefix(thread: str) -> str:
    return joined("~t", escaped(thread))


def _conversation_prefix(conversation: str) -> str:
    # "~" sorts behind the keys of all messages.
    return joined("~c", escaped(conversation))
