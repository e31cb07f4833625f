"""A backfill's state: folders side by side, steps that are numbered, and when it has come to a stop."""

from datetime import timedelta

from shared.domain.capture.backfills import CANCELLED, DONE, STALLED_AFTER, Backfill
from shared.domain.capture.windows import Window
from tests.builders import NOW

SINCE = NOW - timedelta(days=30)


def running() -> Backfill:
    return Backfill.starting(SINCE, NOW, None).planned(("a", "b"), 70).stepped(NOW)


def left_of(backfill: Backfill) -> dict[str, Window]:
    return {left.folder_id: left.window for left in backfill.folders or ()}


def test_it_reads_every_folder_from_since_until_it_was_started() -> None:
    whole = Window.of(SINCE, NOW)
    assert left_of(running()) == {"a": whole, "b": whole}
    assert (running().expected, running().done, running().step) == (70, 0, 1)


def test_the_folder_that_is_furthest_behind_is_read_next() -> None:
    rest = Window(NOW - timedelta(days=9), NOW)
    after = running().advanced("a", rest, 50)
    assert (left_of(after)["a"], after.done) == (rest, 50)
    assert after.next_folder is not None
    assert after.next_folder.folder_id == "b"
    assert after.read_until == SINCE
    further = after.advanced("b", Window(NOW - timedelta(days=3), NOW), 7)
    assert further.next_folder is not None
    assert further.next_folder.folder_id == "a"
    assert (further.read_until, further.done) == (rest.start, 57)


def test_a_folder_s_last_page_takes_it_away() -> None:
    after = running().advanced("a", None, 7)
    assert list(left_of(after)) == ["b"]
    behind = after.advanced("b", Window(NOW, NOW), 1)
    assert behind.next_folder is None
    assert behind.read_until == Window.of(SINCE, NOW).end


def test_it_is_done_when_it_is_ended_and_not_before() -> None:
    read = running().advanced("a", None, 1).advanced("b", None, 1).stepped(NOW)
    assert read.is_running
    ended = read.ended(DONE, NOW + timedelta(minutes=2))
    assert (ended.state, ended.finished_at) == (DONE, NOW + timedelta(minutes=2))
    assert ended.rate_per_minute(NOW + timedelta(hours=5)) == 1.0


def test_a_new_one_takes_no_commands_of_the_last() -> None:
    last = running().ended(CANCELLED, NOW)
    fresh = Backfill.starting(SINCE, NOW, last)
    for step in range(last.step + 1):
        assert step != fresh.step
        assert not fresh.is_taken(step)


def test_a_step_that_comes_again_is_followed_once_more() -> None:
    backfill = running()
    assert backfill.is_taken(backfill.step - 1)
    assert not backfill.is_taken(backfill.step - 2)
    assert not backfill.is_taken(backfill.step)
    assert not backfill.ended(DONE, NOW).is_taken(backfill.step)


def test_one_that_nobody_steps_has_stalled() -> None:
    assert not running().is_stalled(NOW)
    assert running().is_stalled(NOW + STALLED_AFTER)
    assert not running().ended(DONE, NOW).is_stalled(NOW + STALLED_AFTER)


def test_no_time_is_no_rate() -> None:
    assert running().rate_per_minute(NOW) == 0.0
