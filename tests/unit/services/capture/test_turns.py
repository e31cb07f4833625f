"""Turns: one holder a mailbox; nobody waits for it or is put back, nor calls Graph before its wait is over."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from dev.processes import PATIENCE, wait_for
from shared.domain import names
from shared.domain.capture.pending import EARLIEST, HOPELESS_AFTER, MOST_TRIES, Flags, Lane, PendingRow
from shared.domain.capture.worklist import next_group, wake_up
from shared.domain.commands.advice import BUG, POISON, POISON_ITEM
from shared.domain.commands.commands import (
    SINGLY_AFTER,
    BackfillMailbox,
    FileHistory,
    IngestMessages,
    MaintainSubscription,
    ReconcileMailbox,
    SyncMailbox,
    WakeMailbox,
)
from shared.domain.commands.families import MAIL
from shared.domain.errors import AccessDenied, Noted, Rejected, Throttled, Unavailable
from shared.services.capture.holding import ATTEND_EVERY, MOST_FAILED
from shared.services.capture.reconcile import Reconcile
from shared.services.capture.row_outcomes import PUT_OFF
from shared.services.capture.sync import Sync
from shared.services.capture.turns import MARGIN
from shared.services.capture.waking import STALE
from shared.services.commands.occupancy import Occupancy
from shared.triggers.queue import MAX_DEQUEUE_COUNT, SPLIT_AT, Outcomes, handle
from tests.builders import AGENT, CONTACT, NOW, TENANT, a_pending_mail, a_record, an_item
from tests.fakes import Killed
from tests.fakes.work import FakeLease
from tests.log import events, lines
from tests.unit.services.world import World
from tests.unit.triggers.test_queue import Message

SECOND = "second@contoso.example"


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    return made


def mails(world: World, count: int, **more: object) -> list:
    return [
        world.deliver(
            message_id=f"{number}@fabrikam.example",
            received_at=NOW - timedelta(minutes=count - number),
            **more,
        )
        for number in range(count)
    ]


def put(world: World, *items: object, **more: object) -> None:
    """Into the worklist, in this order, behind what stands there."""
    begin = NOW - timedelta(hours=1) + timedelta(seconds=len(world.worklist()))
    rows = [
        a_pending_mail(item=item, at=begin + timedelta(seconds=place), **more)
        for place, item in enumerate(items)
    ]
    world.storage.pending.put(TENANT, world.mailbox.mailbox_id, rows)


def wake(world: World) -> None:
    world.run(wake_up(Lane.LIVE, TENANT, world.mailbox.mailbox_id, now=world.now))


def wake_history(world: World) -> None:
    world.run(wake_up(Lane.HISTORY, TENANT, world.mailbox.mailbox_id, now=world.now))


def seen_by_others(world: World, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the process is somebody's alone, at each time that a mailbox is opened."""
    occupancy, open_to = world.use_cases.part(Occupancy), type(world.mail).open
    seen: list[bool] = []

    def opened(mail: Any, mailbox: Any) -> Any:
        with ThreadPoolExecutor(1) as other:
            seen.append(other.submit(lambda: occupancy.is_wanted).result(PATIENCE))
        return open_to(mail, mailbox)

    monkeypatch.setattr(type(world.mail), "open", opened)
    return seen


def lose(world: World) -> None:
    """Access is lost, and a walk has found out."""
    world.mail.fail("folders", *[AccessDenied("no", "ErrorAccessDenied")] * 2)
    with pytest.raises(Noted):
        world.walk()
    world.storage.queue.sent.clear()


def kinds(world: World) -> list[str]:
    return [row.kind for row in world.worklist()]


def test_a_wait_that_graph_asks_for_holds_for_every_worker(world: World) -> None:
    item = world.deliver()
    world.mail.fail("heads", Throttled("slow down", retry_after=30.5))
    world.notify(item)
    world.mail.calls.clear()
    world.now = NOW + timedelta(seconds=10)
    world.restart()
    world.walk()
    assert world.mail.calls == {}
    assert kinds(world) == ["mail", "SyncMailbox"]


