"""Message-ID, In-Reply-To and References as they occur in real mail: RFC 5322 section 3.6.4, loosely read."""

import re
from collections.abc import Iterable

from shared.domain.foreign_text import guarded

# RFC 5322 asks for References in full; matching needs the end of a long chain only.
MAX_REFERENCES = 20
_BRACKETED = re.compile(r"<([^<>\s]+)>")
_LONGEST = 998


@guarded
def parse_ids(text: str) -> tuple[str, ...]:
    """The ids in a header, in order, without angle brackets.

    Brackets may be missing, commas may stand between ids (Exchange writes both), folding may remain.
    """
    bracketed = _BRACKETED.findall(text)
    found = bracketed or re.split(r"[\s,;<>]+", text)
    ids = (given for given in found if "@" in given and len(given) <= _LONGEST)
    return tuple(dict.fromkeys(ids))


@guarded
def message_id(text: str) -> str:
    """The one id of a Message-ID header, without brackets; '' when there is none."""
    found = _BRACKETED.findall(text)
    return str(found[0]) if found else text.strip().strip("<>")[:_LONGEST]


@guarded
def answered(in_reply_to: Iterable[str], references: Iterable[str]) -> tuple[str, ...]:
    """The mails that a mail answers, nearest first: In-Reply-To, then References from the end; at most 20."""
    nearest_first = [*in_reply_to, *reversed(tuple(references))]
    return tuple(dict.fromkeys(nearest_first))[:MAX_REFERENCES]
