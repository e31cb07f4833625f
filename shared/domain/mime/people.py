"""The people of an address field (RFC 5322, 3.4), and the moment of a Date field, as they occur in real mail."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from shared.domain.foreign_text import MOST_PEOPLE, or_else
from shared.domain.mail.addresses import LONGEST_MAILBOX_TEXT, Person, parse_mailbox

LONGEST_FIELD: Final = 1_000_000
_LONGEST_DATE: Final = 200
# What holds a comma or a colon that ends nothing: encoded words, quoted names, comments, addresses in brackets.
_TOKEN: Final = re.compile(
    r"=\?[^?\s]{1,80}\?[bBqQ]\?[^?]{0,2000}\?="
    r"|\"(?:\\.|[^\"\\])*\"|\((?:\\.|[^()\\])*\)|<[^<>,;]*>|[,;:]|[^\"(<,;:=]+|.",
    re.DOTALL,
)
_COMMENT: Final = re.compile(r"\([^()]*\)")


def people(text: str) -> tuple[Person, ...]:
    """Everybody that an address field names, in order; of groups their members."""
    found: list[Person] = []
    for piece in _pieces(text[:LONGEST_FIELD]):
        person = parse_mailbox(piece) if piece.strip() else None
        if person is not None:
            found.append(_less_repeated(person))
        if len(found) == MOST_PEOPLE:
            break
    return tuple(found)


def _less_repeated(person: Person) -> Person:
    """Without an address in the place of a name."""
    is_same = person.address and person.name.strip("<>'\" ").casefold() == person.address
    return Person("", person.address) if is_same else person


def _pieces(text: str) -> Iterator[str]:
    """An address list at its commas and semicolons; the names of groups are left out.

    A comma behind words that hold no address stands within a name: `Doe, Jane <jane@client.example>`.
    """
    name = ""
    for piece in _between_commas(text):
        if piece.end == "," and not _has_address(piece.text) and piece.text.strip():
            name += f"{piece.text.strip()}, "
            continue
        yield name + piece.text.lstrip() if name and "<" in piece.text else piece.text
        name = ""
    if name:
        yield name.rstrip(", ")


def _has_address(text: str) -> bool:
    return "@" in text or "<" in text or '"' in text


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    end: str


def _between_commas(text: str) -> Iterator[_Piece]:
    piece: list[str] = []
    length = 0
    has_address = False
    for token in _TOKEN.findall(text):
        is_end = token in (",", ";")
        if is_end:
            yield _Piece("".join(piece), token)
        if is_end or (token == ":" and not has_address):
            piece, length, has_address = [], 0, False
        elif length < LONGEST_MAILBOX_TEXT:
            piece.append(_bare(token) if token.startswith("<") else token)
            length += len(token)
            has_address = has_address or "@" in token
    yield _Piece("".join(piece), "")


def _bare(angle: str) -> str:
    """`<pete(his account)@silly.test>` without the comment and the blanks."""
    return "".join(_COMMENT.sub("", angle).split())


@or_else(None)
def moment(text: str) -> datetime | None:
    """A Date field in UTC; one without a zone is taken for UTC. None for what is no date."""
    found = parsedate_to_datetime(text[:_LONGEST_DATE])
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return aware.astimezone(UTC)
