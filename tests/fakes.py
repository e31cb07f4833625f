"""In-memory storage: one fake per storage port, held to the same contract tests as the real adapters.

Every fake reports its operations to a `Faults`, which counts them and can end the run before or after any
write; one `Faults` shared by several fakes numbers their writes together, as a crash would meet them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import RLock
from typing import Any, Final

from shared.domain import names
from shared.domain.capture.backfills import Backfill
from shared.domain.capture.folders import FolderState
from shared.domain.capture.late_contacts import Announcement
from shared.domain.capture.sightings import Sighting
from shared.domain.commands.commands import Command
from shared.domain.connections.connections import MailConnection
from shared.domain.connections.mailbox_state import Transition
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation
from shared.domain.connections.subscriptions import Subscription
from shared.domain.errors import Busy, Conflict, NotFound
from shared.domain.filing.entries import Entry, inverted
from shared.domain.filing.filing import MAX_WAITERS, Copy, InboxItem, StoredMessage, Waiter
from shared.domain.filing.person_decisions import PendingChange
from shared.domain.mail.identity import variant_key
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import Document
from shared.domain.matching.candidates import KnownAddress, ThreadHit
from shared.domain.privacy.audit import AuditFilter, AuditRow
from shared.domain.privacy.erasure import RUNNING, Deletion, Eraser, Erasure
from shared.domain.records.records import Card, Record, RecordRef, opened_key
from shared.ports.stores.connections import Change
from shared.ports.stores.exceptions import Failure, FailureFilter
from shared.ports.stores.filing import Claim, EntryFilter
from tests.fake_connecting import FakeProbe, FakeSignIns
from tests.fake_mail import FakeMail
from tests.fake_subscriptions import FakeSubscriptionSource

SLOTS: Final = 3
# So often a row that others keep changing is read again.
ATTEMPTS: Final = 5
NEWEST: Final = 5


class Killed(BaseException):
    """The worker was killed here. Not an Exception, so that nobody handles it."""


@dataclass
class Faults:
    """Counts operations, and raises where a test asks for it. Writes are numbered from 1, in order.

    `before` and `after` map the number of a write to what is raised before or after it takes place; `named`
    maps an operation such as "Timeline.put" to what is raised instead of it, every time.
    """

    before: dict[int, BaseException] = field(default_factory=dict)
    after: dict[int, BaseException] = field(default_factory=dict)
    named: dict[str, BaseException] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    _lock: Any = field(default_factory=RLock, repr=False)

    def kill_before(self, number: int) -> None:
        """End the run before its n-th write."""
        self.before[number] = Killed(f"before write {number}")

    def kill_after(self, number: int) -> None:
        """End the run after its n-th write has taken place."""
        self.after[number] = Killed(f"after write {number}")

    def clear(self) -> None:
        """No more faults, and counting starts anew."""
        for one in (self.before, self.after, self.named, self.writes, self.reads):
            one.clear()

    @contextmanager
    def write(self, name: str) -> Iterator[None]:
        with self._lock:
            self.writes.append(name)
            number = len(self.writes)
            self._raise(self.named.get(name) or self.before.get(number))
            yield
            self._raise(self.after.get(number))

    def read(self, name: str) -> None:
        self.reads.append(name)
        self._raise(self.named.get(name))

    @staticmethod
    def _raise(error: BaseException | None) -> None:
        if error is not None:
            raise error


class _Etags:
    """A new ETag with every write."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> str:
        self._last += 1
        return f'W/"{self._last}"'


def _check(found: str | None, given: str) -> None:
    """The rule of every write under an ETag: '' creates, anything else must be the stored one."""
    if (found or "") != given:
        raise Conflict("the row changed since it was read")


class FakeCommandQueue:
    """`sent` holds (command, delay) in order; `take` hands out what a worker would receive."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.sent: list[tuple[Command, float]] = []

    def put(self, command: Command, *, delay: float = 0.0) -> None:
        with self.faults.write("CommandQueue.put"):
            self.sent.append((command, delay))

    @property
    def commands(self) -> list[Command]:
        return [command for command, _ in self.sent]

    def take(self, queue: str) -> list[Command]:
        """Remove and return the commands of one queue."""
        taken = [command for command in self.commands if command.queue == queue]
        self.sent = [one for one in self.sent if one[0].queue != queue]
        return taken


class FakeLeases:
    """`held` are the names held right now; a test may add to it."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.held: set[str] = set()

    @contextmanager
    def walk(self, tenant_id: str, mailbox_id: str) -> Iterator[None]:
        with self._hold([f"walks/{tenant_id}/{mailbox_id}"]):
            yield

    @contextmanager
    def slot(self, tenant_id: str, mailbox_id: str) -> Iterator[None]:
        with self._hold([f"slots/{tenant_id}/{mailbox_id}/{one}" for one in range(SLOTS)]):
            yield

    @contextmanager
    def _hold(self, names: list[str]) -> Iterator[None]:
        self.faults.read("Leases.acquire")
        free = next((one for one in names if one not in self.held), None)
        if free is None:
            raise Busy("somebody else holds it")
        self.held.add(free)
        try:
            yield
        finally:
            self.held.discard(free)


