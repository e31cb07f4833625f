"""Retention: what is older than the organisation wants is taken away at night, and does not come back."""

from datetime import timedelta

import pytest

from shared.domain.commands.commands import ApplyRetention
from tests.builders import NOW, TENANT, a_record
from tests.fakes import Killed
from tests.unit.services.world import World

OLD = NOW - timedelta(days=31)


@pytest.fixture
def world() -> World:
    return a_world()


def a_world() -> World:
    """An old mail and a new one, filed; an old one and a new one that were skipped."""
    made = World()
    made.records(a_record())
    made.notify(
        made.deliver(subject="Old", message_id="old@x", received_at=OLD),
        made.deliver(subject="New", message_id="new@x"),
        made.deliver(sender="sam@adatum.example", message_id="s1@x", received_at=OLD),
        made.deliver(sender="sam@adatum.example", message_id="s2@x"),
        unbounded=True,
    )
    made.work()
    made.configure(retention_days=30)
    made.storage.faults.clear()
    return made


def night(world: World) -> None:
    world.queue_retention()
    world.work()


def test_old_mail_goes_with_its_rows_and_new_mail_stays(world: World) -> None:
    night(world)
    assert [one.subject for one in world.timeline()] == ["New"]
    subjects = [row.document.subject for row in world.storage.messages.rows.values() if row.document]
    assert subjects == ["New"]
    assert all(one.received_at > OLD for one in world.storage.sightings.all(world.mailbox).values())
    assert len(world.storage.sightings.all(world.mailbox)) == 2
    assert [(one.what, one.by) for one in world.storage.audit.of(TENANT)] == [("expire", "postledger")]


def test_it_does_not_come_back(world: World) -> None:
    night(world)
    item = world.deliver(subject="Old", message_id="old@x", received_at=OLD)
    world.notify(item, unbounded=True)
    world.work()
    assert [one.subject for one in world.timeline()] == ["New"]


def test_nothing_goes_without_a_retention(world: World) -> None:
    world.configure(retention_days=0)
    night(world)
    assert [one.subject for one in world.timeline()] == ["New", "Old"]


def test_a_retention_lifted_or_prolonged_meanwhile_spares_mail(world: World) -> None:
    world.queue_retention()
    world.configure(retention_days=365)
    world.work()
    assert [one.subject for one in world.timeline()] == ["New", "Old"]


def test_a_disabled_organisations_mail_expires_too(world: World) -> None:
    world.configure(retention_days=30, enabled=False)
    night(world)
    assert [one.subject for one in world.timeline()] == ["New"]


def test_many_messages_take_many_commands(world: World) -> None:
    ids = [world.deliver(subject="Old", message_id=f"{n}@x", received_at=OLD) for n in range(120)]
    for start in range(0, 120, 20):
        world.notify(*ids[start : start + 20], unbounded=True)
    world.work()
    world.queue_retention()
    pages = 0
    while world.storage.queue.sent:
        command, _ = world.storage.queue.sent.pop(0)
        pages += isinstance(command, ApplyRetention) and command.step == "messages"
        world.run(command)
    assert pages == 2
    assert [one.subject for one in world.timeline()] == ["New"]


def test_an_erasure_whose_command_was_lost_is_taken_up(world: World) -> None:
    world.configure(retention_days=0)
    world.ask_erasure(TENANT, "li@fabrikam.example", "admin")
    world.storage.queue.sent.clear()
    night(world)
    assert [one.state for one in world.storage.erasures.rows.values()] == ["running"]
    world.now += timedelta(hours=7)
    night(world)
    assert [one.state for one in world.storage.erasures.rows.values()] == ["done"]


def finished(world: World) -> str:
    world.now += timedelta(minutes=20)
    world.sweep_decisions()
    world.work()
    storage = world.storage
    messages = {
        key: (row.message.state, row.message.fingerprint, row.document)
        for key, row in storage.messages.rows.items()
        if row.message
    }
    audit = {(one.what, one.subjects) for one in storage.audit.rows.values()}
    return repr(
        (messages, storage.timeline.rows, storage.sightings.rows, sorted(audit), storage.inbox.pending)
    )


def whole_run() -> tuple[int, str]:
    made = a_world()
    night(made)
    return len(made.storage.faults.writes), finished(made)


WRITES, FINISHED = whole_run()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, WRITES + 1))
def test_a_worker_killed_at_any_write_leaves_what_running_again_finishes(number: int, after: bool) -> None:
    world = a_world()
    faults = world.storage.faults
    (faults.kill_after if after else faults.kill_before)(number)
    killed = 0
    try:
        world.queue_retention()
    except Killed:
        killed = 1
        world.queue_retention()
    while world.storage.queue.sent:
        command, delay = world.storage.queue.sent.pop(0)
        try:
            world.run(command)
        except Killed:
            killed += 1
            world.storage.queue.sent.insert(0, (command, delay))
    assert killed == 1
    assert finished(world) == FINISHED
