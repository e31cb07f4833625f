"""What a mail costs from delivery to a readable row: requests, CPU and delay, by notification and in catch-up.

    python -m bench.pipeline [--mails 200] [--catch-up 2000]

Counts come from the simulator (Graph) and the storage proxy (storage, the host's own requests included,
empty polls not); rows are looked for behind the proxy, so that looking is not counted. CPU is the host
process's own. Every mail comes from another person at another domain, a known contact's and a stranger's
mail measured apart: nothing that was read for one mail helps the next.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import requests
from azure.data.tables import TableClient

from dev.stack import Stack, StackOptions
from dev.tenant import Tenant, a_mail, eventually
from shared.domain import names

CONTACT = "contact"
STRANGER = "stranger"


@dataclass(frozen=True)
class Cost:
    """Per mail, over one measured run."""

    name: str
    mails: int
    seconds: float
    cpu_ms: float
    graph_requests: float
    graph_round_trips: float
    storage_requests: float
    delays: tuple[float, ...] = ()

    def row(self) -> str:
        quantiles = statistics.quantiles(self.delays, n=20) if len(self.delays) > 1 else []
        p50 = f"{statistics.median(self.delays):7.2f}" if self.delays else "      -"
        p95 = f"{quantiles[18]:7.2f}" if quantiles else "      -"
        return (
            f"{self.name:<34}{self.mails:>6}{self.mails / self.seconds:>9.1f}{self.cpu_ms:>9.1f}"
            f"{self.graph_requests:>9.2f}{self.graph_round_trips:>9.3f}{self.storage_requests:>9.2f}{p50}{p95}"
        )


HEADER = f"{'':<34}{'mails':>6}{'mails/s':>9}{'CPU ms':>9}{'Graph':>9}{'HTTP':>9}{'storage':>9}{'p50 s':>7}{'p95 s':>7}"


class Meter:
    """Reads and clears every counter of a running stack."""

    def __init__(self, stack: Stack, tenant: Tenant) -> None:
        self.ready: Mapping[str, Any] = stack.ready
        self.tenant = tenant
        self.tables = {
            name: TableClient.from_connection_string(stack.ready["storage_connection_string"], name)
            for name in (names.TIMELINE, names.SIGHTINGS, names.MESSAGES)
        }

    def rows(self, table: str, where: str = "") -> int:
        """Rows of this tenant in a table, counted behind the proxy."""
        own = f"PartitionKey ge '{self.tenant.tenant_id}' and PartitionKey lt '{self.tenant.tenant_id}~'"
        found = self.tables[table].query_entities(own + where, select=["PartitionKey"])
        return sum(1 for _ in found)

    def has_rows(self, table: str, number: int) -> bool:
        return self.rows(table) >= number

    def clear(self) -> None:
        self.tenant.control.clear_stats()
        requests.delete(self.ready["storage_stats_url"], timeout=10).raise_for_status()

    def cpu_ms(self) -> float:
        """CPU milliseconds of the host processes so far."""
        return sum(_cpu_ms(pid) for pid in self.ready["pids"]["host"])

    def measure(self, name: str, mails: int, run: Callable[[], tuple[float, ...]]) -> Cost:
        self.clear()
        cpu, started = self.cpu_ms(), time.monotonic()
        delays = run()
        seconds = time.monotonic() - started
        self.settle()
        cpu = self.cpu_ms() - cpu
        graph = self.tenant.control.stats()["graph"]
        storage = requests.get(self.ready["storage_stats_url"], timeout=10).json()
        items, trips = graph["batch_items"], graph["http_requests"]
        batches = sum(c["count"] for c in graph["calls"] if c["endpoint"].endswith("$batch"))
        return Cost(
            name,
            mails,
            seconds,
            cpu / mails,
            (trips - batches + items) / mails,
            trips / mails,
            storage["total"] / mails,
            delays,
        )

    def settle(self) -> None:
        """Wait until storage has been quiet for a moment."""
        last = -1
        while (now := requests.get(self.ready["storage_stats_url"], timeout=10).json()["total"]) != last:
            last = now
            time.sleep(1.5)


def sender_of(who: str, number: int) -> str:
    """Another person at another domain for every number."""
    return f"{who}{number}@{who}{number}.example"


def load_contacts(tenant: Tenant, count: int) -> None:
    """A contact card, without a client, for each number below `count`."""
    for start in range(0, count, 1_000):
        lines = [
            json.dumps({"kind": "contact", "id": f"C-{n}", "addresses": [sender_of(CONTACT, n)]})
            for n in range(start, min(start + 1_000, count))
        ]
        tenant.admin.call(
            "POST", "records", data="\n".join(lines), headers={"Content-Type": "application/x-ndjson"}
        )


def _cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 10.0


def by_notification(meter: Meter, address: str, sender: str, mails: int) -> tuple[float, ...]:
    """One mail at a time, each waited for."""
    table = names.TIMELINE if sender == CONTACT else names.SIGHTINGS
    rows, delays = meter.rows(table), []
    for number in range(mails):
        mail = a_mail(sender_of(sender, number), address, f"Notified {sender} {number}")
        started = time.monotonic()
        meter.tenant.deliver(address, mail)
        expected = rows + number + 1
        eventually(partial(meter.has_rows, table, expected), what="the row")
        delays.append(time.monotonic() - started)
    return tuple(delays)


def fill(tenant: Tenant, address: str, sender: str, mails: int) -> None:
    """History of the last day, delivered before the mailbox is connected."""
    start = datetime.now(UTC) - timedelta(hours=20)
    for number in range(mails):
        mail = a_mail(sender_of(sender, number), address, f"History {sender} {number}")
        tenant.deliver(address, mail, received=start + timedelta(seconds=30 * number))


def catch_up(meter: Meter, address: str, sender: str, mails: int) -> tuple[float, ...]:
    """Connect the mailbox and wait until its history is read."""
    table = names.TIMELINE if sender == CONTACT else names.SIGHTINGS
    rows = meter.rows(table)
    meter.tenant.connect(address, wait=False)
    eventually(partial(meter.has_rows, table, rows + mails), seconds=900, what="the history")
    return ()


def main() -> None:
    parser = argparse.ArgumentParser(description="Cost of a mail from delivery to row.")
    parser.add_argument("--mails", type=int, default=60)
    parser.add_argument("--catch-up", type=int, default=2_000)
    options = parser.parse_args()
    with Stack(StackOptions(timers=False)) as stack:
        tenant = Tenant(stack.ready)
        load_contacts(tenant, max(options.mails, options.catch_up))
        meter = Meter(stack, tenant)
        print(HEADER)
        first = tenant.agent("first")
        tenant.connect(first)
        by_notification(meter, first, CONTACT, 3)
        for sender, name in ((CONTACT, "filed"), (STRANGER, "skipped")):
            run = partial(by_notification, meter, first, sender, options.mails)
            print(meter.measure(f"notification, {name}", options.mails, run).row(), flush=True)
        for sender, name in ((CONTACT, "filed"), (STRANGER, "skipped")):
            address = tenant.agent(f"late-{name}")
            fill(tenant, address, sender, options.catch_up)
            run = partial(catch_up, meter, address, sender, options.catch_up)
            print(meter.measure(f"catch-up, {name}", options.catch_up, run).row(), flush=True)


if __name__ == "__main__":
    main()