class FakeOrganisations:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[str, Organisation] = {}
        self._etag = _Etags()

    def get(self, tenant_id: str) -> Organisation | None:
        self.faults.read("Organisations.get")
        return self.rows.get(tenant_id)

    def put(self, organisation: Organisation) -> Organisation:
        with self.faults.write("Organisations.put"):
            stored = self.rows.get(organisation.tenant_id)
            _check(stored.etag if stored else None, organisation.etag)
            self.rows[organisation.tenant_id] = replace(organisation, etag=self._etag())
            return self.rows[organisation.tenant_id]

    def change(self, organisation: Organisation) -> None:
        """Put it whatever stands there, as a test's set-up does."""
        stored = self.rows.get(organisation.tenant_id)
        self.put(replace(organisation, etag=stored.etag if stored else ""))

    def all(self) -> Iterator[Organisation]:
        self.faults.read("Organisations.all")
        yield from list(self.rows.values())


class FakeMailboxes:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], Mailbox] = {}
        self._etag = _Etags()

    def get(self, tenant_id: str, address: str) -> Mailbox | None:
        self.faults.read("Mailboxes.get")
        return next((one for one in self._of(tenant_id) if one.address == address), None)

    def by_id(self, tenant_id: str, mailbox_id: str) -> Mailbox | None:
        self.faults.read("Mailboxes.by_id")
        return self.rows.get((tenant_id, mailbox_id))

    def save(self, mailbox: Mailbox) -> Mailbox:
        with self.faults.write("Mailboxes.save"):
            key = (mailbox.tenant_id, mailbox.mailbox_id)
            stored = self.rows.get(key)
            _check(stored.etag if stored else None, mailbox.etag)
            others = (row for row in self._of(mailbox.tenant_id) if row.mailbox_id != mailbox.mailbox_id)
            if any(row.address == mailbox.address for row in others):
                raise Conflict("another mailbox has this address")
            self.rows[key] = replace(mailbox, etag=self._etag())
            return self.rows[key]

    def change(self, mailbox: Mailbox, transition: Transition) -> Change | None:
        with self.faults.write("Mailboxes.change"):
            key = (mailbox.tenant_id, mailbox.mailbox_id)
            for _ in range(ATTEMPTS):
                before = self.rows.get(key)
                if before is None:
                    return None
                after = before.after(transition)
                if self.rows.get(key) != before:
                    continue
                if after != before:
                    self.rows[key] = replace(after, etag=self._etag())
                return Change(before, self.rows[key])
            raise Conflict("others keep changing the mailbox")

    def delete(self, tenant_id: str, address: str) -> None:
        with self.faults.write("Mailboxes.delete"):
            for one in self._of(tenant_id):
                if one.address == address:
                    del self.rows[tenant_id, one.mailbox_id]

    def of(self, tenant_id: str) -> Iterator[Mailbox]:
        self.faults.read("Mailboxes.of")
        yield from sorted(self._of(tenant_id), key=lambda one: one.address)

    def due(self, now: datetime) -> Iterator[Mailbox]:
        self.faults.read("Mailboxes.due")
        yield from [one for one in self.rows.values() if one.is_due(now)]

    def _of(self, tenant_id: str) -> list[Mailbox]:
        return [one for one in self.rows.values() if one.tenant_id == tenant_id]


class FakeFolderStates:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], dict[str, FolderState]] = {}
        self._etag = _Etags()

    def all(self, mailbox: Mailbox) -> list[FolderState]:
        self.faults.read("FolderStates.all")
        return list(self._of(mailbox).values())

    def get(self, mailbox: Mailbox, folder_id: str) -> FolderState | None:
        self.faults.read("FolderStates.get")
        return self._of(mailbox).get(folder_id)

    def put(self, mailbox: Mailbox, state: FolderState) -> FolderState:
        with self.faults.write("FolderStates.put"):
            rows = self._of(mailbox)
            stored = rows.get(state.folder_id)
            _check(stored.etag if stored else None, state.etag)
            rows[state.folder_id] = replace(state, etag=self._etag())
            return rows[state.folder_id]

    def forget(self, mailbox: Mailbox) -> None:
        with self.faults.write("FolderStates.forget"):
            self._of(mailbox).clear()

    def _of(self, mailbox: Mailbox) -> dict[str, FolderState]:
        return self.rows.setdefault((mailbox.tenant_id, mailbox.mailbox_id), {})


class FakeBackfills:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], Backfill] = {}
        self._etag = _Etags()

    def get(self, mailbox: Mailbox) -> Backfill | None:
        self.faults.read("Backfills.get")
        return self.rows.get((mailbox.tenant_id, mailbox.mailbox_id))

    def put(self, mailbox: Mailbox, backfill: Backfill) -> Backfill:
        with self.faults.write("Backfills.put"):
            key = (mailbox.tenant_id, mailbox.mailbox_id)
            stored = self.rows.get(key)
            _check(stored.etag if stored else None, backfill.etag)
            self.rows[key] = replace(backfill, etag=self._etag())
            return self.rows[key]


