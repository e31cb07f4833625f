"""How fast a mailbox sends: thirty mails in any minute, so many recipients in any day, whatever was asked for."""

from datetime import timedelta

import hypothesis.strategies as st
from hypothesis import given

from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.pacing import TOO_MANY_MAILS, TOO_MANY_RECIPIENTS, WINDOW, Pace, PaceLimits, Pause
from tests.builders import NOW, an_outbox_mail, people

LIMITS = PaceLimits(a_minute=3, recipients_a_day=10)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def to(count: int) -> OutboxMail:
    return an_outbox_mail(to=people(*(f"guest{number}@fabrikam.example" for number in range(count))))


def test_after_a_full_minute_what_waits_goes_together_once_it_is_over() -> None:
    pace = Pace()
    for number in range(3):
        assert pace.pause_before(to(1), LIMITS, NOW + number * SECOND) is None
        pace = pace.counting(to(1), NOW + number * SECOND)
    until = NOW + 2 * SECOND + WINDOW
    assert pace.pause_before(to(1), LIMITS, NOW + 3 * SECOND) == Pause(until, TOO_MANY_MAILS, waves=True)
    assert pace.pause_before(to(1), LIMITS, until) is None


def test_a_limit_that_is_changed_counts_what_has_left_already() -> None:
    pace = Pace()
    for number in range(5):
        pace = pace.counting(to(1), NOW + number * SECOND)
    now = NOW + 5 * SECOND
    assert pace.pause_before(to(1), PaceLimits(6, 99), now) is None
    assert pace.pause_before(to(1), PaceLimits(2, 99), now) is not None


def test_recipients_are_counted_over_a_day_and_copies_count_along() -> None:
    mail = an_outbox_mail(to=people("a@x.example"), cc=people("b@x.example"), bcc=people("c@x.example"))
    pace = Pace().counting(mail, NOW).counting(to(4), NOW + timedelta(hours=2))
    later = NOW + timedelta(hours=3)
    assert pace.pause_before(to(3), LIMITS, later) is None
    assert pace.pause_before(to(4), LIMITS, later) == Pause(
        NOW + DAY + timedelta(hours=1), TOO_MANY_RECIPIENTS
    )
    assert pace.pause_before(to(8), LIMITS, later) == Pause(
        NOW + DAY + timedelta(hours=3), TOO_MANY_RECIPIENTS
    )


def test_a_mail_to_more_people_than_a_day_has_goes_on_a_day_without_others() -> None:
    assert Pace().pause_before(to(11), LIMITS, NOW) is None
    pace = Pace().counting(to(1), NOW)
    pause = pace.pause_before(to(11), LIMITS, NOW + SECOND)
    assert pause is not None
    assert pace.pause_before(to(11), LIMITS, pause.until) is None


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 4), st.integers(1, 6)), max_size=60))
def test_in_any_minute_and_any_day_no_more_leaves_than_may(wanted: list[tuple[int, int, int]]) -> None:
    """Mails come at any time, under limits that change; each goes at the first time that it may."""
    pace, now, left = Pace(), NOW, []
    for seconds, recipients, a_minute in wanted:
        limits, now = PaceLimits(a_minute, 10), now + seconds * SECOND
        while pause := pace.pause_before(to(recipients), limits, now):
            assert pause.until > now
            now = pause.until
        pace = pace.counting(to(recipients), now)
        left.append((now, recipients))
        lately = [at for at, _ in left if at > now - timedelta(seconds=60)]
        assert len(lately) <= a_minute
        assert sum(count for at, count in left if at > now - DAY) <= 10
    assert len(pace.hours) <= 26
