"""Stores of filed mail: messages, codes, timelines, My Inbox, attachments."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from shared.domain.filing.copies import Copy, Dependent
from shared.domain.filing.entries import Entry
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.inbox import InboxItem
from shared.domain.filing.person_decisions import PendingChange
from shared.domain.mail.messages import Document
from shared.domain.matching.candidates import ThreadHit
from shared.domain.records.records import RecordRef

# Of the messages of a conversation that no thread leads to, the newest are found.
MOST_OF_CONVERSATION: Final = 5


@dataclass(frozen=True, slots=True)
class Claim:
    """The row under a message key after an insert, with its ETag.

    `created` is false when the row was there before, or seems so because an answer was lost.
    """

    message: StoredMessage
    created: bool


@dataclass(frozen=True, slots=True)
class Word:
    """Word that `dependent` leaves with a mail as that was read, under `etag`; '' = with one that is not stored."""

    key: str
    etag: str
    dependent: Dependent


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail that is inserted with others.

    `after` are the keys of those which must stand before it, since it was decided by what they say; `dependents` are
    those of the same call that leave word with it.
    """

    message: StoredMessage
    document: Document
    copy: Copy
    dependents: tuple[Dependent, ...] = ()
    after: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        return self.message.key


@dataclass(frozen=True, slots=True)
class ThreadPlace:
    """Where a message stands in its thread; ascending order of `place` is oldest first."""

    place: str
    key: str


class Threads(Protocol):
    """Where the mails are found that another one answers, or goes on with."""

    def find(self, tenant_id: str, ids: Mapping[str, str]) -> Mapping[str, tuple[ThreadHit, ...]]:
        """Stored mails by key (values: the evidence each is found by), variants included; absent ones left out.

        The first key asked for brings its text along, where that is small enough to stand on the row.
        """

    def of_conversation(
        self, tenant_id: str, conversation: str, *, until: datetime, apart_from: Collection[str]
    ) -> tuple[ThreadHit, ...]:
        """The newest messages until then noted for a conversation, five at most, but for those with these keys.

        A query, and a read for each, side by side.
        """


class MessageStore(Threads, Protocol):
    """Messages with their documents and copies, found by message key."""

    def create(self, tenant_id: str, message: StoredMessage, document: Document, copy: Copy) -> Claim:
        """Insert message and copy at once. If the key has a row already, return that row and add no copy.

        A message that enters a conversation is noted for it.
        """

    def create_together(self, tenant_id: str, mails: Sequence[NewMail]) -> Mapping[str, StoredMessage]:
        """Insert several mails, each with its copy and dependents; those inserted by key, each ahead of its answers.

        Nothing is written of one whose key has a row already, nor of those that come after it; others may be left
        out with it. `has_dependents` says nothing of dependents that came along.
        """

    def add_copy(self, tenant_id: str, key: str, copy: Copy) -> None: ...

    def save(self, tenant_id: str, message: StoredMessage) -> StoredMessage:
        """Write the message under its ETag; its document, and whether it has dependents, stay. Raises Conflict."""

    def save_together(self, tenant_id: str, messages: Sequence[StoredMessage]) -> Mapping[str, StoredMessage]:
        """The same for several; those that were written by key. One that has changed may keep others from it."""

    def bury(self, tenant_id: str, tombstone: StoredMessage) -> None:
        """Delete document and copies and leave the tombstone, under its ETag. Raises Conflict."""

    def save_with_document(self, tenant_id: str, message: StoredMessage, document: Document) -> None:
        """Replace both, under the message's ETag. Raises Conflict."""

    def get(self, tenant_id: str, key: str) -> StoredMessage | None:
        """The message with this key, or the one for which it is noted as another name."""

    def get_many(self, tenant_id: str, keys: Iterable[str]) -> Mapping[str, StoredMessage]:
        """The messages that exist, read side by side."""

    def document(self, tenant_id: str, key: str) -> Document | None: ...

    def copies(self, tenant_id: str, key: str) -> list[Copy]: ...

    def wait_for(self, tenant_id: str, key: str, dependent: Dependent) -> StoredMessage | None:
        """Leave word with a mail, be it there or not; the message, as it stands behind that, where it is filed."""

    def leave_words(self, tenant_id: str, words: Sequence[Word]) -> frozenset[Word]:
        """Leave word with several mails, under their ETags; those words that stand.

        Not with a mail that has changed since it was read, nor with one that is there where none was found. Others
        may be left out with it.
        """

    def depend_on(self, tenant_id: str, hit: ThreadHit, dependent: Dependent) -> ThreadHit:
        """Leave word with a stored mail; the hit as the mail stands behind that, without links where it is not filed.

        The hit that was given, where nobody has changed the mail since it was read.
        """

    def dependents(self, tenant_id: str, key: str) -> list[Dependent]:
        """The mails that have left word with a message; to be asked only if it `has_dependents`."""

    def note_name(
        self, tenant_id: str, name: str, key: str, told: Collection[Dependent]
    ) -> frozenset[Dependent]:
        """Let a message be found by the key of another Message-ID, which a relay gave it, unless a mail has that one.

        Not while mails that answer it wait under that name and are not among those `told`: these are returned, and
        nothing is written. Raises Conflict where another one has left word meanwhile.
        """

    def is_awaited(self, tenant_id: str, key: str) -> bool:
        """Whether nothing is known of a mail but that others answer it."""

    def scan(self, tenant_id: str, *, limit: int, after: str) -> tuple[list[StoredMessage], str]:
        """Messages that are not deleted, by key, after the key `after`; and where the next page begins."""

    def note_conversation(self, tenant_id: str, message: StoredMessage) -> None:
        """Let the message be found by its conversation. Again changes nothing."""

    def note_thread(self, tenant_id: str, message: StoredMessage) -> None:
        """Let the message be found by its thread, as every message is from its insert on."""

    def of_thread(
        self, tenant_id: str, thread: str, *, limit: int, after: str
    ) -> tuple[list[ThreadPlace], str]:
        """The places of a thread's messages, oldest first, behind the place `after`; and where to go on, '' at the end.

        A message may have left the thread, or be deleted, by now: its own row says so.
        """

    def with_documents(
        self, tenant_id: str, keys: Iterable[str]
    ) -> Mapping[str, tuple[StoredMessage, Document]]:
        """The messages that have a document, with it; read side by side."""


