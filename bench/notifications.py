"""How the webhook answers while notifications pour in: share of 202, and the time to the answer.

    python -m bench.notifications [--rate 50] [--seconds 20] [--mailboxes 10] [--strangers] [--groups]
    python -m bench.notifications --against COMMIT [--rounds 3]

The mails lie in connected mailboxes, whose notifications Graph kept back; then each is notified of by a request of
its own, at its time whether or not the earlier ones were answered. Meanwhile the host files what it is told of, in
the same process unless `--groups`. Times are those of the client, which has a connection for each request under way.
"""

import argparse
import http.client
import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import against
from bench.checkout import stack_of
from bench.correspondence import Size, correspondence
from bench.house import House
from dev.azurite import ROOT

CLIENTS = 64
TIMEOUT = 60.0
STRANGERS = 500_000  # threads from here on are with people nobody knows
PATH = "/api/graph/notifications"


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: notifications a second, for how long, to how many mailboxes."""

    rate: int
    seconds: int
    mailboxes: int
    strangers: bool

    @property
    def notifications(self) -> int:
        return self.rate * self.seconds


@dataclass(frozen=True, slots=True)
class Answers:
    """How a run was answered; times in milliseconds, no status where there was no answer."""

    statuses: Mapping[int, int]
    times: Sequence[float]

    @property
    def accepted(self) -> float:
        return self.statuses.get(202, 0) / sum(self.statuses.values())

    @property
    def p50(self) -> float:
        return statistics.median(self.times)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.times, n=100)[98]

    def row(self, name: str) -> str:
        others = ", ".join(
            f"{n} x {status or 'no answer'}" for status, n in self.statuses.items() if status != 202
        )
        return f"{name:<28}{self.accepted:>9.2%}{self.p50:>10.1f}{self.p99:>10.1f}{max(self.times):>10.1f}  {others}"


HEADER = f"{'':<28}{'202':>9}{'p50 ms':>10}{'p99 ms':>10}{'worst':>10}"


def measure(root: Path, load: Load, *arguments: str) -> Answers:
    """A stack of a working copy under the load."""
    with stack_of(root, *arguments) as ready:
        house = House(ready)
        bodies = prepared(house, load)
        return pour(urlsplit(ready["host_url"]).netloc, bodies, load.rate)


def prepared(house: House, load: Load) -> list[bytes]:
    """Mail that lies in connected mailboxes unknown to the app, and the notification of each."""
    threads = -(-load.notifications // load.mailboxes)
    if not load.strangers:
        house.know(threads * load.mailboxes)
    house.warm_up()
    addresses = [house.tenant.agent(f"agent{number}") for number in range(load.mailboxes)]
    house.tenant.connect(*addresses)
    house.tenant.control.put_faults(drop_notifications=1.0)
    items = []
    for number, address in enumerate(addresses):
        first = threads * number + (STRANGERS if load.strangers else 0)
        mails = correspondence(Size(threads, 1), address, datetime.now(UTC), first=first)
        items.append([house.tenant.deliver(address, mail.raw) for mail in mails])
    house.tenant.control.clear_faults()
    house.meter.settle()
    living = {found["address"]: found for found in house.tenant.control.subscriptions()}
    told = [
        [notification(living[address], item) for item in own]
        for address, own in zip(addresses, items, strict=True)
    ]
    in_turn = [body for together in zip(*told, strict=True) for body in together]
    return in_turn[: load.notifications]


def notification(subscription: Mapping[str, Any], item_id: str) -> bytes:
    """The body in which Graph tells of one new message."""
    path = f"{subscription['resource'].removeprefix('/')}/{item_id}"
    item = {
        "subscriptionId": subscription["id"],
        "subscriptionExpirationDateTime": subscription["expirationDateTime"],
        "tenantId": subscription["tenant_id"],
        "clientState": subscription["clientState"],
        "changeType": "created",
        "resource": path,
        "resourceData": {"@odata.type": "#Microsoft.Graph.Message", "@odata.id": path, "id": item_id},
    }
    return json.dumps({"value": [item]}).encode()


def pour(address: str, bodies: Sequence[bytes], rate: int) -> Answers:
    """Send each body at its time and wait for all answers."""
    local = threading.local()
    started = time.monotonic() + 0.5

    def send(number: int, body: bytes) -> tuple[int, float]:
        time.sleep(max(0.0, started + number / rate - time.monotonic()))
        begun = time.monotonic()
        status = _post(local, address, body)
        return status, (time.monotonic() - begun) * 1_000

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(send, range(len(bodies)), bodies))
    return Answers(Counter(status for status, _ in answers), [taken for _, taken in answers])


def _post(local: threading.local, address: str, body: bytes) -> int:
    """The status; 0 where there was no answer."""
    connection: http.client.HTTPConnection | None = getattr(local, "connection", None)
    if connection is None:
        connection = local.connection = http.client.HTTPConnection(address, timeout=TIMEOUT)
    try:
        connection.request("POST", PATH, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0
    return answer.status


def compare(commit: str, rounds: int, run: Callable[[Path], Answers]) -> None:
    """This copy's and a commit's webhook in turn, the least of each."""
    ours, theirs = against.in_turn(commit, rounds, run)
    for number, (here, there) in enumerate(zip(ours, theirs, strict=True), 1):
        print(there.row(f"{commit[:9]}, round {number}"))
        print(here.row(f"here, round {number}"))
    for name in ("p50", "p99"):
        least = [min(getattr(answers, name) for answers in found) for found in (ours, theirs)]
        print(f"{name}: {least[0]:.1f} ms here, {least[1]:.1f} ms there: ratio {least[0] / least[1]:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="The webhook under notifications.")
    parser.add_argument("--rate", type=int, default=50, help="notifications a second")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--mailboxes", type=int, default=10)
    parser.add_argument("--strangers", action="store_true", help="mail that is skipped, not filed")
    parser.add_argument("--groups", action="store_true", help="a process for each function group")
    parser.add_argument("--against", help="a commit that is measured in turn with this copy")
    parser.add_argument("--rounds", type=int, default=3, help="with --against")
    given = parser.parse_args()
    load = Load(given.rate, given.seconds, given.mailboxes, given.strangers)
    print(HEADER)
    if given.against:
        compare(given.against, given.rounds, partial(measure, load=load))
    else:
        arguments = ["--groups"] if given.groups else []
        print(measure(ROOT, load, *arguments).row(f"{load.rate} a second, {load.seconds} s"))


if __name__ == "__main__":
    main()
