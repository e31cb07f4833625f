"""Measuring an HTML body before it is parsed."""

import time

import pytest

from shared.domain.html_limits import nests_deeper, shape


@pytest.mark.parametrize(
    ("html", "depth"),
    [
        ("", 0),
        ("<div></div>" * 50, 1),
        ("<div><b><i></i></b></div>", 3),
        ("<p>a<p>b<p>c", 0),
        ("<br><hr><img>" * 9, 0),
        ("<!--" + "<div>" * 9 + "-->", 0),
        ("<style><!--</style>" + "<div>" * 9 + "-->", 9),
        ("<div><!--</div>-->" * 9, 9),
        ("<div><textarea></div></textarea>" * 9, 10),
    ],
)
def test_the_estimate_is_right_or_too_high(html: str, depth: int) -> None:
    assert shape(html).depth == depth


def test_the_exact_depth_counts_html_and_body() -> None:
    assert nests_deeper("<div><b><i></i></b></div>", 4)
    assert not nests_deeper("<div><b><i></i></b></div>", 5)


def test_unclosed_formatting_counts_for_every_later_element() -> None:
    assert shape("<font>" * 10 + "<p>x" * 90).copies == 1_000


@pytest.mark.parametrize("unit", ["<div>", "<!--", "<", "<!-- -->", "</div>", "<div <div "])
def test_a_megabyte_of_anything_is_measured_at_once(unit: str) -> None:
    started = time.process_time()
    shape(unit * (1_000_000 // len(unit)))
    assert time.process_time() - started < 1
