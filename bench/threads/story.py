"""Threads as they are written: who answers whom, forwards in between, mails that nobody of the house has.

Each thread is about one affair, to which its opening leads: by a code, or because an agent files it by hand. Threads
share customers and subjects, so that nothing but the thread tells their affairs apart. Deterministic for a seed.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

AGENTS: Final = ("ann@contoso.example", "bo@contoso.example", "cy@contoso.example")
# Keeps what nobody is known on, too.
KEEPS_ALL: Final = AGENTS[2]
KINDS: Final = ("opportunity", "project", "property", "client", "contact")
CUSTOMERS: Final = 40
_LONGEST: Final = 9
_SUBJECTS: Final = ("Viewing on Thursday", "The keys", "Your offer", "Question")


class Way(Enum):
    """How the affair's record comes to the opening, or to the first mail of the thread that is stored."""

    NONE = "not at all"
    CODE = "by a code in the subject"
    BY_HAND = "by hand, when some answers have come"
    ALONE = "by hand as well, and what has come by then is left where it is"


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody outside. `records` are those that an address leads to: none for a stranger."""

    address: str
    records: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail. `outside` are the customers on it, `agents` whoever has a copy: none, where the house has none.

    `names` are the Message-IDs that it answers, nearest first, as its headers say them; a forward's say nothing.
    """

    message_id: str
    thread: int
    place: int
    outside: tuple[Customer, ...]
    agents: tuple[str, ...]
    is_sent: bool
    is_forward: bool = False
    is_missing: bool = False
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    subject: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        nearest_first = (*self.in_reply_to, *reversed(self.references))
        return () if self.is_forward else tuple(dict.fromkeys(nearest_first))


@dataclass(frozen=True, slots=True)
class Thread:
    """The letters in the order in which they were written; `late`: how many come before an agent files the opening."""

    number: int
    affair: str
    way: Way
    late: int
    letters: tuple[Letter, ...]

    @property
    def code_number(self) -> int:
        return 1_000 + self.number


@dataclass(slots=True)
class Writer:
    """Writes threads, one after the other."""

    dice: random.Random
    written: int = 0
    customers: list[Customer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.customers = [_customer(number) for number in range(CUSTOMERS)]

    def threads(self, count: int) -> Iterator[Thread]:
        for number in range(self.written, self.written + count):
            yield self._thread(number)
        self.written += count

    def _thread(self, number: int) -> Thread:
        way = self.dice.choices(list(Way), weights=(1, 3, 3, 1))[0]
        affair = f"{self.dice.choice(KINDS)}/affair-{number}"
        letters = [self._opening(number, way)]
        for _ in range(self.dice.randrange(1, _LONGEST)):
            is_on_top = self.dice.random() < 0.7
            parent = letters[-1] if is_on_top else self.dice.choice(letters)
            letters.append(self._next(parent, len(letters)))
        return Thread(number, affair, way, self.dice.randrange(1, len(letters) + 1), tuple(letters))

    def _opening(self, number: int, way: Way) -> Letter:
        who = self._somebody(number)
        # A code is the house's own: it is believed from a colleague, whoever gets it.
        is_sent = way is Way.CODE or self.dice.random() < 0.3
        return Letter(
            message_id=f"t{number}.0@letters.example",
            thread=number,
            place=0,
            outside=(who,),
            agents=(self.dice.choice(AGENTS),),
            is_sent=is_sent,
            is_missing=self.dice.random() < 0.1,
            subject=self.dice.choice(_SUBJECTS),
        )

    def _next(self, parent: Letter, place: int) -> Letter:
        """An answer to a letter, or its forward to somebody else."""
        is_forward = self.dice.random() < 0.15
        references = (*(parent.references or parent.in_reply_to), parent.message_id)
        # Some programs name nothing but the mail that is answered.
        is_short = self.dice.random() < 0.15
        return Letter(
            message_id=f"t{parent.thread}.{place}@letters.example",
            thread=parent.thread,
            place=place,
            outside=(self._somebody(parent.thread),) if is_forward else self._answering(parent),
            agents=self._agents(parent),
            is_sent=is_forward or not parent.is_sent,
            is_forward=is_forward,
            is_missing=self.dice.random() < 0.12,
            in_reply_to=(parent.message_id,),
            references=() if is_short else references,
            subject=f"{'Fwd' if is_forward else 'Re'}: {parent.subject.removeprefix('Re: ')}",
        )

    def _answering(self, parent: Letter) -> tuple[Customer, ...]:
        """Mostly the same people; sometimes a colleague of theirs goes on alone, mostly one whom nobody knows."""
        change = self.dice.random()
        if change < 0.1:
            return (self.dice.choice(self.customers),)
        if change < 0.3:
            return (_stranger(parent.thread, self.dice.randrange(3)),)
        return parent.outside

    def _agents(self, parent: Letter) -> tuple[str, ...]:
        change = self.dice.random()
        if change < 0.15:
            return (self.dice.choice(AGENTS),)
        if change < 0.3:
            return tuple(dict.fromkeys((parent.agents[0], self.dice.choice(AGENTS))))
        return parent.agents

    def _somebody(self, number: int) -> Customer:
        is_known = self.dice.random() < 0.65
        return self.dice.choice(self.customers) if is_known else _stranger(number, self.dice.randrange(3, 9))


def _customer(number: int) -> Customer:
    """On a card, every other one on that of a client's contact."""
    records = {f"contact/C-{number}"} | ({f"client/K-{number}"} if number % 2 else set())
    return Customer(f"customer{number}@customer{number}.example", frozenset(records))


def _stranger(thread: int, number: int) -> Customer:
    return Customer(f"stranger{number}@elsewhere{thread}.example")
