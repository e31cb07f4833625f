"""An organisation on a running stack for benchmarks: customers, mailboxes, threads delivered and looked for."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.data.tables import TableServiceClient

from bench.correspondence import Size, ThreadMail, correspondence, customer, wanted
from bench.meter import AWAITED, Meter
from dev.stack import Stack, StackOptions
from dev.storage_proxy.asking import delayed
from dev.tenant import Tenant, eventually
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import joined
from shared.adapters.storage.settings import StorageSettings
from shared.adapters.storage.stores.mailboxes import AzureMailboxes
from shared.domain import names
from shared.domain.commands.commands import MaintainSubscription

WARM_UP = Size(threads=2, length=3)
WARM_THREADS = 900_000  # numbers of threads that nothing else uses
LINES = 1_000
PATIENCE = 1_800.0


@dataclass(frozen=True, slots=True)
class Shown:
    """How threads came out: `right` ones lie whole and alone on their timeline; mails lost; entries doubled."""

    threads: int = 0
    right: int = 0
    lost: int = 0
    doubled: int = 0

    def __add__(self, other: "Shown") -> "Shown":
        return Shown(
            self.threads + other.threads,
            self.right + other.right,
            self.lost + other.lost,
            self.doubled + other.doubled,
        )


NOTHING = Shown()


def shown_of(wanted: Set[str], shown: Sequence[str]) -> Shown:
    """One thread: the Message-IDs that its timeline must show, and those that it shows."""
    return Shown(1, int(set(shown) == wanted), len(wanted - set(shown)), len(shown) - len(set(shown)))


class House:
    """One organisation; `rows` counts behind the proxy, so that looking is not measured."""

    def __init__(self, ready: Mapping[str, Any]) -> None:
        self.meter = Meter(ready)
        self.tenant = Tenant(ready)
        self._tables = TableServiceClient.from_connection_string(ready["storage_connection_string"])

    def know(self, threads: int, first: int = 0) -> None:
        """A contact card for the customer of each thread; before a mailbox is connected, else it is late."""
        numbers = range(first, first + threads)
        lines = [
            json.dumps({"kind": "contact", "id": f"C-{number}", "addresses": [customer(number)]})
            for number in numbers
        ]
        for start in range(0, len(lines), LINES):
            self.tenant.admin.call(
                "POST",
                "records",
                data="\n".join(lines[start : start + LINES]),
                headers={"Content-Type": "application/x-ndjson"},
            )

    def warm_up(self) -> None:
        """A mailbox that is walked and gets live mail, so that imports and pools are no cost of what follows."""
        self.know(WARM_UP.threads, WARM_THREADS)
        address = self.tenant.agent("warm")
        mails = correspondence(WARM_UP, address, datetime.now(UTC) - timedelta(hours=1), first=WARM_THREADS)
        half = len(mails) // 2
        self.deliver(address, mails[:half])
        self.connect(address)
        self.deliver(address, mails[half:])
        self.wait_filed(len(mails))
        self.meter.settle()

    def connect(self, address: str) -> None:
        """Capture a mailbox; returns once it is walked, subscribed to, and nothing goes on any more."""
        self.tenant.connect(address)
        eventually(lambda: self._is_subscribed(address), seconds=PATIENCE, what=f"{address}'s subscription")
        # The walk puts the care of the subscription off: without this it would be counted with the first mails.
        eventually(self._is_nothing_put_off, seconds=PATIENCE, what="the care of the subscription")
        self.meter.settle()

    def deliver(self, address: str, mails: Sequence[ThreadMail], *, now: bool = False) -> None:
        """Into the mailbox's folders, as old as they are, or as if they had just come."""
        for mail in mails:
            received = None if now else mail.received
            self.tenant.deliver(address, mail.raw, mail.folder, received=received)

    def rows(self, table: str = names.TIMELINE) -> int:
        """Rows of this organisation in a table."""
        tenant_id = self.tenant.tenant_id
        return self._count(table, f"PartitionKey ge '{tenant_id}' and PartitionKey lt '{tenant_id}~'")

    def entries(self, thread: int) -> int:
        """Rows of the timeline of a thread's customer."""
        partition = joined(self.tenant.tenant_id, "contact", f"C-{thread}")
        return self._count(names.TIMELINE, f"PartitionKey eq '{partition}'")

    def mailbox_id(self, address: str) -> str:
        """What commands and logs call a mailbox."""
        account = self.meter.ready["storage_connection_string"]
        mailboxes = AzureMailboxes(Connection(StorageSettings(connection_string=account)))
        found = {mailbox.address: mailbox.mailbox_id for mailbox in mailboxes.of(self.tenant.tenant_id)}
        return found[address]

    def wait_filed(self, rows: int, *, table: str = names.TIMELINE, seconds: float = PATIENCE) -> None:
        """Wait until the table has so many rows of this organisation."""
        eventually(lambda: self.rows(table) >= rows, seconds=seconds, what=f"row {rows} of {table}")

    def shown(self, mails: Sequence[ThreadMail]) -> "Shown":
        """What the timelines of all customers show, read through the API."""
        return sum(
            (shown_of(ids, self._message_ids(thread)) for thread, ids in wanted(mails).items()), NOTHING
        )

    def _is_nothing_put_off(self) -> bool:
        return delayed(self.meter.ready["storage_stats_url"], [MaintainSubscription]) == 0

    def _is_subscribed(self, address: str) -> bool:
        return any(found["address"] == address for found in self.tenant.control.subscriptions())

    def _count(self, table: str, condition: str) -> int:
        found = self._tables.get_table_client(table).query_entities(condition, select=["PartitionKey"])
        return sum(1 for _ in found)

    def _message_ids(self, thread: int) -> list[str]:
        entries = self.tenant.timeline(f"contact/C-{thread}", limit=200)
        return [entry["internet_message_id"] for entry in entries]


@contextmanager
def a_house(make_ready: Callable[[House], None] | None = None, **options: Any) -> Iterator[House]:
    """A stack of its own with one organisation; what `make_ready` does, and the warm-up, are not measured."""
    with Stack(StackOptions(watched=(AWAITED,), **{"timers": False, **options})) as stack:
        house = House(stack.ready)
        if make_ready is not None:
            make_ready(house)
        house.warm_up()
        yield house