def test_while_a_wait_lasts_who_comes_leaves_a_row_and_asks_nobody(world: World) -> None:
    world.mail.fail("heads", Throttled("slow down", retry_after=30))
    world.notify(world.deliver())
    world.storage.faults.clear()
    world.walk()
    world.walk()
    wake(world)
    assert (world.storage.faults.reads, world.storage.faults.writes[:2]) == ([], ["Pending.put"] * 2)


def test_one_wake_up_comes_when_the_wait_is_over_however_many_came_meanwhile(world: World) -> None:
    world.mail.fail("heads", Throttled("slow down", retry_after=30))
    for item in mails(world, 9):
        world.notify(item)
    [(wake_up, delay)] = world.storage.queue.sent
    assert isinstance(wake_up, WakeMailbox)
    assert 31 <= delay <= 31 * 1.25
    world.work()
    assert len(world.timeline()) == 9


def test_a_wake_up_that_comes_while_another_wait_lasts_is_followed_by_one(world: World) -> None:
    world.mail.fail("heads", Throttled("slow down", retry_after=30))
    world.notify(world.deliver())
    [wake_up] = world.storage.queue.take(WakeMailbox)
    world.run(wake_up)
    assert len(world.storage.queue.take(WakeMailbox)) == 1


def test_an_outage_with_a_wait_holds_likewise(world: World) -> None:
    world.mail.fail("folders", Unavailable("down", retry_after=30))
    world.walk()
    world.mail.calls.clear()
    world.notify(world.deliver())
    assert world.mail.calls == {}


def test_after_the_wait_work_goes_on(world: World) -> None:
    item = world.deliver()
    world.mail.fail("heads", Throttled("slow down", retry_after=30))
    world.notify(item)
    world.now = NOW + timedelta(seconds=30)
    wake(world)
    assert len(world.timeline()) == 1
    assert world.worklist() == []


def test_another_mailbox_does_not_wait_along(world: World) -> None:
    second = world.connect(SECOND)
    world.mail.fail("heads", Throttled("slow down", retry_after=30))
    world.notify(world.deliver())
    world.notify(world.deliver(SECOND, sender=CONTACT), mailbox=second)
    assert len(world.timeline()) == 1


def test_a_failure_without_a_wait_is_not_noted_and_the_command_comes_again(world: World) -> None:
    world.mail.fail("heads", Unavailable("down"))
    with pytest.raises(Unavailable):
        world.notify(world.deliver())
    row = world.storage.mailboxes.by_id(TENANT, world.mailbox.mailbox_id)
    assert row is not None
    assert row.state.blocked_until is None
    assert world.storage.leases.held == set()


def test_a_mail_alone_costs_the_lease_and_one_look_beyond_its_filing(world: World) -> None:
    item = world.deliver()
    world.storage.faults.clear()
    world.notify(item)
    faults = world.storage.faults
    reads = [name for name in faults.reads if name.startswith(("Leases", "Pending"))]
    assert reads == ["Leases.take", "Leases.release", "Pending.due"]
    assert not [name for name in faults.writes if name.startswith(("Pending", "CommandQueue"))]


@pytest.mark.parametrize("kind", [SyncMailbox, MaintainSubscription, ReconcileMailbox])
def test_a_command_of_a_mailbox_that_is_held_is_one_row_and_is_put_back_on_no_queue(
    world: World, kind: type
) -> None:
    world.hold()
    for _ in range(3):
        world.run(kind.of(world.mailbox, world.now))
    assert kinds(world).count(kind.__name__) == 1
    assert world.storage.queue.sent == []


def test_history_that_finds_the_mailbox_held_for_live_mail_is_called_for_by_its_holder(world: World) -> None:
    lease = world.hold()
    world.run(ReconcileMailbox.of(world.mailbox, world.now))
    lease.release()
    world.notify(world.deliver())
    assert [type(command) for command in world.storage.queue.commands] == [FileHistory]
    assert kinds(world) == ["ReconcileMailbox"]
    world.work()
    assert world.worklist() == []


def test_live_rows_are_run_before_history_whatever_their_time(world: World) -> None:
    old, new = mails(world, 2)
    put(world, old, lane=Lane.HISTORY)
    put(world, new)
    wake_history(world)
    assert list(world.mail.bodies_read) == [new, old]


