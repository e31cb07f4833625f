"""A stored mail: what its row says, and how it changes."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.domain.filing.person_decisions import PersonDecision
from shared.domain.filing.shown import NOTHING, Shown
from shared.domain.mail.identity import Fingerprint
from shared.domain.mail.messages import Direction
from shared.domain.matching.candidates import ThreadHit
from shared.domain.matching.decisions import Decision, Disposition, Link
from shared.domain.matching.matching import merge
from shared.domain.notices.recipients import Recipient
from shared.domain.records.records import RecordRef

PENDING = "pending"
DONE = "done"
# A person has deleted it: only the key stays, so that it never comes back.
DELETED = "deleted"
# Ids of changes that a mail remembers: until they have been audited, and so that none is made twice.
MOST_CHANGE_IDS = 50
# Why a mail stands nowhere although its thread may lead somewhere.
HOLDING: Final = ("forged_sender", "claims_code")
SENT: Final = "sent"
# Of the kinds that two looks at one mail come to, the one that counts.
ACKNOWLEDGED: Final = "acknowledgement"
# What left through the outbox.
OURS: Final = (SENT, ACKNOWLEDGED)
_SUREST: Final = (*OURS, "reply")
# Rules by which a mail is where the mails are that it goes on with.
BY_THREAD = ("thread", "conversation")


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
    `bounces` are reports that it did not arrive. `unauthenticated`: nothing proves its sender's domain.

    `decided` is what a person has decided on it in My Inbox; `undone` is a decision that is being taken back.
    `unlinked` are records from which a person took it by hand: no rule files it there again. `before` is what may
    stand of it beside its row, over all that it has been since it was last done; empty while it is. `change_ids` are
    the ids of the last changes that persons made, and runs that decided anew.

    `is_answer`: it names mails that it answers, and hears what becomes of them. `is_passed_over`: a person filed one of
    these and left this mail where it was. `is_apart`: a person has taken it out of its thread, which it no longer
    follows.
    `silent`: nobody is told of what makes it `pending`; who finishes it for another one adopts that.
    `thread` is the id of its thread; `answered` the entry id of the stored mail that it answers.
    `sent_by` is the agent (object id) who sent it, through the outbox or from a mail program; `outbox_id` its row in
    the outbox, '' where it did not leave by that. `notice_for` is the agent who is told of it once it is filed.

    Of mail to an intake mailbox: `desk` is the mailbox's id and `sent_to` the address of it that the mail names;
    `reopens` are closed records that it opens again, and `unanswered` says in a word why no machine answers it.
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
    has_dependents: bool = False
    automatic: str = ""
    unauthenticated: bool = False
    conversation: str = ""
    bounces: tuple[Bounced, ...] = ()
    decided: PersonDecision | None = None
    undone: PersonDecision | None = None
    unlinked: frozenset[RecordRef] = frozenset()
    before: Shown = NOTHING
    change_ids: tuple[str, ...] = ()
    silent: bool = False
    is_apart: bool = False
    is_answer: bool = False
    is_passed_over: bool = False
    thread: str = ""
    answered: str = ""
    sent_by: str = ""
    notice_for: Recipient | None = None
    outbox_id: str = ""
    desk: str = ""
    sent_to: str = ""
    reopens: frozenset[RecordRef] = frozenset()
    unanswered: str = ""
    etag: str = ""

    @property
    def is_filed(self) -> bool:
        return self.decision.disposition is Disposition.FILED

    def reopened(self, *, silent: bool) -> "StoredMessage":
        """This message with rows left to write. Silence is decided by whoever finds it done."""
        if self.is_deleted:
            return self
        # Two reasons to write may meet: the mail is as silent as the one that came first.
        return replace(self, state=PENDING, silent=self.silent if self.state == PENDING else silent)

    def remembering(self, change_id: str) -> "StoredMessage":
        """This message with the id of a change, so that the same change is not made twice."""
        return replace(self, change_ids=(*self.change_ids, change_id)[-MOST_CHANGE_IDS:])

    def revised(self, seen: "StoredMessage", decision: Decision) -> "StoredMessage | None":
        """This message under a new decision; None where it is not done, or not as it was seen."""
        return self.redecided(seen, decision) if self.state == DONE else None

    def redecided(self, seen: "StoredMessage", decision: Decision) -> "StoredMessage | None":
        """The same, done or being written; None where it is not as it was seen."""
        if self.is_deleted or self.decision != seen.decision or self.decided != seen.decided:
            return None
        return replace(self.reopened(silent=True), decision=decision)

    def finished(self, applied: "StoredMessage") -> "StoredMessage":
        """This message once all rows of `applied` stand: done, unless other rows are to stand by now.

        Then what was written stands beside those: it is noted, to be taken away with the next run.
        """
        if self.is_deleted:
            return self
        if self.rests_on == applied.rests_on:
            return replace(self, state=DONE, undone=None, notice_for=self._noticed)
        # Another worker may have written this state, and this one has written that: either may stand.
        either = self.and_maybe_shown.and_maybe(applied.refs, applied.lent, applied.thread)
        return replace(self.reopened(silent=True), before=either)

    @property
    def _noticed(self) -> Recipient | None:
        """Filed, silently or not, it is never told again."""
        is_told = self.is_filed and self.notice_for is not None
        return replace(self.notice_for, is_told=True) if is_told and self.notice_for else self.notice_for

    def following(self, earlier: "StoredMessage") -> "StoredMessage":
        """This message as it is saved in the place of an earlier state: what may stand of that is not forgotten."""
        if self.state == DONE:
            return replace(self, before=NOTHING)
        # `finished` has just noted more than can be told from the two states.
        if self.before != earlier.before:
            return self
        is_same = (self.refs, self.lent, self.thread) == (earlier.refs, earlier.lent, earlier.thread)
        return replace(self, before=earlier.shown if is_same else earlier.and_maybe_shown)

    @property
    def refs(self) -> frozenset[RecordRef]:
        """The records on which it is to stand."""
        return frozenset(link.ref for link in self.decision.links) if self.is_filed else frozenset()

    @property
    def lent(self) -> frozenset[RecordRef]:
        """Those of them on which its answers may be filed: a Bcc is not given away."""
        return self.refs - {link.ref for link in self.decision.links if link.evidence.is_blind}

    @property
    def shown(self) -> Shown:
        """What may stand of it beside its row."""
        return Shown.of(self.refs, self.lent, self.thread) if self.state == DONE else self.before

    @property
    def and_maybe_shown(self) -> Shown:
        """The same, and what its own state says, which may have been carried out in part."""
        return self.shown.and_maybe(self.refs, self.lent, self.thread)

    @property
    def rests_on(self) -> tuple[object, ...]:
        """What its entries, its rows in My Inbox and all else follow from: a change of these has them written again."""
        decided = self.decision, self.decided, self.undone
        told = self.notice_for and (self.notice_for.agent, self.notice_for.answers)
        sender = self.agent, self.sent_by, self.outbox_id, told
        nature = self.kind, self.direction, self.automatic, self.unauthenticated, self.bounces, *sender
        return *decided, *nature, self.thread, self.answered, self.reopens

    def passed_over(self) -> "StoredMessage | None":
        """This message, left where it was when a person filed one that it answers; None where nothing changes."""
        return None if self.is_deleted or self.is_passed_over else replace(self, is_passed_over=True)

    def with_variants(self, number: int) -> "StoredMessage":
        """This message, known to have so many others with its Message-ID at least."""
        return replace(self, variants=max(self.variants, number))

    @property
    def takes_thread_along(self) -> bool:
        """Whether stored mails that depend on it follow when it is filed: a person may want its thread left alone."""
        # What went along with another mail was filed with its thread: its own answers are part of that.
        return self.decided is None or self.decided.file_thread or bool(self.decided.along)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to write of it."""
        return self.state in (DONE, DELETED)

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
            refused=self.unlinked,
            follows=self.follows,
            is_apart=self.is_apart,
            etag=self.etag,
            thread=self.thread,
            at=self.at,
            kind=self.kind,
            sent_by=self.sent_by,
            notice_for=self.notice_for,
        )

    @property
    def follows(self) -> bool:
        """Whether it has all records that the mails lend which it answers, and gets those that they gain."""
        is_held = not self.is_filed and self.decision.reason in HOLDING
        is_left = self.is_apart or self.is_passed_over or self.is_deleted
        return self.is_answer and not is_left and not is_held

    def lends_as(self, other: "StoredMessage") -> bool:
        """Whether later mails of its thread see both alike."""
        return self.as_thread_hit("").as_seen == other.as_thread_hit("").as_seen

    def merged(self, other: "StoredMessage") -> "StoredMessage":
        """This message under what its own and another look at it come to; what has left through the outbox has, and an
        answer once seen stays one.

        What a person took away does not come back by rule, and a deleted mail stays deleted.
        """
        if self.is_deleted:
            return self
        kind = next((kind for kind in _SUREST if kind in (self.kind, other.kind)), self.kind)
        # A colleague's mail came in where one of its copies lies in an intake mailbox, unless it was sent by us.
        came_in = kind not in OURS and Direction.IN in (self.direction, other.direction)
        direction = Direction.IN if came_in else Direction.OUT
        seen = replace(
            self.threaded_as(other).sent_as(other).at_desk(other),
            kind=kind,
            direction=direction,
            automatic=self.automatic or other.automatic,
            # One copy may have come straight from its sender, another through a list.
            unauthenticated=self.unauthenticated and other.unauthenticated,
        )
        links = tuple(link for link in other.decision.links if self.may_gain(link))
        # Filed on nothing but what persons have ruled out: this look has no say on the decision.
        if other.is_filed and not links:
            return seen
        return replace(seen, decision=merge(self.decision, replace(other.decision, links=links)))

    def threaded_as(self, other: "StoredMessage") -> "StoredMessage":
        """This message in the thread of the mail that it answers, where another look at it has found that one."""
        return replace(self, thread=other.thread, answered=other.answered) if other.answered else self

    def sent_as(self, other: "StoredMessage") -> "StoredMessage":
        """This message as the one that left through the outbox, if either look at it knows that it did."""
        sender = other if other.outbox_id and not self.outbox_id else self
        return replace(
            self,
            agent=sender.agent,
            outbox_id=sender.outbox_id,
            sent_by=sender.sent_by or other.sent_by,
            notice_for=self.notice_for or other.notice_for,
        )

    def at_desk(self, other: "StoredMessage") -> "StoredMessage":
        """This message at the intake mailbox where either look at it has found it."""
        return replace(
            self,
            desk=self.desk or other.desk,
            sent_to=self.sent_to or other.sent_to,
            reopens=self.reopens | other.reopens,
            unanswered=self.unanswered if self.desk else other.unanswered,
        )

    def may_gain(self, link: Link) -> bool:
        """Whether a rule may file it there, after what persons have said."""
        return link.ref not in self.unlinked and not (self.is_apart and link.rule in BY_THREAD)

    @property
    def opens_conversation(self) -> bool:
        """Whether later mails may ask for it by its conversation: it is ours, or no other mail led to its records."""
        led = any(link.rule in BY_THREAD for link in self.decision.links)
        return bool(self.conversation) and (self.direction is Direction.OUT or not led)

    @property
    def enters_conversation(self) -> bool:
        """Whether it is found by its conversation from its insert on."""
        return self.is_filed and self.opens_conversation
