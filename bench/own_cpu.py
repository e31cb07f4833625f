"""What the product's own code costs a filed mail: CPU and storage look-ups, and which functions take the most.

    python -m bench.own_cpu [--threads 40] [--length 5] [--rounds 3] [--top 10]

History of threads in one mailbox, HTML with the whole chain quoted in each answer, ingested in groups of 20 over
stores in memory; mails are packed into rows, and read back from them, as the real store does. CPU is the least of
the rounds, without a profiler; the table is from a round of its own under cProfile.
"""

import argparse
import cProfile
import pstats
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from shared.adapters.storage.stores import message_rows
from shared.adapters.storage.table import Row
from shared.bootstrap.compose import UseCases, UseCaseSettings, compose
from shared.domain.capture.folders import FolderState, Role
from shared.domain.commands.commands import IngestMessages
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation
from shared.domain.filing.copies import Copy
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.addresses import Person
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import Document, FetchedMessage, MessageHead
from shared.domain.matching.candidates import ThreadHit
from shared.domain.records.records import Record, RecordRef
from shared.ports.stores.filing import Claim
from tests.fakes import FakePorts
from tests.fakes.stores.filing import FakeMessageStore

TENANT: Final = "11111111-2222-4333-8444-555555555555"
AGENT: Final = "ann@contoso.example"
START: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
GROUP: Final = 20
_VOCABULARY: Final = (
    "the flat lease viewing offer survey keys boiler garden parking tenant deposit solicitor contract Tuesday agreed "
    "please thank regarding estate kitchen invoice amount repair window completion mortgage valuation"
)
WORDS: Final = _VOCABULARY.split()
# What is looked up by text or id, by the call that does it; the others are one look-up a call.
PER_KEY: Final = {"addresses", "domains", "subjects", "listing_contact", "find", "get_many"}
LOOK_UPS: Final = {
    "index": ("addresses", "domains", "subjects", "listing_contact"),
    "records": ("get", "get_many"),
    "messages": ("find", "get", "get_many", "document", "of_conversation"),
    "mailboxes": ("by_id", "get"),
    "organisations": ("get",),
    "folder_states": ("get",),
    "codes": ("get_many",),
}


class PackedMessages(FakeMessageStore):
    """Stored messages that pay for their rows as the real store does: packed when made, unpacked when found."""

    def __init__(self) -> None:
        super().__init__()
        self.packed: dict[str, Row] = {}

    def create(self, tenant_id: str, message: StoredMessage, document: Document, copy: Copy) -> Claim:
        body = message_rows.body_of(tenant_id, message.key, document)
        message_rows.copy_row(tenant_id, message.key, copy)
        self.packed[message.key] = {**message_rows.message_row(tenant_id, message), **body.columns}
        return super().create(tenant_id, message, document, copy)

    def find(self, tenant_id: str, ids: Mapping[str, str]) -> Mapping[str, tuple[ThreadHit, ...]]:
        for key, evidence in ids.items():
            if key in self.packed:
                message_rows.to_hit({**self.packed[key], "etag": "1"}, evidence)
        return super().find(tenant_id, ids)

    def save(self, tenant_id: str, message: StoredMessage) -> StoredMessage:
        message_rows.message_row(tenant_id, message)
        return super().save(tenant_id, message)


@dataclass
class Counting:
    """A port that counts what is looked up in it."""

    port: Any
    calls: tuple[str, ...]
    seen: Counter[str]

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.port, name)
        if name not in self.calls:
            return method

        def counted(*args: Any, **more: Any) -> Any:
            keys = list(args[1]) if name in PER_KEY else [""]
            self.seen[f"{type(self.port).__name__.removeprefix('Fake')}.{name}"] += len(keys)
            return method(*args, **more)

        return counted


@dataclass
class Run:
    """One mailbox with the history of threads, and a process that ingests it."""

    threads: int
    length: int
    look_ups: Counter[str] = field(default_factory=Counter)
    now: datetime = START + timedelta(days=1)

    def __post_init__(self) -> None:
        ports: Any = FakePorts()
        ports.messages = PackedMessages()
        mail = ports.mail
        mail.add_mailbox(AGENT)
        ports.organisations.put(Organisation(TENANT, enabled=True, own_domains=("contoso.example",)))
        mailbox = Mailbox(TENANT, "0" * 32, AGENT, agent=AGENT, connected_at=START)
        self.mailbox = ports.mailboxes.save(mailbox)
        for role in (Role.INBOX, Role.SENT):
            ports.folder_states.put(
                self.mailbox, FolderState(f"{role}-folder", role, captured=True, role=role)
            )
        contacts = [
            Record(RecordRef("contact", f"C-{n}"), addresses=(customer(n),)) for n in range(self.threads)
        ]
        ports.records.put_many(TENANT, contacts)
        folders = {False: f"{Role.INBOX}-folder", True: f"{Role.SENT}-folder"}
        self.items: list[ItemRef] = [
            mail.deliver(AGENT, message, folder=folders[message.head.sender.address == AGENT])
            for message in mails(self.threads, self.length)
        ]
        for name, calls in LOOK_UPS.items():
            setattr(ports, name, Counting(getattr(ports, name), calls, self.look_ups))
        numbers = count(1)
        settings = UseCaseSettings(b"k" * 32, (b"c" * 32,), TENANT)
        self.use_cases: UseCases = compose(ports, settings, lambda: self.now, lambda: f"{next(numbers):032x}")

    def __call__(self) -> None:
        """Ingest all of it, oldest first, as a walk of history queues it."""
        commands = IngestMessages.groups(
            self.items,
            tenant_id=TENANT,
            mailbox_id=self.mailbox.mailbox_id,
            first_at=self.now,
            silent=True,
        )
        for command in commands:
            self.use_cases.take_turn(replace(command, screened=True))