class FakeSubscriptions:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], Subscription] = {}
        self._etag = _Etags()

    def get(self, tenant_id: str, mailbox_id: str) -> Subscription | None:
        self.faults.read("Subscriptions.get")
        return self.rows.get((tenant_id, mailbox_id))

    def put(self, tenant_id: str, subscription: Subscription) -> Subscription:
        with self.faults.write("Subscriptions.put"):
            key = (tenant_id, subscription.mailbox_id)
            stored = self.rows.get(key)
            _check(stored.etag if stored else None, subscription.etag)
            self.rows[key] = replace(subscription, etag=self._etag())
            return self.rows[key]

    def delete(self, tenant_id: str, mailbox_id: str) -> None:
        with self.faults.write("Subscriptions.delete"):
            self.rows.pop((tenant_id, mailbox_id), None)

    def of(self, tenant_id: str) -> Iterator[Subscription]:
        self.faults.read("Subscriptions.of")
        yield from [row for (tenant, _), row in self.rows.items() if tenant == tenant_id]

    def ending(self, before: datetime) -> Iterator[tuple[str, Subscription]]:
        self.faults.read("Subscriptions.ending")
        for (tenant_id, _), row in list(self.rows.items()):
            if row.expires_at is None or row.expires_at < before:
                yield tenant_id, row


class FakeRecords:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, RecordRef], Record] = {}
        self._etag = _Etags()

    def get(self, tenant_id: str, ref: RecordRef) -> Record | None:
        self.faults.read("Records.get")
        return self.rows.get((tenant_id, ref))

    def get_many(self, tenant_id: str, refs: Iterable[RecordRef]) -> Mapping[RecordRef, Record]:
        self.faults.read("Records.get_many")
        return {ref: self.rows[tenant_id, ref] for ref in refs if (tenant_id, ref) in self.rows}

    def put_many(self, tenant_id: str, records: Sequence[Record]) -> None:
        with self.faults.write("Records.put_many"):
            for one in records:
                self.rows[tenant_id, one.ref] = replace(one, etag=self._etag())

    def write(
        self, tenant_id: str, records: Sequence[Record], standing: Mapping[RecordRef, Record]
    ) -> Mapping[RecordRef, Record | None]:
        left: dict[RecordRef, Record | None] = {}
        with self.faults.write("Records.write"):
            for one in records:
                stored, known = self.rows.get((tenant_id, one.ref)), standing.get(one.ref)
                if (stored.etag if stored else "") != (known.etag if known else ""):
                    left[one.ref] = stored
                else:
                    self.rows[tenant_id, one.ref] = replace(one, etag=self._etag())
        return left

    def delete(self, tenant_id: str, ref: RecordRef) -> bool:
        with self.faults.write("Records.delete"):
            return self.rows.pop((tenant_id, ref), None) is not None

    def page(
        self, tenant_id: str, kind: str, *, text: str, limit: int, after: str
    ) -> tuple[list[Record], str]:
        self.faults.read("Records.page")
        wanted = sorted(
            (
                record
                for (tenant, ref), record in self.rows.items()
                if tenant == tenant_id and ref.kind == kind and ref.id > after and _says(record, text)
            ),
            key=lambda one: one.ref.id,
        )
        return wanted[:limit], wanted[limit - 1].ref.id if len(wanted) > limit else ""


def _says(record: Record, text: str) -> bool:
    words = (record.name, record.summary, *record.addresses)
    return any(text.casefold() in one.casefold() for one in words)


