"""Reconciliation: what is missing from the ledger, or left behind in it, is found and made up for; all is counted."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.capture.backfills import STALLED_AFTER, Backfill
from shared.domain.commands.commands import SINGLY_AFTER, BackfillMailbox, IngestMessages, ReconcileMailbox
from shared.domain.errors import Unavailable
from shared.services.capture import reconcile
from shared.services.capture.reconcile import SPREAD
from tests.builders import AGENT, NOW, TENANT, a_mailbox, a_record, an_item, an_organisation
from tests.composed import use_cases_over
from tests.fakes import FakePorts, Killed
from tests.unit.services.world import World

STRANGER = "stranger@adatum.example"


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    return made


def many(world: World, count: int, **mail: Any) -> list[str]:
    return [
        world.deliver(
            message_id=f"{number}@fabrikam.example", received_at=NOW - timedelta(minutes=number), **mail
        )
        for number in range(count)
    ]


def sweep(world: World, **more: Any) -> None:
    world.run(
        ReconcileMailbox(tenant_id=TENANT, mailbox_id=world.mailbox.mailbox_id, first_at=world.now, **more)
    )


def counted(world: World) -> dict[str, Any]:
    row = world.storage.mailboxes.by_id(TENANT, world.mailbox.mailbox_id)
    assert row is not None
    found: dict[str, Any] = json.loads(row.state.reconciled)
    return found


def test_mail_that_nobody_saw_is_found(world: World) -> None:
    many(world, 3)
    sweep(world)
    world.work()
    assert len(world.timeline()) == 3
    assert (counted(world)["seen"], counted(world)["repaired"], counted(world)["waiting"]) == (3, 3, 3)


def test_where_all_is_well_nothing_is_asked_for_and_all_is_counted(world: World) -> None:
    many(world, 3)
    world.deliver(message_id="s@adatum.example", sender=STRANGER)
    world.walk()
    world.work()
    world.mail.calls.clear()
    sweep(world)
    assert world.storage.queue.commands == []
    assert (world.mail.calls["heads"], world.mail.calls["messages"]) == (0, 0)
    found = counted(world)
    assert (found["seen"], found["filed"], found["repaired"]) == (4, 3, 0)
    assert found["skipped"] == {"unknown_people": 1}
    assert found["at"] == NOW.isoformat()


def test_the_next_sweep_counts_what_the_last_one_repaired_as_filed(world: World) -> None:
    many(world, 3)
    sweep(world)
    world.work()
    sweep(world)
    assert (counted(world)["filed"], counted(world)["repaired"], counted(world)["waiting"]) == (3, 0, 0)


def test_what_is_about_to_be_read_is_left_alone(world: World) -> None:
    item = world.deliver()
    world.walk()
    world.only_one_group_a_turn()
    sweep(world)
    assert world.mail.calls["heads"] == 0
    assert (counted(world)["waiting"], counted(world)["repaired"]) == (1, 0)
    assert world.waiting() == [item]


@pytest.mark.parametrize("lost", ["queued", "failed"])
def test_what_was_left_behind_is_queued_again(world: World, lost: str) -> None:
    item = world.deliver()
    world.walk()
    world.storage.queue.sent.clear()
    rows = world.storage.sightings.rows[TENANT, world.mailbox.mailbox_id]
    for key, row in list(rows.items()):
        rows[key] = replace(row, outcome=lost)
    world.now += timedelta(minutes=10)
    sweep(world)
    world.work()
    assert world.outcome(item)[0] == "filed"


def test_a_skip_that_was_not_final_is_decided_anew_where_the_mail_now_lies(world: World) -> None:
    item = world.deliver(folder="junkemail")
    world.notify(item)
    world.mail.move(AGENT, item, "inbox-folder")
    sweep(world)
    world.work()
    assert world.outcome(item) == ("filed", "contact_address")


def test_excluded_folders_are_not_looked_at(world: World) -> None:
    world.deliver(folder="junkemail")
    sweep(world)
    assert counted(world)["seen"] == 0


def test_only_mail_of_the_last_day_is_news(world: World) -> None:
    world.rewrite(connected_at=NOW - timedelta(days=9))
    old = world.deliver(received_at=NOW - timedelta(hours=30), message_id="old@fabrikam.example")
    new = world.deliver(message_id="new@fabrikam.example")
    world.only_one_group_a_turn()
    sweep(world)
    assert {row.item: row.flags.silent for row in world.worklist()} == {old: True, new: False}


def test_the_window_is_two_days_or_what_was_asked_for(world: World) -> None:
    world.rewrite(connected_at=NOW - timedelta(days=90))
    world.deliver(received_at=NOW - timedelta(days=5), message_id="old@fabrikam.example")
    sweep(world)
    assert counted(world)["seen"] == 0
    sweep(world, since=NOW - timedelta(days=6))
    assert counted(world)["seen"] == 1
    assert counted(world)["from"] == (NOW - timedelta(days=6)).isoformat()


def test_mail_before_the_capture_window_is_nobodys_business(world: World) -> None:
    world.deliver(received_at=NOW - timedelta(days=5), message_id="old@fabrikam.example")
    sweep(world, since=NOW - timedelta(days=60))
    assert counted(world)["seen"] == 0


def test_a_folder_that_is_gone_stops_nothing(world: World) -> None:
    world.deliver()
    boxes = world.mail._boxes[AGENT]
    del boxes.logs["archive-folder"]
    sweep(world)
    assert counted(world)["seen"] == 1


@pytest.mark.parametrize("change", [{"enabled": False}, {"state": "removing"}, {"state": "no_access"}])
def test_a_mailbox_that_is_not_read_is_not_compared(world: World, change: dict[str, Any]) -> None:
    world.rewrite(**change)
    sweep(world)
    assert world.mail.calls == {}


def test_a_long_sweep_gives_way_and_counts_everything_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "MAX_PAGES", 2)
    world.mail.list_size = 3
    many(world, 20)
    world.deliver(
        folder="sentitems", sender=AGENT, to=("buyer@fabrikam.example",), message_id="s@contoso.example"
    )
    world.only_one_group_a_turn()
    sweep(world)
    assert "ReconcileMailbox" in {row.kind for row in world.worklist()}
    world.work()
    assert (counted(world)["seen"], counted(world)["repaired"]) == (21, 21)
    assert len(world.timeline()) == 21


def test_one_mail_that_cannot_be_read_is_told_and_the_others_are_repaired(world: World) -> None:
    ids = many(world, 5)
    world.mail.failing[ids[2]] = Unavailable("500")
    with pytest.raises(Unavailable):
        sweep(world)
    sweep(world, attempt=SINGLY_AFTER)
    world.work()
    assert len(world.timeline()) == 4
    assert [(one.code, one.item) for one in world.storage.exceptions.all] == [("poison_item", ids[2])]


def test_when_no_mail_can_be_read_nothing_is_given_up(world: World) -> None:
    for one in many(world, 5):
        world.mail.failing[one] = Unavailable("500")
    with pytest.raises(Unavailable):
        sweep(world, attempt=SINGLY_AFTER)
    assert world.storage.exceptions.all == []


def test_a_backfill_whose_command_was_lost_is_taken_up(world: World) -> None:
    world.storage.backfills.put(
        world.mailbox, Backfill.starting(NOW - timedelta(days=90), NOW - STALLED_AFTER, None)
    )
    sweep(world)
    assert [type(one) for one in world.storage.queue.commands] == [BackfillMailbox]


def test_every_night_each_enabled_mailbox_is_asked_for_once_within_an_hour() -> None:
    storage = FakePorts()
    storage.organisations.put(an_organisation())
    storage.organisations.put(an_organisation(tenant_id="2" * 36, enabled=False))
    for number in range(30):
        box = f"{number * 7919:08x}" + "0" * 24
        storage.mailboxes.save(a_mailbox(mailbox_id=box, address=f"b{number}@contoso.example"))
    storage.mailboxes.save(a_mailbox(mailbox_id="f" * 32, address="off@contoso.example", enabled=False))
    storage.mailboxes.save(a_mailbox(tenant_id="2" * 36, mailbox_id="e" * 32))
    use_cases_over(storage).reconcile_all()
    assert len(storage.queue.sent) == 30
    delays = [delay for _, delay in storage.queue.sent]
    assert 0 <= min(delays) < max(delays) < SPREAD
    assert len(set(delays)) > 20


def a_world() -> World:
    world = World()
    world.mail.list_size = 3
    world.records(a_record())
    many(world, 5)
    world.walk()
    world.work()
    for number in range(4):
        world.deliver(
            message_id=f"missed{number}@fabrikam.example", received_at=NOW - timedelta(seconds=number)
        )
    world.deliver(message_id="s@adatum.example", sender=STRANGER)
    world.storage.faults.clear()
    return world


def finished() -> tuple[dict[str, Any], int]:
    world = a_world()
    sweep(world)
    writes = len(world.storage.faults.writes)
    world.work()
    return world.rows(), writes


FINISHED, WRITES = finished()


@pytest.mark.parametrize("number", range(1, WRITES + 1))
@pytest.mark.parametrize("after", [False, True])
def test_a_sweep_killed_at_any_write_loses_and_doubles_nothing(number: int, after: bool) -> None:
    world = a_world()
    (world.storage.faults.kill_after if after else world.storage.faults.kill_before)(number)
    with pytest.raises(Killed):
        sweep(world)
    sweep(world)
    world.work()
    assert world.rows() == FINISHED
    assert counted(world)["seen"] == 10


def test_a_sweep_s_command_survives_its_queue(world: World) -> None:
    command = ReconcileMailbox(
        tenant_id=TENANT, mailbox_id="m", first_at=NOW, since=NOW, start=NOW, after="f", counted="{}"
    )
    assert ReconcileMailbox.from_json(command.to_json()) == command
    assert ReconcileMailbox.of(a_mailbox(), NOW).since is None
    assert (
        IngestMessages(tenant_id=TENANT, mailbox_id="m", first_at=NOW, items=(an_item(),)).unbounded is False
    )
