"""What loading records costs: rate, storage requests and memory, and whether a load that was killed comes out whole.

    python -m bench.load_records [--records 5000] [--minutes 30] [--killed 3000]
    python -m bench.load_records --against COMMIT [--records 5000] [--rounds 3]

The real `api` function on the local host, over HTTP, 1,000 lines a request, against Azurite behind the counting
proxy; a mailbox is connected, so new people are announced as in service. Of ten records nine are contacts, with
15 addresses between them, and one is a client or an opportunity; ids are in no order, and kinds come mixed, so
that opportunities meet contacts which are not there yet. Beside it stands the storage SDK's own rate in the same
run: transactions of 100 upserts of rows of like size, eight side by side, and nothing else done. Azurite looks
through a whole table for every request, so rates fall as tables grow; the SDK's is measured before and after.

The second part kills the app in the middle of a request, and the loader with it; the load is then made again from
its first line. Both end states are compared row by row.
"""

import argparse
import hashlib
import json
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from azure.data.tables import TableClient

from bench import against
from bench.checkout import stack_of
from bench.meter import cpu_ms
from dev.stack import Stack, StackOptions
from dev.tenant import Tenant, eventually
from shared.adapters.storage.encoding import packed, unpacked
from shared.domain import names

LINES = 1_000
# Rows a record takes, on average: its own and those of the index.
ROWS_PER_RECORD = 2.6
# Figures are printed here, and at the end.
SHOWN = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
# How often a request that is answered "later" (503) is sent again, and after how long.
TRIES = 10
PAUSE = 2.0
SDK_ROWS = 4_000
SIDE_BY_SIDE = 8


