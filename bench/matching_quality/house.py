"""The product in memory, with the story's organisation in it: real mail in, rows out.

Each copy lies in a simulated mailbox and is read as Graph would show it; capture, matching and filing are the
product's own, over the stores that its unit tests use.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final
from urllib.parse import parse_qs

from bench.matching_quality.mail import Delivery, Mail, by_list, raw
from bench.matching_quality.story import START, Story
from bench.matching_quality.world import ARCHIVED, OWN, SISTER, UNWANTED, Agent
from dev.simulator.call import Preferences
from dev.simulator.habits import Habits
from dev.simulator.mailbox import Mailbox as SimulatedMailbox
from dev.simulator.mime import read_mail
from dev.simulator.rendering import Renderer
from dev.simulator.stats import Stats
from dev.simulator.view import View
from shared.adapters.graph.parsing import whole
from shared.adapters.graph.selections import WHOLE
from shared.domain.commands.commands import IngestMessages
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage
from shared.domain.records.records import Card, Record, RecordRef
from tests.builders import TENANT
from tests.fakes import FakePorts, FakeRecordIndex, FakeRecords
from tests.unit.services.world import World as Product

# One copy in five is noticed late: well within the two days of `Story.long_after`.
LATEST: Final = timedelta(hours=8)
USUAL: Final = timedelta(minutes=5)
ROUND: Final = timedelta(hours=2)


class IndexedRows(dict[tuple[str, RecordRef], Record]):
    """The fake's rows of records with an index that is kept, not made anew for each look-up."""

    def __init__(self) -> None:
        super().__init__()
        self.by_key: dict[tuple[str, str], set[RecordRef]] = {}

    def __setitem__(self, place: tuple[str, RecordRef], record: Record) -> None:
        tenant_id, ref = place
        before = self.get(place)
        for key in before.index_keys if before else ():
            self.by_key[tenant_id, key].discard(ref)
        for key in record.index_keys:
            self.by_key.setdefault((tenant_id, key), set()).add(ref)
        super().__setitem__(place, record)

    def under(self, tenant_id: str, key: str) -> frozenset[Card]:
        return frozenset(self[tenant_id, one].card for one in self.by_key.get((tenant_id, key), ()))


class QuickIndex(FakeRecordIndex):
    """Looks things up in the kept index."""

    def __init__(self, records: FakeRecords, rows: IndexedRows) -> None:
        super().__init__(records)
        self._rows = rows

    def _under(self, tenant_id: str, key: str) -> frozenset[Card]:
        return self._rows.under(tenant_id, key)


class QuickStorage(FakePorts):
    """All fakes, with quick look-ups of records."""

    def __init__(self) -> None:
        super().__init__()
        rows = IndexedRows()
        self.records.rows = rows
        self.index = QuickIndex(self.records, rows)


class House:
    """The organisation of a story, connected, its records pushed; `live` brings its mail."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.product = Product(storage=QuickStorage())
        self.mailboxes: dict[str, Mailbox] = {}
        self.items: dict[Delivery, ItemRef] = {}
        self._simulated: dict[str, SimulatedMailbox] = {}
        self._renderer = Renderer(Stats(), Habits())
        asked = parse_qs(WHOLE.options(WHOLE.parts).removeprefix("?"))
        self._view = View.parse(asked["$select"][0], asked["$expand"][0], Preferences(immutable_ids=True))
        self._settle()

    def live(self, chance: random.Random) -> None:
        """Bring every copy: nearly in order of time, mailboxes taking turns at random, late ones among them."""
        for delivery in sorted(self.story.deliveries, key=self._received):
            self._deliver(delivery)
        closings = sorted(self.story.closings)
        for start, batch in rounds(self.story.deliveries, self._received, chance):
            while closings and closings[0][0] <= start:
                self._close(RecordRef.parse(closings.pop(0)[1]))
            self._notify(batch, chance)

    def _settle(self) -> None:
        world, product = self.story.world, self.product
        never = (world.never[0].address, UNWANTED)
        product.configure(own_domains=(OWN, SISTER), excluded_types=(ARCHIVED,), never_log=never)
        for agent in world.agents:
            self._connect(agent)
        product.write_records(TENANT, world.records, (OWN, SISTER))
        product.work()
        for person, refs in world.taught:
            product.storage.index.teach(TENANT, person.address, map(RecordRef.parse, sorted(refs)))
        for number, refs in self.story.issued.items():
            product.storage.codes.claim(TENANT, number, list(map(RecordRef.parse, sorted(refs))), str(number))

    def _connect(self, agent: Agent) -> None:
        address = agent.person.address
        mailbox = self.product.connect(
            address, agent=address, aliases=agent.others, connected_at=START, **agent.settings
        )
        self.product.storage.index.put_staff(TENANT, mailbox.mailbox_id, agent.addresses)
        self.mailboxes[address] = mailbox
        self._simulated[address] = SimulatedMailbox(mailbox.mailbox_id, address, lambda _change: None)

    def _mail(self, delivery: Delivery) -> Mail:
        return self.story.mails[delivery.mail - 1]

    def _received(self, delivery: Delivery) -> datetime:
        return self._mail(delivery).at

    def _deliver(self, delivery: Delivery) -> None:
        """Lay the copy into its mailbox, and keep what Graph would show of it."""
        mail = self._mail(delivery)
        data = raw(by_list(mail) if delivery.by_list else mail, with_bcc=delivery.origin == "sent")
        self.items[delivery] = self.product.mail.deliver(
            delivery.mailbox, self._shown(delivery, data), folder=f"{delivery.folder}-folder", mime=data
        )

    def _shown(self, delivery: Delivery, data: bytes) -> FetchedMessage:
        mailbox = self._simulated[delivery.mailbox]
        at = self._received(delivery)
        folder = mailbox.folder(delivery.folder)
        stored = mailbox.add(read_mail(data), folder, received=at, origin=delivery.origin, now=at)
        return whole(self._renderer.message(mailbox, stored, self._view))

    def _close(self, ref: RecordRef) -> None:
        records = self.product.storage.records
        records.put_many(TENANT, [replace(records.rows[TENANT, ref], status="closed")])
        # Longer than the product remembers a record: another process may have written it.
        self.product.now += timedelta(minutes=1)

    def _notify(self, batch: Iterable[Delivery], chance: random.Random) -> None:
        by_mailbox: dict[str, list[ItemRef]] = {}
        for one in batch:
            by_mailbox.setdefault(one.mailbox, []).append(self.items[one])
        addresses = sorted(by_mailbox)
        chance.shuffle(addresses)
        for address in addresses:
            mailbox_id = self.mailboxes[address].mailbox_id
            for command in IngestMessages.groups(
                by_mailbox[address], tenant_id=TENANT, mailbox_id=mailbox_id, first_at=self.product.now
            ):
                self.product.storage.queue.send(command)
            self.product.work()
        self.product.storage.faults.clear()


def rounds(
    deliveries: Sequence[Delivery], received: Callable[[Delivery], datetime], chance: random.Random
) -> Iterator[tuple[datetime, list[Delivery]]]:
    """What comes in each few hours, by when it is noticed."""
    late = [
        (received(one) + chance.random() * (LATEST if chance.randrange(5) == 0 else USUAL), number)
        for number, one in enumerate(deliveries)
    ]
    for number, group in groupby(sorted(late), key=lambda one: (one[0] - START) // ROUND):
        yield START + number * ROUND, [deliveries[at] for _, at in group]
