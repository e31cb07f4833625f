"""Turns: nobody calls Graph for a mailbox before the wait it asked for is over, whatever process it is in."""

from datetime import timedelta

import pytest

from shared.domain.commands.commands import SyncMailbox
from shared.domain.errors import Busy, Throttled, Unavailable
from tests.builders import AGENT, CONTACT, NOW, TENANT, a_record
from tests.unit.services.world import World


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    return made


def test_a_wait_that_graph_asks_for_holds_for_every_worker(world: World) -> None:
    item = world.deliver()
    world.mail.fail("heads", Throttled("slow down", retry_after=30.5))
    with pytest.raises(Throttled):
        world.notify(item)
    world.mail.calls.clear()
    world.now = NOW + timedelta(seconds=10)
    with pytest.raises(Busy) as caught:
        world.walk()
    assert caught.value.retry_after == 20.5
    assert world.mail.calls == {}


def test_while_a_wait_lasts_who_comes_costs_no_storage(world: World) -> None:
    turns, command = world.turns, SyncMailbox.of(world.mailbox, NOW)
    with pytest.raises(Throttled), turns.walk(command):
        raise Throttled("slow down", retry_after=30)
    world.storage.faults.named["Leases.acquire"] = AssertionError("storage was asked")
    with pytest.raises(Busy), turns.walk(command):
        pass
    world.now = NOW + timedelta(seconds=30)
    world.storage.faults.named.clear()
    with turns.walk(command) as scope:
        assert scope is not None


def test_an_outage_with_a_wait_holds_likewise(world: World) -> None:
    with pytest.raises(Unavailable), world.turns.slot(SyncMailbox.of(world.mailbox, NOW)):
        raise Unavailable("down", retry_after=30)
    with pytest.raises(Busy):
        world.walk()


def test_after_the_wait_work_goes_on(world: World) -> None:
    item = world.deliver()
    world.mail.fail("heads", Throttled("slow down", retry_after=30))
    with pytest.raises(Throttled):
        world.notify(item)
    world.now = NOW + timedelta(seconds=30)
    world.notify(item)
    assert len(world.timeline()) == 1


def test_another_mailbox_does_not_wait_along(world: World) -> None:
    second = world.connect("second@contoso.example")
    world.mail.fail("heads", Throttled("slow down", retry_after=30))
    with pytest.raises(Throttled):
        world.notify(world.deliver())
    world.notify(world.deliver("second@contoso.example", sender=CONTACT), mailbox=second)
    assert len(world.timeline()) == 1


def test_a_failure_without_a_wait_is_not_noted(world: World) -> None:
    world.mail.fail("heads", Unavailable("down"))
    with pytest.raises(Unavailable):
        world.notify(world.deliver())
    row = world.storage.mailboxes.by_id(TENANT, world.mailbox.mailbox_id)
    assert row is not None
    assert row.state.blocked_until is None


def test_settings_are_read_under_the_lease(world: World) -> None:
    command = SyncMailbox.of(world.mailbox, NOW)
    with world.turns.walk(command) as scope:
        assert scope is not None
        assert scope.mailbox.address == AGENT
        with pytest.raises(Busy), world.turns.walk(command):
            pass
    with world.turns.walk(command):
        pass
