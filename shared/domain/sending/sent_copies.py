"""The copy of a mail that left, compared with what was asked for: a server may put in another sender without a word."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.mail.addresses import Person, mailbox_keys
from shared.domain.mail.messages import MessageHead
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


def differences(mail: OutboxMail, copy: MessageHead) -> tuple[Difference, ...]:
    """In what the copy of a mail differs from its row. Another display name alone is none: the directory sets it."""
    return tuple(_differences(mail, copy))


def _differences(mail: OutboxMail, copy: MessageHead) -> Iterator[Difference]:
    if copy.sender.address != mail.sender.address:
        sentence = f"It left as {copy.sender.address or copy.sender.name}, asked for {mail.sender.address}."
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
