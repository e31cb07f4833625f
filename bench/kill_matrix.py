"""A mail's worker is killed before and after every write and every call of the server, under both readings of it.

    python -m bench.kill_matrix [--every 1]

Runs in this process over the fakes, each from the request to the end of the row. Dimensions: whether mail is drafted,
handed over in one call, or submitted to a server that lays no copy, whether a sent copy has a new id and another
Message-ID, what the server answers in between, which write the worker dies at, before or after it, and whether the
next worker dies as well. A kill at a read leaves what a kill behind the write before it leaves. Counts mails that left
twice, that were lost, whose copies are two, and of which nobody knows although a draft would tell, or without a word.
Ends with 1 where one of these is not zero.
"""

import argparse
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice, product
from typing import Final

from shared.domain.sending.outbox import OutboxFile
from shared.domain.sending.outcomes import Answer, Outcome
from shared.domain.sending.states import State
from tests.builders import TENANT
from tests.unit.services.sending.outbox_world import OutboxWorld

PDF: Final = OutboxFile("plan.pdf", "application/pdf", 9, message_key="answered", attachment_id="1")
BUSY: Final = Outcome(Answer.UNKNOWN, "Unavailable")
PUT_OFF: Final = Outcome(Answer.NOT_NOW, "451")
THROTTLED: Final = Outcome(Answer.UNKNOWN, "Throttled", 5)
# A call, whether it arrives all the same, and what is said of it.
ANSWERS: Final[tuple[tuple[str, bool, Outcome] | None, ...]] = (
    None,
    ("draft", True, BUSY),
    ("draft", False, BUSY),
    ("mark", False, BUSY),
    ("send", True, BUSY),
    ("send", False, BUSY),
    ("send", False, THROTTLED),
    ("offer", False, PUT_OFF),
    ("send", False, PUT_OFF),
)
MOST_WRITES: Final = 15
# How many writes behind the first kill the next worker dies; 0: it lives.
SECOND: Final = (0, 1, 2, 5)
LONGEST: Final = timedelta(days=3)
STEP: Final = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Way:
    """How a mail leaves."""

    keeps_drafts: bool
    lays_copies: bool


WAYS: Final = (Way(True, True), Way(False, True), Way(False, False))


@dataclass(frozen=True, slots=True)
class Run:
    """One combination."""

    way: Way
    renews_ids: bool
    renames: bool
    answer: tuple[str, bool, Outcome] | None
    first: int
    when: str
    second: int


def runs() -> Iterator[Run]:
    """All combinations."""
    both = (True, False)
    chosen = product(WAYS, both, both, ANSWERS, range(1, MOST_WRITES + 1), ("before", "after"), SECOND)
    return (run for run in (Run(*values) for values in chosen) if _is_possible(run))


def _is_possible(run: Run) -> bool:
    """A copy that we lay has our Message-ID, and where mail is drafted nothing is offered."""
    is_offered = run.answer is not None and run.answer[2] is PUT_OFF
    return not (run.renames and not run.way.lays_copies) and not (is_offered and run.way.keeps_drafts)


def outcome(run: Run) -> str:
    """'' for a mail that ended as it should, else what is wrong."""
    world = OutboxWorld()
    server, faults = world.storage.sender, world.storage.faults
    world.storage.attachments.put(TENANT, PDF.message_key, PDF.attachment_id, iter([b"x" * 9]))
    server.keeps_drafts, server.lays_copies = run.way.keeps_drafts, run.way.lays_copies
    server.renews_ids, server.renames = run.renews_ids, run.renames
    server.answers = [run.answer] if run.answer else []
    faults.clear()
    # A file of its own adds the writes that go with one.
    world.ask(attachments=(PDF,) if run.way.keeps_drafts and run.first % 2 else ())
    kill = faults.kill_before if run.when == "before" else faults.kill_after
    kill(run.first)
    if run.second:
        kill(run.first + run.second)
    _work(world)
    return _judged(run, world)


def _work(world: OutboxWorld) -> None:
    """As the tick wakes it, whenever something is due."""
    end = world.now + LONGEST
    while world.now < end:
        world.send_or_die()
        open_mails = [mail for mail in world.storage.outbox.rows.values() if not mail.has_ended]
        if not open_mails:
            return
        soonest = min(mail.not_before or world.now for mail in open_mails)
        world.now = max(world.now + STEP, soonest)


def _judged(run: Run, world: OutboxWorld) -> str:
    left, mail = len(world.left), world.mail()
    if left > 1:
        return "sent twice"
    if not mail.has_ended:
        return f"stays {mail.state}"
    copies = len(world.storage.sender.letters.get(world.mailbox.mailbox_id, ()))
    if copies > 1:
        return f"{copies} copies"
    if run.way.keeps_drafts and not left:
        return f"lost, {mail.state}"
    if mail.state is State.OUTCOME_UNKNOWN:
        # Without drafts nothing tells what became of it, or that a renamed copy is ours: a person is told.
        if not world.storage.exceptions.rows:
            return "unknown and not told"
        return "unknown although drafts are kept" if run.way.keeps_drafts else ""
    is_right = (mail.state is State.CONFIRMED) == bool(left)
    return "" if is_right else f"{mail.state} with {left} that left"


def main() -> None:
    parser = argparse.ArgumentParser(description="Kills the workers of a mail at every write.")
    parser.add_argument("--every", type=int, default=1, help="only each n-th combination")
    options = parser.parse_args()
    logging.disable()
    wrong: Counter[str] = Counter()
    began, count = time.monotonic(), 0
    for run in islice(runs(), 0, None, options.every):
        count += 1
        found = outcome(run)
        if found:
            wrong[found] += 1
            print(f"{found}: {run}")
    twice = wrong["sent twice"]
    lost = sum(number for what, number in wrong.items() if what.startswith("lost"))
    print(f"{count} runs in {time.monotonic() - began:.0f} s: {twice} sent twice, {lost} lost,")
    print(f"    {wrong.total() - twice - lost} ended otherwise than they should")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
