"""The table of labelled mails: what the README says in words, held against the product."""

import pytest

from tests.matching.runner import Case, Play, cases, check_expectation

CASES = list(cases())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_labelled_mail_goes_where_it_belongs(case: Case) -> None:
    expected = case.said["expect"]
    check_expectation(expected)
    seen = Play(case).seen()
    if "skipped" not in seen:
        # What a case says nothing of must not be there.
        expected = {"closed": [], "inbox": seen.get("triage"), **expected}
    assert {name: seen.get(name) for name in expected} == expected


def test_the_table_is_large_and_every_case_has_a_name_of_its_own() -> None:
    names = [case.said["name"] for case in CASES]
    assert len(names) >= 150
    assert len(set(names)) == len(names)
