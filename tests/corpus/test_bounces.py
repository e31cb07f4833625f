"""Delivery reports of public test mails: what is read of them, against what their own project states.

The floors are what was measured. Where a report tells no code, that project writes one of its own making
(5.0.9xx), which is not counted against us; only the class (4 or 5) is compared.
"""

import json
from collections import Counter
from functools import partial

import pytest

from shared.domain.mail.bounces import Report, read_report
from tests.corpus import mails
from tests.cpu import check_cost

pytestmark = pytest.mark.skipif(not mails.CORPUS.is_dir(), reason="the public test mails are not here")

SLOWEST = 5


def reports() -> dict[str, Report]:
    files = [file for file, kind in mails.files(bounces=True) if kind in ("bounce", "bounce?")]
    return {file: read_report(mails.raw(file)) for file in files}


def expected_classes() -> dict[str, list[str]]:
    """Of each report, the class of each failed recipient's status, where one is stated."""
    lines = map(json.loads, (mails.CORPUS / "expectations.jsonl").read_text(encoding="utf-8").splitlines())
    return {
        one["file"]: sorted(each["status"][:1] for each in one["expected"])
        for one in lines
        if one["kind"] == "bounce" and all(each["status"] for each in one["expected"])
    }


def test_most_reports_say_who_why_and_which_mail() -> None:
    found = Counter[str]()
    for report in reports().values():
        found["all"] += 1
        found["address"] += bool(report.bounces)
        found["no failure"] += report.tells_of_no_failure
        found["address and status"] += bool(report.bounces) and all(one.status for one in report.bounces)
        found["message id"] += bool(report.original_message_id)
        found["to"] += bool(report.original_to)
    assert found["all"] == 308
    # A report that a mail is late, or has arrived, tells of nobody whom it did not reach.
    assert found["address"] + found["no failure"] >= 304, found
    assert found["address and status"] + found["no failure"] >= 278, found
    assert found["message id"] >= 283, found
    assert found["to"] >= 271, found


def test_permanent_and_temporary_are_as_stated() -> None:
    expected = expected_classes()
    right = wrong = late = 0
    for file, report in reports().items():
        late += file in expected and report.tells_of_no_failure
        if file in expected and report.bounces and all(one.status for one in report.bounces):
            same = expected[file] == sorted(one.status[:1] for one in report.bounces)
            right, wrong = right + same, wrong + (not same)
    assert right + late >= 238, (right, late)
    assert wrong <= 4, wrong


def test_no_mail_takes_long_or_makes_it_fail() -> None:
    for bounces in (True, False):
        for file, _ in mails.files(bounces=bounces):
            raw = mails.raw(file)
            check_cost(partial(read_report, raw), at_most=SLOWEST, name=file)
