"""The product in memory, with the agents' mailboxes and the threads' records: takes copies in, and files by hand.

Capture, matching and filing are the product's own, over the stores that its unit tests use.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Final

from bench.matching_quality.house import QuickStorage
from bench.threads.story import AGENTS, KEEPS_ALL, Letter, Thread, Way
from bench.threads.truth import target_of
from shared.domain.commands.commands import IngestMessages
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.person_decisions import LINK
from shared.domain.mail.codes import issue
from shared.domain.mail.items import ItemRef
from shared.domain.privacy.callers import AGENT, Caller
from shared.domain.records.records import Record, RecordRef
from shared.services.capture.scopes import hasher_of
from shared.services.filing.inbox import Wanted
from tests.builders import CODE_KEYS, HASH_KEY, NOW, TENANT, a_fetched_message
from tests.unit.services.world import World as Product

START: Final = NOW - timedelta(hours=20)
APART: Final = timedelta(seconds=2)
HASHER: Final = hasher_of(HASH_KEY, TENANT)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A copy of a letter in an agent's mailbox."""

    letter: Letter
    address: str


@dataclass(slots=True)
class House:
    """Agents, their mailboxes and the records; `stored_before` are the letters left alone when one was filed."""

    threads: Sequence[Thread]
    dice: random.Random
    product: Product = field(default_factory=lambda: Product(storage=QuickStorage()))
    mailboxes: dict[str, Mailbox] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    left_alone: dict[int, frozenset[str]] = field(default_factory=dict)
    _items: dict[Arrival, ItemRef] = field(default_factory=dict)
    _to_file: dict[int, Thread] = field(default_factory=dict)
    _arrived: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for address in AGENTS:
            capture = "everything" if address == KEEPS_ALL else "known"
            mailbox = self.product.connect(address, agent=address, capture=capture)
            self.product.storage.index.put_staff(TENANT, mailbox.mailbox_id, [address])
            self.mailboxes[address] = mailbox
        self.product.records(*_records(self.threads))
        for thread in self.threads:
            if thread.way is Way.CODE:
                ref = RecordRef.parse(thread.affair)
                self.product.storage.codes.claim(TENANT, thread.code_number, [ref], thread.affair)
            elif thread.way is not Way.NONE:
                self._to_file[thread.number] = thread
        for number, letter in enumerate(_interleaved(self.threads, self.dice)):
            self._deliver(letter, START + number * APART)

    def take_in(self, group: Sequence[Arrival]) -> None:
        """These copies by commands of up to twenty, mailboxes in any order; then agents file what is due."""
        by_mailbox: dict[str, list[ItemRef]] = {}
        for arrival in group:
            by_mailbox.setdefault(arrival.address, []).append(self._items[arrival])
        for address in self.dice.sample(sorted(by_mailbox), k=len(by_mailbox)):
            for command in self._commands(address, by_mailbox[address]):
                self.product.storage.queue.send(command)
        self.product.work()
        for arrival in group:
            number = arrival.letter.thread
            self._arrived[number] = self._arrived.get(number, 0) + 1
        self.file_due([thread for thread in self._to_file.values() if self._is_due(thread)])

    def file_rest(self) -> None:
        """At the end, whatever no agent has come to."""
        self.file_due(list(self._to_file.values()))

    def file_due(self, threads: Iterable[Thread]) -> None:
        """File the first letter of each thread by hand, where it is there."""
        for thread in threads:
            stored = self.stored(target_of(thread))
            if stored is not None:
                del self._to_file[thread.number]
                self._file(thread, stored)
                self.product.work()

    def stored(self, message_id: str) -> StoredMessage | None:
        return self.product.storage.messages.get(TENANT, HASHER.message_id(message_id))

    def standing(self) -> Mapping[str, frozenset[str]]:
        """By Message-ID, the records on whose timelines each letter is."""
        found: dict[str, set[str]] = {}
        for (_, ref), entries in self.product.storage.timeline.rows.items():
            for entry in entries.values():
                found.setdefault(entry.internet_message_id, set()).add(str(ref))
        return {message_id: frozenset(refs) for message_id, refs in found.items()}

    def _commands(self, address: str, items: Sequence[ItemRef]) -> Iterator[IngestMessages]:
        mailbox_id = self.mailboxes[address].mailbox_id
        return IngestMessages.groups(
            items, tenant_id=TENANT, mailbox_id=mailbox_id, first_at=self.product.now
        )

    def _is_due(self, thread: Thread) -> bool:
        return self._arrived.get(thread.number, 0) >= thread.late

    def _file(self, thread: Thread, stored: StoredMessage) -> None:
        """In My Inbox where it waits there, else by a link; by an agent who has a copy."""
        ref = RecordRef.parse(thread.affair)
        copies = {copy.mailbox_id for copy in self.product.storage.messages.copies(TENANT, stored.key)}
        holders = [address for address, box in self.mailboxes.items() if box.mailbox_id in copies]
        callers = [Caller(TENANT, frozenset({AGENT}), oid=name, address=name) for name in holders]
        waits_with = [caller for caller in callers if self._waits(stored, caller.address)]
        if not waits_with:
            self.product.link_message(callers[0], stored.key, ref)
            return
        is_alone = thread.way is Way.ALONE
        if is_alone:
            self.left_alone[thread.number] = self._stored_of(thread)
        self.product.decide(waits_with[0], stored.key, Wanted(LINK, refs=(ref,), file_thread=not is_alone))

    def _waits(self, stored: StoredMessage, address: str) -> bool:
        waiting = self.product.storage.inbox.of(TENANT, address)
        return any(item.message_key == stored.key for item in waiting)

    def _stored_of(self, thread: Thread) -> frozenset[str]:
        ids = (letter.message_id for letter in thread.letters)
        return frozenset(message_id for message_id in ids if self.stored(message_id) is not None)

    def _deliver(self, letter: Letter, at: datetime) -> None:
        if letter.is_missing:
            return
        thread = next(islice(self.threads, letter.thread - self.threads[0].number, None))
        outside = tuple(customer.address for customer in letter.outside)
        sent = letter.is_sent
        message = a_fetched_message(
            message_id=letter.message_id,
            sender=letter.agents[0] if sent else outside[0],
            to=outside if sent else letter.agents,
            cc=letter.agents[1:] if sent else outside[1:],
            subject=_subject(letter, thread),
            in_reply_to=letter.in_reply_to,
            references=letter.references,
            sent_at=at,
            received_at=at,
        )
        for place, address in enumerate(letter.agents):
            folder = "sentitems" if sent and place == 0 else "inbox"
            arrival = Arrival(letter, address)
            self._items[arrival] = self.product.mail.deliver(address, message, folder=f"{folder}-folder")
            self.arrivals.append(arrival)


