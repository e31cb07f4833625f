"""A small organisation through the product: nothing stands where it does not belong, and faults would be seen."""

from dataclasses import replace

import pytest

from bench.matching_quality.findings import Finding
from bench.matching_quality.report import Report, examples
from bench.matching_quality.run import run
from bench.matching_quality.truth import Verdict
from shared.domain.matching import rules
from shared.domain.matching.decisions import Disposition
from shared.services.capture import screening
from shared.services.matching import matching

pytestmark = pytest.mark.slow
MAILS = 300


@pytest.fixture(scope="module")
def small() -> tuple[list[Finding], Report]:
    return run(5, MAILS)


def by_kind(found: list[Finding], kind: str) -> list[Finding]:
    return [one for one in found if one.mail.kind == kind]


def test_every_mail_that_can_be_decided_is_where_it_belongs_and_no_body_is_read_without_need(
    small: tuple[list[Finding], Report],
) -> None:
    found, report = small
    assert list(examples(found, 5)) == []
    assert report.passes
    assert len(found) >= MAILS
    assert report.decidable.total() + report.undecidable.total() + report.unwanted.total() == len(found)
    assert min(report.decidable.total() / 10, report.undecidable.total(), report.unwanted.total()) > 15


def test_the_tables_name_every_story_and_every_rule_that_made_a_link(
    small: tuple[list[Finding], Report],
) -> None:
    found, report = small
    table = "\n".join(report.lines())
    assert all(one.mail.kind in table for one in found)
    for rule in (
        "code",
        "bounce",
        "thread",
        "conversation",
        "subject",
        "contact_address",
        "domain",
        "taught",
    ):
        assert f"\n{rule} " in table
    assert "right 100.00%" in table


def test_a_product_that_takes_every_code_at_its_word_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "is_vouched_for", lambda *_: True)
    monkeypatch.setattr("shared.domain.matching.matching.is_vouched_for", lambda *_: True)
    found, report = run(5, MAILS)
    assert not report.passes
    assert Verdict.WRONG in {one.verdict for one in by_kind(found, "claimed_codes")}


def test_a_product_that_files_nothing_is_not_wrong_and_yet_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = matching.match
    monkeypatch.setattr(
        matching,
        "match",
        lambda *given: replace(
            decide(*given), disposition=Disposition.TRIAGE, links=(), opens="", reason="no_match"
        ),
    )
    found, report = run(5, MAILS)
    assert report.wrong == 0
    assert not report.passes
    assert Verdict.TRIAGED in {one.verdict for one in by_kind(found, "thread")}


def test_a_product_that_reads_every_body_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = screening.screening.decide
    monkeypatch.setattr(screening.screening, "decide", lambda *given: replace(decide(*given), keep=True))
    _, report = run(5, MAILS)
    assert report.bodies_read == report.unwanted.total()
    assert not report.passes