def test_who_comes_from_the_live_queue_leaves_history_alone(world: World) -> None:
    [old, new] = mails(world, 2)
    put(world, old, lane=Lane.HISTORY)
    world.notify(new)
    assert set(world.mail.bodies_read) == {new}
    assert world.waiting() == [old]


def test_rows_of_equal_flags_run_in_groups_of_twenty_oldest_first(world: World) -> None:
    ids = mails(world, 45)
    put(world, *ids[:40])
    put(world, *ids[40:], silent=True)
    wake(world)
    assert world.mail.calls["messages"] == 3
    assert list(world.mail.bodies_read) == ids
    assert world.worklist() == []


def test_a_mail_that_was_named_and_found_by_a_walk_is_fetched_once(world: World) -> None:
    [item] = mails(world, 1)
    put(world, item)
    world.storage.pending.put(
        TENANT, world.mailbox.mailbox_id, [a_pending_mail(item=item, at=EARLIEST, flags=Flags())]
    )
    wake(world)
    assert world.mail.bodies_read == {item: 1}
    assert world.worklist() == []


def killed(world: World, times: int) -> None:
    world.storage.faults.named["Sightings.put"] = Killed()
    for _ in range(times):
        with pytest.raises(Killed):
            wake(world)
    world.storage.faults.named.clear()
    assert {row.tries for row in world.worklist()} == {times}
    world.mail.calls.clear()


@pytest.mark.parametrize(
    ("times", "runs", "alone"),
    [(1, 1, False), (2, 1, True), (3, 20, True)],
    ids=["the group as it was", "the group alone in its process", "each mail alone"],
)
def test_after_each_run_that_was_killed_rows_run_with_less_beside_them(
    world: World, monkeypatch: pytest.MonkeyPatch, times: int, runs: int, alone: bool
) -> None:
    """A crash of an instance, which is no mail's fault, costs no run more and stops nothing beside it."""
    put(world, *mails(world, 20))
    killed(world, times)
    seen = seen_by_others(world, monkeypatch)
    world.work()
    assert world.mail.calls["messages"] == runs
    assert set(seen) == {alone}
    assert len(world.timeline()) == 20


def test_a_mail_of_a_command_that_was_killed_has_the_process_alone_after_one_run_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world, *mails(world, 2), attempt=SINGLY_AFTER, tries=1)
    seen = seen_by_others(world, monkeypatch)
    wake(world)
    assert world.mail.calls["messages"] == 2
    assert set(seen) == {True}


def test_a_step_that_reads_on_does_not_run_ahead_of_mails_that_were_tried(world: World) -> None:
    """What it reads has not been tried, and fills no group of theirs: it would read all of a backfill first."""
    ids = mails(world, 3)
    put(world, *ids, tries=1, lane=Lane.HISTORY)
    step = BackfillMailbox.of(world.mailbox, world.now, step=2)
    row = PendingRow.of_command(step, at=NOW)
    rows = [*world.worklist(), row]
    assert next_group(rows).rows == tuple(rows[:3])
    assert next_group([replace(mail, tries=0) for mail in rows]).rows == (row,)


def test_a_row_that_kills_its_workers_is_told_to_a_person(world: World) -> None:
    bad, good = mails(world, 2)
    put(world, bad)
    world.storage.faults.named["Sightings.put"] = Killed()
    for _ in range(MOST_TRIES):
        with pytest.raises(Killed):
            wake(world)
    world.storage.faults.named.clear()
    put(world, good)
    wake(world)
    assert [(failure.code, failure.item) for failure in world.storage.exceptions.all] == [(POISON, bad)]
    assert world.outcome(good)[0] == "filed"
    assert world.worklist() == []


