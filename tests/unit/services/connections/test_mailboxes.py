"""Connecting a mailbox: what stands after a request that ended early, and what is asked in which order."""

from typing import Any

import pytest

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import AccessDenied, Outdated, Unavailable
from shared.domain.privacy.callers import ADMIN, Caller
from tests.builders import AGENT, TENANT
from tests.fakes import Killed
from tests.unit.services.world import World

ADDRESS = "ben@letting.example"
NEXT = "next@letting.example"
BODY = {"kind": "personal", "agent": ADDRESS}
AN_ADMIN = Caller(TENANT, frozenset({ADMIN}), oid="ann", address=AGENT)
# Two commands, the row, its addresses among the staff, and the domain.
WRITES = 5


def standing(world: World, address: str = ADDRESS) -> Mailbox | None:
    return world.storage.mailboxes.get(TENANT, address)


def registered(world: World) -> set[str]:
    """What capture takes for the organisation's own: addresses and domains that these tests bring."""
    organisation = world.storage.organisations.rows[TENANT]
    addresses = {address for _, _, address in world.storage.index.staff}
    return {name for name in (*addresses, *organisation.own_domains) if name.endswith("letting.example")}


def ended_early(world: World, number: int, *, is_after: bool, put: Any) -> None:
    world.storage.faults.clear()
    end = world.storage.faults.kill_after if is_after else world.storage.faults.kill_before
    end(number)
    with pytest.raises(Killed):
        put()
    world.storage.faults.clear()
    world.restart()
    world.work()


WHEREVER = pytest.mark.parametrize(
    ("number", "is_after"), [(number, later) for number in range(1, WRITES + 1) for later in (False, True)]
)


@WHEREVER
def test_wherever_connecting_ends_a_mailbox_that_stands_is_registered_and_subscribed(
    number: int, is_after: bool
) -> None:
    world = World()
    world.mail.add_mailbox(ADDRESS)
    ended_early(world, number, is_after=is_after, put=lambda: world.put_mailbox(AN_ADMIN, ADDRESS, BODY))
    mailbox = standing(world)
    assert registered(world) == ({ADDRESS, "letting.example"} if mailbox else set())
    if mailbox is not None:
        assert world.storage.subscriptions.get(TENANT, mailbox.mailbox_id) is not None


@pytest.mark.parametrize("name", ["RecordIndex.put_staff", "CommandQueue.send", "Organisations.put"])
def test_a_write_that_fails_leaves_no_mailbox_without_its_address_among_the_staff(name: str) -> None:
    world = World()
    world.mail.add_mailbox(ADDRESS)
    world.storage.faults.named[name] = Unavailable("down")
    with pytest.raises(Unavailable):
        world.put_mailbox(AN_ADMIN, ADDRESS, BODY)
    world.storage.faults.clear()
    world.work()
    assert registered(world) == ({ADDRESS, "letting.example"} if standing(world) else set())


# The first write is the audit's, and the third the mailbox's row.
@pytest.mark.parametrize(("number", "is_after"), [(3, True), (4, False), (4, True), (5, False)])
def test_wherever_another_agent_is_set_that_agent_is_registered(number: int, is_after: bool) -> None:
    world = World()
    world.mail.add_mailbox(ADDRESS)
    world.put_mailbox(AN_ADMIN, ADDRESS, BODY)
    world.work()
    world.mail.add_mailbox(NEXT)
    changed = {"agent": NEXT}
    ended_early(world, number, is_after=is_after, put=lambda: world.put_mailbox(AN_ADMIN, ADDRESS, changed))
    mailbox = standing(world)
    assert mailbox is not None
    assert mailbox.agent == NEXT
    assert NEXT in registered(world)


@pytest.mark.parametrize(("number", "is_after"), [(1, True), (2, False), (2, True), (3, False), (4, False)])
def test_a_new_main_address_is_registered_wherever_taking_it_over_ends(number: int, is_after: bool) -> None:
    world = World()
    world.mail.add_mailbox(NEXT)
    world.probe.errors["user"] = AccessDenied("no", "ErrorAccessDenied")
    ended_early(world, number, is_after=is_after, put=lambda: world.take_over_address(AN_ADMIN, AGENT, NEXT))
    assert registered(world) == ({NEXT, "letting.example"} if standing(world, NEXT) else set())


def test_if_match_is_looked_at_before_microsoft_365_is_asked() -> None:
    world = World()
    with pytest.raises(Outdated):
        world.put_mailbox(AN_ADMIN, ADDRESS, BODY, unchanged=lambda _: True)
    world.rewrite(connection="graph-delegated")
    with pytest.raises(Outdated):
        world.put_mailbox(AN_ADMIN, AGENT, {"connection": "graph-app"}, unchanged=lambda _: False)
    assert world.probe.calls == []
