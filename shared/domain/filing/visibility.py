"""Which links and copies of a mail a caller may see: a Bcc is for those in whose own mailbox a copy shows it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.filing.copies import Copy
from shared.domain.filing.entries import Entry
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.addresses import Person, mailbox_key, mailbox_keys
from shared.domain.matching.decisions import Link
from shared.domain.privacy.callers import Caller


@dataclass(frozen=True, slots=True)
class Sight:
    """What a caller sees of one mail's Bcc: the people in it by copies of the own mailboxes.

    Others are `hidden`, by the keys of their mailboxes.
    """

    bcc: tuple[Person, ...] = ()
    hidden: frozenset[str] = frozenset()

    def hides(self, address: str) -> bool:
        return mailbox_key(address) in self.hidden


# Of whoever holds no copy, or is not known: links that rest on a Bcc are left out.
NO_SIGHT: Final = Sight()


def sight_of(caller: Caller, copies: Iterable[tuple[Copy, Mailbox | None]]) -> Sight:
    """What a caller sees, given a mail's copies with their mailboxes; None is a mailbox that is gone."""
    seen: dict[Person, None] = {}
    every: set[str] = set()
    for copy, mailbox in copies:
        every.update(mailbox_key(person.address) for person in copy.bcc)
        if mailbox is not None and caller.owns(mailbox):
            seen.update(dict.fromkeys(copy.bcc))
    return Sight(tuple(seen), frozenset(every - mailbox_keys(person.address for person in seen)))


def visible(link: Link, sight: Sight) -> bool:
    """Whether a link may be shown: not if it rests on a Bcc alone that the caller does not see."""
    evidence = link.evidence
    if not evidence.is_blind:
        return True
    return mailbox_key(evidence.address) in mailbox_keys(person.address for person in sight.bcc)


def visible_links(links: Iterable[Link], sight: Sight) -> tuple[Link, ...]:
    """The links that may be shown."""
    return tuple(link for link in links if visible(link, sight))


def is_open_to_all(stored: StoredMessage) -> bool:
    """Whether everybody in the organisation may read a mail: it is on a record for all to see."""
    return stored.is_filed and bool(visible_links(stored.decision.links, NO_SIGHT))


def is_copy_visible(mailbox: Mailbox, caller: Caller, hidden: frozenset[str]) -> bool:
    """Whether a copy may be told of: not if a Bcc alone explains how it came into somebody else's mailbox."""
    return caller.owns(mailbox) or hidden.isdisjoint(mailbox_keys(mailbox.own_addresses))


def holds_copy(caller: Caller, copies: Iterable[tuple[Copy, Mailbox | None]]) -> bool:
    """Whether one of a mail's copies is in a mailbox of the caller's own."""
    return any(mailbox is not None and caller.owns(mailbox) for _, mailbox in copies)


def message_needs_sight(stored: StoredMessage) -> bool:
    """Whether it depends on the caller what is shown of a mail that all may read."""
    return bool(stored.bounces) or any(link.evidence.is_blind for link in stored.decision.links)


def needs_sight(entry: Entry) -> bool:
    """Whether it depends on the caller what is shown of an entry; the copies of all others need not be read."""
    return entry.link.evidence.is_blind or bool(entry.bounced)


def visible_entry(entry: Entry, sight: Sight) -> Entry | None:
    """An entry as it is shown, or None: one that rests on a hidden Bcc is not there, a report on one is not told."""
    if not visible(entry.link, sight):
        return None
    return replace(entry, bounced=tuple(address for address in entry.bounced if not sight.hides(address)))


def visible_message(stored: StoredMessage, sight: Sight) -> StoredMessage:
    """A mail's row without reports that it did not reach a hidden Bcc."""
    return replace(stored, bounces=tuple(each for each in stored.bounces if not sight.hides(each.address)))
