"""What a decision changes beside the mail's own row: decided here as effects, and written by `Apply`.

In three parts, for what stands between them: `shown`, then the ledger's row and the mails of the thread, then `told`,
then the message is done, then `audited`.

`before` is all that may have been shown since the mail was last done. So the effects of a run that was cut short, or
of a decision that was never carried out, are among those of the next one: they may be applied any number of times.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.filing.announcing import entry_changes, inbox_changes, record_changes
from shared.domain.filing.copies import Copy
from shared.domain.filing.effects import (
    Acknowledge,
    Audit,
    CloseRecord,
    Effect,
    Learn,
    NoteBounce,
    OpenRecord,
    OpenWanted,
    PutBackThread,
    PutConversation,
    PutEntry,
    PutInboxRow,
    PutThread,
    RemoveEntry,
    RemoveInboxRow,
    ReopenRecord,
    TellDependents,
    Unlearn,
)
from shared.domain.filing.entries import entries_of, entry_id
from shared.domain.filing.filing import OURS, PENDING, Bounced, StoredMessage
from shared.domain.filing.inbox import arranged
from shared.domain.filing.opening import opened_refs
from shared.domain.filing.person_decisions import PendingChange
from shared.domain.filing.shown import Shown
from shared.domain.mail.bounces import Report
from shared.domain.mail.messages import Direction, Document
from shared.domain.notices.notices import notice_changes


@dataclass(frozen=True, slots=True)
class About:
    """What a mail reports of another one, `message_key`, that did not arrive; empty for a mail that is no report."""

    message_key: str = ""
    report: Report | None = None


NO_REPORT: Final = About()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What effects follow from besides the message: gathered before they are decided.

    `holders` are the mailboxes with a copy, `copies` theirs; None: not gathered yet. `is_first`: the message has just
    been inserted, so that nothing of it can stand anywhere. `about` is what the mail reports.
    """

    document: Document | None = None
    holders: tuple[Mailbox, ...] | None = None
    copies: tuple[Copy, ...] = ()
    is_first: bool = False
    about: About = NO_REPORT

    @classmethod
    def of_new(cls, document: Document, mailbox: Mailbox, copy: Copy, about: About = NO_REPORT) -> Self:
        """Those of a message that has just come with the mailbox's copy: only its agent is to be thought of."""
        return cls(document, (mailbox,), (copy,), is_first=True, about=about)


def shown(before: Shown, after: StoredMessage, around: Surroundings) -> tuple[Effect, ...]:
    """The part that readers see; the ledger comes behind it."""
    return (
        *_opened(after, around),
        *_entries(before, after, around),
        *_inbox_rows(after, around),
        *_bounces(after, around),
        *_taken_back(after),
        *_learnt(after),
        *notice_changes(after, around.document),
        *_acknowledged(after, around),
        *record_changes(before, after, around.copies),
        *entry_changes(before, after, around.copies),
        *_inbox_changes(after, around),
    )


def told(before: Shown, after: StoredMessage, *, is_first: bool = False) -> tuple[Effect, ...]:
    """The part that other mails hear of; the message is done behind it, and persons' changes are audited.

    `is_first` as in `Surroundings`: a message that was just inserted is in its conversation.
    """
    return tuple(_lent(before, after, is_first=is_first))


def acknowledged_anew(after: StoredMessage, document: Document) -> tuple[Effect, ...]:
    """The acknowledgement alone, for a message that is done: what stands in the outbox stays as it is."""
    return tuple(_acknowledged(after, Surroundings(document)))


def arranged_anew(after: StoredMessage, around: Surroundings) -> tuple[Effect, ...]:
    """My Inbox alone: the mail's rows there, and what is told of them."""
    return (*_inbox_rows(after, around), *_inbox_changes(after, around))


def _inbox_rows(after: StoredMessage, around: Surroundings) -> Iterable[Effect]:
    """The mail's rows in My Inbox; sent mail never has any."""
    if after.direction is not Direction.IN and not after.is_deleted and not _turned_out_sent(after):
        return
    items, agents = arranged(after, around.document, around.holders or ())
    yield from map(PutInboxRow, items)
    # A new mail has nothing to take away.
    if around.is_first:
        return
    # The mailbox of who it was shown with may be gone by now, and its copies with it.
    gone = {*agents, after.agent} - {""} if after.is_deleted else set(agents)
    item_id = entry_id(after.at, after.key)
    yield from (RemoveInboxRow(agent, item_id) for agent in sorted(gone))