class FakeRecordIndex:
    """Reads the fake records: its index is always in order."""

    def __init__(self, records: FakeRecords, faults: Faults | None = None) -> None:
        self.faults = faults or records.faults
        self.records = records
        self.staff: set[tuple[str, str, str]] = set()
        self.taught: set[tuple[str, str, RecordRef]] = set()

    def addresses(self, tenant_id: str, addresses: Iterable[str]) -> Mapping[str, KnownAddress]:
        self.faults.read("RecordIndex.addresses")
        staff = {address for tenant, _, address in self.staff if tenant == tenant_id}
        return {
            one: KnownAddress(
                self._under(tenant_id, f"address:{one}"),
                one in staff,
                frozenset(
                    ref for tenant, address, ref in self.taught if (tenant, address) == (tenant_id, one)
                ),
            )
            for one in dict.fromkeys(addresses)
        }

    def domains(self, tenant_id: str, domains: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        self.faults.read("RecordIndex.domains")
        return {one: self._under(tenant_id, f"domain:{one}") for one in dict.fromkeys(domains)}

    def subjects(self, tenant_id: str, subjects: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        self.faults.read("RecordIndex.subjects")
        return {one: self._under(tenant_id, f"subject:{one}") for one in dict.fromkeys(subjects)}

    def listing_contact(self, tenant_id: str, contacts: Iterable[str]) -> Mapping[str, frozenset[RecordRef]]:
        self.faults.read("RecordIndex.listing_contact")
        asked = dict.fromkeys(contacts)
        return {one: frozenset(c.ref for c in self._under(tenant_id, f"contact:{one}")) for one in asked}

    def awaiting(self, tenant_id: str, contacts: Iterable[str]) -> Mapping[str, frozenset[RecordRef]]:
        self.faults.read("RecordIndex.awaiting")
        found = {one: self._under(tenant_id, f"missing:{one}") for one in dict.fromkeys(contacts)}
        return {one: frozenset(card.ref for card in cards) for one, cards in found.items() if cards}

    def staff_among(self, tenant_id: str, addresses: Iterable[str]) -> frozenset[str]:
        self.faults.read("RecordIndex.staff_among")
        registered = {address for tenant, _, address in self.staff if tenant == tenant_id}
        return frozenset(addresses) & registered

    def opened(
        self, tenant_id: str, since: datetime, *, limit: int, after: str
    ) -> tuple[list[RecordRef], str]:
        self.faults.read("RecordIndex.opened")
        rows = sorted(
            (one.removeprefix("opened:"), ref)
            for (tenant, ref), record in self.records.rows.items()
            for one in record.index_keys
            if tenant == tenant_id and one.startswith("opened:")
        )
        keys = {f"{at}|{ref}": ref for at, ref in rows if at >= opened_key(since)}
        found = [one for one in keys if one > after]
        return [keys[one] for one in found[:limit]], found[limit - 1] if len(found) > limit else ""

    def taught_to(self, tenant_id: str, ref: RecordRef) -> frozenset[str]:
        self.faults.read("RecordIndex.taught_to")
        return frozenset(address for tenant, address, one in self.taught if (tenant, one) == (tenant_id, ref))

    def teach(self, tenant_id: str, address: str, refs: Iterable[RecordRef]) -> None:
        with self.faults.write("RecordIndex.teach"):
            self.taught.update((tenant_id, address, ref) for ref in refs)

    def unteach(self, tenant_id: str, address: str, refs: Iterable[RecordRef]) -> None:
        with self.faults.write("RecordIndex.unteach"):
            self.taught.difference_update((tenant_id, address, ref) for ref in refs)

    def put_staff(self, tenant_id: str, mailbox_id: str, addresses: Iterable[str]) -> None:
        with self.faults.write("RecordIndex.put_staff"):
            self.staff.update((tenant_id, mailbox_id, one) for one in addresses)

    def drop_staff(self, tenant_id: str, mailbox_id: str, addresses: Iterable[str]) -> None:
        with self.faults.write("RecordIndex.drop_staff"):
            self.staff.difference_update((tenant_id, mailbox_id, one) for one in addresses)

    def _under(self, tenant_id: str, key: str) -> frozenset[Card]:
        rows = self.records.rows.items()
        return frozenset(
            one.card for (tenant, _), one in rows if tenant == tenant_id and key in one.index_keys
        )


@dataclass
class _MessageRow:
    """A message with its document and copies, or a placeholder that holds waiters only."""

    message: StoredMessage | None = None
    document: Document | None = None
    waiters: tuple[Waiter, ...] = ()
    copies: dict[tuple[str, ItemRef], Copy] = field(default_factory=dict)


class FakeMessageStore:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], _MessageRow] = {}
        self.conversations: dict[tuple[str, str], dict[str, str]] = {}
        self._etag = _Etags()

    def create(self, tenant_id: str, message: StoredMessage, document: Document, copy: Copy) -> Claim:
        with self.faults.write("MessageStore.create"):
            row = self.rows.setdefault((tenant_id, message.key), _MessageRow())
            if row.message is not None:
                return Claim(row.message, created=False)
            row.message = replace(message, waiters=row.waiters, etag=self._etag())
            row.document = document
            row.copies[copy.mailbox_id, copy.item] = copy
            return Claim(row.message, created=True)

    def add_copy(self, tenant_id: str, key: str, copy: Copy) -> None:
        with self.faults.write("MessageStore.add_copy"):
            row = self.rows.setdefault((tenant_id, key), _MessageRow())
            row.copies[copy.mailbox_id, copy.item] = copy

    def save(self, tenant_id: str, message: StoredMessage) -> StoredMessage:
        with self.faults.write("MessageStore.save"):
            row = self._row(tenant_id, message.key)
            _check(row.message.etag if row and row.message else None, message.etag or "none")
            assert row is not None
            row.message = replace(message, etag=self._etag())
            return row.message

    def bury(self, tenant_id: str, tombstone: StoredMessage) -> None:
        with self.faults.write("MessageStore.bury"):
            row = self._row(tenant_id, tombstone.key)
            _check(row.message.etag if row and row.message else None, tombstone.etag or "none")
            buried = replace(tombstone, etag=self._etag())
            self.rows[tenant_id, tombstone.key] = _MessageRow(message=buried)

    def save_with_document(self, tenant_id: str, message: StoredMessage, document: Document) -> None:
        with self.faults.write("MessageStore.save_with_document"):
            row = self._row(tenant_id, message.key)
            _check(row.message.etag if row and row.message else None, message.etag or "none")
            assert row is not None
            row.message, row.document = replace(message, etag=self._etag()), document

    def get(self, tenant_id: str, key: str) -> StoredMessage | None:
        self.faults.read("MessageStore.get")
        row = self._row(tenant_id, key)
        return row.message if row else None

    def get_many(self, tenant_id: str, keys: Iterable[str]) -> Mapping[str, StoredMessage]:
        self.faults.read("MessageStore.get_many")
        found = {key: self._row(tenant_id, key) for key in keys}
        return {key: row.message for key, row in found.items() if row and row.message}

    def document(self, tenant_id: str, key: str) -> Document | None:
        self.faults.read("MessageStore.document")
        row = self._row(tenant_id, key)
        return row.document if row else None

    def copies(self, tenant_id: str, key: str) -> list[Copy]:
        self.faults.read("MessageStore.copies")
        row = self._row(tenant_id, key)
        return list(row.copies.values()) if row else []

    def find(self, tenant_id: str, ids: Mapping[str, str]) -> Mapping[str, tuple[ThreadHit, ...]]:
        self.faults.read("MessageStore.find")
        found = {key: self._hits(tenant_id, key, evidence) for key, evidence in ids.items()}
        nearest = next(iter(ids), "")
        found[nearest] = tuple(
            replace(one, text=self._text(tenant_id, one.key)) if one.key == nearest else one
            for one in found.get(nearest, ())
        )
        return {key: hits for key, hits in found.items() if hits}

    def _text(self, tenant_id: str, key: str) -> str | None:
        document = self.rows[tenant_id, key].document
        return document.text if document else None

    def wait_for(self, tenant_id: str, key: str, waiter: Waiter) -> StoredMessage | None:
        with self.faults.write("MessageStore.wait_for"):
            row = self.rows.setdefault((tenant_id, key), _MessageRow())
            message = row.message
            if message and message.is_filed:
                return message
            waiters = message.waiters if message else row.waiters
            if waiter in waiters or len(waiters) >= MAX_WAITERS:
                return None
            if message:
                row.message = replace(message, waiters=(*waiters, waiter), etag=self._etag())
            else:
                row.waiters = (*waiters, waiter)
            return None

    def is_awaited(self, tenant_id: str, key: str) -> bool:
        self.faults.read("MessageStore.is_awaited")
        row = self._row(tenant_id, key)
        return row is not None and row.message is None

    def scan(self, tenant_id: str, *, limit: int, after: str) -> tuple[list[StoredMessage], str]:
        self.faults.read("MessageStore.scan")
        found = [
            row.message
            for (tenant, key), row in sorted(self.rows.items())
            if tenant == tenant_id and key > after and row.message and not row.message.is_deleted
        ]
        return found[:limit], found[limit - 1].key if len(found) > limit else ""

    def note_conversation(self, tenant_id: str, message: StoredMessage) -> None:
        with self.faults.write("MessageStore.note_conversation"):
            rows = self.conversations.setdefault((tenant_id, message.conversation), {})
            rows[f"{inverted(message.at)}|{message.key}"] = message.key

    def of_conversation(
        self, tenant_id: str, conversation: str, *, until: datetime, apart_from: Collection[str]
    ) -> tuple[ThreadHit, ...]:
        self.faults.read("MessageStore.of_conversation")
        keys = self.conversations.get((tenant_id, conversation), {})
        before = [one for one in sorted(keys) if one >= inverted(until) and keys[one] not in apart_from]
        newest = [self._row(tenant_id, keys[one]) for one in before[:NEWEST]]
        return tuple(one.message.as_thread_hit("conversation") for one in newest if one and one.message)

    def _row(self, tenant_id: str, key: str) -> _MessageRow | None:
        return self.rows.get((tenant_id, key))

    def _hits(self, tenant_id: str, key: str, evidence: str) -> tuple[ThreadHit, ...]:
        first = self._row(tenant_id, key)
        if first is None or first.message is None:
            return ()
        numbers = range(first.message.variants + 1)
        rows = [self._row(tenant_id, variant_key(key, number)) for number in numbers]
        return tuple(row.message.as_thread_hit(evidence) for row in rows if row and row.message)


