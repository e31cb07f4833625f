"""The outside world as this service needs it, on one page. Adapters implement these; fakes stand in for them.

Every method may raise TransientError (try later) or PermanentError (do not).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.audit import AuditFilter, AuditRow
from shared.domain.backfills import Backfill
from shared.domain.candidates import ThreadHit
from shared.domain.commands import Command
from shared.domain.entries import Entry
from shared.domain.erasure import Deletion, Eraser, Erasure
from shared.domain.errors import Outcome
from shared.domain.filing import Copy, InboxItem, StoredMessage, Waiter
from shared.domain.folders import Folder, FolderState
from shared.domain.late_contacts import Announcement
from shared.domain.mailboxes import Mailbox
from shared.domain.messages import Document, FetchedMessage, MessageHead
from shared.domain.organisations import Organisation
from shared.domain.records import Card, Record, RecordRef
from shared.domain.rulings import Mark
from shared.domain.sightings import Sighting
from shared.domain.subscriptions import Subscription
from shared.domain.windows import Window

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class DirectoryUser:
    """A user as the directory knows it; addresses are normalised."""

    user_id: str
    address: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeltaPage:
    """One page of a folder's changes. `partial` are ids whose page entry was incomplete.

    `link` continues: the next page when `more`, else where the next walk starts.
    """

    heads: tuple[MessageHead, ...]
    partial: tuple[str, ...]
    link: str
    more: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """An item of a folder by receipt time; with its headers where they were asked for and could be read."""

    graph_id: str
    received_at: datetime
    head: MessageHead | None = None


@dataclass(frozen=True, slots=True)
class ListPage:
    """Items, oldest first; `link` leads to the next page, '' at the end."""

    items: tuple[Listed, ...]
    link: str


@dataclass(frozen=True, slots=True)
class GraphSubscription:
    """A subscription as Graph knows it; `user` is how the mailbox was named when it was made, in lower case."""

    subscription_id: str
    expires_at: datetime
    user: str = ""


class MailSource(Protocol):
    """The mail of one organisation's mailboxes. Never moves, deletes or marks anything."""

    def user(self, mailbox: Mailbox) -> DirectoryUser:
        """Look the mailbox's user up in the directory."""

    def folders(self, mailbox: Mailbox) -> list[Folder]:
        """All folders that hold items."""

    def well_known_folders(self, mailbox: Mailbox) -> Mapping[str, str]:
        """Well-known names by folder id. They cost a request each: ask only when a folder is new."""

    def delta(self, mailbox: Mailbox, folder: FolderState, since: datetime | None) -> DeltaPage:
        """The next page of changes; from `since` where the folder has no link yet.

        May raise SyncStateExpired, and PageBroken when even a page of one item fails.
        """

    def listed(
        self, mailbox: Mailbox, folder_id: str, window: Window, *, with_heads: bool = False
    ) -> ListPage:
        """A page of what lies in the folder: up to 500 ids, or 50 with headers. May raise PageBroken."""

    def count(self, mailbox: Mailbox, folder_id: str, window: Window) -> int:
        """How many messages of the window lie in the folder."""

    def broken(self, mailbox: Mailbox, folder_id: str, second: datetime) -> frozenset[str]:
        """Ids of the items received in this second that break a page of their own: a request for each."""

    def heads(self, mailbox: Mailbox, ids: Sequence[str]) -> Mapping[str, Outcome[MessageHead]]:
        """Headers by Graph id, in one round trip where it can be.

        A TransientError is raised when none could be had; when some were, it stands for those that were not.
        """

    def messages(self, mailbox: Mailbox, ids: Sequence[str]) -> Mapping[str, Outcome[FetchedMessage]]:
        """Whole messages with attachments' metadata by Graph id, at most 20; errors as in `heads`."""

    def attachment(
        self, mailbox: Mailbox, message_id: str, attachment_id: str
    ) -> AbstractContextManager[Iterator[bytes]]:
        """An attachment's bytes, streamed. Ids are Graph's."""

    def mime(self, mailbox: Mailbox, graph_id: str, most: int) -> bytes:
        """A message as MIME, cut off behind so many bytes. Raises NotFound."""