def _turned_out_sent(after: StoredMessage) -> bool:
    """Whether a copy may have been taken for incoming mail, as in an intake mailbox, before it was known as ours."""
    return after.kind in OURS and after.state == PENDING


def audited(after: StoredMessage | None, changes: Iterable[PendingChange]) -> Iterable[Audit]:
    """The changes that the message has gone through; one that is not on it may belong to a request under way."""
    made = after.change_ids if after else ()
    return (Audit(change) for change in changes if change.id in made)


def _opened(after: StoredMessage, around: Surroundings) -> Iterable[Effect]:
    if around.document is not None:
        for ref in opened_refs(after):
            yield OpenRecord(ref, after, around.document)
    for ref in sorted(after.reopens & after.refs):
        yield ReopenRecord(ref, after.key)
    if after.decided is not None and after.decided.opens is not None:
        yield OpenWanted(after.decided.opens)


def _acknowledged(after: StoredMessage, around: Surroundings) -> Iterable[Effect]:
    """History that is taken in silently is answered by nobody."""
    if around.document is None or not after.desk or after.silent or after.direction is not Direction.IN:
        return
    for ref in opened_refs(after):
        yield Acknowledge(ref, after, around.document)
    # What an agent opens is acknowledged if the agent says so: until then it is held back.
    wanted = after.decided.opens if after.decided else None
    if wanted is not None:
        yield Acknowledge(wanted.ref, after, around.document)


def _entries(before: Shown, after: StoredMessage, around: Surroundings) -> Iterable[Effect]:
    # Put before removed: a reader meanwhile sees the mail twice rather than nowhere.
    if around.document is not None and after.is_filed:
        yield from map(PutEntry, entries_of(after, around.document))
    # A record from which a person took the mail is cleared again and again: a slow worker may still write there.
    for ref in sorted((before.refs | after.unlinked) - after.refs):
        yield RemoveEntry(ref, entry_id(after.at, after.key), after.answered)


def _inbox_changes(after: StoredMessage, around: Surroundings) -> Iterable[Effect]:
    return inbox_changes(after, around.document, around.holders or (), is_first=around.is_first)


def _bounces(after: StoredMessage, around: Surroundings) -> Iterable[Effect]:
    report = around.about.report
    if report is None or not report.bounces:
        return
    bounces = tuple(
        Bounced(bounce.address, bounce.status, bounce.permanent, after.at, after.key)
        for bounce in report.bounces
    )
    yield NoteBounce(around.about.message_key, bounces, report.bounces)


def _taken_back(after: StoredMessage) -> Iterable[Effect]:
    undone = after.undone
    if undone is None:
        return
    if undone.taught:
        yield Unlearn(undone.taught, undone.refs)
    # Behind the entries: whether the record goes or is closed depends on what is left there.
    if undone.opens is not None:
        yield CloseRecord(undone.opens.ref, frozenset({after.key, *undone.thread}))
    # An effect, and no step of the person's command: whoever finishes the mail forgets `undone`.
    if undone.thread:
        yield PutBackThread(after.key, undone)


def _learnt(after: StoredMessage) -> Iterable[Effect]:
    decided = after.decided
    if decided is not None and decided.taught:
        yield Learn(decided.taught, decided.refs)


def _lent(before: Shown, after: StoredMessage, *, is_first: bool) -> Iterable[Effect]:
    # That a mail is no longer kept says nothing of the mails that answered it.
    if after.is_deleted:
        return
    is_moved = after.thread != before.thread
    # Before dependents are told: one that asks for the conversation is to find it.
    if not is_first:
        yield from _found_anew(after, is_moved=is_moved)
    gained, lost = after.lent - before.certain, before.told - after.lent
    is_told = is_moved and after.has_dependents and after.takes_thread_along
    hides = after.has_dependents and _hides(before, after)
    if gained or lost or is_told or hides:
        yield TellDependents(after, gained, lost, after.takes_thread_along, is_told, hides)


def _hides(before: Shown, after: StoredMessage) -> bool:
    """Whether answers may have lost what mails behind this one lend: it stands on a further kind of records.

    Where it follows its own thread, nothing is asked behind it as soon as it stands anywhere.
    """
    kinds, had = ({ref.kind for ref in refs} for refs in (after.refs, before.certain))
    return bool(kinds) and not had if after.follows else not kinds <= had


def _found_anew(after: StoredMessage, *, is_moved: bool) -> Iterable[Effect]:
    """How a stored mail is found by others from now on."""
    if after.enters_conversation:
        yield PutConversation(after)
    if is_moved:
        yield PutThread(after)
