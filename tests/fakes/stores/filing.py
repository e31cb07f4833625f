"""Stored messages, codes, timelines, inboxes and attachments in memory."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.domain.errors import Conflict, NotFound
from shared.domain.filing import searching
from shared.domain.filing.copies import Copy, Dependent
from shared.domain.filing.entries import Entry, at_of, inverted, message_key_of, ordered
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.inbox import InboxItem
from shared.domain.filing.person_decisions import PendingChange
from shared.domain.mail.identity import variant_key
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import Document
from shared.domain.matching.candidates import ThreadHit
from shared.domain.records.records import RecordRef
from shared.ports.stores.filing import (
    MOST_OF_CONVERSATION,
    Claim,
    EntryFilter,
    NewMail,
    ThreadPlace,
    Word,
)
from tests.fakes.etags import Etags, check_etag
from tests.fakes.faults import Faults


@dataclass
class _MessageRow:
    """A message with its document and copies, or a placeholder that has dependents only, or another one's name."""

    message: StoredMessage | None = None
    same_as: str = ""
    document: Document | None = None
    dependents: dict[tuple[str, ItemRef], Dependent] = field(default_factory=dict)
    copies: dict[tuple[str, ItemRef], Copy] = field(default_factory=dict)


class FakeMessageStore:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], _MessageRow] = {}
        self.conversations: dict[tuple[str, str], dict[str, str]] = {}
        self.threads: dict[tuple[str, str], dict[str, str]] = {}
        self._etag = Etags()

    def create(self, tenant_id: str, message: StoredMessage, document: Document, copy: Copy) -> Claim:
        with self.faults.write("MessageStore.create"):
            named = self._row(tenant_id, message.key)
            if named is not None and named.message is not None:
                return Claim(named.message, created=False)
            row = self.rows.setdefault((tenant_id, message.key), _MessageRow())
            row.same_as = ""
            row.message = replace(message, has_dependents=bool(row.dependents), etag=self._etag())
            row.document = document
            row.copies[copy.mailbox_id, copy.item] = copy
            self._note_conversation(tenant_id, message)
            return Claim(row.message, created=True)

    def create_together(self, tenant_id: str, mails: Sequence[NewMail]) -> Mapping[str, StoredMessage]:
        """A write for each, so that a run can end between any two, where the real one makes transactions."""
        created: dict[str, StoredMessage] = {}
        for mail in mails:
            place = (tenant_id, mail.key)
            if not mail.after <= created.keys():
                continue
            with self.faults.write("MessageStore.create_together"):
                if place in self.rows:
                    continue
                message = replace(mail.message, etag=self._etag())
                self.rows[place] = _MessageRow(
                    message=replace(message, has_dependents=bool(mail.dependents)),
                    document=mail.document,
                    dependents={(word.mailbox_id, word.item): word for word in mail.dependents},
                    copies={(mail.copy.mailbox_id, mail.copy.item): mail.copy},
                )
                self._note_conversation(tenant_id, message)
                created[mail.key] = message
        return created

    def add_copy(self, tenant_id: str, key: str, copy: Copy) -> None:
        with self.faults.write("MessageStore.add_copy"):
            row = self.rows.setdefault((tenant_id, key), _MessageRow())
            row.copies[copy.mailbox_id, copy.item] = copy

    def save(self, tenant_id: str, message: StoredMessage) -> StoredMessage:
        with self.faults.write("MessageStore.save"):
            row = self._row(tenant_id, message.key)
            check_etag(row.message.etag if row and row.message else None, message.etag or "none")
            assert row is not None
            assert row.message is not None
            # Whoever leaves word says that there are dependents, and nobody else does.
            has_dependents = row.message.has_dependents
            row.message = replace(message, has_dependents=has_dependents, etag=self._etag())
            return row.message

    def save_together(self, tenant_id: str, messages: Sequence[StoredMessage]) -> Mapping[str, StoredMessage]:
        """A write for each, as in `create_together`."""
        saved: dict[str, StoredMessage] = {}
        for message in messages:
            with suppress(Conflict):
                saved[message.key] = self.save(tenant_id, message)
        return saved

    def bury(self, tenant_id: str, tombstone: StoredMessage) -> None:
        with self.faults.write("MessageStore.bury"):
            row = self._row(tenant_id, tombstone.key)
            check_etag(row.message.etag if row and row.message else None, tombstone.etag or "none")
            assert row is not None
            assert row.message is not None
            places = self.threads.get((tenant_id, row.message.thread), {})
            places.pop(f"{ordered(row.message.at)}|{tombstone.key}", None)
            buried = replace(tombstone, etag=self._etag())
            self.rows[tenant_id, tombstone.key] = _MessageRow(message=buried)

    def save_with_document(self, tenant_id: str, message: StoredMessage, document: Document) -> None:
        with self.faults.write("MessageStore.save_with_document"):
            row = self._row(tenant_id, message.key)
            check_etag(row.message.etag if row and row.message else None, message.etag or "none")
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
            replace(hit, text=self._text(tenant_id, hit.key)) if number == 0 else hit
            for number, hit in enumerate(found.get(nearest, ()))
        )
        return {key: hits for key, hits in found.items() if hits}

    def _text(self, tenant_id: str, key: str) -> str | None:
        document = self.rows[tenant_id, key].document
        return document.text if document else None

    def wait_for(self, tenant_id: str, key: str, dependent: Dependent) -> StoredMessage | None:
        with self.faults.write("MessageStore.wait_for"):
            row = self._row(tenant_id, key) or self.rows.setdefault((tenant_id, key), _MessageRow())
            row.dependents[dependent.mailbox_id, dependent.item] = dependent
            if row.message is None:
                return None
            row.message = replace(row.message, has_dependents=True, etag=self._etag())
            return row.message if row.message.is_filed else None

    def leave_words(self, tenant_id: str, words: Sequence[Word]) -> frozenset[Word]:
        """A write for each mail, as in `create_together`."""
        by_mail: dict[tuple[str, str], list[Word]] = {}
        for word in words:
            by_mail.setdefault((word.key, word.etag), []).append(word)
        return frozenset(word for left in by_mail.values() if self._leave(tenant_id, left) for word in left)

    def _leave(self, tenant_id: str, words: Sequence[Word]) -> bool:
        with self.faults.write("MessageStore.leave_words"):
            key, etag = words[0].key, words[0].etag
            row = self._row(tenant_id, key)
            if (row is None) if etag else (row is not None):
                return False
            row = row or self.rows.setdefault((tenant_id, key), _MessageRow())
            if etag and (row.message is None or row.message.etag != etag):
                return False
            row.dependents |= {
                (word.dependent.mailbox_id, word.dependent.item): word.dependent for word in words
            }
            if row.message is not None:
                row.message = replace(row.message, has_dependents=True, etag=self._etag())
            return True

    def depend_on(self, tenant_id: str, hit: ThreadHit, dependent: Dependent) -> ThreadHit:
        with self.faults.write("MessageStore.depend_on"):
            row = self.rows.setdefault((tenant_id, hit.key), _MessageRow())
            row.dependents[dependent.mailbox_id, dependent.item] = dependent
            if row.message is None:
                return hit.as_now(None)
            is_unchanged = row.message.etag == hit.etag
            standing = row.message = replace(row.message, has_dependents=True, etag=self._etag())
            if is_unchanged:
                return hit
            return hit.as_now(standing.as_thread_hit(hit.evidence))

    def note_name(
        self, tenant_id: str, name: str, key: str, told: Collection[Dependent]
    ) -> frozenset[Dependent]:
        with self.faults.write("MessageStore.note_name"):
            row = self.rows.setdefault((tenant_id, name), _MessageRow())
            if row.message is not None or row.same_as == key:
                return frozenset()
            untold = frozenset(row.dependents.values()).difference(told)
            row.same_as = row.same_as if untold else key
            return untold

    def dependents(self, tenant_id: str, key: str) -> list[Dependent]:
        self.faults.read("MessageStore.dependents")
        row = self._row(tenant_id, key)
        return list(row.dependents.values()) if row else []

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
            self._put_conversation(tenant_id, message)

    def _note_conversation(self, tenant_id: str, message: StoredMessage) -> None:
        self._put_thread(tenant_id, message)
        if message.enters_conversation:
            self._put_conversation(tenant_id, message)

    def _put_conversation(self, tenant_id: str, message: StoredMessage) -> None:
        rows = self.conversations.setdefault((tenant_id, message.conversation), {})
        rows[f"{inverted(message.at)}|{message.key}"] = message.key

    def note_thread(self, tenant_id: str, message: StoredMessage) -> None:
        with self.faults.write("MessageStore.note_thread"):
            self._put_thread(tenant_id, message)

    def _put_thread(self, tenant_id: str, message: StoredMessage) -> None:
        if message.thread:
            places = self.threads.setdefault((tenant_id, message.thread), {})
            places[f"{ordered(message.at)}|{message.key}"] = message.key

    def of_thread(
        self, tenant_id: str, thread: str, *, limit: int, after: str
    ) -> tuple[list[ThreadPlace], str]:
        self.faults.read("MessageStore.of_thread")
        keys = self.threads.get((tenant_id, thread), {})
        found = [ThreadPlace(place, keys[place]) for place in sorted(keys) if place > after]
        return found[:limit], found[limit - 1].place if len(found) > limit else ""

    def with_documents(
        self, tenant_id: str, keys: Iterable[str]
    ) -> Mapping[str, tuple[StoredMessage, Document]]:
        self.faults.read("MessageStore.with_documents")
        found = {key: self._row(tenant_id, key) for key in keys}
        return {
            key: (row.message, row.document)
            for key, row in found.items()
            if row and row.message and row.document
        }

    def of_conversation(
        self, tenant_id: str, conversation: str, *, until: datetime, apart_from: Collection[str]
    ) -> tuple[ThreadHit, ...]:
        self.faults.read("MessageStore.of_conversation")
        keys = self.conversations.get((tenant_id, conversation), {})
        before = [one for one in sorted(keys) if one >= inverted(until) and keys[one] not in apart_from]
        newest = [self._row(tenant_id, keys[one]) for one in before[:MOST_OF_CONVERSATION]]
        return tuple(one.message.as_thread_hit("conversation") for one in newest if one and one.message)

    def _row(self, tenant_id: str, key: str) -> _MessageRow | None:
        row = self.rows.get((tenant_id, key))
        named = self.rows.get((tenant_id, row.same_as)) if row and row.same_as else None
        return named or row

    def _hits(self, tenant_id: str, key: str, evidence: str) -> tuple[ThreadHit, ...]:
        first = self._row(tenant_id, key)
        if first is None or first.message is None:
            return ()
        numbers = range(first.message.variants + 1)
        rows = [self._row(tenant_id, variant_key(first.message.key, number)) for number in numbers]
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


