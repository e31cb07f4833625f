"""Message-ID, In-Reply-To and References as they occur in real mail: RFC 5322 section 3.6.4, loosely read."""

import re
from collections.abc import Iterable

from shared.domain.foreign_text import guarded
from shared.domain.mail.encoded_words import decoded

# RFC 5322 asks for References in full; matching needs the end of a long chain only.
MAX_REFERENCES = 20
_BRACKETED = re.compile(r"<([^<>\s]+)>")
_LONGEST = 998


@guarded
def parse_ids(text: str) -> tuple[str, ...]:
    """The ids in a header, in order, without angle brackets.

    Brackets may be missing, commas may stand between ids (Exchange writes both), folding may remain. Some programs
    write an id that is too long for a line as encoded-words (RFC 2047), and some make ids without a domain: these
    are known by their brackets.
    """
    written = decoded(text)
    bracketed = _BRACKETED.findall(written)
    found = bracketed or [word for word in re.split(r"[\s,;<>]+", written) if "@" in word]
    ids = (given for given in found if len(given) <= _LONGEST)
    return tuple(dict.fromkeys(ids))


@guarded
def message_id(text: str) -> str:
    """The one id of a Message-ID header, without brackets; '' when there is none."""
    written = decoded(text)
    found = _BRACKETED.findall(written)
    return str(found[0]) if found else written.strip().strip("<>")[:_LONGEST]


def bracketed(text: str) -> str:
    """An id as its header has it; '' where there is none."""
    return f"<{text}>" if text else ""


@guarded
def answered(in_reply_to: Iterable[str], references: Iterable[str]) -> tuple[str, ...]:
    """The mails that a mail answers, nearest first: In-Reply-To, then References from the end; at most 20."""
    nearest_first = [*in_reply_to, *reversed(tuple(references))]
    return tuple(dict.fromkeys(nearest_first))[:MAX_REFERENCES]
