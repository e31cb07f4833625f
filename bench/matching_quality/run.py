"""One run: tell the story, let the product live through it, compare."""

import random
from collections.abc import Callable
from typing import Final

from bench.matching_quality.findings import Finding, findings
from bench.matching_quality.house import House
from bench.matching_quality.plan import tell
from bench.matching_quality.report import Report
from bench.matching_quality.story import Codes
from shared.domain.mail.codes import issue
from tests.builders import CODE_KEYS, TENANT

NEIGHBOUR: Final = "99999999-2222-4333-8444-555555555555"


def run(seed: int, mails: int) -> tuple[list[Finding], Report]:
    """Every mail with its verdict, and what they come to."""
    house = House(tell(seed, mails, Codes(_written_by(TENANT), _written_by(NEIGHBOUR))))
    house.live(random.Random(seed))
    found = findings(house)
    return found, Report(found)


def _written_by(tenant_id: str) -> Callable[[int], str]:
    return lambda number: f"[{issue(number, CODE_KEYS, tenant_id).text}]"