def record(number: int) -> dict[str, Any]:
    """Of fifty: one opportunity, four clients, 45 contacts with 75 addresses."""
    if number % 50 == 0:
        contacts = [identity("contact", one) for one in (number + 1, number + 2, number + 1_203)]
        return {
            "kind": "opportunity",
            "id": identity("opportunity", number),
            "summary": f"Unit {number}",
            "name": f"Lease of unit {number}",
            "contacts": contacts,
        }
    company = f"company{number // 10}.example"
    if number % 10 == 0:
        return {
            "kind": "client",
            "id": identity("client", number),
            "name": f"Company {number}",
            "domains": [company],
        }
    addresses = [f"person{number}@{company}", f"person{number}@home{number % 97}.example"]
    return {
        "kind": "contact",
        "id": identity("contact", number),
        "name": f"Person Number {number}",
        "addresses": addresses if number % 10 <= 6 else addresses[:1],
        "client": identity("client", number // 10 * 10),
    }


def identity(kind: str, number: int) -> str:
    """An id as CRMs give them: in no order."""
    return str(uuid.UUID(hashlib.sha256(f"{kind}{number}".encode()).hexdigest()[:32]))


def requests_of(count: int) -> Iterator[bytes]:
    for start in range(0, count, LINES):
        lines = (json.dumps(record(number)) for number in range(start, min(start + LINES, count)))
        yield "\n".join(lines).encode()


@dataclass
class Meter:
    """What a running stack has used."""

    ready: Mapping[str, Any]

    def megabytes(self) -> float:
        """The host process's peak so far (VmHWM)."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    @property
    def pid(self) -> int:
        return int(self.ready["pids"]["host"][0])

    def storage_requests(self) -> int:
        return int(requests.get(self.ready["storage_stats_url"], timeout=30).json()["total"])

    def table(self, name: str) -> TableClient:
        return TableClient.from_connection_string(self.ready["storage_connection_string"], name)


def post(tenant: Tenant, body: bytes) -> int:
    """How often the answer was "later": storage may be busy, and a loader comes back then."""
    for later in range(TRIES):
        answer = tenant.admin.raw(
            "POST", "records", data=body, headers={"Content-Type": "application/x-ndjson"}
        )
        if answer.status_code == 503:
            time.sleep(PAUSE)
            continue
        answer.raise_for_status()
        if answer.json()["refused"]:
            raise RuntimeError(f"refused: {[one for one in answer.json()['results'] if one['detail']][:3]}")
        return later
    raise RuntimeError("storage stays busy")


def load(meter: Meter, tenant: Tenant, count: int, minutes: float) -> None:
    """One load, cut off after so many minutes, with a line of figures now and then; rates are of the load so far."""
    before, started, later = meter.storage_requests(), time.monotonic(), 0
    for number, body in enumerate(requests_of(count), start=1):
        later += post(tenant, body)
        done = min(number * LINES, count)
        seconds = time.monotonic() - started
        is_late = seconds > minutes * 60
        if done in SHOWN or done == count or is_late:
            _show(meter, done, seconds, (meter.storage_requests() - before) / done)
        if is_late:
            break
    print(f"  answered with 503, and sent again: {later}")


def _show(meter: Meter, done: int, seconds: float, per_record: float) -> None:
    print(
        f"  {done:>8,} records{done / seconds:>8.0f} records/s{done * ROWS_PER_RECORD / seconds:>9.0f} rows/s"
        f"{per_record:>9.3f} storage requests each{meter.megabytes():>8.1f} MB peak",
        flush=True,
    )


def cost_in(root: Path, count: int) -> dict[str, float]:
    """What a record costs in a working copy."""
    with stack_of(root) as ready:
        meter, tenant = Meter(ready), Tenant(ready)
        tenant.connect(tenant.agent("ann"))
        before, cpu, started = meter.storage_requests(), cpu_ms(meter.pid), time.monotonic()
        for body in requests_of(count):
            post(tenant, body)
        return {
            "milliseconds a record": (time.monotonic() - started) * 1_000 / count,
            "CPU ms a record": (cpu_ms(meter.pid) - cpu) / count,
            "storage requests a record": (meter.storage_requests() - before) / count,
        }


def compare_commits(commit: str, rounds: int, count: int) -> None:
    """This working copy and a commit in turn, the least of each."""
    ours, theirs = against.in_turn(commit, rounds, lambda root: cost_in(root, count))
    print(f"{f'{count:,} records':<44}{'here':>10}{commit[:9]:>10}{'ratio':>8}")
    for name in ours[0]:
        least = [min(costs[name] for costs in found) for found in (ours, theirs)]
        print(against.line(name, *least))


def sdk_rate(meter: Meter) -> float:
    """Rows a second that the SDK writes in full transactions, eight at a time."""
    client = meter.table(names.RECORDS)
    sample = packed(
        {"record": record(1), "keys": [f"address:{identity('a', n)}" for n in range(3)], "leaving": []}
    )

    def transaction(part: int) -> None:
        rows = (
            {
                "PartitionKey": f"sdk|{part}",
                "RowKey": identity(str(part), n),
                "status": "open",
                "origin": "crm",
                **sample,
            }
            for n in range(100)
        )
        client.submit_transaction([("upsert", row) for row in rows])

    started = time.monotonic()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        list(pool.map(transaction, range(SDK_ROWS // 100)))
    return SDK_ROWS / (time.monotonic() - started)


def rows_of(meter: Meter, tenant: Tenant) -> dict[tuple[str, str, str], object]:
    """All rows of an organisation's records and their index, without what names it."""
    found: dict[tuple[str, str, str], object] = {}
    for name in (names.RECORDS, names.RECORD_INDEX):
        own = f"PartitionKey ge '{tenant.tenant_id}' and PartitionKey lt '{tenant.tenant_id}~'"
        for row in meter.table(name).query_entities(own):
            said = {
                column: value
                for column, value in row.items()
                if not column.startswith(("Partition", "content"))
            }
            partition = str(row["PartitionKey"]).removeprefix(tenant.tenant_id)
            content = unpacked(row) if name == names.RECORDS else {}
            found[name, partition, str(row["RowKey"])] = (said, content)
    return found


def killed_load(meter: Meter, tenant: Tenant, count: int) -> int:
    """Kill the app in the middle of the request that is half-way; how many requests had been answered."""
    bodies = list(requests_of(count))
    half = len(bodies) // 2
    for body in bodies[:half]:
        post(tenant, body)
    pid = meter.pid
    threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()
    try:
        post(tenant, bodies[half])
    except (requests.RequestException, RuntimeError):
        half = -half
    eventually(lambda: meter.pid != pid and alive(meter), seconds=60, what="a new host")
    return half


def alive(meter: Meter) -> bool:
    try:
        return requests.get(f"{meter.ready['api_url']}/health", timeout=5).ok
    except requests.RequestException:
        return False


def compare(meter: Meter, ready: Mapping[str, Any], count: int) -> bool:
    """A load that was killed and made again against one that was not."""
    whole, cut = Tenant(ready), Tenant(ready, "fabrikam-lettings.example")
    for body in requests_of(count):
        post(whole, body)
    half = killed_load(meter, cut, count)
    print(
        f"  the app was killed {'in' if half < 0 else 'after'} request {abs(half) + 1} of {len(range(0, count, LINES))}"
    )
    before, started = meter.storage_requests(), time.monotonic()
    for body in requests_of(count):
        post(cut, body)
    seconds = time.monotonic() - started
    per_record = (meter.storage_requests() - before) / count
    print(f"  made again: {count / seconds:.0f} records/s, {per_record:.3f} storage requests each")
    first, second = rows_of(meter, whole), rows_of(meter, cut)
    same = first == second
    print(f"  rows: {len(first):,} and {len(second):,}: {'the same' if same else 'DIFFERENT'}", flush=True)
    return same


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Cost of loading records through the API.")
    parser.add_argument("--records", type=int, default=5_000)
    parser.add_argument("--minutes", type=float, default=30.0, help="the load ends after so many")
    parser.add_argument("--against", help="a commit whose load is measured in turn with this copy's")
    parser.add_argument("--rounds", type=int, default=3, help="with --against")
    parser.add_argument(
        "--killed", type=int, default=3_000, help="records of the load that is killed; 0 = none"
    )
    options = parser.parse_args(arguments)
    if options.against:
        compare_commits(options.against, options.rounds, options.records)
        return
    with Stack(StackOptions(timers=False)) as stack:
        meter = Meter(stack.ready)
        tenant = Tenant(stack.ready)
        tenant.connect(tenant.agent("ann"))
        print(
            f"storage SDK alone, before: {sdk_rate(meter):.0f} rows/s in transactions of 100, 8 side by side"
        )
        print(f"host before: {meter.megabytes():.1f} MB peak", flush=True)
        load(meter, tenant, options.records, options.minutes)
        print(
            f"storage SDK alone, after:  {sdk_rate(meter):.0f} rows/s, over tables as the load left them",
            flush=True,
        )
        same = not options.killed or compare(meter, stack.ready, options.killed)
    if not same:
        raise SystemExit("the load that was killed did not come out whole")


if __name__ == "__main__":
    main()