def test_a_mail_that_killed_its_workers_is_not_brought_again_by_the_nightly_comparison(world: World) -> None:
    [bad] = mails(world, 1)
    world.walk()
    world.storage.faults.named["Sightings.put"] = Killed()
    for _ in range(MOST_TRIES):
        with pytest.raises(Killed):
            wake_history(world)
    world.storage.faults.named.clear()
    wake_history(world)
    assert world.outcome(bad) == ("failed", POISON)
    world.now += timedelta(days=1)
    world.mail.calls.clear()
    world.run(ReconcileMailbox(tenant_id=TENANT, mailbox_id=world.mailbox.mailbox_id, first_at=world.now))
    world.work()
    assert world.mail.calls["messages"] == 0
    assert world.outcome(bad) == ("failed", POISON)
    # A person's replay takes it in, once the reason is gone.
    [failure] = world.storage.exceptions.all
    world.run(IngestMessages.from_json(failure.command))
    world.work()
    assert world.outcome(bad)[0] == "filed"


def test_a_fault_of_ours_in_a_row_is_not_raised_into_the_message_that_woke_the_holder(world: World) -> None:
    ids = mails(world, 2)
    put(world, *ids)
    world.storage.faults.named["Sightings.put"] = ZeroDivisionError("a bug")
    world.work()
    wake(world)
    world.work()
    assert {failure.code for failure in world.storage.exceptions.all} == {BUG}
    assert {failure.item for failure in world.storage.exceptions.all} == set(ids)
    assert world.worklist() == []


def test_a_row_that_fails_for_now_waits_and_the_others_are_filed(world: World) -> None:
    ids = mails(world, 3)
    world.mail.failing[ids[2]] = Unavailable("500")
    put(world, *ids)
    wake(world)
    assert len(world.timeline()) == 2
    [row] = world.worklist()
    assert (row.item, row.tries) == (ids[2], 0)
    assert row.not_before is not None
    [(wake_up, delay)] = world.storage.queue.sent
    assert isinstance(wake_up, WakeMailbox)
    assert delay == (row.not_before - NOW).total_seconds() + 1


def test_a_mail_that_is_never_had_though_its_mailbox_answers_is_told_and_left(world: World) -> None:
    [bad] = mails(world, 1)
    world.mail.failing[bad] = Unavailable("500")
    put(world, bad)
    world.work()
    wake(world)
    world.work()
    assert [(failure.code, failure.item) for failure in world.storage.exceptions.all] == [(POISON_ITEM, bad)]
    assert world.worklist() == []


def test_in_an_outage_a_turn_tries_a_few_groups_and_gives_nothing_up(world: World) -> None:
    put(world, *mails(world, 100))
    world.mail.fail("messages", *[Unavailable("down")] * 20)
    wake(world)
    assert world.mail.calls["messages"] == MOST_FAILED
    assert len(world.worklist()) == 100
    world.work()
    assert len(world.timeline()) == 100
    assert world.storage.exceptions.all == []


def test_a_group_that_was_throttled_stays_as_it_was(world: World) -> None:
    put(world, *mails(world, 3))
    world.mail.fail("messages", Throttled("slow down", retry_after=60))
    wake(world)
    assert {(row.tries, row.attempt, row.not_before) for row in world.worklist()} == {(0, 0, None)}
    assert len(world.storage.queue.sent) == 1
    world.work()
    assert len(world.timeline()) == 3
    assert world.mail.calls["messages"] == 2


def test_a_batch_that_has_failed_together_goes_on_one_by_one(world: World) -> None:
    ids = mails(world, 3)
    world.notify(*ids, attempt=SINGLY_AFTER)
    assert world.mail.calls["messages"] == 3
    assert len(world.timeline()) == 3


def test_a_mail_that_is_refused_is_recorded_and_the_group_goes_on(world: World) -> None:
    good, bad = mails(world, 2)
    world.mail.failing[bad] = AccessDenied("out of scope", "ErrorAccessDenied")
    put(world, good, bad)
    wake(world)
    assert [failure.item for failure in world.storage.exceptions.all] == [bad]
    assert (len(world.timeline()), world.worklist()) == (1, [])


def test_mails_of_a_mailbox_that_is_lost_stay_until_it_is_back(world: World) -> None:
    ids = mails(world, 3)
    put(world, *ids, lane=Lane.HISTORY)
    lost = AccessDenied("no", "ErrorAccessDenied")
    world.mail.failing |= dict.fromkeys(ids, lost)
    world.mail.fail("folders", lost)
    wake_history(world)
    assert len(world.waiting()) == 3
    assert [type(command) for command in world.storage.queue.commands] == [MaintainSubscription]
    world.storage.queue.sent.clear()
    world.mail.failing.clear()
    world.now += 2 * STALE
    world.wake_stale()
    assert world.storage.queue.sent == []
    world.walk()
    world.work()
    assert len(world.timeline()) == 3