class FakeCodes:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, int], tuple[tuple[RecordRef, ...], str]] = {}
        self.forged: dict[tuple[str, str], dict[str, int]] = {}

    def get_many(self, tenant_id: str, numbers: Iterable[int]) -> Mapping[int, tuple[RecordRef, ...]]:
        self.faults.read("Codes.get_many")
        return {one: self.rows[tenant_id, one][0] for one in numbers if (tenant_id, one) in self.rows}

    def claim(self, tenant_id: str, number: int, refs: Sequence[RecordRef], message_key: str) -> bool:
        with self.faults.write("Codes.claim"):
            row = self.rows.setdefault((tenant_id, number), (tuple(refs), message_key))
            return row[1] == message_key

    def note_forged(self, tenant_id: str, sender_hash: str, message_key: str, count: int) -> int:
        with self.faults.write("Codes.note_forged"):
            rows = self.forged.setdefault((tenant_id, sender_hash), {})
            rows[message_key] = count
            return sum(rows.values())


class FakeSightings:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], dict[tuple[datetime, ItemRef], Sighting]] = {}

    def put(self, mailbox: Mailbox, sightings: Sequence[Sighting]) -> None:
        with self.faults.write("Sightings.put"):
            rows = self.rows.setdefault((mailbox.tenant_id, mailbox.mailbox_id), {})
            rows.update({(one.received_at, one.item): one for one in sightings})

    def between(self, mailbox: Mailbox, first: datetime, last: datetime) -> Mapping[ItemRef, Sighting]:
        self.faults.read("Sightings.between")
        rows = self.rows.get((mailbox.tenant_id, mailbox.mailbox_id), {})
        return {one.item: one for one in rows.values() if first <= one.received_at <= last}

    def undecided_since(
        self, mailbox: Mailbox, since: datetime, reasons: Sequence[str]
    ) -> Iterator[Sighting]:
        self.faults.read("Sightings.undecided_since")
        rows = self.rows.get((mailbox.tenant_id, mailbox.mailbox_id), {})
        found = [one for one in rows.values() if one.received_at >= since and one.reason in reasons]
        yield from sorted(found, key=lambda one: one.received_at, reverse=True)

    def of_message(
        self, mailboxes: Sequence[Mailbox], message_id_hash: str
    ) -> list[tuple[Mailbox, Sighting]]:
        self.faults.read("Sightings.of_message")
        return [
            (mailbox, one)
            for mailbox in mailboxes
            for one in self.rows.get((mailbox.tenant_id, mailbox.mailbox_id), {}).values()
            if one.message_id_hash == message_id_hash
        ]

    def forget(self, mailbox: Mailbox, before: datetime, *, limit: int) -> bool:
        with self.faults.write("Sightings.forget"):
            rows = self.rows.get((mailbox.tenant_id, mailbox.mailbox_id), {})
            old = sorted((key for key in rows if key[0] < before), reverse=True)[:limit]
            for key in old:
                del rows[key]
            return len(old) == limit

    def all(self, mailbox: Mailbox) -> dict[ItemRef, Sighting]:
        """Everything seen in a mailbox, by Graph id: for tests."""
        rows = self.rows.get((mailbox.tenant_id, mailbox.mailbox_id), {})
        return {one.item: one for one in rows.values()}


