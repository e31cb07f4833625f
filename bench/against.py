"""Two commits measured in turn in one run: the least of all rounds of each, and their ratio."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from bench.checkout import checkout, stack_of
from bench.correspondence import Size, correspondence
from bench.house import House
from dev.azurite import ROOT

T = TypeVar("T")
LIVE = Size(threads=4, length=5)
IDLE = 5.0  # seconds over which the CPU of a host without work is measured


@dataclass(frozen=True, slots=True)
class LiveCpu:
    """CPU milliseconds a mail, each waited for; `net` is without what an idle host uses in that time."""

    gross: float
    net: float
    operations: float


def in_turn(commit: str, rounds: int, measure: Callable[[Path], T]) -> tuple[list[T], list[T]]:
    """This copy's and the commit's figures, taken in turn, so that the neighbours' load hits both alike."""
    other = checkout(commit)
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(measure(other))
        ours.append(measure(ROOT))
    return ours, theirs


def line(name: str, ours: float, theirs: float) -> str:
    return f"{name:<44}{ours:>10.2f}{theirs:>10.2f}{ours / theirs:>8.2f}"


def live_mail(commit: str, rounds: int) -> None:
    """CPU and storage of a live mail, each waited for, against another commit's."""
    ours, theirs = in_turn(commit, rounds, live_cpu)
    print(f"{'live, one after another':<44}{'here':>10}{commit[:9]:>10}{'ratio':>8}")
    for name in ("gross", "net", "operations"):
        least = [min(getattr(figures, name) for figures in rounds) for rounds in (ours, theirs)]
        print(line(LABELS[name], *least), flush=True)


LABELS = {
    "gross": "CPU ms a mail, all of the host process",
    "net": "CPU ms a mail, an idle host's polls taken off",
    "operations": "storage operations a mail",
}


def live_cpu(root: Path) -> LiveCpu:
    """Measure one working copy."""
    with stack_of(root) as ready:
        house = House(ready)
        house.know(LIVE.threads)
        house.warm_up()
        address = house.tenant.agent("ann")
        house.connect(address)
        idle = _idle(house)
        house.meter.clear()
        rows, started = house.rows(), time.monotonic()
        for mail in correspondence(LIVE, address, datetime.now(UTC)):
            house.deliver(address, [mail], now=True)
            rows += 1
            house.wait_filed(rows)
        reading = house.meter.read()
        seconds = time.monotonic() - started
        gross = reading.cpu["host"]
        return LiveCpu(
            gross / LIVE.mails, (gross - idle * seconds) / LIVE.mails, reading.storage["total"] / LIVE.mails
        )


def _idle(house: House) -> float:
    """CPU milliseconds a second of the host while nothing happens."""
    before = house.meter.cpu()["host"]
    time.sleep(IDLE)
    return (house.meter.cpu()["host"] - before) / IDLE
