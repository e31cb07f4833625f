"""Windows: every mail exactly once, however the pages are cut."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.capture.windows import Window, is_done, second_of
from tests.builders import NOW

# (offset in milliseconds from NOW)
MAILS = st.lists(st.integers(-5_000, 25_000), max_size=40)


def pages(mails: list[int], window: Window, size: int) -> list[int]:
    """What a reader takes in who lists the window in pages of a size, as Graph would answer."""
    taken: list[int] = []
    rest: Window | None = window
    for _ in range(1_000):
        if rest is None:
            return taken
        at, start = rest, int(rest.cursor or 0)
        inside = [
            one
            for one in sorted(range(len(mails)), key=lambda number: (mails[number], number))
            if at.start <= second_of(NOW + timedelta(milliseconds=mails[one])) < at.end
        ]
        shown = inside[start : start + size]
        link = str(start + size) if start + size < len(inside) else ""
        received = {one: NOW + timedelta(milliseconds=mails[one]) for one in shown}
        rest = at.after(list(received.values()), link)
        taken += [one for one in shown if is_done(received[one], rest)]
    raise AssertionError("the window does not end")


@given(MAILS, st.integers(1, 7))
def test_every_mail_of_the_window_comes_exactly_once(mails: list[int], size: int) -> None:
    window = Window.of(NOW, NOW + timedelta(seconds=20))
    expected = [
        number
        for number, one in enumerate(mails)
        if timedelta() <= timedelta(milliseconds=one) < timedelta(seconds=21)
    ]
    assert sorted(pages(mails, window, size)) == expected


@given(MAILS, st.integers(1, 7), st.integers(1, 19))
def test_two_windows_that_touch_lose_and_double_nothing(mails: list[int], size: int, cut: int) -> None:
    middle = NOW + timedelta(seconds=cut)
    whole = Window(NOW, NOW + timedelta(seconds=20))
    left, right = Window(NOW, middle), Window(middle, whole.end)
    apart = pages(mails, left, size) + pages(mails, right, size)
    assert sorted(apart) == sorted(pages(mails, whole, size))


def test_a_window_covers_the_seconds_of_both_its_ends() -> None:
    window = Window.of(NOW + timedelta(milliseconds=400), NOW + timedelta(seconds=3, milliseconds=1))
    assert (window.start, window.end) == (NOW, NOW + timedelta(seconds=4))


def test_a_page_that_ends_within_a_second_has_that_second_read_again() -> None:
    window = Window(NOW, NOW + timedelta(seconds=9))
    rest = window.after([NOW, NOW + timedelta(seconds=2)], "link")
    assert rest == Window(NOW + timedelta(seconds=2), window.end)
    assert is_done(NOW, rest)
    assert not is_done(NOW + timedelta(seconds=2), rest)


def test_in_a_crowded_second_the_link_leads_on() -> None:
    window = Window(NOW, NOW + timedelta(seconds=9))
    rest = window.after([NOW, NOW], "link")
    assert rest == Window(NOW, window.end, "link")
    assert is_done(NOW, rest)


def test_a_last_page_leaves_nothing() -> None:
    assert Window(NOW, NOW + timedelta(seconds=9)).after([NOW], "") is None


def test_what_is_behind_a_second() -> None:
    window = Window(NOW, NOW + timedelta(seconds=2))
    assert window.from_second_after(NOW).start == NOW + timedelta(seconds=1)
    assert window.from_second_after(NOW + timedelta(seconds=1, milliseconds=5)).is_empty
