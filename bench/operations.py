"""What filing mail costs in storage operations, by table and verb, in this process alone.

    python -m bench.operations [--threads 100] [--only NAME]

The product's own use cases run over Azurite's tables, queues and leases, with a mailbox in memory in place of Graph.
Counts are exact under any load. `history` are threads of five mails between a contact and the agent, incoming and
sent, the threads side by side, oldest first in commands of 20; `chains` are the same mails thread by thread. `burst`
are answers to stored mails, notified in commands of ten; `alone` are the same in commands of one; `strangers` are
mails of people whom no record has, which are skipped, one a command.
"""

import argparse
import base64
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from dev.azurite import start_azurite
from shared.adapters.storage.calls import (
    Calls,
    LeaseCalls,
    Operation,
    QueueCalls,
    Row,
    TableCalls,
    TakenMessage,
)
from shared.domain.commands.commands import MAX_IDS, IngestMessages
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage
from shared.domain.records.records import Record, RecordRef
from tests.builders import AGENT, a_fetched_message, a_folder_state, a_mailbox, an_organisation
from tests.composed import use_cases_over
from tests.contract.conftest import AzureStorage, provision
from tests.fakes import FakePorts

TENANT: Final = an_organisation().tenant_id
LENGTH: Final = 5
START: Final = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=20)
# What a mail says; the quoted text of those before it comes behind.
WORDS: Final = (
    "the flat, the lease, the survey and the keys are agreed for Tuesday, thank you and best regards; " * 6
)


