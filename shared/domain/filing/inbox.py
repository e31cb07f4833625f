"""My Inbox: which mail waits for which agent, and why; and what a mail becomes when a person decides."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.domain.connections.mailboxes import INTAKE, Mailbox
from shared.domain.errors import Outdated, WrongState
from shared.domain.filing.entries import entry_id
from shared.domain.filing.filing import DELETED, StoredMessage
from shared.domain.filing.links import filed_on
from shared.domain.filing.person_decisions import DELETE, LINK, PersonDecision
from shared.domain.filing.shown import NOTHING
from shared.domain.mail.addresses import Person, mailbox_key, mailbox_keys
from shared.domain.mail.identity import Hasher
from shared.domain.mail.message_ids import names_one_mail
from shared.domain.mail.messages import Direction, Document
from shared.domain.matching.decisions import Decision, Disposition, Link, MatchPolicy
from shared.domain.matching.evidence import THREAD, Evidence
from shared.domain.matching.matching import OLD_MAIL, TOO_MANY, reason_to_list

# An undo takes a queue's turn.
UNDOING_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class InboxItem:
    """A mail waiting in My Inbox: of one agent, or under the id of an intake mailbox for all of its agents.

    `agent` is the name under which it waits. `suggestions` come best first.
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
    attachments: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Its place in My Inbox; ascending order is newest first."""
        return entry_id(self.at, self.message_key)

    @property
    def line(self) -> str:
        """What it stands in one line with: the flood of a sender, the archive that came with a mailbox; '' = nothing.

        What is asked of a person for all of them is one question.
        """
        if self.reason == TOO_MANY:
            return f"{self.reason} {self.mailbox_id} {self.sender.address}"
        return f"{self.reason} {self.mailbox_id}" if self.reason == OLD_MAIL else ""


def reason_to_wait(stored: StoredMessage, mailbox: Mailbox) -> str:
    """Why a mail is in My Inbox of the agent whose mailbox holds a copy; '' = it is not.

    It follows from what all looks at the mail have come to, so it does not matter which came first. Sent mail
    never is, and no mail on which a person has decided.
    """
    if stored.direction is not Direction.IN or stored.decided is not None or stored.is_deleted:
        return ""
    if not stored.is_filed:
        return stored.decision.reason
    if mailbox.kind != INTAKE and stored.fingerprint.sender in mailbox.own_addresses:
        # It came in at an intake mailbox; here its own writer has it.
        return ""
    policy = MatchPolicy(matching=mailbox.matching, matched_to=mailbox.matched_to)
    return reason_to_list(stored.decision.links, policy)


def arranged(
    stored: StoredMessage, document: Document | None, holders: Iterable[Mailbox]
) -> tuple[list[InboxItem], list[str]]:
    """The rows of a mail in My Inbox, one under each name; and the names under which none may stand."""
    standing: dict[str, InboxItem] = {}
    agents: set[str] = set()
    # By id, so that of an agent's two mailboxes the same one is named whichever copy came first.
    for mailbox in sorted(holders, key=lambda mailbox: mailbox.mailbox_id):
        agents.update(mailbox.inboxes)
        reason = reason_to_wait(stored, mailbox)
        if reason and document is not None:
            standing.setdefault(mailbox.inbox, _item(stored, document, mailbox, reason))
    return list(standing.values()), sorted(agents - standing.keys())


def may_list(mailbox: Mailbox) -> bool:
    """Whether filed mail of this mailbox may be in My Inbox too."""
    return mailbox.matched_to is not None or not mailbox.matching


def thread_of(document: Document) -> tuple[str, ...]:
    """The Message-IDs by which a mail and others of its thread find each other."""
    own = (document.message_id,) if names_one_mail(document.message_id) else ()
    return (*own, *document.answers)


def version_of(stored: StoredMessage) -> str:
    """What a person decides under: it changes when the mail's place or the decision on it does, and only then."""
    decided = stored.decided
    parts = [stored.decision.disposition.value, stored.decision.reason]
    parts += sorted(f"{link.ref} {link.as_note} {link.by}" for link in stored.decision.links)
    parts += [decided.what, decided.by, decided.at.isoformat()] if decided else []
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def decided_on(
    stored: StoredMessage, decision: PersonDecision, own: Iterable[Mailbox], read_under: Collection[str] = ()
) -> StoredMessage | None:
    """The mail under a decision; None when it stands so already. `own` are those mailboxes with a copy that belong to
    whoever decides.

    Raises Outdated when somebody else, or a rule, was faster; WrongState for a second thought without an undo.
    """
    if stored.decided is not None:
        _check_same(stored.decided, decision)
        return None
    # Its rows are still being taken away, and one command would carry out both.
    if stored.undone is not None:
        raise WrongState("A decision on this mail is being undone. Try again in a moment.", UNDOING_SECONDS)
    if not any(reason_to_wait(stored, mailbox) for mailbox in own):
        raise Outdated("This mail no longer waits in My Inbox: it has been filed. Read My Inbox again.")
    if read_under and version_of(stored) not in read_under:
        raise Outdated("This mail has changed since you read it. Read My Inbox again.")
    return _deleted(stored, decision) if decision.what == DELETE else _decided(stored, decision)