class Codes(Protocol):
    """Reference codes by number, and how many with a wrong signature each sender has sent."""

    def get_many(self, tenant_id: str, numbers: Iterable[int]) -> Mapping[int, tuple[RecordRef, ...]]:
        """The records that codes were issued for. One read each, side by side; unknown ones are left out."""

    def claim(self, tenant_id: str, number: int, refs: Sequence[RecordRef], message_key: str) -> bool:
        """Take a number for a message and its records; False when another message has it."""

    def note_forged(self, tenant_id: str, sender_hash: str, message_key: str, count: int) -> int:
        """Note the number of forged codes in a mail, once for any repeats; return the sender's total."""


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """The rows of a timeline that a caller wants: those received at `since` or later, and before `until`.

    `text` are words that each must stand somewhere in the entry.
    """

    kinds: frozenset[str]
    with_attachments: bool = False
    text: str = ""
    agent: str = ""
    since: datetime | None = None
    until: datetime | None = None
    oldest_first: bool = False


class Timeline(Protocol):
    def put(self, tenant_id: str, entries: Sequence[Entry]) -> None: ...

    def remove(self, tenant_id: str, refs: Sequence[RecordRef], entry_id: str, answered: str = "") -> None:
        """Take one mail's entry from several records; a missing entry is no error.

        `answered` is the entry id of the mail that it answers: it is not counted among its answers any more.
        """

    def answers(self, tenant_id: str, ref: RecordRef, ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        """By entry id, the keys of the mails on this timeline that answer it; ids without answers are left out.

        An answer that stands there by a Bcc alone does not count.
        """

    def page(
        self, tenant_id: str, ref: RecordRef, wanted: EntryFilter, *, limit: int, after: str
    ) -> tuple[list[Entry], str]:
        """A page behind the entry `after`, in the wanted order; and where the next one begins, '' at the end."""


class Inbox(Protocol):
    """My Inbox of each agent; and changes by persons that may not have been carried out yet."""

    def put(self, tenant_id: str, items: Sequence[InboxItem]) -> None: ...

    def remove(self, tenant_id: str, agents: Sequence[str], item_id: str) -> None:
        """Take one mail out of My Inbox of several agents; a missing item is no error."""

    def page(self, tenant_id: str, agent: str, *, limit: int, after: str) -> tuple[list[InboxItem], str]:
        """A page, newest first, that begins after the item `after`; and where the next page begins, '' at the end."""

    def of_reason(self, tenant_id: str, agent: str, reason: str, *, most: int) -> list[InboxItem]:
        """Those that wait for one reason, newest first; no more than `most`."""

    def waiting(self, tenant_id: str, agents: Sequence[str], item_id: str) -> list[InboxItem]:
        """One mail's rows with these agents, in their order; with the others it does not wait."""

    # Noted before the message is written and forgotten last, so that no crash loses a person's change.
    def note_change(self, tenant_id: str, change: PendingChange) -> None: ...

    def pending_changes(self, tenant_id: str, message_key: str = "") -> list[PendingChange]:
        """Those of one message, or all of them."""

    def forget_changes(self, tenant_id: str, changes: Sequence[PendingChange]) -> None: ...


class Attachments(Protocol):
    def put(self, tenant_id: str, key: str, attachment_id: str, chunks: Iterator[bytes]) -> None: ...

    def get(self, tenant_id: str, key: str, attachment_id: str) -> Iterator[bytes]:
        """Raises NotFound."""

    def lacking(self, tenant_id: str, key: str, attachment_ids: Collection[str]) -> frozenset[str]:
        """Those of a message's attachments whose bytes are not kept: links to cloud files, what had vanished."""

    def drop(self, tenant_id: str, key: str) -> None:
        """Delete all of a message."""