class FakeTimeline:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, RecordRef], dict[str, Entry]] = {}

    def put(self, tenant_id: str, entries: Sequence[Entry]) -> None:
        with self.faults.write("Timeline.put"):
            for one in entries:
                self.rows.setdefault((tenant_id, one.link.ref), {})[one.id] = one

    def remove(self, tenant_id: str, refs: Sequence[RecordRef], entry_id: str, answered: str = "") -> None:
        with self.faults.write("Timeline.remove"):
            for ref in refs:
                self.rows.get((tenant_id, ref), {}).pop(entry_id, None)

    def page(
        self, tenant_id: str, ref: RecordRef, wanted: EntryFilter, *, limit: int, after: str
    ) -> tuple[list[Entry], str]:
        self.faults.read("Timeline.page")
        place = _place(after, wanted) if after else ""
        rows = self.rows.get((tenant_id, ref), {}).values()
        in_order = sorted(((_place(entry.id, wanted), entry) for entry in rows), key=lambda pair: pair[0])
        found = [entry for key, entry in in_order if key > place and _wanted(entry, wanted)]
        return found[:limit], found[limit - 1].id if len(found) > limit else ""

    def answers(self, tenant_id: str, ref: RecordRef, ids: Collection[str]) -> Mapping[str, frozenset[str]]:
        self.faults.read("Timeline.answers")
        found: dict[str, set[str]] = {}
        for entry in self.rows.get((tenant_id, ref), {}).values():
            if entry.answered in ids and not entry.link.evidence.is_blind:
                found.setdefault(entry.answered, set()).add(entry.message_key)
        return {entry_id: frozenset(keys) for entry_id, keys in found.items()}

    def of(self, tenant_id: str, ref: RecordRef) -> list[Entry]:
        """The whole timeline, newest first: for tests."""
        rows = self.rows.get((tenant_id, ref), {})
        return [rows[key] for key in sorted(rows)]