def _check_same(standing: PersonDecision, decision: PersonDecision) -> None:
    """A person who asks twice, since an answer was lost, is told the same again. Raises Outdated and WrongState."""
    if standing.says_the_same_as(decision):
        return
    if standing.by != decision.by:
        raise Outdated("Somebody else was faster: this mail has been decided on. Read My Inbox again.")
    if standing.what == DELETE:
        raise WrongState("You have deleted this mail: it cannot be brought back.")
    raise WrongState("You have decided on this mail already. Undo that first.")


def filed_along(stored: StoredMessage, lead: StoredMessage) -> StoredMessage | None:
    """The mail filed along with another one of its thread; None when it is not to be."""
    decided = lead.decided
    is_free = stored.decided is None and stored.undone is None and not stored.is_deleted
    if decided is None or not is_free:
        return None
    links = tuple(
        replace(link, rule="thread", evidence=Evidence(THREAD, text=lead.message_id))
        for link in decided.links
        if link.ref not in stored.unlinked
    )
    decision = PersonDecision(LINK, decided.by, decided.at, stored.decision, links, along=lead.key)
    return _decided(stored, decision) if links else None


def taken_out(stored: StoredMessage, *, by: str, at: datetime) -> StoredMessage | None:
    """The mail as it stood before a decision that a person takes back; what went along with its thread leaves that."""
    back = undone(stored, by=by, at=at)
    went_along = stored.decided is not None and bool(stored.decided.along)
    return replace(back, is_apart=went_along) if back else None


def undone(stored: StoredMessage, *, by: str, at: datetime) -> StoredMessage | None:
    """The mail as it stood before the decision on it, with what rules have added since; None: it is under way.

    Raises WrongState when there is nothing to undo, and for a mail that was deleted.
    """
    decision = stored.decided
    if stored.is_deleted:
        raise WrongState("A deleted mail cannot be brought back.")
    if decision is None:
        if stored.undone is not None:
            return None
        raise WrongState("Nobody has decided on this mail: there is nothing to undo.")
    before = {link.ref: link for link in decision.before.links if link.ref not in stored.unlinked}
    others = {link.ref: link for link in stored.decision.links if link.ref not in decision.refs}
    return replace(
        stored.reopened(silent=False),
        decision=filed_on([*{**before, **others}.values()], decision.before),
        decided=None,
        undone=replace(decision, by=by, at=at),
    )


def buried(stored: StoredMessage, hasher: Hasher) -> StoredMessage:
    """All that is kept of a deleted mail: its key, and hashes to tell whether another mail is the same."""
    return replace(
        stored,
        message_id="",
        fingerprint=stored.fingerprint.hashed(hasher),
        agent="",
        participants=frozenset(),
        undone=None,
        has_dependents=False,
        bounces=(),
        conversation="",
        thread="",
        answered="",
        sent_by="",
        outbox_id="",
        notice_for=None,
        sent_to="",
        # Entries are gone by now: the row is buried last.
        before=NOTHING,
    )


def is_buried(stored: StoredMessage) -> bool:
    return stored.is_deleted and not stored.agent


def taken_away(stored: StoredMessage, decision: PersonDecision) -> StoredMessage | None:
    """The mail as a tombstone, whoever has decided what on it; None when it is one."""
    return None if stored.is_deleted else _deleted(stored, decision)


def is_of_thread(item: InboxItem, stored: StoredMessage, thread: Iterable[str]) -> bool:
    """Whether a waiting mail belongs to the thread of another: by ids both ways, or by a conversation with it."""
    if item.message_key == stored.key:
        return False
    if not set(item.thread).isdisjoint(thread):
        return True
    same = bool(item.conversation) and item.conversation == stored.conversation
    return same and mailbox_key(item.sender.address) in mailbox_keys(stored.participants)


def _decided(stored: StoredMessage, decision: PersonDecision) -> StoredMessage:
    links = {link.ref: link for link in (*stored.decision.links, *decision.links)}
    return replace(
        stored.reopened(silent=False),
        decision=replace(filed_on([*links.values()], stored.decision), reason=decision.links[0].rule),
        decided=replace(decision, before=stored.decision),
        unlinked=stored.unlinked - set(decision.refs),
        # A fresh decision is the last word: from now on the mail follows its thread again.
        is_apart=False,
    )


def _deleted(stored: StoredMessage, decision: PersonDecision) -> StoredMessage:
    # Nothing of what was decided before is kept: evidence and suggestions quote addresses.
    nowhere = Decision(Disposition.TRIAGE, reason=DELETED, version=stored.decision.version)
    return replace(
        stored,
        decision=nowhere,
        decided=replace(decision, before=nowhere),
        state=DELETED,
    )


def _item(stored: StoredMessage, document: Document, mailbox: Mailbox, reason: str) -> InboxItem:
    return InboxItem(
        agent=mailbox.inbox,
        at=stored.at,
        message_key=stored.key,
        mailbox_id=mailbox.mailbox_id,
        subject=document.subject,
        sender=document.sender,
        preview=document.preview,
        reason=reason,
        suggestions=stored.decision.suggestions,
        has_attachments=any(not attachment.inline for attachment in document.attachments),
        thread=thread_of(document),
        conversation=stored.conversation,
        is_filed=stored.is_filed,
        attachments=document.file_names,
    )