class FakeTimeline:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, RecordRef], dict[str, Entry]] = {}

    def put(self, tenant_id: str, entries: Sequence[Entry]) -> None:
        with self.faults.write("Timeline.put"):
            for one in entries:
                self.rows.setdefault((tenant_id, one.link.ref), {})[one.id] = one

    def remove(self, tenant_id: str, refs: Sequence[RecordRef], entry_id: str) -> None:
        with self.faults.write("Timeline.remove"):
            for ref in refs:
                self.rows.get((tenant_id, ref), {}).pop(entry_id, None)

    def page(
        self, tenant_id: str, ref: RecordRef, wanted: EntryFilter, *, limit: int, after: str
    ) -> tuple[list[Entry], str]:
        self.faults.read("Timeline.page")
        rows = sorted(self.rows.get((tenant_id, ref), {}).values(), key=lambda one: one.id)
        found = [one for one in rows if one.id > after and _wanted(one, wanted)]
        return found[:limit], found[limit - 1].id if len(found) > limit else ""

    def of(self, tenant_id: str, ref: RecordRef) -> list[Entry]:
        """The whole timeline, newest first: for tests."""
        rows = self.rows.get((tenant_id, ref), {})
        return [rows[key] for key in sorted(rows)]


def _wanted(entry: Entry, wanted: EntryFilter) -> bool:
    people = (entry.sender, *entry.to, *entry.cc)
    words = (entry.subject, entry.preview, *(f"{one.name}\n{one.address}" for one in people))
    return (
        entry.kind in wanted.kinds
        and (entry.has_attachments or not wanted.with_attachments)
        and wanted.agent in ("", entry.agent)
        and any(wanted.text.casefold() in one.casefold() for one in words)
    )


class FakeInbox:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], dict[str, InboxItem]] = {}
        self.pending: dict[tuple[str, str, str], PendingChange] = {}

    def put(self, tenant_id: str, item: InboxItem) -> None:
        with self.faults.write("Inbox.put"):
            self.rows.setdefault((tenant_id, item.agent), {})[item.id] = item

    def remove(self, tenant_id: str, agents: Sequence[str], item_id: str) -> None:
        with self.faults.write("Inbox.remove"):
            for agent in agents:
                self.rows.get((tenant_id, agent), {}).pop(item_id, None)

    def page(self, tenant_id: str, agent: str, *, limit: int, after: str) -> tuple[list[InboxItem], str]:
        self.faults.read("Inbox.page")
        found = [one for one in self.of(tenant_id, agent) if one.id > after]
        return found[:limit], found[limit - 1].id if len(found) > limit else ""

    def note_change(self, tenant_id: str, change: PendingChange) -> None:
        with self.faults.write("Inbox.note_change"):
            self.pending[tenant_id, change.message_key, change.id] = change

    def pending_changes(self, tenant_id: str, message_key: str = "") -> list[PendingChange]:
        self.faults.read("Inbox.pending_changes")
        return [
            change
            for (tenant, key, _), change in sorted(self.pending.items())
            if tenant == tenant_id and message_key in ("", key)
        ]

    def forget_changes(self, tenant_id: str, changes: Sequence[PendingChange]) -> None:
        with self.faults.write("Inbox.forget_changes"):
            for one in changes:
                self.pending.pop((tenant_id, one.message_key, one.id), None)

    def of(self, tenant_id: str, agent: str) -> list[InboxItem]:
        """An agent's inbox, newest first: for tests."""
        rows = self.rows.get((tenant_id, agent), {})
        return [rows[key] for key in sorted(rows)]


class FakeAudit:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, datetime, str], AuditRow] = {}

    def append(self, tenant_id: str, row: AuditRow) -> None:
        with self.faults.write("Audit.append"):
            self.rows.setdefault((tenant_id, row.at, row.id), row)

    def page(
        self, tenant_id: str, wanted: AuditFilter, *, limit: int, after: str
    ) -> tuple[list[AuditRow], str]:
        self.faults.read("Audit.page")
        rows = {f"{inverted(one.at)}-{one.id}": one for one in self.of(tenant_id)}
        found = [key for key in sorted(rows) if key > after and wanted.takes(rows[key])]
        return [rows[one] for one in found[:limit]], found[limit - 1] if len(found) > limit else ""

    def of(self, tenant_id: str) -> list[AuditRow]:
        """An organisation's, oldest first: for tests."""
        return [row for (tenant, *_), row in sorted(self.rows.items()) if tenant == tenant_id]


class FakeAttachments:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str, str], bytes] = {}

    def put(self, tenant_id: str, key: str, attachment_id: str, chunks: Iterator[bytes]) -> None:
        with self.faults.write("Attachments.put"):
            self.rows[tenant_id, key, attachment_id] = b"".join(chunks)

    def get(self, tenant_id: str, key: str, attachment_id: str) -> Iterator[bytes]:
        self.faults.read("Attachments.get")
        content = self.rows.get((tenant_id, key, attachment_id))
        if content is None:
            raise NotFound("no such attachment")
        return iter([content] if content else [])

    def drop(self, tenant_id: str, key: str) -> None:
        with self.faults.write("Attachments.drop"):
            self.rows = {
                place: content for place, content in self.rows.items() if place[:2] != (tenant_id, key)
            }


