"""Deltas that Graph forgets, cuts short, or cannot get past an item: nothing is lost, and nothing stumbles twice."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.commands.commands import FileHistory, IngestMessages, SyncMailbox
from shared.domain.errors import PageBroken, Unavailable
from shared.services.capture import sync
from shared.services.capture.resync import BROKEN_FOR, BROKEN_TRIES
from tests.builders import AGENT, NOW, TENANT, a_record
from tests.fakes import Killed
from tests.unit.services.world import World

STRANGER = "stranger@adatum.example"
INBOX = "inbox-folder"


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    return made


def many(world: World, count: int, *, name: str = "", **mail: Any) -> list[str]:
    return [
        world.deliver(
            message_id=f"{name}{number}@fabrikam.example",
            received_at=world.now - timedelta(minutes=count - number),
            **mail,
        )
        for number in range(count)
    ]


def settle(world: World) -> None:
    """Walk as polls and retries would, until a walk gets through."""
    for _ in range(2 * BROKEN_TRIES):
        world.now += BROKEN_FOR
        try:
            world.walk()
            world.work()
        except Unavailable:
            continue
        return
    raise AssertionError("no walk gets through")


def test_after_an_expiry_only_what_is_unknown_is_asked_for_by_id(world: World) -> None:
    many(world, 30)
    world.walk()
    world.work()
    world.mail.expire(AGENT)
    many(world, 2, name="new")
    world.mail.calls.clear()
    world.walk()
    world.work()
    assert world.mail.calls["heads"] == 1
    assert len(world.timeline()) == 32


def test_an_expiry_behind_which_more_came_than_a_filtered_delta_shows_loses_nothing(world: World) -> None:
    world.walk()
    world.mail.filtered_maximum = 5
    world.mail.expire(AGENT)
    many(world, 40)
    world.walk()
    world.work()
    assert len(world.timeline()) == 40


def test_a_first_walk_that_was_cut_short_is_made_up_for(world: World) -> None:
    world.mail.filtered_maximum = 5
    world.mail.page_size = 2
    world.mail.list_size = 7
    many(world, 40)
    world.walk()
    world.work()
    assert len(world.timeline()) == 40
    world.mail.calls.clear()
    world.walk()
    assert world.mail.calls["list"] == 0


def test_a_long_resync_gives_way_and_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "MAX_PAGES", 3)
    world.mail.list_size = 4
    world.walk()
    world.mail.expire(AGENT)
    many(world, 50)
    world.walk()
    world.work()
    assert len(world.timeline()) == 50


def test_a_delta_that_is_forgotten_while_it_is_read_comes_back_and_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "MAX_PAGES", 1)
    world.mail.page_size = 4
    many(world, 10)
    world.walk()
    world.mail.expire(AGENT)
    with pytest.raises(Unavailable, match="while it is used"):
        world.walk()
    world.work()
    assert len(world.timeline()) == 10


def test_moves_of_older_mail_are_followed_behind_a_resync(world: World) -> None:
    old = world.deliver(folder="junkemail", received_at=NOW - timedelta(hours=20))
    world.walk()
    world.mail.expire(AGENT)
    world.walk()
    world.mail.move(AGENT, old, INBOX)
    world.walk()
    world.work()
    assert world.outcome(old) == ("filed", "contact_address")


def test_a_passing_fault_quarantines_nothing(world: World) -> None:
    many(world, 3)
    world.mail.fail("changes", *[PageBroken("500")] * (BROKEN_TRIES - 1))
    settle(world)
    assert len(world.timeline()) == 3
    assert world.storage.exceptions.all == []


def test_many_failures_at_once_are_a_passing_fault_too(world: World) -> None:
    many(world, 3)
    world.mail.fail("changes", *[PageBroken("500")] * 3 * BROKEN_TRIES)
    for _ in range(BROKEN_TRIES):
        with pytest.raises(PageBroken):
            world.walk()
    state = world.storage.folder_states.get(world.mailbox, INBOX)
    assert state is not None
    assert not state.searching


def test_an_outage_of_all_pages_quarantines_nothing(world: World) -> None:
    many(world, 3)
    for method in ("changes", "list"):
        world.mail.fail(method, *[PageBroken("500")] * 30)
    for _ in range(2 * BROKEN_TRIES):
        world.now += BROKEN_FOR
        with suppress(PageBroken):
            world.walk()
        for command in world.storage.queue.take(FileHistory):
            world.run(command)
    assert world.storage.exceptions.all == []
    world.mail._failures.clear()
    settle(world)
    assert len(world.timeline()) == 3
    assert world.storage.exceptions.all == []


def test_an_item_that_breaks_its_page_is_told_alone_and_the_rest_of_the_folder_flows(world: World) -> None:
    world.mail.page_size = 4
    ids = many(world, 20)
    poison = ids[9]
    world.mail.poison = {poison}
    world.mail.failing[poison] = Unavailable("500")
    settle(world)
    assert len(world.timeline()) == 19
    [failure] = world.storage.exceptions.all
    assert (failure.code, failure.item) == ("poison_item", poison)
    assert isinstance(IngestMessages.from_json(failure.command), IngestMessages)


def test_one_that_can_be_read_by_its_id_is_filed_all_the_same(world: World) -> None:
    ids = many(world, 20)
    world.mail.poison = {ids[3], ids[15]}
    settle(world)
    assert len(world.timeline()) == 20
    assert {one.item for one in world.storage.exceptions.all} == {ids[3], ids[15]}


def test_later_walks_do_not_stumble_again(world: World) -> None:
    ids = many(world, 20)
    world.mail.poison = {ids[9]}
    settle(world)
    new = world.deliver(message_id="new@fabrikam.example")
    world.mail.touch(AGENT, ids[0])
    world.walk()
    world.work()
    assert world.outcome(new)[0] == "filed"
    assert world.storage.exceptions.all[0].item == ids[9]
    assert len(world.storage.exceptions.all) == 1


def test_in_a_second_with_several_mails_only_the_broken_one_is_told(world: World) -> None:
    ids = [world.deliver(message_id=f"{number}@fabrikam.example") for number in range(7)]
    world.mail.poison = {ids[4]}
    world.mail.failing[ids[4]] = Unavailable("500")
    settle(world)
    assert len(world.timeline()) == 6
    assert [one.item for one in world.storage.exceptions.all] == [ids[4]]


def test_other_folders_are_walked_while_one_is_broken(world: World) -> None:
    world.mail.poison = {world.deliver()}
    sent = world.deliver(
        folder="sentitems", sender=AGENT, to=("buyer@fabrikam.example",), message_id="s@contoso.example"
    )
    with pytest.raises(PageBroken):
        world.walk()
    world.work()
    assert world.outcome(sent)[0] == "filed"


def a_world(*, poison: bool) -> World:
    world = World()
    world.mail.page_size = 3
    world.mail.list_size = 4
    world.records(a_record())
    first = many(world, 5)
    world.walk()
    world.work()
    world.now += timedelta(hours=1)
    if poison:
        first += many(world, 6, name="second")
        world.mail.poison = {first[-2]}
        world.mail.failing[first[-2]] = Unavailable("500")
    else:
        many(world, 6, name="second")
        many(world, 3, name="third", sender=STRANGER, folder="sentitems")
        world.mail.expire(AGENT)
    world.storage.faults.clear()
    return world


def run(world: World) -> None:
    for _ in range(2 * BROKEN_TRIES):
        world.now += BROKEN_FOR
        try:
            world.walk()
        except Killed:
            continue
        except Unavailable:
            continue
        break
    world.work()


def finished(*, poison: bool) -> tuple[set[str], int]:
    world = a_world(poison=poison)
    run(world)
    return filed(world), len(world.storage.faults.writes)


def filed(world: World) -> set[str]:
    assert len({one.message_key for one in world.timeline()}) == len(world.timeline())
    return {one.internet_message_id for one in world.timeline()}


EXPIRED, EXPIRED_WRITES = finished(poison=False)
POISONED, POISONED_WRITES = finished(poison=True)


@pytest.mark.parametrize("number", range(1, EXPIRED_WRITES + 1))
def test_a_resync_killed_at_any_write_loses_nothing(number: int) -> None:
    world = a_world(poison=False)
    world.storage.faults.kill_before(number)
    for _ in range(2):
        try:
            run(world)
        except Killed:
            continue
    world.walk()
    world.work()
    assert filed(world) == EXPIRED
    assert len(EXPIRED) == 11


@pytest.mark.parametrize("number", range(1, POISONED_WRITES + 1))
def test_a_search_killed_at_any_write_tells_one_item_once(number: int) -> None:
    world = a_world(poison=True)
    world.storage.faults.kill_after(number)
    for _ in range(2):
        try:
            run(world)
        except Killed:
            continue
    assert filed(world) == POISONED
    assert len(POISONED) == 10
    assert [one.code for one in world.storage.exceptions.all] == ["poison_item"]
    assert world.storage.mailboxes.by_id(TENANT, world.mailbox.mailbox_id)


def test_a_delta_that_dies_while_it_is_read_is_begun_anew_later(world: World) -> None:
    world.mail.page_size = 2
    many(world, 9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sync, "MAX_PAGES", 2)
        world.walk()
    world.storage.queue.take(SyncMailbox)
    world.mail.expire(AGENT)
    with pytest.raises(Unavailable):
        world.walk()
    world.walk()
    world.work()
    assert len(world.timeline()) == 9