def _subject(letter: Letter, thread: Thread) -> str:
    has_code = thread.way is Way.CODE and letter.place == 0
    code = issue(thread.code_number, CODE_KEYS, TENANT).text
    return f"{letter.subject} [{code}]" if has_code else letter.subject


def _interleaved(threads: Sequence[Thread], dice: random.Random) -> Iterator[Letter]:
    """The letters of all threads as they are written: side by side, each thread in its order."""
    turns = list(chain.from_iterable([thread.number] * len(thread.letters) for thread in threads))
    dice.shuffle(turns)
    written = {thread.number: iter(thread.letters) for thread in threads}
    yield from (next(written[number]) for number in turns)


def _records(threads: Iterable[Thread]) -> Iterator[Record]:
    """Contacts with their clients, and a record for each affair."""
    customers = {
        customer
        for thread in threads
        for letter in thread.letters
        for customer in letter.outside
        if customer.records
    }
    for customer in sorted(customers, key=lambda customer: customer.address):
        refs = {ref.kind: ref for ref in map(RecordRef.parse, customer.records)}
        client = refs["client"].id if "client" in refs else ""
        contact = refs["contact"]
        yield Record(contact, name=str(contact), addresses=(customer.address,), client=client)
        if client:
            yield Record(refs["client"], name=str(refs["client"]))
    yield from (Record(RecordRef.parse(thread.affair), name=thread.affair) for thread in threads)
