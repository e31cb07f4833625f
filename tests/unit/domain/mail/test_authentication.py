"""The receiving server's verdict on the From domain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail.authentication import dmarc_of, fails_dmarc, is_disowned, is_unauthenticated

NAME = "Authentication-Results"
SPF = "spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=fabrikam.example; dkim=none (message not signed)"
EXCHANGE = SPF + " header.d=none;dmarc={} action=none header.from=fabrikam.example;compauth={} reason=000"


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (EXCHANGE.format("pass", "pass"), "pass"),
        (EXCHANGE.format("fail", "fail"), "fail"),
        (EXCHANGE.format("fail", "none"), "unauthenticated"),
        (EXCHANGE.format("fail", "softpass"), "unauthenticated"),
        (EXCHANGE.format("fail", "none").replace("action=none", "action=oreject"), "fail"),
        (EXCHANGE.format("pass", "fail"), "fail"),
        ("spf=pass; dmarc=fail action=none header.from=x", "fail"),
        ("compauth=fail reason=001", "fail"),
        (
            "mx.google.example; dmarc=fail (p=NONE sp=NONE dis=NONE) header.from=fabrikam.example",
            "unauthenticated",
        ),
        ("mx; dmarc = fail ( p = none ) header.from=fabrikam.example; compauth=fail", "fail"),
        ("mx; dmarc=fail (p=NONE sp=REJECT dis=REJECT) header.from=a.fabrikam.example", "fail"),
        ("mx; dmarc=fail (p=none,d=none) policy.published-domain-policy=none", "unauthenticated"),
        (
            "mx; dmarc=fail policy.published-domain-policy=none header.from=fabrikam.example",
            "unauthenticated",
        ),
        ("mx; dmarc=fail (p=none); dmarc=fail (p=reject)", "fail"),
        (EXCHANGE.format("fail", "pass"), "pass"),
        (EXCHANGE.format("none", "fail"), "fail"),
        (EXCHANGE.format("bestguesspass", "pass"), ""),
        (EXCHANGE.format("temperror", "none"), ""),
        ("mx.contoso.example; dmarc=fail (p=reject) header.from=fabrikam.example", "fail"),
        ("mx.contoso.example 1; spf=pass; DMARC = PASS", "pass"),
        ("mx.contoso.example; dmarc/1=fail", "fail"),
        ("mx.contoso.example;\r\n\tdmarc=fail\r\n\theader.from=x", "fail"),
        ("dmarc=fail", "fail"),
        ("mx.contoso.example dmarc=fail", "fail"),
        ("mx.contoso.example; dmarc=pass; dmarc=fail", "fail"),
        ("mx.contoso.example; none", ""),
        ("", ""),
    ],
)
def test_the_verdict_is_read(value: str, verdict: str) -> None:
    assert dmarc_of([(NAME, value)]) == verdict
    assert fails_dmarc([(NAME, value)]) is (verdict in ("fail", "unauthenticated"))
    assert is_disowned([(NAME, value)]) is (verdict == "fail")
    assert is_unauthenticated([(NAME, value)]) is (verdict == "unauthenticated")


@pytest.mark.parametrize(
    "value",
    [
        "mx; spf=pass (dmarc=fail (p=none)) smtp.mailfrom=x; dmarc=fail (p=reject) header.from=fabrikam.example",
        "mx; spf=pass (p=none) smtp.mailfrom=x; dmarc=fail header.from=fabrikam.example",
        'mx; spf=pass smtp.mailfrom="dmarc=fail (p=none)"@x.example; dmarc=fail header.from=fabrikam.example',
        "mx; dmarc=fail header.from=fabrikam.example (p=none)",
    ],
)
def test_a_policy_that_a_sender_may_have_written_excuses_nothing(value: str) -> None:
    assert dmarc_of([(NAME, value)]) == "fail"


@pytest.mark.parametrize(
    "value",
    [
        "mx.contoso.example; spf=pass (x; dmarc=pass) smtp.mailfrom=a@x.example",
        "mx.contoso.example; spf=pass (a (nested; dmarc=pass) b; dmarc=pass)",
        'mx.contoso.example; spf=pass smtp.mailfrom="a; dmarc=pass"@x.example',
        r"mx.contoso.example; spf=pass (an escaped \) bracket; dmarc=pass)",
        "mx.contoso.example; spf=pass smtp.mailfrom=dmarc=pass@x.example",
        "mx.contoso.example; spf=pass (never closed; dmarc=pass",
        "mx.contoso.example; xdmarc=pass; dmarc.x=pass",
    ],
)
def test_what_a_sender_may_choose_is_no_verdict(value: str) -> None:
    assert dmarc_of([(NAME, value)]) == ""


@pytest.mark.parametrize("mark", ['"', "(", "((", '("'])
def test_a_mark_that_never_closes_hides_no_failure(mark: str) -> None:
    assert dmarc_of([(NAME, f"spf=none smtp.mailfrom={mark}@x.example; dmarc=fail; compauth=pass")]) == "fail"
    assert dmarc_of([(NAME, f"spf=none smtp.mailfrom={mark}@x.example; dmarc=pass")]) == ""


def test_only_the_topmost_header_counts() -> None:
    theirs = (NAME, "mx.fabrikam.example; dmarc=pass")
    assert dmarc_of([("Received", "x"), ("AUTHENTICATION-RESULTS", "mx; dmarc=fail"), theirs]) == "fail"
    assert dmarc_of([(NAME, "mx; spf=none"), theirs]) == ""


def test_without_the_header_nothing_is_known() -> None:
    assert dmarc_of([("Subject", "dmarc=fail"), ("ARC-Authentication-Results", "i=1; dmarc=fail")]) == ""


@given(
    st.lists(st.tuples(st.sampled_from([NAME, "X"]), st.text(alphabet='dmarc=fil;pas(") \\/1', max_size=60)))
)
def test_no_header_makes_it_fail(headers: list[tuple[str, str]]) -> None:
    assert dmarc_of(headers) in ("", "pass", "unauthenticated", "fail")


@given(st.text())
def test_no_text_makes_it_fail(text: str) -> None:
    assert dmarc_of([(NAME, f"mx; {text}")]) in ("", "pass", "unauthenticated", "fail")
