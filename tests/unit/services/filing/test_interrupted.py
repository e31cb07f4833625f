"""A mail that is being filed, or whose filing was cut short, while its parent or its people change."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from shared.domain.commands.commands import IngestMessages, RematchMessages
from shared.domain.commands.envelope import Command
from shared.domain.errors import Unavailable
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.items import ItemRef
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.domain.privacy.callers import Caller
from shared.services.capture.scopes import hasher_of
from tests.builders import AGENT, HASH_KEY, TENANT, a_record, a_ref
from tests.unit.services.filing.test_races import just_before
from tests.unit.services.world import World

FIRST, ANSWER = "first@adatum.example", "answer@adatum.example"
LI, BO = "li@adatum.example", "bo@adatum.example"
ANN = Caller(TENANT, frozenset({AGENT_ROLE}), oid="ann", address=AGENT)
C1 = a_ref("contact/C-1")


def key_of(message_id: str) -> str:
    return hasher_of(HASH_KEY, TENANT).message_id(message_id)


def stored(world: World, message_id: str) -> StoredMessage:
    found = world.storage.messages.get(TENANT, key_of(message_id))
    assert found is not None
    return found


def on(world: World, ref: str = "contact/C-1") -> set[str]:
    return {entry.internet_message_id for entry in world.timeline(ref)}


def a_world(*, knows_bo: bool = True) -> tuple[World, ItemRef]:
    """Li's mail is filed; Bo's answer to it, which has not been looked at, is in the same mailbox."""
    world = World()
    world.records(a_record(addresses=(LI,)), a_record("project/P-1"))
    world.records(a_record("contact/C-2", addresses=(BO,) if knows_bo else ()))
    world.notify(world.deliver(sender=LI, message_id=FIRST))
    return world, world.deliver(sender=BO, message_id=ANSWER, in_reply_to=(FIRST,))


def an_ingest(world: World, item: ItemRef, **more: Any) -> IngestMessages:
    mailbox_id = world.mailbox.mailbox_id
    return IngestMessages(tenant_id=TENANT, mailbox_id=mailbox_id, first_at=world.now, items=(item,), **more)


def interrupted(world: World, item: ItemRef, operation: str) -> Command:
    """Filing fails for now at its first call of a store; the command as it comes back."""
    command = an_ingest(world, item)
    world.storage.faults.named[operation] = Unavailable("storage is slow")
    with pytest.raises(Unavailable):
        world.run(command)
    world.storage.faults.named.clear()
    return command.again()


def unlink_first(world: World) -> None:
    world.unlink_message(ANN, key_of(FIRST), C1)
    world.work()


@pytest.mark.parametrize("operation", ["Timeline.put", "Sightings.put"])
@pytest.mark.parametrize("knows_bo", [True, False])
def test_an_answer_that_was_cut_short_does_not_keep_what_its_parent_has_lost(
    operation: str, knows_bo: bool
) -> None:
    world, answer = a_world(knows_bo=knows_bo)
    again = interrupted(world, answer, operation)
    unlink_first(world)
    world.run(again)
    world.work()
    assert stored(world, ANSWER).state == "done"
    assert on(world) == set()
    assert on(world, "contact/C-2") == ({ANSWER} if knows_bo else set())
    assert world.outcome(answer)[0] == ("filed" if knows_bo else "triage")


def test_an_answer_that_is_being_written_does_not_keep_what_its_parent_loses() -> None:
    world, answer = a_world()
    world.storage.queue.send(an_ingest(world, answer))
    with just_before(world.storage.timeline, "put", lambda: unlink_first(world)):
        world.work()
    assert stored(world, ANSWER).state == "done"
    assert (on(world), on(world, "contact/C-2")) == (set(), {ANSWER})


def test_of_a_batch_the_one_that_changes_while_it_is_written_is_finished_though_capture_would_skip_it() -> (
    None
):
    world, answer = a_world(knows_bo=False)
    other = world.deliver(sender=LI, message_id="other@adatum.example")
    command = replace(an_ingest(world, answer, screened=True), items=(answer, other))
    with just_before(world.storage.sightings, "put", lambda: unlink_first(world)):
        world.run(command)
    world.work()
    assert stored(world, ANSWER).state == "done"
    assert (on(world), world.outcome(answer)[0]) == ({"other@adatum.example"}, "triage")


def test_an_answer_that_is_decided_and_not_stored_yet_is_looked_at_once_its_worker_is_done() -> None:
    world, answer = a_world()
    later: list[Command] = []

    def unlink() -> None:
        world.unlink_message(ANN, key_of(FIRST), C1)
        while world.storage.queue.sent:
            command, delay = world.storage.queue.sent.pop(0)
            later.append(command) if delay else world.run(command)

    with just_before(world.storage.messages, "create", unlink):
        world.notify(answer)
    assert on(world) == {ANSWER}
    assert [(type(command), command.attempt) for command in later] == [(RematchMessages, 0)]
    world.storage.queue.send(later[0])
    world.work()
    assert (on(world), on(world, "contact/C-2")) == (set(), {ANSWER})


@pytest.mark.parametrize("operation", ["Timeline.put", "Sightings.put"])
@pytest.mark.parametrize("seconds", [0, 90])
def test_a_mail_that_was_begun_is_finished_though_capture_would_skip_it_by_now(
    operation: str, seconds: int
) -> None:
    world, _ = a_world()
    item = world.deliver(sender=LI, message_id="begun@adatum.example")
    again = interrupted(world, item, operation)
    world.records(a_record(addresses=("new@adatum.example",)))
    world.now += timedelta(seconds=seconds)
    # Killed, it comes back as the same try.
    world.run(replace(again, attempt=0) if seconds else again)
    assert stored(world, "begun@adatum.example").state == "done"
    assert world.outcome(item) == ("filed", "contact_address")


def test_a_mail_that_a_walk_has_skipped_since_is_finished_too() -> None:
    world, _ = a_world()
    item = world.deliver(sender=LI, message_id="begun@adatum.example")
    again = interrupted(world, item, "Sightings.put")
    world.records(a_record(addresses=("new@adatum.example",)))
    world.walk()
    world.now += timedelta(seconds=90)
    world.run(again)
    assert stored(world, "begun@adatum.example").state == "done"


def test_a_copy_of_another_mailbox_is_still_skipped() -> None:
    world, _ = a_world()
    other = world.connect("bea@contoso.example")
    item = world.deliver(sender=LI, message_id="begun@adatum.example")
    interrupted(world, item, "Sightings.put")
    copy = world.deliver("bea@contoso.example", sender=LI, message_id="begun@adatum.example")
    world.records(a_record(addresses=("new@adatum.example",)))
    world.notify(copy, mailbox=other, attempt=1)
    assert world.outcome(copy, other)[0] == "skipped"


def test_the_first_try_asks_storage_for_none_of_the_mails_that_it_skips() -> None:
    world, _ = a_world()
    item = world.deliver(sender="nobody@unknown.example", message_id="skipped@unknown.example")
    asked: list[Any] = []
    own = world.storage.messages.get_many

    def get_many(tenant_id: str, keys: Any) -> Any:
        asked.extend(keys)
        return own(tenant_id, keys)

    with patch.object(world.storage.messages, "get_many", get_many):
        world.notify(item)
        assert asked == []
        world.notify(item, attempt=1)
    assert asked == [key_of("skipped@unknown.example")]
