"""A hostile body costs little to file, and little to show or to withhold."""

from collections.abc import Callable

import pytest

from bench.hostile import bodies, file_body, show, texts
from tests.cpu import check_cost

pytestmark = pytest.mark.slow
MOST = 10  # rounds of the fixed work


@pytest.mark.parametrize("make", bodies().values(), ids=bodies().keys())
def test_a_hostile_body_is_filed_and_judged_at_once(make: Callable[[], str]) -> None:
    body = make()
    check_cost(lambda: file_body(html=body), at_most=MOST)
    check_cost(lambda: show(body), at_most=MOST)


@pytest.mark.parametrize("make", texts().values(), ids=texts().keys())
def test_a_hostile_text_is_filed_at_once(make: Callable[[], str]) -> None:
    text = make()
    check_cost(lambda: file_body(text=text), at_most=MOST)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("100,000 nested div", "30,000 tags"),
        ("100,000 nested tables", "1,000,000 characters"),
        ("100,000 nested blockquotes", "1,000,000 characters"),
        ("120,000 attributes on a tag", "500 attributes"),
        ("20 MB of paragraphs", "1,000,000 characters"),
        ("a million ampersands", "50,000 bare ampersands"),
    ],
)
def test_a_withheld_body_says_why(name: str, reason: str) -> None:
    assert reason in (show(bodies()[name]()).withheld or "")
