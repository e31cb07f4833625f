"""Message-ID, In-Reply-To and References as they occur in real mail: RFC 5322 section 3.6.4, loosely read."""

import re
from collections.abc import Iterable
from typing import Final

from shared.domain.foreign_text import guarded
from shared.domain.mail.encoded_words import LONGEST, decoded

# A relay that gives a mail a new Message-ID (Google's and Microsoft's do) tells the first one in one of these.
FIRST_ID_HEADERS: Final = frozenset(
    ("x-google-original-message-id", "x-microsoft-original-message-id", "x-original-message-id")
)

# RFC 5322 asks for References in full; matching needs the end of a long chain only.
MAX_REFERENCES: Final = 20
# Without a domain nothing but chance keeps two senders apart: a counter or a date is soon taken twice.
SHORTEST_WITHOUT_DOMAIN: Final = 16
_BRACKETED: Final = re.compile(r"<([^<>\s]+)>")
_LONGEST: Final = 998


def names_one_mail(given: str) -> bool:
    """Whether an id may lead to another mail: it has a domain, or is too long to be met by chance (`1001`)."""
    return "@" in given or len(given) >= SHORTEST_WITHOUT_DOMAIN


@guarded
def parse_ids(text: str) -> tuple[str, ...]:
    """The ids in a header, in order, without angle brackets.

    Brackets may be missing, commas may stand between ids (Exchange writes both), folding may remain. Some programs
    write an id that is too long for a line as encoded-words (RFC 2047), and some make ids without a domain: these
    are known by their brackets, and left out where they are so short that strangers may use them too. Of a long text
    with encoded-words only the end counts, where the nearest mails are named.
    """
    written = decoded(_end(text) if "=?" in text else text)
    bracketed = _BRACKETED.findall(written)
    found = bracketed or [word for word in re.split(r"[\s,;<>]+", written) if "@" in word]
    ids = (given for given in found if len(given) <= _LONGEST and names_one_mail(given))
    return tuple(dict.fromkeys(ids))


def _end(text: str) -> str:
    """As much of the end as is decoded, from the first whole word on."""
    if len(text) <= LONGEST:
        return text
    _, *whole = text[-LONGEST:].split(maxsplit=1)
    return whole[0] if whole else ""


@guarded
def message_id(text: str) -> str:
    """The one id of a Message-ID header, without brackets; '' when there is none."""
    written = decoded(text)
    found = _BRACKETED.findall(written)
    return str(found[0]) if found else written.strip().strip("<>")[:_LONGEST]


@guarded
def first_id(headers: Iterable[tuple[str, str]]) -> str:
    """The Message-ID that a mail was sent with, where a relay has given it another and says so; '' where none does."""
    told = (message_id(value) for name, value in headers if name.strip().casefold() in FIRST_ID_HEADERS)
    return next((found for found in told if names_one_mail(found)), "")


def bracketed(text: str) -> str:
    """An id as its header has it; '' where there is none."""
    return f"<{text}>" if text else ""


@guarded
def answered(in_reply_to: Iterable[str], references: Iterable[str]) -> tuple[str, ...]:
    """The mails that a mail answers, nearest first: In-Reply-To, then References from the end; at most 20."""
    nearest_first = [*in_reply_to, *reversed(tuple(references))]
    return tuple(dict.fromkeys(nearest_first))[:MAX_REFERENCES]