class FakeExceptions:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], Failure] = {}

    def record(self, failure: Failure) -> None:
        with self.faults.write("Exceptions.record"):
            self.rows.setdefault((failure.tenant_id, failure.id), failure)

    def get(self, tenant_id: str, failure_id: str) -> Failure | None:
        self.faults.read("Exceptions.get")
        return self.rows.get((tenant_id, failure_id))

    def page(
        self, tenant_id: str, wanted: FailureFilter, *, limit: int, after: str
    ) -> tuple[list[Failure], str]:
        self.faults.read("Exceptions.page")
        rows = {_failure_key(one): one for (tenant, _), one in self.rows.items() if tenant == tenant_id}
        keys = [one for one in sorted(rows) if one > after and _is_wanted(rows[one], wanted)]
        return [rows[one] for one in keys[:limit]], keys[limit - 1] if len(keys) > limit else ""

    def note_replayed(self, failure: Failure, at: datetime) -> None:
        with self.faults.write("Exceptions.note_replayed"):
            key = (failure.tenant_id, failure.id)
            self.rows[key] = replace(self.rows[key], replayed_at=at)

    @property
    def all(self) -> list[Failure]:
        return list(self.rows.values())


def _failure_key(failure: Failure) -> str:
    return f"{inverted(failure.at)}-{failure.id}"


def _is_wanted(failure: Failure, wanted: FailureFilter) -> bool:
    return (
        wanted.code in ("", failure.code)
        and wanted.queue in ("", failure.queue)
        and wanted.item in (None, failure.item)
        and not (wanted.unreplayed and failure.replayed_at)
    )


class FakeLateContacts:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[str, dict[str, Announcement]] = {}
        self.asked: dict[str, datetime] = {}

    def announce(self, tenant_id: str, announcement: Announcement) -> None:
        with self.faults.write("LateContacts.announce"):
            self.rows.setdefault(tenant_id, {})[announcement.id] = announcement

    def announced(self, tenant_id: str) -> Iterator[Announcement]:
        self.faults.read("LateContacts.announced")
        return iter(sorted(self.rows.get(tenant_id, {}).values(), key=lambda one: (one.at, one.id)))

    def forget(self, tenant_id: str, ids: Sequence[str]) -> None:
        with self.faults.write("LateContacts.forget"):
            for one in ids:
                self.rows.get(tenant_id, {}).pop(one, None)

    def asked_at(self, tenant_id: str) -> datetime | None:
        self.faults.read("LateContacts.asked_at")
        return self.asked.get(tenant_id)

    def note_asked(self, tenant_id: str, at: datetime | None) -> None:
        with self.faults.write("LateContacts.note_asked"):
            self.asked.pop(tenant_id, None)
            if at is not None:
                self.asked[tenant_id] = at


class FakeErasures:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], Erasure] = {}
        self.deletions: dict[str, Deletion] = {}

    def get(self, tenant_id: str, erasure_id: str) -> Erasure | None:
        self.faults.read("Erasures.get")
        return self.rows.get((tenant_id, erasure_id))

    def put(self, tenant_id: str, erasure: Erasure) -> None:
        with self.faults.write("Erasures.put"):
            self.rows[tenant_id, erasure.id] = erasure

    def running(self, tenant_id: str) -> list[Erasure]:
        self.faults.read("Erasures.running")
        return [one for (tenant, _), one in self.rows.items() if tenant == tenant_id and one.state == RUNNING]

    def deletion(self, organisation: str) -> Deletion | None:
        self.faults.read("Erasures.deletion")
        return self.deletions.get(organisation)

    def note_deletion(self, deletion: Deletion) -> None:
        with self.faults.write("Erasures.note_deletion"):
            self.deletions[deletion.organisation] = deletion


