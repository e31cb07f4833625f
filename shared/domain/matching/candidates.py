"""What storage knows about the people and mails that a message names: gathered once, for capture and matching."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.domain.intake.doors import Door
from shared.domain.mail.addresses import domain_of, mailbox_key, mailbox_keys
from shared.domain.mail.authentication import fails_dmarc
from shared.domain.mail.codes import number_of
from shared.domain.mail.messages import Direction, MessageHead
from shared.domain.notices.recipients import Recipient
from shared.domain.records.records import Card, RecordRef
from shared.domain.sending.outbox import OutboxMail


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
        return frozenset(card.ref for card in self.cards)


@dataclass(frozen=True, slots=True)
class ThreadHit:
    """A stored mail of the same thread.

    `evidence` is how it was found: a Message-ID without brackets, or `conversation`.
    `text` is its body's text, where that came along with the look-up. `blind` are those of its records to which
    nothing but a Bcc led: an answer that stood there too would give the Bcc away. `refused` are records from which a
    person took it. `follows`: it has the records of the mails that it answers itself, and hears of them; `is_apart`:
    a person took it out of its thread. `etag` is the one of the row as it was read. `thread` is the id of its thread,
    `at` the time under which it stands, `kind` the kind of its entries, `sent_by` the agent who sent it (object id),
    `notice_for` the agent who is told of it.
    """

    key: str
    evidence: str
    direction: Direction
    links: tuple[RecordRef, ...]
    participants: frozenset[str] = frozenset()
    text: str | None = None
    blind: frozenset[RecordRef] = frozenset()
    refused: frozenset[RecordRef] = frozenset()
    follows: bool = False
    is_apart: bool = False
    etag: str = ""
    thread: str = ""
    at: datetime | None = None
    kind: str = ""
    sent_by: str = ""
    notice_for: Recipient | None = None

    @property
    def lent(self) -> tuple[RecordRef, ...]:
        """The records that an answer is filed on."""
        return tuple(ref for ref in self.links if ref not in self.blind)

    @property
    def is_filed(self) -> bool:
        return bool(self.links)

    def among(self, addresses: Iterable[str]) -> frozenset[str]:
        """Those of these addresses whose mailbox takes part in it."""
        known = mailbox_keys(self.participants)
        return frozenset(address for address in addresses if mailbox_key(address) in known)

    @property
    def as_seen(self) -> "ThreadHit":
        """What a decision takes from it, whenever its row was written."""
        # Two copies of one mail differ in time, and its entries stand under that of the first.
        return replace(self, etag="", at=None)

    def as_now(self, standing: "ThreadHit | None") -> "ThreadHit":
        """The same with the records of the mail as it stands now; without any where it is gone."""
        if standing is None:
            return replace(self, links=(), blind=frozenset(), etag="")
        return replace(standing, evidence=self.evidence, text=self.text)

    def moved(self, merged: Mapping[RecordRef, RecordRef]) -> "ThreadHit":
        """The same, its links leading to the records that others were merged into."""
        links = dict.fromkeys(merged.get(ref, ref) for ref in self.links)
        open_to_all = {merged.get(ref, ref) for ref in self.lent}
        return replace(self, links=tuple(links), blind=frozenset(links.keys() - open_to_all))


@dataclass(frozen=True, slots=True)
class CodeHit:
    """A reference code whose signature is right, with the records it was issued for.

    `domains` are those at which these records have people, registrable and shared by nobody else; `contacts` are
    the ids of their contacts, whichever of the two lists the other. `recipients` are the addresses to which mail with
    the code has left, where its sender is known to none of these. `mail` is the last mail that left with the code,
    where nothing else leads from an answer to it; `claimed` the same for a stranger, whom only a person's decision
    makes the one who answers it.
    """

    code: str
    links: tuple[RecordRef, ...]
    domains: frozenset[str] = frozenset()
    contacts: frozenset[str] = frozenset()
    recipients: frozenset[str] = frozenset()
    mail: ThreadHit | None = None
    claimed: ThreadHit | None = None

    @property
    def number(self) -> int:
        return number_of(self.code)

    @property
    def lent(self) -> tuple[RecordRef, ...]:
        """The records that an answer is filed on: those of the code, and those on which the mail itself stands."""
        return tuple(dict.fromkeys((*self.links, *(self.mail.lent if self.mail else ()))))

    def moved(self, merged: Mapping[RecordRef, RecordRef]) -> "CodeHit":
        """The same, its links leading to the records that others were merged into."""
        links = dict.fromkeys(merged.get(ref, ref) for ref in self.links)
        return replace(self, links=tuple(links), mail=self.mail.moved(merged) if self.mail else None)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Everything a decision may rest on. Orders do not matter, but for `thread`: nearest first.

    `addresses`, and `domains` by a participant's whole domain, map to the records that may be meant; `taught`
    to those that an agent has said; `subjects` are opportunities and projects by normalised subject; `listing_contact`
    those by the contacts that they list. `cards` says what is known of all these, and of their clients.
    `conversation` are stored mails with the same conversation index, whose keyed hash is `conversation_key`.
    `sent` is the mail of the outbox of which this one is a copy, `bounced` the mail that this one reports as
    undelivered. `staff` are the participants that belong to the organisation, `inquirers` those for whom a program of
    it wrote, such as a web form; `erased` are suppressed for good. `to_intake`: it came to an intake mailbox, and from
    none of the organisation's own ones. `forged` counts codes in the subject whose signature is wrong.

    Of intake mailboxes: `door` is the one that makes something of it; `successors` are the open records that went on
    with closed ones, `next_ids` the ids of records that would; `answers` are stored mails that answer it, and had a
    record opened. `is_own_program`: its sender is at an own domain, and no agent.
    """

    addresses: Mapping[str, frozenset[RecordRef]] = field(default_factory=dict)
    domains: Mapping[str, frozenset[RecordRef]] = field(default_factory=dict)
    cards: Mapping[RecordRef, Card] = field(default_factory=dict)
    thread: tuple[ThreadHit, ...] = ()
    conversation: tuple[ThreadHit, ...] = ()
    conversation_key: str = ""
    codes: tuple[CodeHit, ...] = ()
    sent: OutboxMail | None = None
    forged: int = 0
    subjects: Mapping[str, frozenset[RecordRef]] = field(default_factory=dict)
    taught: Mapping[str, frozenset[RecordRef]] = field(default_factory=dict)
    listing_contact: Mapping[RecordRef, frozenset[RecordRef]] = field(default_factory=dict)
    bounced: ThreadHit | None = None
    staff: frozenset[str] = frozenset()
    inquirers: frozenset[str] = frozenset()
    to_intake: bool = False
    door: Door | None = None
    successors: Mapping[RecordRef, RecordRef] = field(default_factory=dict)
    next_ids: Mapping[RecordRef, str] = field(default_factory=dict)
    answers: tuple[ThreadHit, ...] = ()
    is_own_program: bool = False
    erased: frozenset[str] = frozenset()

    @property
    def parent(self) -> ThreadHit | None:
        """The nearest stored mail that is filed."""
        return next((hit for hit in self.thread if hit.is_filed), None)

    def moved(self, merged: Mapping[RecordRef, RecordRef]) -> "Candidates":
        """The same, everything that led to a record leading to the one that it was merged into."""
        if not merged:
            return self

        def lead(refs: Iterable[RecordRef]) -> tuple[RecordRef, ...]:
            return tuple(dict.fromkeys(merged.get(ref, ref) for ref in refs))

        return replace(
            self,
            thread=tuple(hit.moved(merged) for hit in self.thread),
            conversation=tuple(hit.moved(merged) for hit in self.conversation),
            codes=tuple(hit.moved(merged) for hit in self.codes),
            sent=replace(self.sent, records=lead(self.sent.records)) if self.sent else None,
            taught={address: frozenset(lead(refs)) for address, refs in self.taught.items()},
            bounced=self.bounced.moved(merged) if self.bounced else None,
        )

    def without(self, refs: Collection[RecordRef]) -> "Candidates":
        """The same where no subject and no domain leads to these records."""

        def others(found: Mapping[str, frozenset[RecordRef]]) -> dict[str, frozenset[RecordRef]]:
            left = {text: under.difference(refs) for text, under in found.items()}
            return {text: under for text, under in left.items() if under}

        return replace(self, domains=others(self.domains), subjects=others(self.subjects))

    def direction(self, head: MessageHead) -> Direction:
        """Out when a colleague wrote it; what came to an intake mailbox is incoming, whoever wrote it."""
        return Direction.OUT if self.is_colleagues(head) and not self.to_intake else Direction.IN

    def is_colleagues(self, head: MessageHead) -> bool:
        """Whether somebody of the organisation wrote it: by From, which the receiving server has checked.

        What a program in an own domain passes on comes from those whom an answer goes to.

        Whom a list says it has passed on does not count: anybody may write a colleague's name there.
        """
        # A mail that its domain disowns may carry any colleague's name in From.
        is_own = head.sender.address in self.staff and not fails_dmarc(head.headers)
        return is_own and not self.inquirers

    def writers(self, head: MessageHead) -> frozenset[str]:
        """The addresses of who wrote it: the inquirers, or From and the author where a list has rewritten From."""
        return self.inquirers or head.writers

    def of_subject(self, spellings: Iterable[str]) -> frozenset[RecordRef]:
        """The records whose summary is a subject in any of these spellings."""
        return frozenset[RecordRef]().union(*(self.subjects.get(text, ()) for text in spellings))

    def contacts(self, address: str) -> list[Card]:
        """The contacts that have an address on their card, by id."""
        return self._cards_of("contact", self.addresses.get(address, frozenset()))

    def clients(self, address: str) -> list[Card]:
        """The clients that have an address's domain, by id."""
        return self._cards_of("client", self.domains.get(domain_of(address), frozenset()))

    def _cards_of(self, kind: str, refs: frozenset[RecordRef]) -> list[Card]:
        # Sorted, since sets have no order: the same mail must give the same decision in every process.
        return [self.cards[ref] for ref in sorted(refs) if ref.kind == kind and ref in self.cards]
