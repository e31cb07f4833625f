"""Who asks in a mail to an intake mailbox: its writer, or whom a form, a list or a colleague has passed on.

An address that only stands in a text is a claim: it may be offered to a person, and nothing is sent there.
"""

import re
from collections.abc import Iterable
from typing import Final

from shared.domain.foreign_text import or_else
from shared.domain.mail.addresses import Person, parse_mailbox
from shared.domain.mail.messages import Document
from shared.domain.mail.senders import author_of
from shared.domain.sending.replying import Own

# To each of them an answer goes: a stranger may write any number of addresses into Reply-To.
MOST_ASKERS: Final = 5
_LONGEST: Final = 20_000
_FROM: Final = re.compile(
    r"^[>* ]{0,10}(?:from|von|de|da|van|från|fra|od|от|från)\s*\*?:\*?[ \t]*(\S.{2,400})$",
    re.IGNORECASE | re.MULTILINE,
)


def writer_of(document: Document) -> Person:
    """Who wrote a mail: its author where a list has rewritten From, the first in Reply-To of a form's."""
    author = author_of(document.sender, document.reply_to, document.cc, document.headers)
    return author or document.sender


def askers(document: Document, own: Own) -> tuple[Person, ...]:
    """Whom an answer reaches: Reply-To, else who wrote it; nobody of the organisation, nobody twice.

    Of a Reply-To with many names nobody is believed.
    """
    named = _outside(document.reply_to, own)
    if named and len(named) <= MOST_ASKERS:
        return named
    return _outside((writer_of(document),), own)


@or_else(None)
def asked_by(document: Document) -> Person | None:
    """The first sender that the text of a forward names; None where it names none."""
    for line in _FROM.findall(document.text[:_LONGEST]):
        person = parse_mailbox(line.strip().replace("[mailto:", "<").replace("]", ">"))
        if person is not None and person.address:
            return person
    return None


def _outside(persons: Iterable[Person], own: Own) -> tuple[Person, ...]:
    found = {person.address: person for person in reversed(list(persons)) if person.address}
    return tuple(person for address, person in reversed(found.items()) if not own.has(address))
