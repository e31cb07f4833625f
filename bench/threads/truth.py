"""Where each letter belongs, told from the story alone: never from what the product has made of it.

A letter belongs where its people do, where the nearest letter does that it answers and the house has, and with the
affair of any letter that it names, unless that is a contact or client, or the nearer ones have one of its kind. It may
stand besides on every record of its thread, and on no other.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from bench.threads.story import KEEPS_ALL, Letter, Thread, Way

Refs = frozenset[str]
PEOPLE: Final = frozenset(("contact", "client"))


@dataclass(frozen=True, slots=True)
class Truth:
    """`must` is none where nothing leads anywhere: such a letter is not counted."""

    must: Refs
    may: Refs

    def is_wrong(self, on: Refs) -> bool:
        return not on <= self.may

    def is_right(self, on: Refs) -> bool:
        return self.must <= on <= self.may


def truths(thread: Thread, left_alone: Collection[str] = ()) -> Mapping[str, Truth]:
    """By Message-ID, of the letters that the house has; `left_alone` came before an agent filed the first one."""
    target = target_of(thread)
    may = _all_records(thread)
    belongs: dict[str, Refs] = {}
    for letter in filter(_is_here, thread.letters):
        places = _own(letter, thread) | _led(letter, belongs, thread.affair)
        if letter.message_id == target and thread.way in (Way.BY_HAND, Way.ALONE):
            places |= {thread.affair}
        elif letter.message_id in left_alone:
            places -= {thread.affair} - _own(letter, thread)
        if places or _waits(letter):
            belongs[letter.message_id] = places
    return {message_id: Truth(must, may) for message_id, must in belongs.items()}


def target_of(thread: Thread) -> str:
    """The first letter that the house keeps without anybody's decision: the one that is filed by hand; '' = none."""
    return next((letter.message_id for letter in thread.letters if _is_kept(letter)), "")


def _is_here(letter: Letter) -> bool:
    return not letter.is_missing


def _is_kept(letter: Letter) -> bool:
    known = any(customer.records for customer in letter.outside)
    return _is_here(letter) and (known or _waits(letter))


def _waits(letter: Letter) -> bool:
    """Whether it is kept on no record: of what is sent to strangers nothing is."""
    return KEEPS_ALL in letter.agents and not letter.is_sent


def _own(letter: Letter, thread: Thread) -> Refs:
    people = frozenset(chain.from_iterable(customer.records for customer in letter.outside))
    has_code = thread.way is Way.CODE and letter.place == 0
    return people | {thread.affair} if has_code else people


def _led(letter: Letter, belongs: Mapping[str, Refs], affair: str) -> Refs:
    """What the letters lend that it names: the nearest all, those behind it the affair, where its kind is missing.

    Of people the nearest letter has its own: a client behind it may be another company.
    """
    led: Refs = frozenset()
    kinds: set[str] = set()
    for name in letter.names:
        places = belongs.get(name, frozenset())
        if not kinds:
            led = places
        elif affair in places and _kind(affair) not in kinds | PEOPLE:
            led |= {affair}
        kinds.update(map(_kind, places))
    return led


def _kind(place: str) -> str:
    return place.partition("/")[0]


def _all_records(thread: Thread) -> Refs:
    people = chain.from_iterable(letter.outside for letter in thread.letters)
    return frozenset(chain((thread.affair,), *(customer.records for customer in people)))


def wrong_names(truth: Truth, on: Refs) -> Iterator[str]:
    """What is amiss with a letter, for a reader."""
    yield from (f"-{place}" for place in sorted(truth.must - on))
    yield from (f"+{place}" for place in sorted(on - truth.may))