class Counting:
    """Counts the calls of a client by place and verb. Blobs take another way: see `blobs`."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.counts: Counter[tuple[str, str]] = Counter()

    def table(self, name: str) -> TableCalls:
        return _CountingTable(self.calls.table(name), partial(self._count, name))

    def queue(self, name: str) -> QueueCalls:
        return _CountingQueue(self.calls.queue(name), partial(self._count, f"queue {name}"))

    def leases(self, container: str) -> LeaseCalls:
        return _CountingLeases(self.calls.leases(container), partial(self._count, "leases"))

    def tables(self) -> set[str]:
        self._count("tables", "list")
        return self.calls.tables()

    def queues(self) -> set[str]:
        self._count("queues", "list")
        return self.calls.queues()

    def containers(self) -> set[str]:
        self._count("containers", "list")
        return self.calls.containers()

    def _count(self, place: str, verb: str) -> None:
        self.counts[place, verb] += 1


@dataclass
class _CountingTable:
    calls: TableCalls
    count: Callable[[str], None]

    def get(self, partition: str, key: str, select: Sequence[str]) -> Row:
        self.count("get")
        return self.calls.get(partition, key, select)

    def rows(self, condition: str, select: Sequence[str], page: int) -> Iterator[Row]:
        # Further pages are not counted: none of these runs reads that much.
        self.count("query")
        return self.calls.rows(condition, select, page)

    def submit(self, operation: Operation) -> str:
        self.count(operation.verb)
        return self.calls.submit(operation)

    def transact(self, operations: Sequence[Operation]) -> list[str]:
        self.count("transaction")
        return self.calls.transact(operations)


@dataclass
class _CountingQueue:
    calls: QueueCalls
    count: Callable[[str], None]

    def send(self, text: str, *, hidden: int, timeout: float | None) -> None:
        self.count("send")
        self.calls.send(text, hidden=hidden, timeout=timeout)

    def take(self, count: int, *, hidden: int) -> list[TakenMessage]:
        self.count("take")
        return self.calls.take(count, hidden=hidden)

    def peek(self, count: int) -> list[str]:
        self.count("peek")
        return self.calls.peek(count)

    def remove(self, message: TakenMessage) -> None:
        self.count("remove")
        self.calls.remove(message)


@dataclass
class _CountingLeases:
    calls: LeaseCalls
    count: Callable[[str], None]

    def acquire(self, blob: str, seconds: int) -> str:
        self.count("acquire")
        return self.calls.acquire(blob, seconds)

    def renew(self, blob: str, lease: str) -> None:
        self.count("renew")
        self.calls.renew(blob, lease)

    def release(self, blob: str, lease: str) -> None:
        self.count("release")
        self.calls.release(blob, lease)

    def make(self, blob: str) -> None:
        self.count("make")
        self.calls.make(blob)


class Office:
    """An organisation with one mailbox and a contact for each thread, over real storage and mail in memory."""

    def __init__(self, connection_string: str, threads: int) -> None:
        storage = AzureStorage(connection_string, "direct")
        self.counting = Counting(storage.connection.calls)
        storage.connection.calls = self.counting
        self.storage = storage
        self.ports = FakePorts()
        vars(self.ports).update(
            {name: port for name, port in vars(storage).items() if hasattr(self.ports, name)}
        )
        self.use_cases = use_cases_over(self.ports, lambda: datetime.now(UTC))
        self.ports.organisations.put(an_organisation())
        self.ports.mail.add_mailbox(AGENT)
        self.mailbox = self.ports.mailboxes.save(a_mailbox(connected_at=START))
        for name in ("inbox", "sentitems"):
            state = a_folder_state(folder_id=f"{name}-folder", kind=name, role=name)
            self.ports.folder_states.put(self.mailbox, state)
        self.ports.records.put_many(TENANT, [contact(number) for number in range(threads)])

    def deliver(self, thread: int, place: int, at: datetime, kind: str) -> ItemRef:
        folder = "sentitems-folder" if place % 2 else "inbox-folder"
        return self.ports.mail.deliver(AGENT, a_mail(thread, place, at, kind), folder=folder)

    def file(self, items: Sequence[ItemRef], *, screened: bool) -> None:
        self.use_cases.take_turn(
            IngestMessages(
                tenant_id=TENANT,
                mailbox_id=self.mailbox.mailbox_id,
                first_at=datetime.now(UTC),
                items=tuple(items),
                screened=screened,
            )
        )

    def measured(
        self, groups: Sequence[Sequence[ItemRef]], *, screened: bool
    ) -> Mapping[tuple[str, str], int]:
        """What filing these commands costs; blobs are what the connection has heard of beside the counted calls."""
        self.counting.counts.clear()
        self.storage.requests.clear()
        for group in groups:
            self.file(group, screened=screened)
        counts = Counter(self.counting.counts)
        counts["blobs", "any"] = len(self.storage.requests) - sum(counts.values())
        return +counts


def contact(number: int) -> Record:
    return Record(
        RecordRef("contact", f"C-{number}"), name=f"Customer {number}", addresses=(customer(number),)
    )


def customer(number: int) -> str:
    return f"customer{number}@customer{number}.example"


def a_mail(thread: int, place: int, at: datetime, kind: str) -> FetchedMessage:
    """The mail at one place of a thread: from the customer and from the agent in turn."""
    ids = [f"{kind}.{thread}.{number}@customer{thread}.example" for number in range(place + 1)]
    text = WORDS + "".join(f"\n> {WORDS}" for _ in range(place))
    index = b"\x01" + bytes(5) + f"{kind}{thread}".encode().rjust(16, b"\0") + bytes(5 * place)
    people: dict[str, Any] = {"sender": customer(thread), "to": (AGENT,)}
    if place % 2:
        people = {"sender": AGENT, "to": (customer(thread),)}
    return a_fetched_message(
        message_id=ids[-1],
        in_reply_to=tuple(ids[-2:-1]),
        references=tuple(ids[:-1]),
        subject=("Re: " if place else "") + f"Matter {kind} {thread}",
        conversation_index=base64.b64encode(index).decode(),
        sent_at=at,
        received_at=at,
        text=text,
        html=f"<html><body><p>{WORDS}</p><blockquote>{text}</blockquote></body></html>",
        **people,
    )


def history(office: Office, threads: int, kind: str) -> list[list[ItemRef]]:
    """Threads side by side, or one after the other, in commands of 20."""
    order = [(thread, place) for place in range(LENGTH) for thread in range(threads)]
    if kind == "chains":
        order.sort()
    items = [
        office.deliver(thread, place, START + timedelta(seconds=20 * number), kind)
        for number, (thread, place) in enumerate(order)
    ]
    return [items[start : start + MAX_IDS] for start in range(0, len(items), MAX_IDS)]


def live(office: Office, threads: int, size: int, kind: str) -> list[list[ItemRef]]:
    """Answers to threads that are stored already, notified together in commands of this size."""
    firsts = [office.deliver(thread, 0, START, kind) for thread in range(threads)]
    for start in range(0, threads, MAX_IDS):
        office.file(firsts[start : start + MAX_IDS], screened=True)
    at = datetime.now(UTC)
    items = [office.deliver(thread, 1, at, kind) for thread in range(threads)]
    return [items[start : start + size] for start in range(0, len(items), size)]


def strangers(office: Office, threads: int) -> list[list[ItemRef]]:
    """Mails of people whom no record has, each notified alone."""
    at = datetime.now(UTC)
    behind_all_contacts = range(threads, 2 * threads)
    return [[office.deliver(number, 0, at, "stranger")] for number in behind_all_contacts]


def report(name: str, mails: int, counts: Mapping[tuple[str, str], int]) -> None:
    total = sum(counts.values())
    print(f"\n{name}: {mails} mails, {total / mails:.2f} operations a mail")
    for (place, verb), count in sorted(counts.items(), key=lambda cell: (-cell[1], cell[0])):
        print(f"    {place:<16}{verb:<14}{count:>6}{count / mails:>9.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Storage operations of a filed mail, by table and verb.")
    parser.add_argument("--threads", type=int, default=100)
    parser.add_argument("--only", choices=("history", "chains", "burst", "alone", "strangers"))
    options = parser.parse_args()
    runs: dict[str, tuple[Callable[[Office], list[list[ItemRef]]], bool]] = {
        "history": (lambda office: history(office, options.threads, "history"), True),
        "chains": (lambda office: history(office, options.threads, "chains"), True),
        "burst": (lambda office: live(office, options.threads, 10, "burst"), False),
        "alone": (lambda office: live(office, options.threads, 1, "alone"), False),
        "strangers": (lambda office: strangers(office, options.threads), False),
    }
    with (
        tempfile.TemporaryDirectory() as directory,
        start_azurite(Path(directory) / "azurite.log") as azurite,
    ):
        provision(azurite.connection_string)
        office = Office(azurite.connection_string, options.threads)
        for name, (deliver, screened) in runs.items():
            if options.only in (None, name):
                groups = deliver(office)
                counts = office.measured(groups, screened=screened)
                report(name, sum(map(len, groups)), counts)


if __name__ == "__main__":
    main()