def test_a_turn_leaves_one_wake_up_when_its_time_is_over(world: World) -> None:
    world.only_one_group_a_turn()
    put(world, *mails(world, 50), lane=Lane.HISTORY)
    wake_history(world)
    assert (len(world.timeline()), len(world.waiting())) == (20, 30)
    assert [type(command) for command in world.storage.queue.commands] == [FileHistory]
    world.work()
    assert len(world.timeline()) == 50


def test_what_waits_at_a_mailbox_that_is_gone_goes(world: World) -> None:
    put(world, *mails(world, 70), lane=Lane.HISTORY)
    world.storage.mailboxes.delete(TENANT, AGENT)
    wake(world)
    wake_history(world)
    assert world.worklist() == []
    assert world.mail.calls == {}


def test_history_of_a_paused_mailbox_stays_until_it_is_resumed(world: World) -> None:
    put(world, *mails(world, 3), lane=Lane.HISTORY)
    world.rewrite(enabled=False)
    wake_history(world)
    assert len(world.waiting()) == 3
    assert world.storage.queue.sent == []
    world.rewrite(enabled=True)
    world.now += 2 * STALE
    world.wake_stale()
    world.work()
    assert len(world.timeline()) == 3


def test_forty_first_walks_keep_no_live_mail_of_another_mailbox_waiting(world: World) -> None:
    """`mail` is worked off by one worker, in order; `work` is left alone: the live mail is filed all the same."""
    world.mail.page_size = 10
    walked = [world.connect(f"agent{number}@contoso.example") for number in range(40)]
    for box in walked:
        for number in range(30):
            world.deliver(
                box.address,
                to=(box.address,),
                message_id=f"{number}.{box.mailbox_id}@fabrikam.example",
                received_at=NOW - timedelta(minutes=number),
            )
    live = world.deliver(message_id="live@fabrikam.example")
    commands = [SyncMailbox.of(box, NOW) for box in walked]
    commands.append(
        IngestMessages(tenant_id=TENANT, mailbox_id=world.mailbox.mailbox_id, first_at=NOW, items=(live,))
    )
    world.mail.calls.clear()
    for command in commands:
        world.run(command)
    assert world.outcome(live)[0] == "filed"
    assert set(world.mail.bodies_read) == {live}
    # A page of each mailbox is all that stands before it.
    assert world.mail.calls["changes"] == len(walked)
    assert {command.queue for command in world.storage.queue.commands} == {names.WORK}
    world.work()
    assert len(world.timeline()) == 40 * 30 + 1


def test_a_single_mail_that_meets_a_fault_of_ours_is_told_once_after_few_runs(world: World) -> None:
    """As the host gives a command back that raises: the third time it goes into the worklist, where its runs end."""
    [bad] = mails(world, 1)
    world.storage.faults.named["Sightings.put"] = ZeroDivisionError("a bug")
    command = IngestMessages(
        tenant_id=TENANT, mailbox_id=world.mailbox.mailbox_id, first_at=world.now, items=(bad,)
    )
    outcomes = Outcomes(world.storage.queue, world.storage.exceptions, world.clock, Occupancy())
    for tries in range(1, MAX_DEQUEUE_COUNT + 1):
        try:
            handle(Message(command.to_json(), tries), MAIL, world.run, outcomes)
        except ZeroDivisionError:
            continue
        break
    world.work()
    assert [(failure.code, failure.item) for failure in world.storage.exceptions.all] == [(BUG, bad)]
    assert world.storage.faults.writes.count("Sightings.put") == SPLIT_AT - 1 + MOST_TRIES
    assert world.worklist() == []


