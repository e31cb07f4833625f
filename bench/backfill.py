"""What a backfill costs in memory, and how long live mail waits behind it.

    python -m bench.backfill [--mails 400 1600] [--live 5] [--hosts 1]

For each number of mails: a stack of its own, one mailbox with that much history, half of it a known contact's.
Memory is the peak of the host process (VmHWM), with what it had before the backfill beside it. While the
backfill runs, live mails are delivered one after another; counted is how many backfill commands end between a
delivery and its entry on the timeline.
"""

import argparse
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dev.stack import Stack, StackOptions
from dev.tenant import Tenant, a_mail, eventually

CONTACT = "buyer@fabrikam.example"
LIVE_CONTACT = "live@fabrikam.example"
STRANGER = "stranger@adatum.example"
WORDS = "We would like to see the flat again before we decide. " * 40
PATIENCE = 3_600.0
# Commands that read or file history, as the log names them.
HISTORY = re.compile(rb'"command": "(?:BackfillMailbox|FileHistory)"')


@dataclass(frozen=True, slots=True)
class Result:
    """One run; megabytes, seconds, commands."""

    mails: int
    before: float
    peak: float
    seconds: float
    rate: float
    behind: tuple[int, ...]
    waits: tuple[float, ...]

    def row(self) -> str:
        behind = f"{max(self.behind)}" if self.behind else "-"
        wait = f"{max(self.waits):.1f}" if self.waits else "-"
        return (
            f"{self.mails:>7}{self.before:>11.1f}{self.peak:>10.1f}{self.seconds:>9.1f}{self.rate:>11.0f}"
            f"{behind:>14}{wait:>10}"
        )


HEADER = f"{'mails':>7}{'before MB':>11}{'peak MB':>10}{'seconds':>9}{'mails/min':>11}{'most behind':>14}{'wait s':>10}"


def measure(mails: int, live: int, hosts: int) -> Result:
    """Fill a mailbox, backfill it, and deliver live mail meanwhile."""
    with Stack(StackOptions(timers=False, hosts=hosts)) as stack:
        tenant = Tenant(stack.ready)
        tenant.contact("C-1", CONTACT)
        tenant.contact("C-2", LIVE_CONTACT)
        address = tenant.agent("ann")
        tenant.connect(address)
        fill(tenant, address, mails)
        meter = Meter(stack)
        before, started = meter.peak(), time.monotonic()
        since = (datetime.now(UTC) - timedelta(days=1_000)).isoformat()
        tenant.admin.call("POST", f"mailboxes/{address}/backfill", json={"since": since})
        eventually(lambda: progress(tenant, address)["done"] > 0, seconds=120, what="the first page")
        behind, waits = live_mail(tenant, address, meter, live)
        final = eventually(ended(tenant, address), seconds=PATIENCE, what="the end of the backfill")
        seconds = time.monotonic() - started
        assert final["done"] >= mails, final
        return Result(mails, before, meter.peak(), seconds, final["rate_per_minute"], behind, waits)


def fill(tenant: Tenant, address: str, mails: int) -> None:
    """One mail a minute, up to two days ago, of which nobody is told."""
    tenant.control.put_faults(drop_notifications=1.0)
    start = datetime.now(UTC) - timedelta(days=2, minutes=mails)
    for number in range(mails):
        mail = a_mail(STRANGER if number % 2 else CONTACT, address, f"History {number}", text=WORDS)
        tenant.deliver(address, mail, received=start + timedelta(minutes=number))
    tenant.control.clear_faults()


def live_mail(
    tenant: Tenant, address: str, meter: "Meter", live: int
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Per mail: backfill commands that ended before it was on the timeline, and seconds."""
    behind, waits = [], []
    for number in range(live):
        if progress(tenant, address)["state"] != "running":
            break
        steps, started = meter.steps(), time.monotonic()
        mail = a_mail(LIVE_CONTACT, address, f"Live {number}")
        tenant.deliver(address, mail)
        tenant.entry("contact/C-2", mail, seconds=300)
        waits.append(time.monotonic() - started)
        behind.append(meter.steps() - steps)
    return tuple(behind), tuple(waits)


def progress(tenant: Tenant, address: str) -> dict[str, Any]:
    found: dict[str, Any] = tenant.admin.call("GET", f"mailboxes/{address}")["backfill"]
    return found


def ended(tenant: Tenant, address: str) -> Callable[[], dict[str, Any] | None]:
    def probe() -> dict[str, Any] | None:
        time.sleep(0.5)
        found = progress(tenant, address)
        return found if found["state"] != "running" else None

    return probe


class Meter:
    """Reads the hosts' peak memory and their logs."""

    def __init__(self, stack: Stack) -> None:
        self._pids = stack.ready["pids"]["host"]
        self._logs = Path(stack.ready["log_dir"])

    def peak(self) -> float:
        """Megabytes that the largest host process has held at most."""
        return max(_status(pid, "VmHWM") for pid in self._pids) / 1024

    def steps(self) -> int:
        """Backfill commands that have ended."""
        return sum(len(HISTORY.findall(log.read_bytes())) for log in self._logs.glob("host-*.log"))


def _status(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return float(next(line for line in lines if line.startswith(name)).split()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of a backfill, and live mail behind it.")
    parser.add_argument("--mails", type=int, nargs="+", default=[400, 1_600])
    parser.add_argument("--live", type=int, default=5)
    parser.add_argument("--hosts", type=int, default=1)
    parser.add_argument(
        "--most", type=float, default=0.0, help="fail when peak memory grows by more than this"
    )
    options = parser.parse_args()
    print(HEADER)
    results = []
    for mails in options.mails:
        results.append(measure(mails, options.live, options.hosts))
        print(results[-1].row(), flush=True)
    growth = results[-1].peak / results[0].peak
    most = max((one for result in results for one in result.behind), default=0)
    print(json.dumps({"growth": round(growth, 3), "most_behind": most}))
    if options.most and growth > options.most:
        raise SystemExit(f"peak memory grew {growth:.2f} times; {options.most} is the most")


if __name__ == "__main__":
    main()
