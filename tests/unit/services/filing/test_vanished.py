"""Kept mail whose item goes from its mailbox before it is filed comes to an end, and can be explained."""

from datetime import timedelta

import pytest

from shared.domain.capture.pending import EARLIEST, Lane
from shared.domain.commands.commands import FileMessage
from shared.domain.filing.filing import DONE
from shared.domain.mail.items import ItemRef
from shared.domain.privacy.callers import ADMIN, Caller
from shared.services.filing.explain import Explanation
from tests.builders import AGENT, NOW, TENANT, a_pending_mail, a_record
from tests.fakes import Killed
from tests.unit.services.world import World

MESSAGE_ID = "gone@fabrikam.example"
AN_ADMIN = Caller(TENANT, frozenset({ADMIN}), oid="admin", address="admin@contoso.example")


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    return made


def explained(world: World) -> Explanation:
    found: Explanation = world.explain(AN_ADMIN, MESSAGE_ID)
    return found


def kept(world: World) -> ItemRef:
    """A first walk keeps it, and leaves it to history."""
    item = world.deliver(message_id=MESSAGE_ID, received_at=NOW - timedelta(hours=1))
    world.walk()
    assert world.waiting() == [item]
    assert explained(world).outcome == "pending"
    return item


def test_a_kept_mail_that_vanishes_before_it_is_filed_is_skipped_and_the_reason_is_told(world: World) -> None:
    item = kept(world)
    world.mail.delete(AGENT, item)
    world.work()
    assert world.worklist() == []
    assert world.outcome(item) == ("skipped", "item_gone")
    told = explained(world)
    assert (told.outcome, told.reason) == ("skipped", "item_gone")
    assert any("it went from its mailbox before it could be filed" in step for step in told.steps)
    assert (world.timeline(), world.storage.inbox.rows) == ([], {})


def test_one_that_was_asked_for_by_name_too_ends_likewise(world: World) -> None:
    item = kept(world)
    row = a_pending_mail(item=item, at=EARLIEST, lane=Lane.HISTORY)
    world.storage.pending.put(TENANT, world.mailbox.mailbox_id, [row])
    world.mail.delete(AGENT, item)
    world.work()
    assert world.outcome(item) == ("skipped", "item_gone")


def test_one_that_is_there_again_is_decided_anew(world: World) -> None:
    item = kept(world)
    world.mail.delete(AGENT, item)
    world.work()
    again = world.deliver(message_id=MESSAGE_ID)
    world.notify(again)
    assert world.outcome(again)[0] == "filed"
    assert explained(world).outcome == "filed"


def test_what_was_begun_is_finished_from_what_is_stored(world: World) -> None:
    item = kept(world)
    world.storage.faults.named["Timeline.put"] = Killed()
    with pytest.raises(Killed):
        world.work()
    world.storage.faults.named.clear()
    assert explained(world).outcome == "pending"
    world.mail.delete(AGENT, item)
    world.work()
    assert world.outcome(item)[0] == "filed"
    assert explained(world).outcome == "filed"
    assert len(world.timeline()) == 1
    assert {row.message.state for row in world.storage.messages.rows.values() if row.message} == {DONE}


def test_who_is_killed_while_it_is_ended_does_it_again(world: World) -> None:
    item = kept(world)
    world.storage.faults.named["Timeline.put"] = Killed()
    with pytest.raises(Killed):
        world.work()
    world.storage.faults.named.clear()
    world.mail.delete(AGENT, item)
    world.storage.faults.named["Sightings.put"] = Killed()
    with pytest.raises(Killed):
        world.work()
    world.storage.faults.named.clear()
    assert any(isinstance(command, FileMessage) for command in world.storage.queue.commands)
    world.work()
    assert world.outcome(item)[0] == "filed"
    assert len(world.timeline()) == 1