def test_a_row_whose_run_did_not_end_waits_while_another_has_the_process_alone(world: World) -> None:
    [killer, mail] = mails(world, 2)
    put(world, killer, tries=2)
    put(world, mail)
    occupancy = world.use_cases.part(Occupancy)
    with ThreadPoolExecutor(1) as other:
        assert other.submit(occupancy.take).result(PATIENCE)
        wake(world)
        other.submit(occupancy.share).result(PATIENCE)
    until = world.now + timedelta(seconds=PUT_OFF)
    assert [(row.item, row.tries, row.not_before) for row in world.worklist()] == [
        (killer, 2, until),
        (mail, 0, None),
    ]
    # The rest of the turn makes way as well.
    assert [delay for _, delay in world.storage.queue.sent] == [PUT_OFF + MARGIN, 0.0]
    world.now = until
    world.work()
    assert {world.outcome(item)[0] for item in (killer, mail)} == {"filed"}
    assert world.worklist() == []


def test_rows_that_may_kill_keep_the_process_between_them_and_let_others_in_after_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = mails(world, 3)
    put(world, *ids[:2], tries=3)
    put(world, ids[2])
    occupancy, seen = world.use_cases.part(Occupancy), seen_by_others(world, monkeypatch)
    wake(world)
    assert seen == sorted(seen, reverse=True)
    assert {True, False} == set(seen)
    assert {world.outcome(item)[0] for item in ids} == {"filed"}
    assert occupancy.owner is None


def test_a_turn_ends_with_its_group_where_another_waits_for_the_process(world: World) -> None:
    put(world, *mails(world, 2), flags=Flags(silent=True))
    put(world, *mails(world, 2)[:1])
    occupancy = world.use_cases.part(Occupancy)
    with ThreadPoolExecutor(1) as other, occupancy.room(alone=False):
        waiting = other.submit(occupancy.take)
        wait_for(lambda: occupancy.is_wanted or None, "nobody waits")
        before = len(world.worklist())
        wake(world)
    assert waiting.result(PATIENCE)
    assert 0 < len(world.worklist()) < before
    assert [(type(command), delay) for command, delay in world.storage.queue.sent] == [(WakeMailbox, 0.0)]


