"""Each item of the agenda bears two runs at once: the second comes at every write of the first.

While the host that owns the timer cannot reach its lease, two hosts tick for minutes. A run that hangs is taken over.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from shared.bootstrap.dispatch import do
from shared.domain import names
from shared.domain.commands.agenda import Item
from shared.domain.commands.commands import SyncMailbox
from shared.domain.errors import PostledgerError
from tests.builders import AGENT, NOW, TENANT, a_pending_mail, a_record
from tests.fakes import Faults
from tests.unit.services.world import World

SYNC = SyncMailbox(tenant_id=TENANT, mailbox_id="0" * 32, first_at=NOW)


@dataclass
class Interrupted:
    """Runs `item` again in the place of the write with this number, once; counts all writes."""

    world: World
    item: Item
    at: int
    writes: int = 0
    has_come: bool = field(default=False)

    @contextmanager
    def write(self, faults: Faults, name: str) -> Iterator[None]:
        self.writes += 1
        if self.writes == self.at and not self.has_come:
            self.has_come = True
            do(self.world.use_cases, self.item)
        with _write(faults, name):
            yield


_write = Faults.write


def busy() -> World:
    """Mail that was filed, mail that waits and that nobody comes for, and what the host gave up."""
    world = World()
    world.configure(retention_days=30)
    world.records(a_record())
    world.deliver(message_id="1@fabrikam.example", received_at=NOW - timedelta(hours=1))
    world.walk()
    world.work()
    world.storage.queue.sent.clear()
    left = world.deliver(message_id="2@fabrikam.example", received_at=NOW - timedelta(minutes=9))
    row = a_pending_mail(item=left, first_at=NOW - timedelta(minutes=9))
    world.storage.pending.put(TENANT, world.mailbox.mailbox_id, [row])
    world.storage.poison.give_up(names.MAIL, SYNC.to_json())
    world.storage.poison.give_up(names.MAIL, "no command")
    world.now += timedelta(days=2)
    return world


def state(world: World) -> object:
    """What stands, and which commands there are; how often one was sent does not matter, since all may run twice."""
    mailbox = world.storage.mailboxes.get(TENANT, AGENT)
    asked = {(type(command).__name__, command.mailbox_id) for command in world.storage.queue.commands}
    failures = sorted((failure.code, failure.command) for failure in world.storage.exceptions.all)
    return world.rows(), asked, failures, world.storage.poison.lying, mailbox and mailbox.state.next_poll_at


def run(item: Item, at: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, object]:
    """How many writes there were, and what stands then. Who loses against the other may fail: it comes again."""
    world = busy()
    interrupted = Interrupted(world, item, at)

    def write(faults: Faults, name: str) -> AbstractContextManager[None]:
        return interrupted.write(faults, name)

    with monkeypatch.context() as patch:
        patch.setattr(Faults, "write", write)
        with suppress(PostledgerError):
            do(world.use_cases, item)
        return interrupted.writes, state(world)


@pytest.mark.parametrize("item", Item)
def test_an_item_bears_a_second_run_at_each_of_its_writes(
    item: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes, once = run(item, 0, monkeypatch)
    for number in range(1, writes + 1):
        assert run(item, number, monkeypatch)[1] == once, number


def test_the_items_have_something_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    busy_items = {item for item in Item if run(item, 0, monkeypatch)[0]}
    assert busy_items >= {
        Item.POLL,
        Item.WAKE_STALE,
        Item.SWEEP_POISON,
        Item.SUBSCRIPTIONS,
        Item.COMPARISONS,
        Item.RECONCILIATIONS,
        Item.RETENTION,
        Item.EVENTS,
    }
