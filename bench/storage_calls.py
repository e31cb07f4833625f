"""What a storage call costs this process, in milliseconds of CPU, by the client that makes it.

    python -m bench.storage_calls [--rounds 5]

Azurite runs beside it and its CPU is not counted. `sdk` is Azure's packages; `pipeline` is the product's JSON and
transactions over azure-core's PipelineClient with its retries, on requests or on urllib3; `pool` is the same over
urllib3's bare pool, without retries; `direct` is what the product uses. The least of all rounds is printed, since
the machine may be shared, and each figure's ratio to `pool`.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from bench.storage_senders import BareSender, PipelineSender, requests_transport, urllib3_transport
from dev.azurite import start_azurite
from shared.adapters.storage.calls import Calls, Operation, Row
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.direct.account import Account
from shared.adapters.storage.direct.client import DirectCalls
from shared.adapters.storage.settings import DIRECT, StorageSettings
from shared.domain.errors import Conflict

TABLE: Final = "Bench"
QUEUE: Final = "bench"
CONTAINER: Final = "bench"
BLOB: Final = "mailboxes/tenant/mailbox"
PAGE: Final = 50
BASE: Final = "pool"

# One round of a client: how often each call is made.
TIMES: Final = {
    "get": 200,
    "insert": 200,
    "update under ETag": 200,
    "merge": 200,
    f"query, {PAGE} rows": 30,
    "transaction of 2": 100,
    "transaction of 20": 30,
    "queue put": 100,
    "lease and release": 60,
}


@dataclass
class Work:
    """The calls of a round, on rows of their own."""

    calls: Calls
    round: int
    etags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.table = self.calls.table(TABLE)
        self.queue = self.calls.queue(QUEUE)
        self.leases = self.calls.leases(CONTAINER)

    def run(self, name: str, number: int) -> object:
        runs: Mapping[str, Callable[[int], object]] = {
            "insert": self._insert,
            "get": lambda at: self.table.get("rows", self._key(at), ()),
            "update under ETag": self._update,
            "merge": self._merge,
            f"query, {PAGE} rows": lambda _: list(self.table.rows("PartitionKey eq 'page'", (), 1_000)),
            "transaction of 2": lambda _: self._transact(2),
            "transaction of 20": lambda _: self._transact(20),
            "queue put": lambda at: self.queue.send(
                f'{{"kind": "bench", "number": {at}}}', hidden=0, timeout=None
            ),
            "lease and release": self._lease,
        }
        return runs[name](number)

    def _key(self, number: int) -> str:
        return f"{self.round}-{number}"

    def _insert(self, number: int) -> None:
        self.etags.append(self.table.submit(Operation("create", a_row("rows", self._key(number)))))

    def _update(self, number: int) -> None:
        row = a_row("rows", self._key(number))
        self.table.submit(Operation("replace", row, self.etags[number]))

    def _merge(self, number: int) -> None:
        row = {"PartitionKey": "rows", "RowKey": self._key(number), "state": "pending"}
        self.table.submit(Operation("merge", row))

    def _transact(self, size: int) -> None:
        self.table.transact([Operation("upsert", a_row("many", str(number))) for number in range(size)])

    def _lease(self, _: int) -> None:
        self.leases.release(BLOB, self.leases.acquire(BLOB, 20))


def a_row(partition: str, key: str) -> Row:
    """Such as a filed mail has: some columns and a packed one."""
    return {
        "PartitionKey": partition,
        "RowKey": key,
        "state": "done",
        "variants": 1,
        "enabled": True,
        "at": datetime.now(UTC),
        "content": bytes(range(256)) * 3,
    }


def prepare(connection_string: str) -> None:
    """The table, the queue and the blob that all clients share."""
    connection = Connection(StorageSettings(connection_string))
    connection.table(TABLE).create_table()
    connection.queue(QUEUE).create_queue()
    connection.container(CONTAINER).create_container()
    rows = [Operation("upsert", a_row("page", str(number))) for number in range(PAGE)]
    connection.calls.table(TABLE).transact(rows)
    with suppress(Conflict):
        connection.calls.leases(CONTAINER).make(BLOB)


def clients(connection_string: str) -> Mapping[str, Calls]:
    account = Account.of_connection_string(connection_string)
    return {
        "sdk": Connection(StorageSettings(connection_string, calls="sdk")).calls,
        "pipeline": DirectCalls(PipelineSender(account, requests_transport())),
        "pipeline, urllib3": DirectCalls(PipelineSender(account, urllib3_transport())),
        DIRECT: Connection(StorageSettings(connection_string, calls=DIRECT)).calls,
        BASE: DirectCalls(BareSender(account)),
    }


def cpu(run: Callable[[int], object], times: int) -> float:
    """Milliseconds of CPU for one run."""
    start = time.process_time()
    for number in range(times):
        run(number)
    return (time.process_time() - start) * 1_000 / times


def measured(connection_string: str, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds by call and client: clients take turns, so that all meet the same weather."""
    least: dict[str, dict[str, float]] = {name: {} for name in TIMES}
    for number in range(rounds):
        for place, (client, calls) in enumerate(clients(connection_string).items()):
            work = Work(calls, number * 10 + place)
            for name in ("insert", *(name for name in TIMES if name != "insert")):
                cost = cpu(partial(work.run, name), TIMES[name])
                least[name][client] = min(cost, least[name].get(client, cost))
    return least


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.storage_calls", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with (
        tempfile.TemporaryDirectory() as directory,
        start_azurite(Path(directory, "azurite.log")) as azurite,
    ):
        prepare(azurite.connection_string)
        found = measured(azurite.connection_string, rounds)
    names = list(next(iter(found.values())))
    print(f"{'CPU-ms a call':<20}" + "".join(f"{name:>24}" for name in names))
    for call, costs in found.items():
        cells = (f"{costs[name]:>14.2f} ({costs[name] / costs[BASE]:>5.2f} x)" for name in names)
        print(f"{call:<20}" + "".join(f"{cell:>24}" for cell in cells))


if __name__ == "__main__":
    main()