def _wanted(entry: Entry, wanted: EntryFilter) -> bool:
    return (
        entry.kind in wanted.kinds
        and (entry.has_attachments or not wanted.with_attachments)
        and wanted.agent in ("", entry.agent)
        and (wanted.since is None or inverted(entry.at) <= inverted(wanted.since))
        and (wanted.until is None or inverted(entry.at) > inverted(wanted.until))
        and searching.says(searching.text_of(entry), searching.words_of(wanted.text))
    )


def _place(entry_id: str, wanted: EntryFilter) -> str:
    """The key by which rows are ordered."""
    key = message_key_of(entry_id)
    return f"{ordered(at_of(entry_id))}-{key}" if wanted.oldest_first else entry_id


class FakeInbox:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], dict[str, InboxItem]] = {}
        self.pending: dict[tuple[str, str, str], PendingChange] = {}

    def put(self, tenant_id: str, items: Sequence[InboxItem]) -> None:
        with self.faults.write("Inbox.put"):
            for item in items:
                self.rows.setdefault((tenant_id, item.agent), {})[item.id] = item

    def remove(self, tenant_id: str, agents: Sequence[str], item_id: str) -> None:
        with self.faults.write("Inbox.remove"):
            for agent in agents:
                self.rows.get((tenant_id, agent), {}).pop(item_id, None)

    def page(self, tenant_id: str, agent: str, *, limit: int, after: str) -> tuple[list[InboxItem], str]:
        self.faults.read("Inbox.page")
        found = [one for one in self.of(tenant_id, agent) if one.id > after]
        return found[:limit], found[limit - 1].id if len(found) > limit else ""

    def of_reason(self, tenant_id: str, agent: str, reason: str, *, most: int) -> list[InboxItem]:
        self.faults.read("Inbox.of_reason")
        return [item for item in self.of(tenant_id, agent) if item.reason == reason][:most]

    def waiting(self, tenant_id: str, agents: Sequence[str], item_id: str) -> list[InboxItem]:
        self.faults.read("Inbox.waiting")
        rows = (self.rows.get((tenant_id, agent), {}).get(item_id) for agent in agents)
        return [row for row in rows if row is not None]

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

    def lacking(self, tenant_id: str, key: str, attachment_ids: Collection[str]) -> frozenset[str]:
        self.faults.read("Attachments.lacking")
        return frozenset(given for given in attachment_ids if (tenant_id, key, given) not in self.rows)

    def drop(self, tenant_id: str, key: str) -> None:
        with self.faults.write("Attachments.drop"):
            self.rows = {
                place: content for place, content in self.rows.items() if place[:2] != (tenant_id, key)
            }
