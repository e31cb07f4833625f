"""One command has its process alone: the others end first, and whoever comes meanwhile is turned away."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from dev.processes import PATIENCE, wait_for
from shared.services.commands.occupancy import BREAK, KEPT_AT_MOST, Occupancy


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as made:
        yield made


def stay(occupancy: Occupancy, *, alone: bool = False, until: Event | None = None) -> bool:
    """Come in, and stay until the event; whether there was room."""
    with occupancy.room(alone=alone) as has_room:
        if has_room and until is not None:
            until.wait(PATIENCE)
        return has_room


def test_commands_run_side_by_side(pool: ThreadPoolExecutor) -> None:
    occupancy, go = Occupancy(), Event()
    first = pool.submit(stay, occupancy, until=go)
    wait_for(lambda: occupancy.present or None, "nobody came in")
    assert pool.submit(stay, occupancy).result(PATIENCE)
    go.set()
    assert first.result(PATIENCE)


def test_who_wants_it_alone_waits_for_the_others_and_nobody_comes_in_meanwhile(
    pool: ThreadPoolExecutor,
) -> None:
    occupancy, go, over = Occupancy(), Event(), Event()
    pool.submit(stay, occupancy, until=go)
    wait_for(lambda: occupancy.present or None, "nobody came in")
    alone = pool.submit(stay, occupancy, alone=True, until=over)
    wait_for(lambda: occupancy.is_wanted or None, "nobody asked for it")
    assert not stay(occupancy)
    assert not stay(occupancy, alone=True)
    assert not alone.done()
    go.set()
    wait_for(lambda: len(occupancy.present) == 1 or None, "the other did not end")
    assert not stay(occupancy)
    over.set()
    assert alone.result(PATIENCE)
    assert stay(occupancy)


def test_who_does_not_get_it_in_time_is_told_so_and_the_others_go_on(pool: ThreadPoolExecutor) -> None:
    occupancy, go = Occupancy(patience=0.01), Event()
    first = pool.submit(stay, occupancy, until=go)
    wait_for(lambda: occupancy.present or None, "nobody came in")
    assert not stay(occupancy, alone=True)
    assert stay(occupancy)
    go.set()
    assert first.result(PATIENCE)


def test_who_has_it_alone_keeps_it_until_he_shares_it(pool: ThreadPoolExecutor) -> None:
    occupancy = Occupancy()
    with occupancy.room(alone=False):
        for _ in range(2):
            assert occupancy.take()
        assert not pool.submit(stay, occupancy).result(PATIENCE)
        occupancy.share()
        assert pool.submit(stay, occupancy).result(PATIENCE)


def test_a_command_that_has_it_to_its_end_does_not_share_it(pool: ThreadPoolExecutor) -> None:
    occupancy = Occupancy()
    with occupancy.room(alone=True) as has_room:
        assert has_room
        assert occupancy.take()
        occupancy.share()
        assert not pool.submit(stay, occupancy).result(PATIENCE)
    assert pool.submit(stay, occupancy).result(PATIENCE)
    assert (occupancy.owner, occupancy.present, occupancy.is_kept) == (None, set(), False)


def test_it_is_kept_from_the_first_of_those_that_follow_each_other_to_the_last(
    pool: ThreadPoolExecutor,
) -> None:
    now = [1_000.0]
    occupancy = Occupancy(clock=lambda: now[0])
    kept = []
    for pause in (0.0, BREAK, BREAK + 1):
        now[0] += pause
        with occupancy.room(alone=True):
            now[0] += 10
            kept.append(pool.submit(lambda: occupancy.kept_for).result(PATIENCE))
        assert occupancy.kept_for == 0.0
    assert kept == [10.0, 10 + BREAK + 10, 10.0]


def test_the_others_have_it_as_long_as_it_was_kept_without_them(pool: ThreadPoolExecutor) -> None:
    """Where much has been tried before, at least half of the time is everybody's."""
    now = [1_000.0]
    occupancy = Occupancy(clock=lambda: now[0])
    with occupancy.room(alone=False):
        assert occupancy.take()
        now[0] += KEPT_AT_MOST - 1
        assert occupancy.take(), "what follows at once keeps it"
        now[0] += 1
        assert not occupancy.take(), "so long, and no longer"
        assert pool.submit(stay, occupancy).result(PATIENCE), "everybody may come in"
    assert occupancy.closed_for == KEPT_AT_MOST
    assert not stay(occupancy, alone=True)
    now[0] += KEPT_AT_MOST - 1
    assert not stay(occupancy, alone=True)
    now[0] += 1
    assert occupancy.closed_for == 0.0
    with occupancy.room(alone=True) as has_room:
        assert has_room
        now[0] += 10
        assert pool.submit(lambda: occupancy.kept_for).result(PATIENCE) == 10.0


def test_a_command_that_has_it_to_its_end_has_it_however_long_that_is() -> None:
    now = [1_000.0]
    occupancy = Occupancy(clock=lambda: now[0])
    with occupancy.room(alone=True):
        now[0] += 10 * KEPT_AT_MOST
        assert occupancy.take()
    assert occupancy.closed_for == KEPT_AT_MOST


def test_it_is_left_whatever_is_raised() -> None:
    occupancy = Occupancy()
    with pytest.raises(ZeroDivisionError), occupancy.room(alone=True):
        raise ZeroDivisionError
    assert stay(occupancy, alone=True)
