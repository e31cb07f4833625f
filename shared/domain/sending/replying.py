"""An answer to a stored mail, or its forward: whom it reaches, by which ids it stands in the thread, what it says.

Everything is made from the mail that is answered, not from the first one of its thread.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final

from shared.domain.connections.organisations import in_domains
from shared.domain.foreign_text import guarded
from shared.domain.mail.addresses import Person, domain_of, mailbox_key, mailbox_keys
from shared.domain.mail.html_text import to_text
from shared.domain.mail.messages import Document
from shared.domain.sending.headers import ids
from shared.domain.sending.outbox import Mode
from shared.domain.sending.quoting import Chain

# With what a header line costs, this stays far below what servers take (Exchange: 64 KiB of headers in all).
LONGEST_REFERENCES: Final = 4_000
_END: Final = re.compile(r"</(?:body|html)\s*>", re.IGNORECASE)
_LONGEST_END: Final = 200


@dataclass(frozen=True, slots=True)
class Own:
    """The organisation's own people: every address of theirs, aliases included, and the domains that are its own."""

    addresses: frozenset[str]
    domains: tuple[str, ...] = ()

    @classmethod
    def of(cls, addresses: Iterable[str], domains: Iterable[str]) -> "Own":
        return cls(mailbox_keys(addresses), tuple(domains))

    def has(self, address: str) -> bool:
        """Whether an address is one of these, in any spelling and with any `+tag`."""
        local, _, domain = address.rpartition("@")
        bare = f"{local.partition('+')[0]}@{domain}"
        known = mailbox_key(address) in self.addresses or mailbox_key(bare) in self.addresses
        return known or in_domains(domain_of(address), self.domains)


@dataclass(frozen=True, slots=True)
class Recipients:
    """Whom an answer reaches. Nobody stands there twice; empty: there is nobody outside to answer."""

    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class Thread:
    """In-Reply-To and References of an answer, nearest last, without angle brackets."""

    in_reply_to: str = ""
    references: tuple[str, ...] = ()


def recipients_of(document: Document, mode: Mode, own: Own) -> Recipients:
    """Whom a reply, or a reply to all, reaches: nobody of the organisation; a forward reaches whom its sender names.

    It goes to Reply-To, else to From. A mail of our own goes to its recipients again; one that a web form sent in our
    name has the person in Reply-To.
    """
    if mode is Mode.FORWARD:
        return Recipients()
    writers = _outside(document.reply_to, own) or _outside((document.sender,), own)
    to = [*writers, *document.to] if writers and mode is Mode.REPLY_ALL else writers or document.to
    first = _once(_outside(to, own))
    if mode is Mode.REPLY:
        return Recipients(first)
    others = _once(_outside(document.cc, own), known=first)
    return Recipients(first, others) if first else Recipients(others)


def thread_of(document: Document) -> Thread:
    """The ids of an answer to a mail: the first and the last References, 4,000 characters at most.

    An id that no header can hold is left out.
    """
    earlier = document.references or document.in_reply_to[:1]
    spelled = [given[1:-1] for given in ids(dict.fromkeys((*earlier, document.message_id)))]
    return Thread(document.message_id if ids([document.message_id]) else "", _fitting(spelled))


@guarded
def html_below(own_html: str, signature: str, chain: Chain) -> str:
    """The HTML as it leaves: own text as it was written, signature, chain; the two stand before the end of its body."""
    signed = f'<div id="Signature">{signature}</div>' if signature else ""
    below = f"<br>{signed}{chain.html}" if signed or chain.html else ""
    # The tags that end a document stand at its very end, but for white space.
    tail = max(len(own_html) - _LONGEST_END, 0)
    end = _END.search(own_html, tail)
    place = end.start() if end else len(own_html)
    return own_html[:place] + below + own_html[place:]


@guarded
def text_below(own_text: str, signature: str, chain: Chain) -> str:
    """The text as it leaves, in the same order; `signature` is HTML."""
    parts = (own_text.rstrip(), to_text(signature) if signature else "", chain.text)
    return "\n\n".join(filter(None, parts))


def html_of_text(text: str) -> str:
    """A plain text as HTML, line for line."""
    return f'<div style="white-space:pre-wrap">{escape(text, quote=False)}</div>' if text else ""


def _outside(persons: Iterable[Person], own: Own) -> list[Person]:
    return [person for person in persons if person.address and not own.has(person.address)]


def _once(persons: Iterable[Person], known: Iterable[Person] = ()) -> tuple[Person, ...]:
    seen = {mailbox_key(person.address) for person in known}
    found = []
    for person in persons:
        key = mailbox_key(person.address)
        if key not in seen:
            seen.add(key)
            found.append(person)
    return tuple(found)


def _fitting(spelled: list[str]) -> tuple[str, ...]:
    """The first id, which names the thread, and as many of the last ones as there is room for."""
    kept: list[str] = []
    room = LONGEST_REFERENCES - len(spelled[0]) if spelled else 0
    for given in reversed(spelled[1:]):
        room -= len(given) + 3
        if room < 0:
            break
        kept.append(given)
    return (*spelled[:1], *reversed(kept))
