"""How a decision becomes rows: the stored message, its copies, its timeline entries, its place in My Inbox."""

from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Conflict
from shared.domain.filing.entries import Entry, entry_id, kind_of
from shared.domain.filing.person_decisions import PersonDecision
from shared.domain.mail.addresses import Person
from shared.domain.mail.automatic import Automatic, nature_of
from shared.domain.mail.conversations import travels
from shared.domain.mail.identity import Fingerprint
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import Direction, Document, FetchedMessage, MessageHead
from shared.domain.matching.candidates import Candidates, ThreadHit
from shared.domain.matching.matching import Decision, Disposition, Link, merge
from shared.domain.records.records import RecordRef

PENDING = "pending"
DONE = "done"
# A person has deleted it: only the key stays, so that it never comes back.
DELETED = "deleted"
MAX_WAITERS = 50
# Ids of changes that a mail remembers: until they have been audited, and so that none is made twice.
MOST_CHANGE_IDS = 50


@dataclass(frozen=True, slots=True)
class Waiter:
    """A copy whose mail answers this one: looked at again once this one is filed.

    `kept`: its mail is stored, and may be waiting in My Inbox; others were skipped.
    """

    mailbox_id: str
    item: ItemRef
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """One mailbox's copy of a stored mail; Bcc is known to the copies that show it."""

    mailbox_id: str
    item: ItemRef
    folder_id: str
    bcc: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class Bounced:
    """A mail did not reach an address: enhanced status code (RFC 3463), whether for good, by which report."""

    address: str
    status: str
    permanent: bool
    at: datetime
    message_key: str


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A mail's own row, without its body. `at` and the decision were fixed by the first insert.

    `kind` is the entry kind of its rows, `agent` the address of the agent it is shown with. `automatic` is what
    kind of automatic mail it is, '' = a person's. `conversation` is the keyed hash of its conversation's index,
    where answers may carry that on.
    `bounces` are reports that it did not arrive.

    `decided` is what a person has decided on it in My Inbox; `undone` is a decision that is being taken back.
    `unlinked` are records from which a person took it by hand: no rule files it there again. `withdrawn` are
    records on which it no longer is, so that no entry of it may stand there. `change_ids` are the ids of the last
    changes that persons made, and runs that decided anew.

    `silent`: nobody is told of what makes it `pending`; who finishes it for another one adopts that.
    """

    key: str
    at: datetime
    message_id: str
    fingerprint: Fingerprint
    direction: Direction
    kind: str
    agent: str
    participants: frozenset[str]
    decision: Decision
    state: str = PENDING
    variants: int = 0
    waiters: tuple[Waiter, ...] = ()
    automatic: str = ""
    conversation: str = ""
    bounces: tuple[Bounced, ...] = ()
    decided: PersonDecision | None = None
    undone: PersonDecision | None = None
    unlinked: frozenset[RecordRef] = frozenset()
    withdrawn: frozenset[RecordRef] = frozenset()
    change_ids: tuple[str, ...] = ()
    silent: bool = False
    etag: str = ""

    @property
    def is_filed(self) -> bool:
        return self.decision.disposition is Disposition.FILED

    def reopened(self, *, silent: bool) -> "StoredMessage":
        """This message with rows left to write. Silence is decided by whoever finds it done."""
        if self.is_deleted:
            return self
        return replace(self, state=PENDING, silent=self.silent if self.state == PENDING else silent)

    def remembering(self, change_id: str) -> "StoredMessage":
        """This message with the id of a change, so that the same change is not made twice."""
        return replace(self, change_ids=(*self.change_ids, change_id)[-MOST_CHANGE_IDS:])

    def revised(self, seen: "StoredMessage", decision: Decision) -> "StoredMessage | None":
        """This message under a new decision; None where it is not done, or not as it was seen."""
        if self.state != DONE or self.decision != seen.decision:
            return None
        lost = {link.ref for link in self.decision.links} - {link.ref for link in decision.links}
        return replace(self.reopened(silent=True), decision=decision, withdrawn=self.withdrawn | lost)

    def finished(self, applied: "StoredMessage") -> "StoredMessage":
        """This message once all rows of `applied` stand. Raises Conflict where other rows are to stand by now."""
        if self.is_deleted:
            return self
        if (self.decision, self.kind) != (applied.decision, applied.kind):
            raise Conflict(f"message {self.key} changed while its rows were written")
        return replace(self, state=DONE, waiters=() if self.is_filed else self.waiters)

    def with_variants(self, number: int) -> "StoredMessage":
        """This message, known to have so many others with its Message-ID at least."""
        return replace(self, variants=max(self.variants, number))

    @property
    def gone(self) -> frozenset[RecordRef]:
        """Records on which no entry of it may stand."""
        return self.withdrawn - {one.ref for one in self.decision.links}

    @property
    def called_back(self) -> tuple[Waiter, ...]:
        """Who waits and is looked at again once it is filed; a person may have wanted its thread left alone."""
        if self.decided is None or self.decided.file_thread:
            return self.waiters
        return tuple(one for one in self.waiters if not one.kept)

    @property
    def is_deleted(self) -> bool:
        return self.state == DELETED

    def as_thread_hit(self, evidence: str) -> ThreadHit:
        """How a later mail of its thread sees it."""
        return ThreadHit(
            self.key,
            evidence,
            self.direction,
            tuple(link.ref for link in self.decision.links),
            self.participants,
            blind=frozenset(link.ref for link in self.decision.links if link.evidence.is_blind),
        )

    def merged(self, other: "StoredMessage") -> "StoredMessage":
        """This message under what its own and another look at it come to; an answer once seen stays one.

        What a person took away does not come back by rule, and a deleted mail stays deleted.
        """
        if self.is_deleted:
            return self
        kind = "reply" if "reply" in (self.kind, other.kind) else self.kind
        automatic = self.automatic or other.automatic
        links = tuple(one for one in other.decision.links if one.ref not in self.unlinked)
        if other.is_filed and not links:
            return replace(self, kind=kind, automatic=automatic)
        decision = merge(self.decision, replace(other.decision, links=links))
        return replace(self, decision=decision, kind=kind, automatic=automatic)

    @property
    def opens_conversation(self) -> bool:
        """Whether later mails may ask for it by its conversation: it is ours, or no other mail led to its records."""
        led = any(link.rule in ("thread", "conversation") for link in self.decision.links)
        return bool(self.conversation) and (self.direction is Direction.OUT or not led)


@dataclass(frozen=True, slots=True)
class InboxItem:
    """A mail waiting in My Inbox of one agent. `suggestions` come best first.

    `thread` are the Message-IDs of the mail itself and of those it answers, `conversation` is the message's.
    `is_filed`: it is listed here though it is on a record.
    """

    agent: str
    at: datetime
    message_key: str
    mailbox_id: str
    subject: str
    sender: Person
    preview: str
    reason: str
    suggestions: tuple[Link, ...] = ()
    has_attachments: bool = False
    thread: tuple[str, ...] = ()
    conversation: str = ""
    is_filed: bool = False

    @property
    def id(self) -> str:
        """Its place in My Inbox; ascending order is newest first."""
        return entry_id(self.at, self.message_key)


def new_message(
    head: MessageHead, decision: Decision, candidates: Candidates, *, key: str, mailbox: Mailbox
) -> StoredMessage:
    """The row that the first insert would fix for this mail."""
    direction = candidates.direction(head)
    automatic = nature_of(head.headers, head.sender.address, head.subject).automatic
    is_answer = automatic in (Automatic.NONE, Automatic.AUTO_REPLY)
    answered = _answered_direction(decision, candidates) if is_answer else None
    return StoredMessage(
        key=key,
        at=head.received_at,
        message_id=head.message_id,
        fingerprint=Fingerprint.of(head),
        direction=direction,
        kind=kind_of(direction, answered),
        agent=_agent_of(head, candidates, mailbox),
        participants=head.participants - {one.address for one in head.bcc},
        decision=decision,
        automatic=automatic.value,
        conversation=candidates.conversation_key if travels(head, direction) else "",
    )


def _answered_direction(decision: Decision, candidates: Candidates) -> Direction | None:
    """Which way the mail went that this one answers. Codes are on mail of agents only."""
    if any(link.rule == "code" for link in decision.links):
        return Direction.OUT
    return candidates.parent.direction if candidates.parent else None


def _agent_of(head: MessageHead, candidates: Candidates, mailbox: Mailbox) -> str:
    """The agent a mail is shown with, whichever copy came first: who wrote it, else the first one it is for."""
    writer = head.author or head.sender
    own = [one.address for one in (writer, *head.to, *head.cc) if one.address in candidates.staff]
    return own[0] if own and own[0] not in mailbox.own_addresses else mailbox.agent


def entries_of(stored: StoredMessage, document: Document) -> tuple[Entry, ...]:
    """One timeline row per linked record."""
    return tuple(
        Entry(
            id=entry_id(stored.at, stored.key),
            message_key=stored.key,
            internet_message_id=stored.message_id,
            kind="note" if link.as_note else stored.kind,
            direction=stored.direction,
            at=stored.at,
            subject=document.subject,
            sender=document.sender,
            to=document.to,
            cc=document.cc,
            preview=document.preview,
            has_attachments=any(not one.inline for one in document.attachments),
            link=link,
            agent=stored.agent,
            automatic=stored.automatic,
            bounced=tuple(one.address for one in stored.bounces),
        )
        for link in stored.decision.links
    )


def copy_of(message: FetchedMessage, mailbox: Mailbox) -> Copy:
    """The copy that was just fetched from a mailbox."""
    head = message.head
    return Copy(mailbox.mailbox_id, head.item, head.folder_id, head.bcc)
