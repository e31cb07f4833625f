"""Measuring an HTML body before it is parsed."""

from base64 import b64encode
from random import Random

import pytest

from shared.domain.mail.html_limits import (
    MOST_TAGS,
    has_many_bare_ampersands,
    has_overlong_tag,
    nests_deeper,
    shape,
)
from tests.cpu import check_cost


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
    check_cost(lambda: shape(unit * (1_000_000 // len(unit))), at_most=10)


def test_counting_ends_behind_the_most_tags_that_are_shown() -> None:
    assert not shape("<p>" * MOST_TAGS).is_endless
    assert shape("<p>" * (MOST_TAGS + 1)).is_endless
    assert shape("<p>" * 333_000).tags == MOST_TAGS + 1


def attributes(count: int, form: str = "a{}") -> str:
    return " ".join(form.format(number) for number in range(count))


@pytest.mark.parametrize(
    "html",
    [
        f"<div {attributes(600)}>x</div>",
        f"</div {attributes(600)}>x",
        f"<div {attributes(600)}",
        "<div " + attributes(600, 'a{}=">"') + ">",
        "<div " + attributes(600, "a{} = '>'") + ">",
        "<div " + attributes(600, "a{}='<b>\"'") + ">",
        "<div/" + attributes(600, 'a{}="x"').replace(" ", "/") + ">",
        "<title><a b='</title><div " + attributes(600) + "></div>'>",
        "<div data:image/png;base64," + attributes(600).replace(" ", "/") + ">",
        "<style>a{content:'<b x=\"'}</style><div " + attributes(600) + ">",
    ],
)
def test_a_tag_of_hundreds_of_attributes_is_found_wherever_it_hides(html: str) -> None:
    assert has_overlong_tag("<p>before</p>" + html)


@pytest.mark.parametrize(
    "html",
    [
        "word " + attributes(5_000),
        f'<div title="{"x y " * 5_000}">z</div>',
        "<p style='color:red' class=a>one two three</p>" * 2_000,
        f"<pre>{attributes(5_000)}</pre>",
        f"<style>{attributes(2_000, 'p.a{} > b {{ color:red }}')}</style><p>x</p>",
        f"<!-- {attributes(2_000)} --><p>x</p>",
        f"<div {attributes(400)}>x</div>" * 9,
        f'<img src="data:image/png;base64,{b64encode(Random(1).randbytes(300_000)).decode()}">',
        "<img alt=''>" + attributes(2_000, "<b>w{}</b>"),
    ],
)
def test_long_texts_and_values_are_not_taken_for_attributes(html: str) -> None:
    assert not has_overlong_tag(html)


def test_only_ampersands_that_begin_no_usual_reference_count() -> None:
    assert not has_many_bare_ampersands("&nbsp;&lt;&#8217;&eacute;" * 60_000)
    assert not has_many_bare_ampersands("& " * 50_000)
    assert has_many_bare_ampersands("& " * 50_001)
    assert has_many_bare_ampersands("&zz;" * 50_001)
