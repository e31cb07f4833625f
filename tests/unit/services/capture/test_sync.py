"""Walks: page by page from the cursors; a crash repeats a page and loses none."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import telemetry
from shared.domain.capture.folders import FolderState
from shared.domain.capture.pending import Flags, Lane
from shared.domain.capture.worklist import wake_up
from shared.domain.commands.commands import FileHistory, SyncMailbox
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Unavailable
from shared.services.capture import sync
from tests.builders import AGENT, NOW, TENANT, a_record
from tests.fakes import Killed
from tests.log import lines
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


def test_a_walk_brings_every_mail_in_every_captured_folder(world: World) -> None:
    many(world, 3)
    world.deliver(
        folder="sentitems", sender=AGENT, to=("buyer@fabrikam.example",), message_id="sent@contoso.example"
    )
    world.deliver(folder="archive", message_id="kept@fabrikam.example")
    world.walk()
    world.work()
    assert len(world.timeline()) == 5


def test_only_keepers_are_queued_and_no_body_of_the_rest_is_read(world: World) -> None:
    skipped = many(world, 4, sender=STRANGER)
    kept = world.deliver()
    world.walk()
    [row] = world.worklist()
    assert (row.item, row.flags, row.lane) == (kept, Flags(screened=True), Lane.HISTORY)
    assert world.mail.bodies_read == {}
    world.work()
    assert set(world.mail.bodies_read) == {kept}
    assert {world.outcome(one) for one in skipped} == {("skipped", "unknown_people")}


def test_keepers_stand_in_the_worklist_by_receipt_time_and_are_filed_in_groups_of_twenty(
    world: World,
) -> None:
    newest_first = many(world, 45)
    world.walk()
    assert world.waiting() == newest_first[::-1]
    world.work()
    assert list(world.mail.bodies_read) == newest_first[::-1]
    assert world.mail.calls["messages"] == 3


def test_a_first_walk_is_history_and_calls_for_somebody_who_runs_it(world: World) -> None:
    many(world, 2)
    world.walk()
    assert {row.lane for row in world.worklist()} == {Lane.HISTORY}
    assert [type(command) for command in world.storage.queue.commands] == [FileHistory]


def test_what_a_later_walk_finds_is_live_up_to_a_group(world: World) -> None:
    world.walk()
    many(world, 20)
    world.walk()
    assert len(world.timeline()) == 20
    assert world.storage.queue.commands == []


def test_more_than_a_group_is_history(world: World) -> None:
    world.walk()
    many(world, 15, folder="sentitems", sender=AGENT, to=("buyer@fabrikam.example",), subject="Sent")
    for number in range(15):
        world.deliver(message_id=f"more{number}@fabrikam.example")
    world.walk()
    assert len(world.timeline()) == 15
    assert {row.lane for row in world.worklist()} == {Lane.HISTORY}
    world.work()
    assert len(world.timeline()) == 30


def test_a_walk_reads_all_folders_before_the_first_body_and_answers_come_behind_what_they_answer(
    world: World,
) -> None:
    for number in range(30):
        earlier = NOW - timedelta(hours=1, minutes=-number)
        sent, answer = f"sent{number}@contoso.example", f"answer{number}@fabrikam.example"
        world.deliver(message_id=answer, in_reply_to=(sent,), received_at=earlier + timedelta(seconds=30))
        world.deliver(
            folder="sentitems",
            sender=AGENT,
            to=("buyer@fabrikam.example",),
            message_id=sent,
            received_at=earlier,
        )
    world.mail.page_size = 7
    world.walk()
    world.work()
    kinds = [entry.kind for entry in world.timeline()]
    assert (kinds.count("reply"), kinds.count("synced")) == (30, 30)
    assert not [row for row in world.storage.messages.rows.values() if row.dependents and not row.message]
    assert set(world.mail.bodies_read.values()) == {1}
    assert world.mail.calls["heads"] == 0


def test_the_next_walk_reads_only_what_is_new(world: World) -> None:
    many(world, 3)
    world.walk()
    world.work()
    world.mail.bodies_read.clear()
    new = world.deliver(message_id="new@fabrikam.example")
    world.walk()
    assert set(world.mail.bodies_read) == {new}


def test_what_a_notification_has_already_brought_is_not_queued_again(world: World) -> None:
    item = world.deliver()
    world.notify(item)
    world.walk()
    assert world.storage.queue.commands == []


def test_a_change_that_names_a_message_only_in_part_is_completed_before_deciding(world: World) -> None:
    item = world.deliver()
    world.walk()
    world.storage.pending.rows.clear()
    world.storage.sightings.rows.clear()
    world.mail.touch(AGENT, item)
    world.walk()
    assert world.waiting() == []
    assert world.outcome(item) == ("filed", "contact_address")
    assert world.mail.calls["heads"] == 1


def test_junk_that_is_moved_to_the_inbox_counts_as_arrival(world: World) -> None:
    item = world.deliver(folder="junkemail")
    world.notify(item)
    assert world.outcome(item) == ("skipped", "folder:junkemail")
    world.mail.move(AGENT, item, "inbox-folder")
    world.walk()
    world.work()
    assert world.outcome(item) == ("filed", "contact_address")


def test_a_new_folder_is_walked_too(world: World) -> None:
    world.mail.add_folder(AGENT, "viewings-folder", parent_id="inbox-folder")
    world.deliver(folder="viewings")
    world.walk()
    world.work()
    assert len(world.timeline()) == 1


def test_well_known_names_are_asked_for_only_when_a_folder_is_new(world: World) -> None:
    world.walk()
    world.mail.calls.clear()
    world.walk()
    assert world.mail.calls["roles"] == 0
    world.mail.add_folder(AGENT, "new-folder")
    world.walk()
    assert world.mail.calls["roles"] == 1


def test_a_folder_that_comes_back_from_deleted_items_is_captured_again(world: World) -> None:
    folder = world.mail.add_folder(AGENT, "viewings-folder", parent_id="deleteditems-folder")
    world.walk()
    world.mail.add_folder(AGENT, folder, parent_id="inbox-folder")
    world.deliver(folder="viewings")
    world.walk()
    world.work()
    assert len(world.timeline()) == 1


def test_a_folder_that_was_moved_to_deleted_items_is_left_out_from_then_on(world: World) -> None:
    folder = world.mail.add_folder(AGENT, "viewings-folder", parent_id="inbox-folder")
    world.walk()
    world.mail.add_folder(AGENT, folder, parent_id="deleteditems-folder")
    world.deliver(folder="viewings")
    world.walk()
    assert world.storage.queue.commands == []
    state = world.storage.folder_states.get(world.mailbox, folder)
    assert state is not None
    assert (state.kind, state.captured) == ("deleteditems", False)


def test_mail_before_the_window_is_not_asked_for(world: World) -> None:
    world.deliver(received_at=NOW - timedelta(days=3))
    world.walk()
    assert world.storage.queue.commands == []


def test_an_expired_delta_is_walked_again_and_loses_nothing(world: World) -> None:
    many(world, 3)
    world.walk()
    world.work()
    world.mail.expire(AGENT)
    world.deliver(message_id="new@fabrikam.example")
    world.walk()
    world.work()
    assert len(world.timeline()) == 4


def test_a_folder_that_fails_for_now_does_not_keep_the_others_waiting(world: World) -> None:
    many(world, 2, folder="sentitems", sender=AGENT, to=("buyer@fabrikam.example",))
    world.mail.fail("changes", Unavailable("down"))
    with pytest.raises(Unavailable):
        world.walk()
    assert len(world.waiting()) == 2
    assert FileHistory in {type(command) for command in world.storage.queue.commands}


def test_a_walk_gives_up_where_everything_fails(world: World) -> None:
    for number in range(9):
        world.mail.add_folder(AGENT, f"f{number}-folder")
    world.mail.fail("changes", *[Unavailable("down")] * 20)
    with pytest.raises(Unavailable):
        world.walk()
    assert world.mail.calls["changes"] == sync.MOST_FAILED + 1


def test_a_wait_that_graph_asks_for_ends_the_walk_at_once(world: World) -> None:
    world.mail.fail("changes", Unavailable("slow down", 30))
    world.walk()
    assert world.mail.calls["changes"] == 1


def test_a_mailbox_that_is_held_is_walked_by_its_holder(world: World) -> None:
    lease = world.hold()
    world.walk()
    assert world.mail.calls == {}
    lease.release()
    world.run(wake_up(Lane.LIVE, TENANT, world.mailbox.mailbox_id, now=world.now))
    assert world.mail.calls["changes"] > 0
    assert world.worklist() == []


def test_a_walk_that_a_later_one_has_covered_is_not_made_again(world: World) -> None:
    waiting = SyncMailbox.of(world.mailbox, NOW)
    world.now = NOW + sync.CLOCK_SKEW
    world.walk()
    asked = dict(world.mail.calls)
    world.run(waiting)
    assert world.mail.calls == asked


def test_of_many_walks_that_wait_one_is_made_and_it_is_the_latest(world: World) -> None:
    first, later = (SyncMailbox.of(world.mailbox, NOW + n * sync.CLOCK_SKEW) for n in range(2))
    lease = world.hold()
    for command in (first, later, first):
        world.run(command)
    [row] = world.worklist()
    assert row.first_at == later.first_at
    lease.release()
    world.now = later.first_at
    world.work()
    assert world.mail.calls["folders"] == 1


def test_a_walk_that_was_asked_for_while_another_began_is_made(world: World) -> None:
    waiting = SyncMailbox.of(world.mailbox, NOW)
    world.now = NOW + sync.CLOCK_SKEW - timedelta(milliseconds=1)
    world.walk()
    asked = world.mail.calls["changes"]
    world.run(waiting)
    assert world.mail.calls["changes"] > asked


def test_a_long_walk_gives_way_and_goes_on_from_its_cursor(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "MAX_PAGES", 2)
    world.mail.page_size = 5
    many(world, 30)
    world.walk()
    assert "SyncMailbox" in {row.kind for row in world.worklist()}
    row = world.storage.mailboxes.by_id(TENANT, world.mailbox.mailbox_id)
    assert row is not None
    assert row.state.last_sync_at is None
    world.work()
    assert len(world.timeline()) == 30


def test_why_a_subscription_was_refused_outlasts_the_walk(world: World) -> None:
    world.rewrite(state="polling", last_error="not reachable")
    world.walk()
    row = world.storage.mailboxes.by_id(TENANT, world.mailbox.mailbox_id)
    assert row is not None
    assert (row.state.name, row.state.last_error, row.state.last_sync_at) == ("polling", "not reachable", NOW)


def test_a_finished_walk_is_noted(world: World) -> None:
    world.rewrite(state="new", last_error="it was down")
    world.walk()
    row = world.storage.mailboxes.by_id(TENANT, world.mailbox.mailbox_id)
    assert row is not None
    assert (row.state.name, row.state.last_error, row.state.last_sync_at) == ("ok", "", NOW)


def test_a_mailbox_that_is_deleted_during_a_walk_stays_deleted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders, put = world.storage.folder_states, world.storage.folder_states.put
    delete = world.delete_mailbox

    def put_while_an_admin_deletes(mailbox: Mailbox, state: FolderState) -> FolderState:
        if is_standing(world):
            delete(TENANT, AGENT)
        return put(mailbox, state)

    monkeypatch.setattr(folders, "put", put_while_an_admin_deletes)
    world.walk()
    assert not is_standing(world)


def test_a_mailbox_with_very_many_folders_is_walked_to_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "MAX_PAGES", 2)
    for number in range(9):
        world.mail.add_folder(AGENT, f"f{number}-folder")
        world.deliver(folder=f"f{number}", message_id=f"{number}@fabrikam.example")
    world.walk()
    world.work()
    assert len(world.timeline()) == 9


@pytest.mark.parametrize("change", [{"enabled": False}, {"state": "removing"}, {"connected_at": None}])
def test_a_mailbox_that_is_not_captured_is_not_walked(world: World, change: dict[str, Any]) -> None:
    world.rewrite(**change)
    world.walk()
    assert world.mail.calls == {}


def is_standing(world: World) -> bool:
    row = world.storage.mailboxes.by_id(TENANT, world.mailbox.mailbox_id)
    return row is not None and row.shown_state != "removing"


def walk_until_done(world: World) -> None:
    try:
        world.walk()
    except (Killed, Unavailable):
        world.walk()
    world.work()


def finished() -> tuple[dict[str, Any], int]:
    world = a_world()
    world.storage.faults.clear()
    world.walk()
    writes = len(world.storage.faults.writes)
    world.work()
    return world.rows(), writes


def a_world() -> World:
    world = World()
    world.mail.page_size = 3
    world.records(a_record())
    many(world, 7)
    many(world, 3, sender=STRANGER, folder="sentitems")
    return world


FINISHED, WRITES = finished()


@pytest.mark.parametrize("number", range(1, WRITES + 1))
@pytest.mark.parametrize("after", [False, True])
def test_a_walk_killed_at_any_write_loses_nothing(number: int, after: bool) -> None:
    world = a_world()
    world.storage.faults.clear()
    (world.storage.faults.kill_after if after else world.storage.faults.kill_before)(number)
    walk_until_done(world)
    assert world.rows() == FINISHED


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["walk", "notify", "expire", "work"]), max_size=12))
def test_walks_and_notifications_in_any_order_end_in_the_same_rows(steps: list[str]) -> None:
    world = a_world()
    ids = list(world.mail._boxes[AGENT].messages)
    for step in steps:
        if step == "walk":
            walk_as_far_as_it_goes(world)
        elif step == "notify":
            world.notify(*ids)
        elif step == "expire":
            world.mail.expire(AGENT)
        else:
            world.work()
    walk_as_far_as_it_goes(world)
    world.work()
    assert world.rows() == FINISHED


def walk_as_far_as_it_goes(world: World) -> None:
    """A cursor that was forgotten in the midst of a first walk is an outage, and the walk comes again."""
    try:
        world.walk()
    except Unavailable:
        world.walk()


def test_it_says_how_many_mails_a_walk_skipped(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.deliver(sender=STRANGER)
    with caplog.at_level(logging.INFO, "postledger"):
        for _ in range(2):
            with telemetry.measured("mail_handled"):
                world.walk()
    said = [line.get("mails_skipped") for line in lines(caplog)]
    assert said == [1, None], "once: a second walk finds it settled"
