"""A backfill's state: folders one after another, steps that are numbered, and when it has come to a stop."""

from datetime import timedelta

from shared.domain.capture.backfills import CANCELLED, DONE, FOLLOWED_WITHIN, STALLED_AFTER, Backfill
from shared.domain.capture.windows import Window
from tests.builders import NOW

SINCE = NOW - timedelta(days=30)


def running() -> Backfill:
    return Backfill.starting(SINCE, NOW, None).planned(("a", "b"), 70).stepped(NOW)


def test_it_reads_from_since_until_it_was_started() -> None:
    assert running().window == Window.of(SINCE, NOW)
    assert (running().expected, running().done, running().step) == (70, 0, 1)


def test_a_folder_s_last_page_leads_to_the_next_folder() -> None:
    rest = Window(NOW - timedelta(days=1), NOW)
    within = running().advanced(rest, 50)
    assert (within.folders, within.window, within.done) == (("a", "b"), rest, 50)
    behind = within.advanced(None, 7)
    assert (behind.folders, behind.window, behind.done) == (("b",), Window.of(SINCE, NOW), 57)


def test_behind_the_last_folder_it_is_done() -> None:
    ended = running().advanced(None, 1).advanced(None, 1).stepped(NOW + timedelta(minutes=2))
    assert (ended.state, ended.finished_at) == (DONE, NOW + timedelta(minutes=2))
    assert ended.rate_per_minute(NOW + timedelta(hours=5)) == 1.0


def test_a_new_one_takes_no_commands_of_the_last() -> None:
    last = running().ended(CANCELLED, NOW)
    fresh = Backfill.starting(SINCE, NOW, last)
    later = NOW + timedelta(hours=1)
    for step in range(last.step + 1):
        assert step != fresh.step
        assert not fresh.has_lost_command(step, later)


def test_a_step_that_comes_again_late_was_not_followed() -> None:
    one = running()
    assert not one.has_lost_command(one.step - 1, NOW + FOLLOWED_WITHIN / 2)
    assert one.has_lost_command(one.step - 1, NOW + FOLLOWED_WITHIN)
    assert not one.has_lost_command(one.step - 2, NOW + FOLLOWED_WITHIN)
    assert not one.ended(DONE, NOW).has_lost_command(one.step, NOW + FOLLOWED_WITHIN)


def test_one_that_nobody_steps_has_stalled() -> None:
    assert not running().is_stalled(NOW)
    assert running().is_stalled(NOW + STALLED_AFTER)
    assert not running().ended(DONE, NOW).is_stalled(NOW + STALLED_AFTER)


def test_no_time_is_no_rate() -> None:
    assert running().rate_per_minute(NOW) == 0.0
