"""One run: threads are written and taken in, in one way after another, and what stands is compared with the truth."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.threads.house import Arrival, House
from bench.threads.story import Thread, Writer
from bench.threads.truth import Refs, Truth, truths, wrong_names

BURST: Final = 100
Groups = Callable[[list[Arrival], random.Random], Iterator[Sequence[Arrival]]]


def one_by_one(arrivals: list[Arrival], _dice: random.Random) -> Iterator[Sequence[Arrival]]:
    """Each copy by itself, in the order in which it was received."""
    return ([arrival] for arrival in arrivals)


def in_bursts(arrivals: list[Arrival], _dice: random.Random) -> Iterator[Sequence[Arrival]]:
    """A hundred copies at a time, in the order in which they were received."""
    return (arrivals[start : start + BURST] for start in range(0, len(arrivals), BURST))


def shuffled(arrivals: list[Arrival], dice: random.Random) -> Iterator[Sequence[Arrival]]:
    """A hundred at a time, in no order."""
    return in_bursts(dice.sample(arrivals, k=len(arrivals)), dice)


WAYS: Final[Mapping[str, Groups]] = {"one by one": one_by_one, "bursts": in_bursts, "shuffled": shuffled}


@dataclass(frozen=True, slots=True)
class Result:
    """How many letters are where they belong. `wrong` stand on a record of another thread; `amiss` says how."""

    letters: int = 0
    right: int = 0
    wrong: int = 0
    amiss: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.right / max(1, self.letters)

    @property
    def passes(self) -> bool:
        return not self.wrong and self.share >= ENOUGH


ENOUGH: Final = 0.998


def written(seed: int, count: int) -> list[Thread]:
    """The threads of a seed."""
    return list(Writer(random.Random(seed)).threads(count))


def run(threads: Sequence[Thread], groups: Groups, seed: int) -> Result:
    """Take all letters in, in groups; nothing is decided anew afterwards."""
    dice = random.Random(seed)
    house = House(threads, dice)
    for group in groups(house.arrivals, dice):
        house.take_in(group)
    house.file_rest()
    return result(house)


def result(house: House) -> Result:
    standing = house.standing()
    letters = right = wrong = 0
    amiss: list[str] = []
    for message_id, truth in _expected(house):
        on = standing.get(message_id, frozenset())
        letters += 1
        right += truth.is_right(on)
        wrong += truth.is_wrong(on)
        if not truth.is_right(on):
            amiss.append(f"{message_id}: {' '.join(wrong_names(truth, on))}")
    return Result(letters, right, wrong, amiss)


def _expected(house: House) -> Iterator[tuple[str, Truth]]:
    for thread in house.threads:
        left_alone = house.left_alone.get(thread.number, frozenset[str]())
        found = truths(thread, left_alone)
        yield from ((message_id, truth) for message_id, truth in found.items() if truth.must)


__all__ = ["ENOUGH", "WAYS", "Refs", "Result", "result", "run", "written"]