def customer(number: int) -> str:
    return f"customer{number}@customer{number}.example"


def mails(threads: int, length: int, seed: int = 7) -> Iterator[FetchedMessage]:
    """Threads between one customer each and the agent, side by side, parents first."""
    chance = random.Random(seed)
    written: dict[int, list[str]] = {}
    subjects = {n: f"Offer {n}: {chance.choice(WORDS)} {chance.choice(WORDS)}" for n in range(threads)}
    for place in range(length):
        for thread in range(threads):
            chain = written.setdefault(thread, [])
            own = " ".join(chance.choice(WORDS) for _ in range(60)) + "."
            sent_at = START + timedelta(seconds=20 * (place * threads + thread))
            head = _head(thread, place, f"{'Re: ' if place else ''}{subjects[thread]}", sent_at)
            yield FetchedMessage(head, html=_html(own, chain, sent_at))
            chain.insert(0, own)


def _head(thread: int, place: int, subject: str, sent_at: datetime) -> MessageHead:
    writer, reader = customer(thread), AGENT
    if place % 2:
        writer, reader = reader, writer
    ids = tuple(f"m{thread}.{number}@mail.example" for number in range(place + 1))
    return MessageHead(
        item=ItemRef("", ""),
        folder_id="",
        message_id=ids[-1],
        sender=Person(writer.partition("@")[0].title(), writer),
        subject=subject,
        sent_at=sent_at,
        received_at=sent_at,
        to=(Person(reader.partition("@")[0].title(), reader),),
        in_reply_to=ids[-2:-1],
        references=ids[:-1],
        headers=(("received", "from relay.example by mail.contoso.example"),) if writer != AGENT else (),
    )


def _html(own: str, chain: list[str], sent_at: datetime) -> str:
    """The mail as common programs write it: each answer quotes the whole chain, one level deeper."""
    quoted = ""
    for text in reversed(chain):
        line = f"On {sent_at:%A, %d %B %Y at %H:%M}, Customer wrote:"
        inner = f"<p>{text}</p>{quoted}"
        quoted = f'<div class="gmail_quote">{line}<br><blockquote type="cite">{inner}</blockquote></div>'
    return f"<html><head><style>p {{margin:0}}</style></head><body><p>{own}</p>{quoted}</body></html>"


def cpu_ms(work: Callable[[], None]) -> float:
    """CPU milliseconds of this process."""
    started = time.process_time()
    work()
    return 1_000 * (time.process_time() - started)


def profile(run: Run, top: int) -> list[str]:
    """The functions that took the most time by themselves: milliseconds, calls a mail, name."""
    # CPU, not time: whatever else runs on the machine must not change the order.
    profiler = cProfile.Profile(time.process_time)
    profiler.runcall(run)
    found: Any = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    costly = sorted(found.items(), key=lambda item: -item[1][2])[:top]
    mails = len(run.items)
    return [
        f"{1_000 * own / mails:>9.3f}{calls / mails:>9.1f}   {_named(*place)}"
        for place, (_, calls, own, _, _) in costly
    ]


def _named(path: str, line: int, name: str) -> str:
    parts = path.replace("\\", "/").split("/")[-3:]
    return f"{'/'.join(parts)}:{line} {name}" if line else name


def main() -> None:
    parser = argparse.ArgumentParser(description="The product's own CPU and look-ups a mail.")
    parser.add_argument("--threads", type=int, default=40)
    parser.add_argument("--length", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--top", type=int, default=10)
    options = parser.parse_args()
    Run(2, 2)()  # what is imported and compiled once is not a mail's cost
    runs = [Run(options.threads, options.length) for _ in range(options.rounds)]
    least = min(map(cpu_ms, runs))
    run = Run(options.threads, options.length)
    lines = profile(run, options.top)
    mails = len(run.items)
    print(f"{least / mails:.2f} CPU ms a mail, of {mails} in groups of {GROUP}")
    looked = "  ".join(f"{name} {number / mails:.2f}" for name, number in sorted(run.look_ups.items()))
    print(f"{run.look_ups.total() / mails:.2f} look-ups a mail: {looked}")
    print(f"{'own ms':>9}{'calls':>9}   a mail, under the profiler")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
