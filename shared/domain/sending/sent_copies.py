"""The copy of a mail that left: how it is told from all other mail, and in what it differs from what was asked for.

A server may put in another sender, or another Message-ID, without a word.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.mail.addresses import Person, mailbox_keys
from shared.domain.mail.messages import MessageHead
from shared.domain.sending.marks import TAG_HEADER, mail_id_of
from shared.domain.sending.outbox import OutboxMail


class Part(StrEnum):
    """What of a copy may differ. Another sender is told to an admin: the next mail would leave the same way."""

    SENDER = "sender"
    RECIPIENTS = "recipients"
    SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which a copy differs, and the sentence that says so."""

    part: Part
    sentence: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a copy lies: in which mailbox, whether among what was sent there, and whether its copies may lose marks."""

    mailbox_id: str
    is_sent: bool
    loses_marks: bool


def clues(head: MessageHead, place: Place) -> tuple[str, ...]:
    """The ids of rows that a mail of the organisation's own may be a copy of, the surest first.

    The property never leaves the sender's mailbox. The header does, so it counts among sent mail only.
    """
    in_headers = (value for name, value in head.headers if name == TAG_HEADER.lower() and place.is_sent)
    found = map(mail_id_of, (head.tag, *in_headers, head.message_id))
    return tuple(filter(None, dict.fromkeys(found)))


def is_copy(mail: OutboxMail, head: MessageHead, place: Place) -> bool:
    """Whether a mail that names a row is its copy, and not by somebody who has read the names in an earlier mail."""
    if mail_id_of(head.tag) == mail.id or place.is_sent:
        return True
    told_apart = {difference.part for difference in differences(mail, head)} & {Part.SENDER, Part.SUBJECT}
    return head.message_id == mail.message_id and not told_apart


def may_have_lost_marks(head: MessageHead, place: Place) -> bool:
    """Whether it is looked for by its code: of what leaves in one call, no mark is sure to stay."""
    return place.is_sent and place.loses_marks and not clues(head, place)


def same_as_asked(mails: Iterable[OutboxMail], head: MessageHead, place: Place) -> OutboxMail | None:
    """Of the mails with its code the one of which it is the copy: from this mailbox, to the same people."""
    for mail in mails:
        parts = {difference.part for difference in differences(mail, head)}
        if mail.mailbox_id == place.mailbox_id and mail.sending_at is not None and parts <= {Part.SENDER}:
            return mail
    return None


def differences(mail: OutboxMail, copy: MessageHead) -> tuple[Difference, ...]:
    """In what the copy of a mail differs from its row. Another display name alone is none: the directory sets it."""
    return tuple(_differences(mail, copy))


def left_as(sender: str, asked_for: str) -> str:
    """The sentence that says so of another sender."""
    return f"It left as {sender}, asked for {asked_for}."


def _differences(mail: OutboxMail, copy: MessageHead) -> Iterator[Difference]:
    if copy.sender.address != mail.sender.address:
        sentence = left_as(copy.sender.address or copy.sender.name, mail.sender.address)
        yield Difference(Part.SENDER, sentence)
    visible = _addresses(copy.to, copy.cc)
    missing = _addresses(mail.to, mail.cc) - visible
    # The blind recipients stand in the sender's own copy only.
    added = (visible | _addresses(copy.bcc)) - _addresses(mail.recipients)
    if missing or added:
        without = f"without {', '.join(sorted(missing))}" if missing else ""
        besides = f"to {', '.join(sorted(added))} besides" if added else ""
        yield Difference(Part.RECIPIENTS, f"It left {' and '.join(filter(None, (without, besides)))}.")
    if " ".join(copy.subject.split()) != " ".join(mail.subject.split()):
        yield Difference(Part.SUBJECT, f"It left with the subject '{copy.subject}'.")


def _addresses(*roles: tuple[Person, ...]) -> frozenset[str]:
    return frozenset().union(*(mailbox_keys(person.address for person in persons) for persons in roles)) - {
        ""
    }
