"""The costs on the page for operators add up, at the prices that stand above them."""

import re
from math import prod
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "operations.md").read_text("utf-8")
COSTS = PAGE.partition("\n## Costs\n")[2]
NUMBER = r"[\d,]+(?:\.\d+)?"
UNIT = r"(?: ?(?:GB-s|GB|KB|MB|s))?"
FACTOR = rf"{NUMBER}{UNIT}"
TERM = rf"{FACTOR}(?: x {FACTOR})+"
STEP = re.compile(rf"({TERM}(?: \+ {TERM})*) = ({NUMBER}) ?(GB-s|MB)?(?: = ({NUMBER}))?")
PRICES = {"GB-s": 0.000026, "MB": 2.76 / 1000}


def number(text: str) -> float:
    return float(text.replace(",", ""))


def product(term: str) -> float:
    """Kilobytes count as megabytes' thousandths: that is what such products come to."""
    factors = [number(one) for one in re.findall(NUMBER, term)]
    return prod(factors) / (1000 if "KB" in term else 1)


def rounded(value: float, given: str) -> bool:
    """Whether `given` is the value, rounded to as many places as are shown."""
    places = len(given.partition(".")[2])
    return abs(value - number(given)) <= 0.5 * 10**-places + 1e-9


@pytest.mark.parametrize("step", STEP.findall(COSTS), ids=lambda one: str(one[0]))
def test_a_product_is_what_it_says(step: tuple[str, str, str, str]) -> None:
    terms, result, unit, dollars = step
    value = sum(map(product, terms.split(" + ")))
    assert rounded(value, result)
    if dollars:
        assert rounded(value * PRICES[unit], dollars)


def test_all_steps_were_seen() -> None:
    assert len(STEP.findall(COSTS)) == 14
    for unit, price in (("compute", "0.000026 a GB-s"), ("logs", "2.76 a GB")):
        assert f"| {unit}" in COSTS
        assert price in COSTS


@pytest.mark.parametrize("heading", ["### Per 1,000 mails", "### Per mailbox"])
def test_columns_add_up(heading: str) -> None:
    part = COSTS.partition(f"{heading}\n")[2].partition("\n### ")[0]
    table = part[: part.index("**together**")].rpartition("| part |")[2]
    rows = [one.strip("| ").split(" | ") for one in table.splitlines()[2:] if one.count("|") > 2]
    totals = re.findall(rf"\*\*({NUMBER})\*\*", part)
    for column, total in enumerate(totals, start=1):
        values = [number(re.findall(NUMBER, row[column])[-1]) for row in rows]
        assert len(values) == 4
        assert rounded(sum(values), total), (heading, column, values)