class SubscriptionSource(Protocol):
    """Graph's change notification subscriptions for whole mailboxes, with immutable ids."""

    def create(self, mailbox: Mailbox, client_state: str, expires_at: datetime) -> GraphSubscription: ...

    def renew(self, mailbox: Mailbox, subscription_id: str, expires_at: datetime) -> GraphSubscription:
        """One PATCH. Raises NotFound when Graph no longer has it."""

    def end(self, tenant_id: str, subscription_id: str) -> None:
        """Delete; one that is gone already is no error."""

    def living(self, tenant_id: str) -> list[GraphSubscription]:
        """All that this deployment has in a tenant, whatever is stored of them."""


class CommandQueue(Protocol):
    def put(self, command: Command, *, delay: float = 0.0) -> None:
        """Enqueue, readable after `delay` seconds. Never expires."""


class Leases(Protocol):
    def walk(self, tenant_id: str, mailbox_id: str) -> AbstractContextManager[None]:
        """Be the only one to walk this mailbox. Raises Busy. Renewed while held."""

    def slot(self, tenant_id: str, mailbox_id: str) -> AbstractContextManager[None]:
        """Take one of the mailbox's three ingest slots. Raises Busy. Renewed while held."""


class Organisations(Protocol):
    def get(self, tenant_id: str) -> Organisation | None: ...

    def put(self, organisation: Organisation) -> Organisation:
        """Write under the organisation's ETag ('' = must not exist). Raises Conflict."""

    def all(self) -> Iterator[Organisation]: ...


class Mailboxes(Protocol):
    def get(self, tenant_id: str, address: str) -> Mailbox | None: ...

    def by_id(self, tenant_id: str, mailbox_id: str) -> Mailbox | None: ...

    def put(self, mailbox: Mailbox) -> Mailbox:
        """Create or replace under the mailbox's ETag ('' = must not exist). Raises Conflict."""

    def note(self, mailbox: Mailbox, **changes: object) -> None:
        """Merge single fields of state (state, last_error, last_sync_at, next_poll_at, user_id, ...)."""

    def delete(self, tenant_id: str, address: str) -> None: ...

    def of(self, tenant_id: str) -> Iterator[Mailbox]:
        """An organisation's mailboxes by address."""

    def due(self, now: datetime) -> Iterator[Mailbox]:
        """Enabled mailboxes of all organisations whose next poll is due."""


class FolderStates(Protocol):
    def all(self, mailbox: Mailbox) -> list[FolderState]: ...

    def get(self, mailbox: Mailbox, folder_id: str) -> FolderState | None:
        """May be some minutes old."""

    def put(self, mailbox: Mailbox, state: FolderState) -> FolderState:
        """Write under the state's ETag ('' = must not exist). Raises Conflict."""

    def forget(self, mailbox: Mailbox) -> None: ...


class Backfills(Protocol):
    def get(self, mailbox: Mailbox) -> Backfill | None:
        """The running one, or the last."""

    def put(self, mailbox: Mailbox, backfill: Backfill) -> Backfill:
        """Write under its ETag ('' = must not exist). Raises Conflict."""


class Subscriptions(Protocol):
    def get(self, tenant_id: str, mailbox_id: str) -> Subscription | None: ...

    def put(self, tenant_id: str, subscription: Subscription) -> Subscription:
        """Write under the ETag ('' = must not exist). Raises Conflict."""

    def delete(self, tenant_id: str, mailbox_id: str) -> None: ...

    def of(self, tenant_id: str) -> Iterator[Subscription]:
        """An organisation's."""

    def ending(self, before: datetime) -> Iterator[tuple[str, Subscription]]:
        """Those of all organisations, by tenant, that end before a moment or have not been answered yet."""


class Records(Protocol):
    def get(self, tenant_id: str, ref: RecordRef) -> Record | None: ...

    def get_many(self, tenant_id: str, refs: Iterable[RecordRef]) -> Mapping[RecordRef, Record]: ...

    def put_many(self, tenant_id: str, records: Sequence[Record]) -> None:
        """Write records, whatever stands there, and bring their index in order; safe to run twice."""

    def write(
        self, tenant_id: str, records: Sequence[Record], standing: Mapping[RecordRef, Record]
    ) -> Mapping[RecordRef, Record | None]:
        """Write different records where they stand as `standing` says, and are not there where it says nothing.

        Returns those that were not written, perhaps for another's sake, with what stands there now.
        """

    def delete(self, tenant_id: str, ref: RecordRef) -> bool:
        """Whether it was there."""

    def page(
        self, tenant_id: str, kind: str, *, text: str, limit: int, after: str
    ) -> tuple[list[Record], str]:
        """Records of a kind by id, from behind `after`; the second is where the next page starts, or ''."""


