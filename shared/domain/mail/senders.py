"""Who really wrote a mail that a mailing list passed on under its own address ("Bo via Letters <letters@...>").

Lists rewrite From because of DMARC. The author is believed only where From was plainly rewritten; a claim made in
any other mail is worth nothing. Knows no records and no policy.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from shared.domain.foreign_text import guarded
from shared.domain.mail.addresses import Person, normalise, parse_mailbox

HEADERS: Final = frozenset(("mailing-list", "x-beenthere", "x-original-from", "x-original-sender"))
"""The headers looked at, in lower case; besides them all that begin with `list-`."""

_LONGEST: Final = 2_000
_MOST_HEADERS: Final = 500
_ORIGINAL: Final = ("x-original-from", "x-original-sender")
_MAILTO: Final = re.compile(r"<\s*mailto:([^<>?]{3,320})", re.IGNORECASE)
_MAILING_LIST: Final = re.compile(r"\blist\s+([^\s;,]{3,320})", re.IGNORECASE)
_LIST_ID: Final = re.compile(
    r"(?:<|^)\s*([a-z0-9][\w+-]{0,62})\.([a-z0-9-]+(?:\.[a-z0-9-]+)+)\s*(?:>|$)", re.IGNORECASE
)
# "Bo via Letters": what Google Groups, Mailman and Groups.io write into From, in three languages.
_VIA: Final = re.compile(r"(.{0,200}?)\s+(?:via|vía|über)\s+\S", re.IGNORECASE)


@guarded
def author_of(
    sender: Person, reply_to: Sequence[Person], cc: Sequence[Person], headers: Sequence[tuple[str, str]]
) -> Person | None:
    """The author of a mail whose From a list rewrote; None where From is the author, or nobody can tell.

    From is rewritten when it is the list's address, or when its name says "via". The author is in
    X-Original-From or X-Original-Sender, is the one in Reply-To who is not the list, or is in Cc (Mailman, when
    answers go to the list) under the same name as in From.
    """
    lists = list_addresses(headers)
    via = _VIA.match(sender.name)
    if not sender.address or (via is None and sender.address not in lists):
        return None
    # Google Groups puts the name in quotes.
    name = (via[1] if via else sender.name).strip("'\" ")
    not_lists = {*lists, sender.address}
    stated = map(parse_mailbox, _values(headers, *_ORIGINAL))
    namesakes = [person for person in _people(cc, not_lists) if _is_called(person, name)]
    places = (_people(stated, not_lists), _people(reply_to, not_lists), namesakes)
    return next(filter(None, (_single(people, name) for people in places)), None)


@guarded
def list_addresses(headers: Sequence[tuple[str, str]]) -> frozenset[str]:
    """The addresses of the lists that passed a mail on, normalised.

    From List-Post (RFC 2369), List-Id (RFC 2919: its first label is the list's name), X-BeenThere, Mailing-List.
    """
    found = _values(headers, "x-beenthere")
    for value in _values(headers, "list-post"):
        found += _MAILTO.findall(value)
    for value in _values(headers, "list-id"):
        found += [f"{name}@{domain}" for name, domain in _LIST_ID.findall(value)]
    for value in _values(headers, "mailing-list"):
        found += _MAILING_LIST.findall(value)
    return frozenset(filter(None, map(normalise, found)))


def _values(headers: Sequence[tuple[str, str]], *wanted: str) -> list[str]:
    """In the order of the names that are wanted, then of the headers."""
    by_name: dict[str, list[str]] = {name: [] for name in wanted}
    for name, value in headers[:_MOST_HEADERS]:
        if (values := by_name.get(name.strip().casefold())) is not None:
            values.append(value[:_LONGEST])
    return list(chain.from_iterable(by_name.values()))


def _people(people: Iterable[Person | None], lists: set[str]) -> list[Person]:
    """Those with an address that is no list's, each once."""
    known = (person for person in people if person is not None and person.address)
    found = {person.address: person for person in known if person.address not in lists}
    return list(found.values())


def _single(people: Sequence[Person], name: str) -> Person | None:
    """The only one, or the only one of that name."""
    if len(people) > 1:
        people = [person for person in people if _is_called(person, name)]
    return Person(people[0].name or name, people[0].address) if len(people) == 1 else None


def _is_called(person: Person, name: str) -> bool:
    """Whether the names have the same words in any order (`Ek, Bo`); without a name the address's words count."""
    words = _words(name)
    # A list that takes the name away leaves the address as the only name.
    own = person.name or person.address.partition("@")[0]
    return bool(words) and (_words(own) == words or person.address == normalise(name))


def _words(name: str) -> list[str]:
    return sorted(re.findall(r"\w+", name.casefold().replace("_", " ")))