class FakeHoldings:
    """Knows of each fake's rows by table: every key begins with the tenant, or is the tenant."""

    def __init__(self, storage: "FakeStorage") -> None:
        self.faults = storage.faults
        self._tables: dict[str, tuple[dict[Any, Any], ...]] = {
            names.TIMELINE: (storage.timeline.rows,),
            names.INBOX: (storage.inbox.rows, storage.inbox.pending),
            names.SIGHTINGS: (storage.sightings.rows,),
            names.MAILBOXES: (storage.mailboxes.rows,),
            names.SYNC_STATES: (storage.folder_states.rows, storage.backfills.rows),
            names.SUBSCRIPTION_STATES: (storage.subscriptions.rows,),
            names.EXCEPTIONS: (storage.exceptions.rows,),
            names.LATE_CONTACTS_STATES: (storage.late_contacts.rows, storage.late_contacts.asked),
            names.ORGANISATIONS: (storage.organisations.rows,),
            names.CODES: (storage.codes.rows, storage.codes.forged),
            names.MESSAGES: (storage.messages.rows, storage.messages.conversations),
            names.RECORDS: (storage.records.rows,),
            names.AUDIT: (storage.audit.rows,),
            names.ERASURES: (storage.erasures.rows,),
            names.CONNECTION_STATES: (storage.connections.rows,),
            names.ATTACHMENTS: (storage.attachments.rows,),
        }
        self._index = storage.index

    @property
    def places(self) -> tuple[str, ...]:
        others = (one for one in self._tables if one != names.ORGANISATIONS)
        return (*others, names.RECORD_INDEX, names.ORGANISATIONS)

    @property
    def rewritable(self) -> tuple[str, ...]:
        own = (names.MESSAGES, names.ERASURES, names.AUDIT, names.ATTACHMENTS)
        return (*(one for one in self._tables if one not in own), names.RECORD_INDEX)

    def erase(self, tenant_id: str, table: str, eraser: Eraser, *, limit: int, after: str) -> tuple[int, str]:
        with self.faults.write("Holdings.erase"):
            if table == names.RECORD_INDEX:
                mine = {one for one in self._index.taught if one[:2] == (tenant_id, eraser.address)}
                self._index.taught -= mine
                return len(mine), ""
            flat = [one for rows in self._tables[table] for one in _flat(rows, tenant_id)]
            start = int(after or 0)
            for rows, key in flat[start : start + limit]:
                goes = table in (names.TIMELINE, names.INBOX) and eraser.names_person(_people(rows[key]))
                if goes or (eraser.hash and eraser.hash in str(key)):
                    del rows[key]
                else:
                    rows[key] = eraser.value(rows[key])
            return 0, str(start + limit) if len(flat) > start + limit else ""

    def clear(self, tenant_id: str, place: str, *, limit: int) -> bool:
        with self.faults.write("Holdings.clear"):
            if place == names.RECORD_INDEX:
                self._index.taught = {one for one in self._index.taught if one[0] != tenant_id}
                self._index.staff = {one for one in self._index.staff if one[0] != tenant_id}
                return False
            flat = [one for rows in self._tables[place] for one in _flat(rows, tenant_id)]
            for rows, key in flat[:limit]:
                del rows[key]
            if len(flat) <= limit:
                for rows in self._tables[place]:
                    for key in [one for one in rows if _tenant(one) == tenant_id]:
                        del rows[key]
            return len(flat) > limit


def _tenant(key: Any) -> str:
    return str(key[0] if isinstance(key, tuple) else key)


def _flat(rows: dict[Any, Any], tenant_id: str) -> list[tuple[dict[Any, Any], Any]]:
    """Where each single row of a tenant stands."""
    found: list[tuple[dict[Any, Any], Any]] = []
    for key, value in rows.items():
        if _tenant(key) == tenant_id:
            found += [(value, one) for one in value] if isinstance(value, dict) else [(rows, key)]
    return found


def _people(row: Any) -> object:
    return (getattr(row, "sender", None), *getattr(row, "to", ()), *getattr(row, "cc", ()))


class FakeConnections:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], MailConnection] = {}
        self._etag = _Etags()

    def get(self, tenant_id: str, connection_id: str) -> MailConnection | None:
        self.faults.read("Connections.get")
        return self.rows.get((tenant_id, connection_id))

    def put(self, connection: MailConnection) -> MailConnection:
        with self.faults.write("Connections.put"):
            key = (connection.tenant_id, connection.connection_id)
            stored = self.rows.get(key)
            _check(stored.etag if stored else None, connection.etag)
            self.rows[key] = replace(connection, etag=self._etag())
            return self.rows[key]

    def delete(self, tenant_id: str, connection_id: str) -> None:
        with self.faults.write("Connections.delete"):
            self.rows.pop((tenant_id, connection_id), None)

    def of(self, tenant_id: str) -> list[MailConnection]:
        self.faults.read("Connections.of")
        found = (one for one in self.rows.values() if one.tenant_id == tenant_id)
        return sorted(found, key=lambda one: one.connection_id)

    def all(self) -> Iterator[MailConnection]:
        self.faults.read("Connections.all")
        yield from list(self.rows.values())


class FakeStorage:
    """All fakes as one storage account, under one `Faults`."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.queue = FakeCommandQueue(self.faults)
        self.leases = FakeLeases(self.faults)
        self.organisations = FakeOrganisations(self.faults)
        self.mailboxes = FakeMailboxes(self.faults)
        self.folder_states = FakeFolderStates(self.faults)
        self.backfills = FakeBackfills(self.faults)
        self.subscriptions = FakeSubscriptions(self.faults)
        self.records = FakeRecords(self.faults)
        self.index = FakeRecordIndex(self.records, self.faults)
        self.messages = FakeMessageStore(self.faults)
        self.codes = FakeCodes(self.faults)
        self.sightings = FakeSightings(self.faults)
        self.timeline = FakeTimeline(self.faults)
        self.inbox = FakeInbox(self.faults)
        self.audit = FakeAudit(self.faults)
        self.attachments = FakeAttachments(self.faults)
        self.exceptions = FakeExceptions(self.faults)
        self.late_contacts = FakeLateContacts(self.faults)
        self.connections = FakeConnections(self.faults)
        self.erasures = FakeErasures(self.faults)
        self.holdings = FakeHoldings(self)


class FakePorts(FakeStorage):
    """Every port, as `shared.ports.record` names them: a storage account, mail, and Entra's and Graph's doors."""

    def __init__(self, mail: FakeMail | None = None) -> None:
        super().__init__()
        self.webhook_queue = self.queue
        self.mail = mail or FakeMail()
        self.subscription_source = FakeSubscriptionSource()
        self.sign_ins = FakeSignIns()
        self.probe = FakeProbe()
