"""What matching costs as the organisation grows: CPU and storage reads per mail, by number of known addresses.

    python -m bench.match [--mails 2000]

The index is a dictionary that counts reads, since it may hold a million addresses where Azurite would scan;
gathering, capture and the cascade are the product's own. A read is one look-up of an address, a domain, a
record or a referenced mail.
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.domain import capture
from shared.domain.addresses import Person
from shared.domain.candidates import ThreadHit
from shared.domain.folders import FolderState
from shared.domain.identity import Hasher
from shared.domain.mailboxes import Mailbox
from shared.domain.matching import MatchPolicy, match
from shared.domain.messages import Direction, MessageHead
from shared.domain.organisations import Organisation
from shared.domain.records import Card, Record, RecordRef
from shared.ports import KnownAddress
from shared.services.candidates import GatherCandidates
from shared.services.scopes import Scope
from shared.services.screening import policy_of

SIZES = (1_000, 100_000, 1_000_000)
TENANT = "11111111-2222-4333-8444-555555555555"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AGENT = "agent@contoso.example"


@dataclass
class Shelf:
    """Contacts `c0@d0.example`, `c1@d1.example` ..., every tenth with a client; counts what is read of them."""

    size: int
    reads: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.cards = {address_of(n): frozenset({card_of(n)}) for n in range(self.size)}

    def addresses(self, tenant_id: str, addresses: Iterable[str]) -> Mapping[str, KnownAddress]:
        asked = list(addresses)
        self.reads["address"] += len(asked)
        return {one: KnownAddress(self.cards.get(one, frozenset())) for one in asked}

    def domains(self, tenant_id: str, domains: Iterable[str]) -> Mapping[str, frozenset[Card]]:
        asked = list(domains)
        self.reads["domain"] += len(asked)
        return {one: frozenset() for one in asked}

    def get_many(self, tenant_id: str, refs: Iterable[RecordRef]) -> Mapping[RecordRef, Record]:
        asked = list(refs)
        self.reads["record"] += len(asked)
        return {ref: Record(ref) for ref in asked}

    def find(self, tenant_id: str, ids: Mapping[str, str]) -> Mapping[str, tuple[ThreadHit, ...]]:
        self.reads["reference"] += len(ids)
        hits = {key: (ThreadHit(key, ids[key], Direction.OUT, (RecordRef("contact", "0"),)),) for key in ids}
        return dict(list(hits.items())[:1])


def address_of(number: int) -> str:
    return f"c{number}@d{number // 4}.example"


def card_of(number: int) -> Card:
    client = f"K-{number // 4}" if number % 10 == 0 else ""
    return Card(RecordRef("contact", f"C-{number}"), client)


def mails(shelf: Shelf, count: int, seed: int) -> list[MessageHead]:
    """Half from contacts, a quarter of those answers; half from strangers."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        known = number % 2 == 0
        sender = address_of(chance.randrange(shelf.size)) if known else f"s{number}@elsewhere{number}.example"
        answers = (f"{number}@contoso.example",) if number % 8 == 0 else ()
        made.append(
            MessageHead(
                graph_id=str(number),
                folder_id="inbox",
                message_id=f"{number}@d.example",
                sender=Person("", sender),
                subject="Re: Offer" if answers else "Offer",
                sent_at=NOW,
                received_at=NOW,
                to=(Person("", AGENT),),
                in_reply_to=answers,
            )
        )
    return made


def run(size: int, count: int) -> str:
    shelf = Shelf(size)
    gather = GatherCandidates(shelf, shelf, shelf)  # type: ignore[arg-type]
    mailbox = Mailbox(TENANT, "0" * 32, AGENT, agent=AGENT, connected_at=NOW)
    organisation = Organisation(TENANT, enabled=True, own_domains=("contoso.example",))
    scope = Scope(organisation, mailbox, Hasher.of(b"k" * 32, TENANT))
    policy = policy_of(scope, FolderState("inbox", "inbox", captured=True))
    heads = mails(shelf, count, seed=size)
    best, kept = timedelta.max.total_seconds(), 0
    for _ in range(3):
        shelf.reads.clear()
        kept, started = 0, time.process_time()
        for head in heads:
            [candidates] = gather(scope, [head])
            if capture.decide(head, candidates, policy).keep:
                kept += 1
                match(head, gather.for_matching(scope, head, candidates), MatchPolicy())
        best = min(best, time.process_time() - started)
    reads = "  ".join(f"{name} {number / count:.3f}" for name, number in sorted(shelf.reads.items()))
    total = shelf.reads.total() / count
    return f"{size:>11,}{best / count * 1e6:>10.1f}{total:>9.3f}   {reads}   (kept {kept / count:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description="Cost of matching by number of known addresses.")
    parser.add_argument("--mails", type=int, default=2_000)
    count = parser.parse_args().mails
    print(f"{'addresses':>11}{'CPU us':>10}{'reads':>9}   per mail")
    for size in SIZES:
        print(run(size, count), flush=True)


if __name__ == "__main__":
    main()
