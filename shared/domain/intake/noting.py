"""What a mail's own row says beside its decision where it came to an intake mailbox: where to, and what follows."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from shared.domain.filing.filing import StoredMessage
from shared.domain.intake.settings import OPENED_KINDS, REOPEN
from shared.domain.mail.authentication import fails_dmarc
from shared.domain.mail.automatic import Automatic, nature_of
from shared.domain.mail.identity import Hasher
from shared.domain.mail.messages import Direction, MessageHead
from shared.domain.mail.spam import is_marked_spam
from shared.domain.matching.candidates import Candidates
from shared.domain.matching.decisions import Link, MatchPolicy
from shared.domain.matching.matching import comes_by_own_door, is_of_person
from shared.domain.records.records import RecordRef

# What leads an answer to its record; people and domains lead to none.
_LEADING: Final = ("code", "thread", "conversation")


def noted(
    message: StoredMessage, head: MessageHead, candidates: Candidates, policy: MatchPolicy
) -> StoredMessage:
    """The message with its door, the closed records that it opens again, and why no machine answers it."""
    door = candidates.door
    if door is None or message.direction is not Direction.IN:
        return message
    policy = policy.through(door)
    reopens = policy.closed == REOPEN and is_of_person(head, policy)
    return replace(
        message,
        desk=door.mailbox_id,
        sent_to=door.address,
        reopens=_closed(message.decision.links) if reopens else frozenset(),
        unanswered=reason_not_to_answer(head, candidates, policy),
    )


def reason_not_to_answer(head: MessageHead, candidates: Candidates, policy: MatchPolicy) -> str:
    """Why a machine must not answer a mail, in a word; '' = it may.

    An acknowledgement goes to an address that nobody has proved: what a server disowns or takes for spam gets none.
    """
    if candidates.is_colleagues(head):
        # What is asked for was asked by somebody else, whose address only stands in a text.
        return "forwarded"
    by_own_door = comes_by_own_door(head, policy)
    headers = _without_lists(head) if by_own_door else head.headers
    writer = min(candidates.inquirers, default=head.sender.address)
    nature = nature_of(headers, writer, head.subject)
    if nature.automatic is not Automatic.NONE:
        return "automatic"
    if nature.is_list:
        return "list"
    if nature.never_answer:
        return "wants_no_answer"
    if fails_dmarc(head.headers):
        return "unproved"
    return "marked_spam" if is_marked_spam(head.headers) else ""


def form_of(head: MessageHead, text: str, hasher: Hasher) -> str:
    """What tells the enquiries of a form from each other that all have one Message-ID, sender and subject."""
    people = sorted(person.address for person in head.reply_to if person.address)
    return hasher("form", "\x1f".join((*people, " ".join(text.split()))))


def _closed(links: Iterable[Link]) -> frozenset[RecordRef]:
    return frozenset(
        link.ref for link in links if link.closed and link.rule in _LEADING and link.ref.kind in OPENED_KINDS
    )


def _without_lists(head: MessageHead) -> tuple[tuple[str, str], ...]:
    own = ("precedence", "x-precedence", "mailing-list", "x-mailing-list")
    return tuple(
        (name, value)
        for name, value in head.headers
        if not name.strip().casefold().startswith("list-") and name.strip().casefold() not in own
    )