def test_the_tick_says_how_long_what_waits_has_waited(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    put(world, *mails(world, 1), first_at=NOW - timedelta(minutes=7))
    put(world, an_item("later"), first_at=NOW - timedelta(hours=9), not_before=NOW - timedelta(minutes=3))
    put(world, an_item("history"), lane=Lane.HISTORY, first_at=NOW - timedelta(hours=2))
    world.storage.backlog.asked[names.MAIL] = NOW - timedelta(seconds=90)
    world.wake_stale()
    [said] = events(lines(caplog), "waiting")
    assert said["seconds"] == {"mail": 90, "work": 0, "outbound": 0, "row_live": 420, "row_history": 0}


def test_a_queue_that_cannot_be_seen_keeps_no_mailbox_from_being_woken(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    put(world, *mails(world, 1), first_at=NOW - timedelta(minutes=7))
    world.storage.faults.named["Backlog.oldest"] = Unavailable("no such queue")
    world.wake_stale()
    assert [type(command) for command in world.storage.queue.commands] == [WakeMailbox]
    assert [said["seconds"] for said in events(lines(caplog), "waiting")] == [
        {"row_live": 420, "row_history": 0}
    ]


def test_a_wake_up_that_fails_is_not_followed_by_another_one_at_once(world: World) -> None:
    put(world, *mails(world, 2))
    world.storage.faults.named["Pending.begin"] = Unavailable("storage is busy")
    with pytest.raises(Unavailable):
        wake(world)
    assert world.storage.queue.sent == []


def test_rows_that_wait_have_their_wake_up_though_the_turn_fails_behind_them(world: World) -> None:
    ids = mails(world, 21)
    world.mail.failing |= dict.fromkeys(ids[:20], Unavailable("500"))
    put(world, *ids)
    begin, calls = world.storage.pending.begin, []

    def once(*given: Any) -> Any:
        calls.append(given)
        if len(calls) > 1:
            raise Unavailable("storage is busy")
        return begin(*given)

    world.storage.pending.begin = once  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        wake(world)
    [(wake_up_later, delay)] = world.storage.queue.sent
    assert isinstance(wake_up_later, WakeMailbox)
    assert delay > 0


def test_who_comes_for_history_while_a_wait_lasts_has_it_woken_behind_it(world: World) -> None:
    put(world, *mails(world, 3), lane=Lane.HISTORY)
    world.mail.fail("messages", Throttled("slow down", retry_after=30))
    wake_history(world)
    assert [type(command) for command in world.storage.queue.commands] == [WakeMailbox, FileHistory]
    assert all(delay > 30 for _, delay in world.storage.queue.sent)
    assert kinds(world) == ["mail"] * 3
    for command in world.storage.queue.commands:
        world.now = max(world.now, NOW + timedelta(seconds=40))
        world.run(command)
    assert len(world.timeline()) == 3


def test_an_outage_of_live_mail_leaves_a_wake_up_for_history(world: World) -> None:
    put(world, *mails(world, 60))
    put(world, *mails(world, 2, folder="archive"), lane=Lane.HISTORY)
    world.mail.fail("messages", *[Unavailable("down")] * 20)
    wake_history(world)
    assert {type(command) for command in world.storage.queue.commands} == {WakeMailbox, FileHistory}
    assert all(delay > 0 for _, delay in world.storage.queue.sent)


def test_history_behind_more_live_rows_than_a_look_shows_is_woken(world: World) -> None:
    world.only_one_group_a_turn()
    put(world, *mails(world, 60))
    put(world, *mails(world, 2, folder="archive"), lane=Lane.HISTORY)
    wake_history(world)
    assert [type(command) for command in world.storage.queue.commands] == [WakeMailbox, FileHistory]


def test_a_mail_that_is_never_had_waits_where_its_mailbox_refuses_to_answer(world: World) -> None:
    [bad] = mails(world, 1)
    put(world, bad, attempt=HOPELESS_AFTER)
    world.mail.failing[bad] = Unavailable("500")
    world.mail.fail("folders", Rejected("no"))
    wake(world)
    assert world.waiting() == [bad]
    assert world.storage.exceptions.all == []


def test_a_commands_row_costs_the_same_reads_of_its_mailbox_as_the_command_by_itself(world: World) -> None:
    command = MaintainSubscription.of(world.mailbox, NOW)
    reads = world.storage.faults.reads
    world.run(command)
    reads.clear()
    world.run(command)
    by_itself = [name for name in reads if name.startswith(("Mailboxes", "Organisations"))]
    world.storage.pending.put(TENANT, world.mailbox.mailbox_id, [PendingRow.of_command(command)])
    reads.clear()
    wake(world)
    assert [name for name in reads if name.startswith(("Mailboxes", "Organisations"))] == by_itself


def test_live_mails_of_a_mailbox_that_is_lost_stay_until_it_is_back(world: World) -> None:
    put(world, *mails(world, 40))
    lose(world)
    wake(world)
    assert len(world.waiting()) == 40
    late = world.deliver(message_id="late@fabrikam.example")
    world.notify(late)
    assert len(world.waiting()) == 41
    assert world.mail.bodies_read == {}
    world.storage.queue.sent.clear()
    world.mail.failing.clear()
    world.walk()
    assert {row.lane for row in world.worklist()} == {Lane.HISTORY}, "what a first walk has found"
    assert len(world.timeline()) == 41


def test_mails_of_a_command_that_finds_its_mailbox_lost_stay(world: World) -> None:
    [item] = mails(world, 1)
    lost = AccessDenied("no", "ErrorAccessDenied")
    world.mail.failing[item] = lost
    world.mail.fail("folders", lost)
    with pytest.raises(Noted):
        world.notify(item)
    assert world.waiting() == [item]


def test_a_walk_stands_behind_no_mail_of_a_mailbox_that_is_lost(world: World) -> None:
    """It may prove that access is back."""
    put(world, *mails(world, 40))
    lose(world)
    lease = world.hold()
    world.walk()
    lease.release()
    wake(world)
    world.work()
    assert world.worklist() == []
    assert len(world.timeline()) == 40


def test_who_was_turned_away_while_a_mailbox_was_lost_is_not_left(world: World) -> None:
    """The holder looks again behind its release, as always."""
    [item] = mails(world, 1)
    put(world, item)
    lost = AccessDenied("no", "ErrorAccessDenied")
    world.mail.failing[item] = lost
    world.mail.fail("folders", lost)
    release = FakeLease.release

    def turned_away_first(lease: FakeLease) -> None:
        if not came:
            came.append(True)
            world.walk()
        release(lease)

    came: list[bool] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeLease, "release", turned_away_first)
        wake(world)
    assert came == [True]
    assert "SyncMailbox" not in kinds(world)


@pytest.mark.parametrize("kind", [SyncMailbox, ReconcileMailbox])
def test_live_mail_that_comes_while_a_long_command_runs_is_filed_between_its_pages(
    world: World, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.mail.page_size = 5
    for number in range(40):
        world.deliver(
            folder="archive",
            message_id=f"old{number}@fabrikam.example",
            received_at=NOW - timedelta(hours=2, seconds=number),
        )
    live = world.deliver(message_id="live@fabrikam.example")
    pages: list[bool] = []

    def seen(*given: Any, page: Any) -> Any:
        """Each page takes its time; the live mail comes with the second one."""
        world.now += ATTEND_EVERY
        if len(pages) == 1:
            world.notify(live)
        pages.append(live in world.mail.bodies_read)
        return page(*given)

    if kind is SyncMailbox:
        page = Sync._changes
        monkeypatch.setattr(Sync, "_changes", lambda *given: seen(*given, page=page))
    else:
        page = Reconcile._page
        monkeypatch.setattr(
            Reconcile, "_page", lambda *given, singly: seen(*given, page=partial(page, singly=singly))
        )
    row = PendingRow.of_command(kind.of(world.mailbox, world.now), lane=Lane.HISTORY)
    world.storage.pending.put(TENANT, world.mailbox.mailbox_id, [row])
    wake_history(world)
    assert pages[:3] == [False, False, True]


def test_a_command_that_makes_way_for_live_mail_stops_where_graph_asks_to_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.mail.page_size = 5
    mails(world, 40, folder="archive")
    live = world.deliver(message_id="live@fabrikam.example")
    put(world, live)
    world.mail.fail("messages", Throttled("slow down", retry_after=60))
    changes = Sync._changes
    calls: list[int] = []

    def slow(*given: Any) -> Any:
        world.now += ATTEND_EVERY
        calls.append(1)
        return changes(*given)

    monkeypatch.setattr(Sync, "_changes", slow)
    world.run(SyncMailbox.of(world.mailbox, world.now))
    assert len(calls) == 1
    assert kinds(world).count("SyncMailbox") == 1
    assert live in world.waiting()
    world.work()
    assert world.outcome(live)[0] == "filed"


class TestWakeStale:
    def test_rows_that_nobody_takes_up_wake_their_mailbox(self, world: World) -> None:
        put(world, *mails(world, 2))
        world.now += STALE
        world.wake_stale()
        assert world.storage.queue.sent == []
        world.now += timedelta(seconds=1)
        world.wake_stale()
        assert [type(command) for command in world.storage.queue.commands] == [WakeMailbox]

    def test_history_is_woken_where_history_is_run(self, world: World) -> None:
        put(world, *mails(world, 2), lane=Lane.HISTORY)
        world.now += 2 * STALE
        world.wake_stale()
        assert [type(command) for command in world.storage.queue.commands] == [FileHistory]

    def test_a_mailbox_that_is_held_is_left_to_its_holder(self, world: World) -> None:
        put(world, *mails(world, 2))
        world.hold()
        world.now += 2 * STALE
        world.wake_stale()
        assert world.storage.queue.sent == []

    def test_a_free_one_is_free_afterwards(self, world: World) -> None:
        put(world, *mails(world, 2))
        world.now += 2 * STALE
        world.wake_stale()
        assert world.storage.leases.held == set()

    def test_a_mailbox_that_graph_wants_to_be_left_alone_is_left_to_its_wake_up(self, world: World) -> None:
        world.mail.fail("heads", Throttled("slow down", retry_after=900))
        world.notify(world.deliver())
        world.now += 2 * STALE
        world.wake_stale()
        assert len(world.storage.queue.sent) == 1
