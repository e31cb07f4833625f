"""Which changes readers are told of when a mail's entries and its rows in My Inbox are brought in line with its row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.events.events import Announce, Change, What
from shared.domain.filing.copies import Copy
from shared.domain.filing.entries import Entry, entry_id
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.inbox import arranged
from shared.domain.filing.opening import opened_refs
from shared.domain.filing.shown import Shown
from shared.domain.mail.messages import Direction, Document
from shared.domain.matching.decisions import Link
from shared.domain.records.records import RecordRef

# Mailboxes that a single change names: a row has its bounds, and a mail to everybody has more.
MOST_MAILBOXES = 500


def entry_changes(before: Shown, after: StoredMessage, copies: Sequence[Copy]) -> Iterator[Announce]:
    """Entries that stand now, and those that do not stand any more. What was cut short may be told twice."""
    links = {link.ref: link for link in after.decision.links} if after.is_filed else {}
    known = before.told | after.lent
    for ref in sorted(after.refs | before.refs | after.unlinked):
        what = _became(ref, before, after)
        only_for = None if ref in known else witnesses(links.get(ref), copies)
        yield from _announced(what, after, ref, only_for)


def record_changes(before: Shown, after: StoredMessage, copies: Sequence[Copy]) -> Iterator[Announce]:
    """Records that the mail, or who decided on it, has opened, opened again, or closed.

    A mail that is filed anew tells of its record again: it may have been killed before it told of that.
    """
    wanted = after.decided.opens if after.decided else None
    taken_back = after.undone.opens if after.undone else None
    opened = {*opened_refs(after), *([wanted.ref] if wanted else ())}
    changed = {*(after.reopens & after.refs), *([taken_back.ref] if taken_back else ())}
    links = {link.ref: link for link in after.decision.links} if after.is_filed else {}
    for ref in sorted(opened | changed):
        is_new = ref in opened and ref not in before.refs
        only_for = None if ref in before.told | after.lent else witnesses(links.get(ref), copies)
        what = What.RECORD_ADDED if is_new else What.RECORD_CHANGED
        yield from _named(Change(what, after.key, "", ref), only_for)


def moved_changes(
    what: What, entries: Iterable[Entry], copies: Mapping[str, Sequence[Copy]]
) -> Iterator[Announce]:
    """The same for entries that move with a record that is merged; `copies` of those that rest on a Bcc, by message."""
    for entry in entries:
        is_blind = entry.link.evidence.is_blind
        only_for = witnesses(entry.link, copies.get(entry.message_key, ())) if is_blind else None
        yield from _named(Change(what, entry.message_key, entry.id, entry.link.ref), only_for)


def inbox_changes(
    after: StoredMessage, document: Document | None, holders: Sequence[Mailbox], *, is_first: bool
) -> Iterator[Announce]:
    """For the agents who hold a copy: with whom the mail waits now, and with whom it does not.

    Who has not been told that a mail waits may hear that it does not. Sent mail never waits.
    """
    if after.direction is not Direction.IN and not after.is_deleted:
        return
    items, _ = arranged(after, document, holders)
    agents = {item.agent for item in items}
    waits = frozenset(mailbox.mailbox_id for mailbox in holders if mailbox.inbox in agents)
    others = frozenset(mailbox.mailbox_id for mailbox in holders) - waits
    if waits:
        yield from _announced(What.INBOX_ADDED, after, None, waits)
    if others and not is_first:
        yield from _announced(What.INBOX_REMOVED, after, None, others)


def witnesses(link: Link | None, copies: Sequence[Copy]) -> frozenset[str] | None:
    """The mailboxes whose copies show the Bcc on which a link rests; of a link that is gone, those that show all.

    None where nothing is hidden: nobody was in Bcc.
    """
    shown = {copy.mailbox_id: set[str]() for copy in copies}
    for copy in copies:
        shown[copy.mailbox_id].update(person.address for person in copy.bcc)
    hidden = {link.evidence.address} if link is not None else set[str]().union(*shown.values())
    if not hidden:
        return None
    return frozenset(mailbox_id for mailbox_id, addresses in shown.items() if addresses >= hidden)


def _became(ref: RecordRef, before: Shown, after: StoredMessage) -> What:
    if ref not in after.refs:
        return What.ENTRY_REMOVED
    return What.ENTRY_CHANGED if ref in before.refs else What.ENTRY_ADDED


def _announced(
    what: What, mail: StoredMessage, ref: RecordRef | None, only_for: frozenset[str] | None
) -> Iterator[Announce]:
    return _named(Change(what, mail.key, entry_id(mail.at, mail.key), ref), only_for)


def _named(change: Change, only_for: frozenset[str] | None) -> Iterator[Announce]:
    """The change for these mailboxes, as often as it takes to name them all."""
    if only_for is None:
        yield Announce(change)
        return
    left = iter(sorted(only_for))
    while part := frozenset(islice(left, MOST_MAILBOXES)):
        yield Announce(Change(change.what, change.message_key, change.entry_id, change.ref, part))
