"""The same backlog on one process and on many: storage operations a mail, what was lost or doubled, and the time.

    python -m bench.instances [--shapes one many] [--mails 900] [--mailboxes 40] [--each 40] [--most 0]

`one`: one mailbox with that many mails; `many`: that many mailboxes with some each. Each is filed by the host in one
process, with a process for each function group, with two for each, and with two for each while the one that works
hardest is killed (timers run then, since a sweep finds what a killed process left). Ends with 1 where a mail was lost
or doubled, or where more operations were needed than `--most` times those of one process.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.correspondence import Size, ThreadMail, correspondence
from bench.house import House, Shown, a_house
from bench.meter import Reading, cpu_ms
from dev.host.groups import HTTP_GROUP
from dev.tenant import eventually

LENGTH = 5  # mails of a thread
INVISIBILITY = 20.0  # seconds after which a killed process's command is seen again
LOOK = 0.5


@dataclass(frozen=True, slots=True)
class Shape:
    """How a backlog is spread."""

    name: str
    mailboxes: int
    each: int

    @property
    def threads(self) -> int:
        """Of each mailbox."""
        return max(1, self.each // LENGTH)

    @property
    def mails(self) -> int:
        return self.mailboxes * self.threads * LENGTH


@dataclass(frozen=True, slots=True)
class Mode:
    """How the host runs; `kills`: whether its busiest process is killed half-way."""

    name: str
    options: dict[str, Any] = field(hash=False)
    kills: bool = False


GROUPS = {"groups": True}
TWO = {"groups": True, "hosts": 2}
MODES = (
    Mode("one process", {}),
    Mode("a process a group", GROUPS),
    Mode("two a group", TWO),
    Mode("two a group, one killed", {**TWO, "timers": True, "invisibility": INVISIBILITY}, kills=True),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One shape in one mode."""

    mode: Mode
    mails: int
    seconds: float
    reading: Reading
    shown: Shown
    killed: str

    @property
    def operations(self) -> float:
        return float(self.reading.storage["total"]) / self.mails

    def row(self, base: "Run") -> str:
        reading = self.reading
        return (
            f"  {self.mode.name:<26}{self.mails:>6}{self.seconds:>9.1f}{self.seconds / base.seconds:>8.2f}"
            f"{self.operations:>10.2f}{self.operations / base.operations:>8.2f}{reading.put_backs:>10}"
            f"{reading.double_ingests:>7}{self.shown.lost:>6}{self.shown.doubled:>8}  {self.killed}"
        )


HEADER = (
    f"  {'':<26}{'mails':>6}{'seconds':>9}{'ratio':>8}{'storage':>10}{'ratio':>8}{'put back':>10}"
    f"{'twice':>7}{'lost':>6}{'doubled':>8}"
)


def run(shape: Shape, mode: Mode, patience: float) -> Run:
    """File the backlog on a stack of its own."""
    with a_house(lambda house: house.know(shape.threads * shape.mailboxes), **mode.options) as house:
        addresses, mails = _backlog(house, shape)
        house.meter.clear()
        before, started = house.rows(), time.monotonic()
        house.tenant.connect(*addresses, wait=False)
        killed = _kill(house, before + shape.mails // 3, patience) if mode.kills else ""
        with suppress(TimeoutError):  # what is missing then is lost
            house.wait_filed(before + shape.mails, seconds=patience)
        seconds = time.monotonic() - started
        # A row shows once its message is settled, which is a few requests later.
        house.meter.settle()
        return Run(mode, shape.mails, seconds, house.meter.read(), house.shown(mails), killed)


def _backlog(house: House, shape: Shape) -> tuple[list[str], list[ThreadMail]]:
    """Mailboxes with a day of threads each, not connected."""
    addresses, mails = [], []
    for number in range(shape.mailboxes):
        address = house.tenant.agent(f"agent{number}")
        size = Size(shape.threads, LENGTH)
        start = datetime.now(UTC) - timedelta(hours=22)
        own = correspondence(size, address, start, first=shape.threads * number)
        house.deliver(address, own)
        addresses.append(address)
        mails += own
    house.meter.settle()
    return addresses, mails


def _kill(house: House, rows: int, patience: float) -> str:
    """Kill the process that works hardest once so many rows are there; says which group that was."""
    eventually(lambda: house.rows() >= rows, seconds=patience, what="a third of the backlog")
    groups: dict[str, list[int]] = house.meter.ready["host_groups"]
    workers = {pid: group for group, pids in groups.items() if group != HTTP_GROUP for pid in pids}
    before = {pid: cpu_ms(pid) for pid in workers}
    time.sleep(LOOK)
    busiest = max(workers, key=lambda pid: cpu_ms(pid) - before[pid])
    os.kill(busiest, signal.SIGKILL)
    return f"killed: {workers[busiest]}"


def compare(shape: Shape, patience: float) -> list[Run]:
    """Every mode over one shape, printed as it ends."""
    print(f"{shape.name}: {shape.mailboxes} x {shape.threads * LENGTH} mails\n{HEADER}", flush=True)
    runs: list[Run] = []
    for mode in MODES:
        runs.append(run(shape, mode, patience))
        print(runs[-1].row(runs[0]), flush=True)
    return runs


def failures(runs: Sequence[Run], most: float) -> list[str]:
    """What must not be: mail lost or doubled, and more operations than allowed where nothing was killed."""
    found = [f"{r.mode.name}: {r.shown.lost} lost" for r in runs if r.shown.lost]
    found += [f"{r.mode.name}: {r.shown.doubled} doubled" for r in runs if r.shown.doubled]
    times = {r.mode.name: round(r.operations / runs[0].operations, 3) for r in runs if not r.mode.kills}
    return found + [f"{name}: {ratio:.2f} times" for name, ratio in times.items() if most and ratio > most]


def main() -> None:
    parser = argparse.ArgumentParser(description="One backlog on one process and on many.")
    parser.add_argument("--shapes", nargs="+", choices=("one", "many"), default=["one", "many"])
    parser.add_argument("--mails", type=int, default=900, help="in the one mailbox")
    parser.add_argument("--mailboxes", type=int, default=40)
    parser.add_argument("--each", type=int, default=40, help="mails of each of many mailboxes")
    parser.add_argument("--patience", type=float, default=900, help="seconds until a mail counts as lost")
    parser.add_argument("--most", type=float, default=0.0, help="fail above so many times the operations")
    given = parser.parse_args()
    shapes = {
        "one": Shape("one mailbox", 1, given.mails),
        "many": Shape("many mailboxes", given.mailboxes, given.each),
    }
    failed = []
    for name in given.shapes:
        failed += failures(compare(shapes[name], given.patience), given.most)
    sys.exit("; ".join(failed) or 0)


if __name__ == "__main__":
    main()
