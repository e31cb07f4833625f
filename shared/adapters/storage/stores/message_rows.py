"""The rows of the table Messages: a message, one that is awaited, a copy, a dependent. No requests here."""

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
from shared.adapters.storage.table import KEYS, Row, etag_of, quoted, where
from shared.domain.filing.entries import inverted
from shared.domain.filing.filing import DONE, PENDING, Copy, Dependent, StoredMessage
from shared.domain.mail.messages import Document
from shared.domain.matching.candidates import ThreadHit

# The state of a row that nobody has filed yet: somebody waits for its mail.
AWAITED: Final = "awaited"
_KEPT: Final = "kept"
# Compressed documents up to here stand on the row itself, larger ones in a blob.
INLINE: Final = 48 * 1024
DOCUMENT: Final = "document"
BODY: Final = "body"
MESSAGE_COLUMNS: Final = (*KEYS, "state", "has_dependents", "variants", *part_names())
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
    # 256 partitions an organisation: a partition has a limit of requests a second, and a scan reads them in turn.
    return joined(tenant_id, escaped(key[:2])), escaped(key)


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


def awaited_row(tenant_id: str, key: str) -> Row:
    return {**keys_of(tenant_id, key), "state": AWAITED, "has_dependents": True}


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


def conversation_range(tenant_id: str, conversation: str, until: datetime) -> tuple[str, str, str]:
    """Partition of a conversation's messages, the newest's row key until then, and the first behind them all."""
    partition, prefix = _conversation_place(tenant_id, conversation)
    return partition, joined(prefix, inverted(until)), prefix + "}"


def conversation_row(tenant_id: str, message: StoredMessage) -> Row:
    """The newest message comes first."""
    partition, prefix = _conversation_place(tenant_id, message.conversation)
    key = joined(prefix, inverted(message.at), escaped(message.key))
    return {"PartitionKey": partition, "RowKey": key}


def conversation_key(row: Row) -> str:
    """The message key behind such a row."""
    return unescaped(str(row["RowKey"]).split("|")[2])


def body_of(tenant_id: str, key: str, document: Document) -> Body:
    """Where a document goes. A blob is named by its content: another mail's document never lands on it."""
    content = compressed(to_plain(document))
    if len(content) <= INLINE:
        return Body({DOCUMENT: content})
    name = f"{bodies_of(tenant_id, key)}{hashed(content.hex())}"
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


def is_awaited(row: Row) -> bool:
    return bool(row["state"] == AWAITED)


def _conversation_place(tenant_id: str, conversation: str) -> tuple[str, str]:
    return joined(tenant_id, f"~c{conversation[:1]}"), escaped(conversation)