@dataclass(frozen=True, slots=True)
class KnownAddress:
    """What stands under an address: cards of the records that carry it, and whether it is an agent's own.

    `taught` are records on which an agent has said that mail of this address belongs.
    """

    cards: frozenset[Card] = frozenset()
    is_staff: bool = False
    taught: frozenset[RecordRef] = frozenset()

    @property
    def records(self) -> frozenset[RecordRef]:
        return frozenset(one.ref for one in self.cards)


class RecordIndex(Protocol):
    def addresses(self, tenant_id: str, addresses: Iterable[str]) -> Mapping[str, KnownAddress]:
        """One read per address, side by side; every address asked for is a key."""

    def domains(self, tenant_id: str, domains: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        """By domain, likewise: clients, and opportunities and projects that have a contact there."""

    def subjects(self, tenant_id: str, subjects: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        """Opportunities and projects by normalised summary, likewise."""

    def listing(self, tenant_id: str, contacts: Iterable[str]) -> Mapping[str, frozenset[RecordRef]]:
        """Opportunities and projects by the id of a contact of theirs, likewise."""

    def awaiting(self, tenant_id: str, contacts: Iterable[str]) -> Mapping[str, frozenset[RecordRef]]:
        """Opportunities and projects that list a contact which was not there; only contacts somebody waits for."""

    def staff_among(self, tenant_id: str, addresses: Iterable[str]) -> frozenset[str]:
        """Those addresses that are registered as staff's."""

    def opened(
        self, tenant_id: str, since: datetime, *, limit: int, after: str
    ) -> tuple[list[RecordRef], str]:
        """Records that Postledger opened since then, oldest first, from behind `after`; where to go on, or ''."""

    def taught_to(self, tenant_id: str, ref: RecordRef) -> frozenset[str]:
        """The addresses of which an agent has said that their mail belongs on a record."""

    def teach(self, tenant_id: str, address: str, refs: Iterable[RecordRef]) -> None:
        """Remember that mail of an address belongs on these records."""

    def unteach(self, tenant_id: str, address: str, refs: Iterable[RecordRef]) -> None: ...

    def put_staff(self, tenant_id: str, mailbox_id: str, addresses: Iterable[str]) -> None:
        """Register a mailbox's own addresses."""

    def drop_staff(self, tenant_id: str, mailbox_id: str, addresses: Iterable[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class Claim:
    """What stands under a message key after an insert, with its ETag and the waiters it found.

    `created` is false when the row was there before, or seems so because an answer was lost.
    """

    message: StoredMessage
    created: bool


class MessageStore(Protocol):
    """Messages with their documents and copies, found by message key."""

    def create(self, tenant_id: str, message: StoredMessage, document: Document, copy: Copy) -> Claim:
        """Insert message and copy at once, or tell what stands there already (its copy is not added then)."""

    def add_copy(self, tenant_id: str, key: str, copy: Copy) -> None: ...

    def update(self, tenant_id: str, message: StoredMessage) -> StoredMessage:
        """Write decision, state, waiters and variants under the ETag. Raises Conflict."""

    def finish(self, tenant_id: str, message: StoredMessage) -> None:
        """Mark done; a filed message's waiters have been put back and are dropped."""

    def bury(self, tenant_id: str, tombstone: StoredMessage) -> None:
        """Delete document and copies and leave this, under its ETag. Raises Conflict."""

    def rewrite(self, tenant_id: str, message: StoredMessage, document: Document) -> None:
        """Put message and document in place of those that stand there, under the ETag. Raises Conflict."""

    def get(self, tenant_id: str, key: str) -> StoredMessage | None: ...

    def get_many(self, tenant_id: str, keys: Iterable[str]) -> Mapping[str, StoredMessage]:
        """Those that are there, read side by side."""

    def document(self, tenant_id: str, key: str) -> Document | None: ...

    def copies(self, tenant_id: str, key: str) -> list[Copy]: ...

    def find(self, tenant_id: str, ids: Mapping[str, str]) -> Mapping[str, tuple[ThreadHit, ...]]:
        """Stored mails by key (values: the evidence each is found by), variants included; absent ones left out.

        The first key asked for brings its text along, where that is small enough to stand on the row.
        """

    def wait_for(self, tenant_id: str, key: str, waiter: Waiter) -> StoredMessage | None:
        """Leave word for a mail that is not there yet or not filed; the message when it is filed after all."""

    def is_awaited(self, tenant_id: str, key: str) -> bool:
        """Whether nothing is known of a mail but that others answer it."""

    def scan(self, tenant_id: str, *, limit: int, after: str) -> tuple[list[StoredMessage], str]:
        """Messages that are not deleted, by key, from behind `after`; the second: where the next page starts."""

    def note_conversation(self, tenant_id: str, message: StoredMessage) -> None:
        """Let the message be found by its conversation. Again changes nothing."""

    def of_conversation(
        self, tenant_id: str, conversation: str, *, until: datetime, apart_from: Collection[str]
    ) -> tuple[ThreadHit, ...]:
        """The newest messages until then noted for a conversation, but for those with these keys.

        A query, and a read for each, side by side.
        """


class Codes(Protocol):
    """Reference codes by number, and how many with a wrong signature each sender has sent."""

    def get_many(self, tenant_id: str, numbers: Iterable[int]) -> Mapping[int, tuple[RecordRef, ...]]:
        """The records that codes were issued for. One read each, side by side; unknown ones are left out."""

    def claim(self, tenant_id: str, number: int, refs: Sequence[RecordRef], message_key: str) -> bool:
        """Take a number for a message and its records; False when another message has it."""

    def note_forged(self, tenant_id: str, sender_hash: str, message_key: str, count: int) -> int:
        """Remember how many a mail had, again or not; how many its sender has sent by now."""


class Sightings(Protocol):
    def put(self, mailbox: Mailbox, sightings: Sequence[Sighting]) -> None:
        """Upsert, in transactions."""

    def between(self, mailbox: Mailbox, first: datetime, last: datetime) -> Mapping[str, Sighting]:
        """Sightings received in a closed interval, by Graph id."""

    def undecided_since(
        self, mailbox: Mailbox, since: datetime, reasons: Sequence[str]
    ) -> Iterator[Sighting]:
        """Sightings received from then on that have one of these reasons, newest first, fetched as consumed."""

    def of_message(
        self, mailboxes: Sequence[Mailbox], message_id_hash: str
    ) -> list[tuple[Mailbox, Sighting]]:
        """The copies of a Message-ID. Looks through whole mailboxes, side by side: for explaining only."""

    def forget(self, mailbox: Mailbox, before: datetime, *, limit: int) -> bool:
        """Delete so many of those received before a moment; whether some are left."""


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which rows of a timeline are wanted."""

    kinds: frozenset[str]
    with_attachments: bool = False
    text: str = ""
    agent: str = ""


class Timeline(Protocol):
    def put(self, tenant_id: str, entries: Sequence[Entry]) -> None: ...

    def remove(self, tenant_id: str, refs: Sequence[RecordRef], entry_id: str) -> None:
        """Take one mail's entry from several records; one that is not there is no error."""

    def page(
        self, tenant_id: str, ref: RecordRef, wanted: EntryFilter, *, limit: int, after: str
    ) -> tuple[list[Entry], str]:
        """Newest first, from behind the entry id `after`; the second is where the next page starts, or ''."""


class Inbox(Protocol):
    """My Inbox of each agent; and marks of what persons have decided that may not have been carried out yet."""

    def put(self, tenant_id: str, item: InboxItem) -> None: ...

    def remove(self, tenant_id: str, agents: Sequence[str], item_id: str) -> None:
        """Take one mail out of My Inbox of several agents; where it is not is no error."""

    def page(self, tenant_id: str, agent: str, *, limit: int, after: str) -> tuple[list[InboxItem], str]:
        """Newest first, from behind the item id `after`; the second is where the next page starts, or ''."""

    def mark(self, tenant_id: str, mark: Mark) -> None: ...

    def marks(self, tenant_id: str, message_key: str = "") -> list[Mark]:
        """Those of one message, or all of them."""

    def unmark(self, tenant_id: str, marks: Sequence[Mark]) -> None: ...


class Audit(Protocol):
    def append(self, tenant_id: str, row: AuditRow) -> None:
        """Keep it; one that is kept already, by its time and id, stays as it is."""

    def page(
        self, tenant_id: str, wanted: AuditFilter, *, limit: int, after: str
    ) -> tuple[list[AuditRow], str]:
        """Newest first, from behind `after`; the second is where the next page starts, or ''. It may be short."""


class Erasures(Protocol):
    """Requests to erase a person, and organisations that were deleted. Knows the latter by keyed hashes only."""

    def get(self, tenant_id: str, erasure_id: str) -> Erasure | None: ...

    def put(self, tenant_id: str, erasure: Erasure) -> None: ...

    def running(self, tenant_id: str) -> list[Erasure]:
        """Those that are not done."""

    def deletion(self, organisation: str) -> Deletion | None: ...

    def note_deletion(self, deletion: Deletion) -> None: ...


class Holdings(Protocol):
    """Whatever is stored of an organisation, without knowing what it means: to take a name or all of it away."""

    @property
    def places(self) -> tuple[str, ...]:
        """All tables and containers, in the order in which an organisation is taken away."""

    @property
    def rewritable(self) -> tuple[str, ...]:
        """The tables in which a person is replaced row by row; others have ports that keep them in order."""

    def erase(self, tenant_id: str, table: str, eraser: Eraser, *, limit: int, after: str) -> tuple[int, str]:
        """Look at so many rows: how many were changed, and where to go on, '' at the end.

        A row keyed by the person goes, and so does one in a list of mails that has the person among its people.
        """

    def clear(self, tenant_id: str, place: str, *, limit: int) -> bool:
        """Delete so many rows or blobs; whether some are left."""


class Attachments(Protocol):
    def put(self, tenant_id: str, key: str, attachment_id: str, chunks: Iterator[bytes]) -> None: ...

    def get(self, tenant_id: str, key: str, attachment_id: str) -> Iterator[bytes]:
        """Raises NotFound."""

    def drop(self, tenant_id: str, key: str) -> None:
        """Delete all of a message."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What could not be processed, with all that is needed to run it again.

    `id` follows from `command` alone. `graph_id` is set where the command is about one mail.
    `rules_version` is that of the capture rules at the time.
    """

    id: str
    tenant_id: str
    mailbox_id: str
    command: str
    error: str
    code: str
    at: datetime
    queue: str = ""
    graph_id: str = ""
    rules_version: int = 0
    replayed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FailureFilter:
    """Which exceptions are wanted; '' = all."""

    code: str = ""
    queue: str = ""
    graph_id: str = ""
    unreplayed: bool = False


class Exceptions(Protocol):
    def record(self, failure: Failure) -> None:
        """Keep it; one that is kept already, by its id, stays as it is."""

    def get(self, tenant_id: str, failure_id: str) -> Failure | None: ...

    def page(
        self, tenant_id: str, wanted: FailureFilter, *, limit: int, after: str
    ) -> tuple[list[Failure], str]:
        """Newest first, from behind `after`; the second is where the next page starts, or ''."""

    def note_replayed(self, failure: Failure, at: datetime) -> None: ...


class LateContacts(Protocol):
    """Addresses that records have newly got, until mail that came before them has been looked for."""

    def announce(self, tenant_id: str, announcement: Announcement) -> None: ...

    def announced(self, tenant_id: str) -> Iterator[Announcement]:
        """Oldest first."""

    def forget(self, tenant_id: str, ids: Sequence[str]) -> None:
        """Delete these announcements."""

    def asked_at(self, tenant_id: str) -> datetime | None:
        """When a pass was last asked for that has not begun yet."""

    def note_asked(self, tenant_id: str, at: datetime | None) -> None:
        """Remember that a pass was asked for; None: that it has begun."""
