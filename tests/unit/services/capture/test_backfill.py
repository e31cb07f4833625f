"""Backfill: history comes once, silently, in small steps; a crash anywhere repeats a step and loses none."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.capture.backfills import STALLED_AFTER
from shared.domain.capture.pending import PendingRow, command_in
from shared.domain.commands.commands import MAX_IDS, BackfillMailbox, FileHistory
from shared.domain.errors import InvalidInput, PageBroken, Throttled, Unavailable, WrongState
from shared.services.capture.backfill import PAUSE
from tests.builders import AGENT, NOW, a_record
from tests.fakes import Killed
from tests.fakes.mail import FakeOpenMailbox
from tests.unit.services.world import World

STRANGER = "stranger@adatum.example"
SINCE = NOW - timedelta(days=60)


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    return made


def history(world: World, count: int, **mail: Any) -> list[str]:
    """One mail an hour, up to ten days ago."""
    return [
        world.deliver(
            message_id=f"{number}@fabrikam.example",
            received_at=NOW - timedelta(days=10, hours=number),
            **mail,
        )
        for number in range(count)
    ]


def start(world: World, since: datetime = SINCE) -> None:
    world.manage_backfill.start(world.mailbox, since)


def state(world: World) -> tuple[str, int, int]:
    found = world.storage.backfills.get(world.mailbox)
    assert found is not None
    return found.state, found.done, found.expected


def step(world: World, **changes: Any) -> None:
    """Carry out the one step that is asked for, and file what stands before it."""
    world.only_one_group_a_turn()
    for command in world.storage.queue.take(BackfillMailbox):
        world.run(replace(command, **changes))
        return
    before = steps(world)
    while steps(world) == before:
        [wake_up] = world.storage.queue.take(FileHistory)
        world.run(wake_up)


def steps(world: World) -> int:
    found = world.storage.backfills.get(world.mailbox)
    assert found is not None
    return found.step


def next_steps(world: World) -> list[PendingRow]:
    return [row for row in world.worklist() if row.kind == "BackfillMailbox"]


def test_history_before_the_window_comes_in_and_is_counted(world: World) -> None:
    history(world, 60)
    history(world, 4, sender=AGENT, to=("buyer@fabrikam.example",), folder="sentitems", subject="Sent")
    start(world)
    world.work()
    assert state(world) == ("done", 64, 64)
    assert len(world.timeline()) == 64


def test_what_is_not_kept_is_not_read(world: World) -> None:
    ids = history(world, 5, sender=STRANGER)
    start(world)
    world.work()
    assert world.mail.bodies_read == {}
    assert {world.outcome(one) for one in ids} == {("skipped", "unknown_people")}


def test_without_one_old_mail_stays_outside(world: World) -> None:
    old = history(world, 1)
    world.notify(*old)
    assert world.outcome(old[0]) == ("skipped", "before_window")
    start(world)
    world.work()
    assert world.outcome(old[0]) == ("filed", "contact_address")


def test_nothing_before_since_is_read(world: World) -> None:
    history(world, 5)
    start(world, since=NOW - timedelta(days=10, hours=1, minutes=30))
    world.work()
    assert state(world) == ("done", 2, 2)


def test_what_is_filed_already_is_not_read_again(world: World) -> None:
    world.deliver()
    world.walk()
    world.work()
    world.mail.bodies_read.clear()
    start(world)
    world.work()
    assert world.mail.bodies_read == {}
    assert state(world) == ("done", 1, 1)


def test_a_step_holds_one_page_and_leaves_one_step(world: World) -> None:
    world.mail.page_size = 7
    history(world, 30)
    start(world)
    step(world)
    for done in (6, 12, 18):  # a page less the second in which it ended
        step(world)
        assert state(world) == ("running", done, 30)
        assert len(next_steps(world)) == 1
        assert len(world.waiting()) == done
        assert [type(one) for one in world.storage.queue.commands] == [FileHistory]


def test_live_mail_does_not_wait_for_it(world: World) -> None:
    world.mail.page_size = 7
    history(world, 30)
    start(world)
    step(world)
    step(world)
    live = world.deliver(message_id="live@fabrikam.example")
    world.notify(live)
    assert world.outcome(live)[0] == "filed"
    assert state(world)[0] == "running"


def test_an_answer_in_history_that_comes_before_its_parent_is_rescued(world: World) -> None:
    answer = world.deliver(
        sender=STRANGER,
        message_id="answer@adatum.example",
        in_reply_to=("sent@contoso.example",),
        received_at=NOW - timedelta(days=9),
    )
    world.deliver(
        folder="sentitems",
        sender=AGENT,
        to=("buyer@fabrikam.example",),
        message_id="sent@contoso.example",
        received_at=NOW - timedelta(days=10),
    )
    start(world)
    world.work()
    assert world.outcome(answer) == ("filed", "thread")


def test_a_second_one_is_refused_while_one_runs(world: World) -> None:
    history(world, 1)
    start(world)
    with pytest.raises(WrongState, match="running"):
        start(world)
    world.work()
    start(world, since=SINCE - timedelta(days=1))
    world.work()
    assert state(world)[0] == "done"


@pytest.mark.parametrize("since", [NOW + timedelta(days=1), NOW])
def test_since_is_a_time_in_the_past(world: World, since: datetime) -> None:
    with pytest.raises(InvalidInput):
        start(world, since=since)


def test_a_cancelled_one_stops_and_what_it_filed_stays(world: World) -> None:
    world.mail.page_size = 7
    history(world, 30)
    start(world)
    step(world)
    step(world)
    world.manage_backfill.cancel(world.mailbox)
    world.work()
    assert state(world) == ("cancelled", 6, 30)
    assert len(world.timeline()) == 6
    assert world.manage_backfill.cancel(world.mailbox) is None
    start(world)
    world.work()
    assert state(world)[:2] == ("done", 30)
    assert len(world.timeline()) == 30


def test_one_that_is_cancelled_under_a_step_stops_behind_it(world: World) -> None:
    history(world, 3)
    start(world)
    step(world)
    world.storage.faults.clear()
    cancelled: list[object] = []

    class Cancelling(FakeOpenMailbox):
        def list(self, *given: Any, **more: Any) -> Any:
            cancelled.append(world.manage_backfill.cancel(world.mailbox))
            return FakeOpenMailbox.list(self, *given, **more)

    world.mail.opened = Cancelling
    world.work()
    assert state(world)[0] == "cancelled"
    assert cancelled


def test_a_command_of_another_step_does_nothing(world: World) -> None:
    history(world, 3)
    start(world)
    step(world, step=7)
    assert world.mail.calls == {}
    assert world.storage.queue.commands == []


def test_a_paused_mailbox_is_looked_at_again_later(world: World) -> None:
    history(world, 3)
    start(world)
    world.rewrite(enabled=False)
    step(world)
    [(command, delay)] = world.storage.queue.sent
    assert (type(command), delay) == (BackfillMailbox, PAUSE)
    world.rewrite(enabled=True)
    world.work()
    assert state(world) == ("done", 3, 3)


@pytest.mark.parametrize("change", [{"state": "removing"}])
def test_a_mailbox_that_is_leaving_ends_it(world: World, change: dict[str, Any]) -> None:
    history(world, 3)
    start(world)
    world.rewrite(**change)
    step(world)
    assert world.storage.queue.commands == []


def test_it_waits_for_the_first_walk(world: World) -> None:
    world.storage.folder_states.forget(world.mailbox)
    start(world)
    with pytest.raises(Unavailable):
        step(world)


def test_a_folder_that_is_gone_is_passed_over(world: World) -> None:
    history(world, 3)
    del world.mail._boxes[AGENT].logs["archive-folder"]
    start(world)
    world.work()
    assert state(world) == ("done", 3, 3)


def test_an_item_that_breaks_its_page_is_told_and_passed(world: World) -> None:
    world.mail.page_size = 4
    ids = history(world, 20)
    world.mail.poison = {ids[9]}
    world.mail.failing[ids[9]] = Unavailable("500")
    start(world)
    world.work()
    assert state(world) == ("done", 20, 20)
    assert len(world.timeline()) == 19
    assert [(one.code, one.item) for one in world.storage.exceptions.all] == [("poison_item", ids[9])]


def test_a_mail_that_cannot_be_read_whole_is_told_and_passed(world: World) -> None:
    ids = history(world, 20)
    world.mail.failing[ids[9]] = Unavailable("500")
    start(world)
    world.work()
    assert state(world)[0] == "done"
    assert [one.item for one in world.storage.exceptions.all] == [ids[9]]


def test_an_outage_gives_nothing_up(world: World) -> None:
    outage = [Unavailable("500")] * 999
    world.mail.failing |= dict.fromkeys(history(world, 5), outage[0])
    for method in ("folders", "list"):
        world.mail.fail(method, PageBroken("500"), *outage)
    start(world)
    with pytest.raises(AssertionError, match="do not empty"):
        world.work()
    world.mail._failures.clear()
    world.mail.fail("folders", *outage)
    world.mail.fail("messages", Throttled("slow", 9.0))
    with pytest.raises(AssertionError, match="do not empty"):
        world.work()
    assert world.storage.exceptions.all == []
    world.mail.failing.clear()
    world.work()
    assert len(world.timeline()) == 5


def a_world() -> World:
    world = World()
    world.mail.page_size = 5
    world.records(a_record())
    history(world, 12)
    history(world, 3, sender=STRANGER, folder="archive", subject="None of yours")
    world.deliver()
    world.walk()
    world.work()
    start(world)
    world.storage.faults.clear()
    return world


def finished() -> tuple[dict[str, Any], int]:
    world = a_world()
    world.work()
    return world.rows(), len(world.storage.faults.writes)


FINISHED, WRITES = finished()


@pytest.mark.parametrize("number", range(1, WRITES + 1))
@pytest.mark.parametrize("after", [False, True])
def test_a_backfill_killed_at_any_write_loses_and_doubles_nothing(number: int, after: bool) -> None:
    """The command of the killed worker comes back, as the queue gives it back."""
    world = a_world()
    (world.storage.faults.kill_after if after else world.storage.faults.kill_before)(number)
    while world.storage.queue.sent:
        command, _ = world.storage.queue.sent[0]
        try:
            world.run(command)
        except Killed:
            continue
        world.storage.queue.sent.remove((command, _))
    assert state(world) == ("done", 16, 16)
    assert world.rows() == FINISHED


def test_a_passing_error_between_two_steps_holds_it_up_for_seconds(world: World) -> None:
    """The step has been taken, and the row of the next one could not be written: its run is repeated at once."""
    world.mail.page_size = 3
    history(world, 12)
    start(world)
    step(world)
    put, failed = world.storage.pending.put, []

    def busy(tenant_id: str, mailbox_id: str, rows: Any) -> None:
        if not failed and any(row.kind == "BackfillMailbox" for row in rows):
            failed.append(rows)
            raise Unavailable("storage is busy")
        put(tenant_id, mailbox_id, rows)

    world.storage.pending.put = busy  # type: ignore[method-assign]
    world.work()
    assert failed
    assert state(world) == ("done", 12, 12)
    assert world.now - NOW < timedelta(minutes=1)


def test_a_command_that_comes_twice_leaves_one_step_behind(world: World) -> None:
    world.mail.page_size = 3
    history(world, 12)
    start(world)
    step(world)
    [row] = next_steps(world)
    for _ in range(2):
        world.run(command_in(row))
    assert [command_in(left).step for left in next_steps(world)] == [1, 2]
    world.work()
    assert state(world) == ("done", 12, 12)


def test_folders_are_filed_side_by_side_and_an_answer_comes_behind_what_it_answers(world: World) -> None:
    world.mail.page_size = 4
    for number in range(20):
        at = NOW - timedelta(days=10, hours=-number)
        sent, answer = f"sent{number}@contoso.example", f"answer{number}@fabrikam.example"
        world.deliver(message_id=answer, in_reply_to=(sent,), received_at=at + timedelta(minutes=5))
        world.deliver(
            folder="sentitems",
            sender=AGENT,
            to=("buyer@fabrikam.example",),
            message_id=sent,
            received_at=at,
        )
    start(world)
    world.work()
    assert state(world) == ("done", 40, 40)
    kinds = [entry.kind for entry in world.timeline()]
    assert (kinds.count("reply"), kinds.count("synced")) == (20, 20)
    assert set(world.mail.bodies_read.values()) == {1}
    bodies = [world.mail._boxes[AGENT].messages[item].head.received_at for item in world.mail.bodies_read]
    assert bodies == sorted(bodies)


def test_few_rows_wait_however_much_history_there_is(world: World) -> None:
    history(world, 300)
    start(world)
    most = 0
    put = world.storage.pending.put

    def counted(*given: Any) -> None:
        nonlocal most
        put(*given)
        most = max(most, len(world.waiting()))

    world.storage.pending.put = counted  # type: ignore[method-assign]
    world.work()
    assert state(world) == ("done", 300, 300)
    assert most < 50 + MAX_IDS


def test_one_that_has_stalled_is_taken_up_by_asking_again(world: World) -> None:
    history(world, 3)
    start(world)
    world.storage.queue.sent.clear()
    world.now += STALLED_AFTER
    start(world)
    world.work()
    assert state(world) == ("done", 3, 3)


def test_a_step_s_command_names_the_step(world: World) -> None:
    start(world)
    found = world.storage.backfills.get(world.mailbox)
    assert found is not None
    command = BackfillMailbox.of(world.mailbox, NOW, step=found.step)
    assert BackfillMailbox.from_json(command.to_json()) == command
