"""What work costs the processor, told beside a fixed piece of work: a slow or a busy machine is slow for both."""

import re
import time
from collections.abc import Callable
from typing import Final

import pytest

# On a shared machine one run may cost more than the work itself does.
TRIES: Final = 5
# Less is cheap on any machine.
UNMEASURED: Final = 0.02
_LINES: Final = "From: Sam Poe <sam.poe@example.com>\n" * 400
_ADDRESS: Final = re.compile(r"<([\w.]+)@([\w.]+)>")


def check_cost(work: Callable[[], object], *, at_most: float, name: str = "it") -> None:
    """The cheapest of several runs costs no more than so many rounds of the fixed work.

    A round is about a tenth of a second on a machine of 2026.
    """
    cheapest = float("inf")
    for _ in range(TRIES):
        cheapest = min(cheapest, rounds(_seconds(work)))
        if cheapest <= at_most:
            return
    pytest.fail(f"{name} costs {cheapest:.1f} rounds of the fixed work, and may cost {at_most}")


def rounds(seconds: float) -> float:
    """How often the fixed work is done in so much CPU time, by what it costs now; too short a time is not measured."""
    return seconds / _seconds(_fixed_work) if seconds > UNMEASURED else 0.0


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _fixed_work() -> None:
    for _ in range(300):
        counts: dict[str, int] = {}
        for name, host in _ADDRESS.findall(_LINES):
            counts[f"{name} at {host}"] = counts.get(name, 0) + 1
