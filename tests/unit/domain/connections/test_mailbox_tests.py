"""The mailbox test's verdicts: from every finding to its sentence, in the order in which things are put right."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.connections.account_tests import SignIn, Submission
from shared.domain.connections.mailbox_tests import Directory, Findings, Read, judge, judge_token
from shared.domain.connections.verdicts import OUTCOMES, SENTENCES, of_account, unreachable
from tests.builders import NOW

ANN = "ann@contoso.example"
ROLES = frozenset(("Mail.Read", "Mail.Send", "User.Read.All"))
BASIC = frozenset(("Mail.ReadBasic.All", "User.Read.All"))


def found(**changes: Any) -> Findings:
    """A mailbox that is well, unless told otherwise."""
    well = {
        "address": ANN,
        "mode": "admin_consent",
        "granted": ROLES,
        "directory": Directory.FOUND,
        "primary": ANN,
        "read": Read.DONE,
        "purpose": "user",
    }
    return Findings(**{**well, **changes})  # type: ignore[arg-type]


CASES: list[tuple[str, dict[str, Any]]] = [
    ("ok", {}),
    ("ok", {"purpose": ""}),
    ("ok", {"purpose": "linked"}),
    ("ok", {"directory": Directory.CLOSED, "primary": ""}),
    ("ok", {"purpose": "shared", "kind": "intake"}),
    ("no_consent", {"granted": None, "read": Read.UNTRIED}),
    ("no_consent", {"granted": frozenset(), "read": Read.DENIED}),
    ("no_consent", {"granted": None, "read": Read.UNTRIED, "consented_at": NOW - timedelta(hours=2)}),
    ("consent_pending", {"granted": None, "read": Read.UNTRIED, "consented_at": NOW - timedelta(hours=1)}),
    ("consent_pending", {"read": Read.DENIED, "consented_at": NOW - timedelta(minutes=119)}),
    ("deployment", {"granted": None, "read": Read.UNTRIED, "refusal": "The secret has expired."}),
    ("deployment", {"granted": None, "mode": "agent", "refusal": "The secret has expired."}),
    ("not_signed_in", {"granted": None, "mode": "service_account", "read": Read.UNTRIED}),
    ("not_signed_in", {"granted": None, "mode": "agent", "read": Read.UNTRIED}),
    ("not_signed_in", {"granted": frozenset(("Mail.Read",)), "mode": "agent", "read": Read.DENIED}),
    ("not_in_scope", {"read": Read.DENIED}),
    ("not_in_scope", {"read": Read.DENIED, "granted": frozenset(), "mode": "rbac"}),
    ("not_in_scope", {"read": Read.DENIED, "granted": frozenset(), "proved_at": NOW}),
    (
        "missing_right",
        {"read": Read.DENIED, "mode": "service_account", "granted": frozenset(("Mail.ReadWrite.Shared",))},
    ),
    ("no_bodies", {"read": Read.HEADERS_ONLY, "granted": BASIC}),
    ("no_bodies", {"read": Read.HEADERS_ONLY, "granted": frozenset(), "mode": "rbac"}),
    ("no_bodies", {"read": Read.EMPTY, "granted": BASIC}),
    ("no_bodies", {"read": Read.EMPTY, "granted": frozenset(("Mail.ReadBasic",)), "mode": "agent"}),
    ("no_bodies", {"read": Read.DENIED, "granted": BASIC, "consented_at": NOW}),
    ("ok", {"read": Read.EMPTY}),
    ("ok", {"read": Read.EMPTY, "granted": BASIC | {"Mail.Read"}}),
    ("ok", {"read": Read.DONE, "granted": BASIC}),  # Exchange's scope gives the rest
    ("no_mailbox", {"read": Read.NO_MAILBOX}),
    ("no_user", {"directory": Directory.MISSING, "read": Read.UNTRIED}),
    ("no_user", {"directory": Directory.CLOSED, "read": Read.NO_USER}),
    ("alias", {"primary": "ann.berg@contoso.example"}),
    ("alias", {"primary": "ann.berg@contoso.example", "read": Read.DENIED}),
    ("group", {"directory": Directory.MISSING, "group": "Sales", "read": Read.UNTRIED}),
    ("wrong_purpose", {"purpose": "shared"}),
    ("wrong_purpose", {"purpose": "equipment"}),
    ("on_contact_card", {"cards": ("contact/C-7",)}),
    ("on_contact_card", {"cards": ("contact/C-7",), "purpose": "shared"}),
    ("address_changed", {"is_known": True, "primary": "ann.berg@contoso.example"}),
    ("stray_routes", {"stray_routes": ("repiars@contoso.example",)}),
]


@pytest.mark.parametrize(("outcome", "changes"), CASES)
def test_the_verdict(outcome: str, changes: dict[str, Any]) -> None:
    verdict = judge(found(**changes), NOW)
    assert verdict.outcome == outcome
    assert "{" not in verdict.sentence


def test_every_outcome_is_reached() -> None:
    outside = {of_account(ended, Submission.UNKNOWN, ()).outcome for ended in SignIn}
    assert {outcome for outcome, _ in CASES} | {unreachable().outcome} | outside == set(OUTCOMES)


def test_a_colleague_on_a_card_is_told_once_the_sign_in_is_right() -> None:
    assert of_account(SignIn.DONE, Submission.UNKNOWN, ("contact/C-1",)).outcome == "on_contact_card"
    assert "contact/C-1" in of_account(SignIn.DONE, Submission.UNKNOWN, ("contact/C-1",)).sentence
    assert of_account(SignIn.WRONG_PASSWORD, Submission.UNKNOWN, ("contact/C-1",)).outcome == "wrong_password"
    harmless = {ended for ended in SignIn if not of_account(ended, Submission.UNKNOWN, ()).is_refused}
    assert harmless == {SignIn.DONE, SignIn.NO_CREDENTIALS, SignIn.SERVER_BUSY}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"primary": "ann.berg@contoso.example"}, "ann.berg@contoso.example"),
        ({"directory": Directory.MISSING, "group": "Sales", "read": Read.UNTRIED}, "'Sales'"),
        ({"purpose": "room"}, "'room'"),
        ({"cards": ("contact/C-7", "contact/C-9")}, "contact/C-7, contact/C-9"),
        (
            {
                "read": Read.DENIED,
                "mode": "service_account",
                "account": "crm@contoso.example",
                "granted": frozenset(("Mail.ReadWrite.Shared",)),
            },
            "crm@contoso.example lacks the right Full Access",
        ),
        ({"read": Read.HEADERS_ONLY, "granted": BASIC}, "the right Mail.Read is missing"),
        ({"read": Read.HEADERS_ONLY, "granted": BASIC, "mode": "agent"}, "the right Mail.Read is missing"),
        (
            {"read": Read.HEADERS_ONLY, "granted": frozenset(), "mode": "rbac"},
            "the right Application Mail.Read (a role in Exchange) is missing",
        ),
        (
            {
                "read": Read.EMPTY,
                "granted": frozenset(("Mail.ReadBasic.Shared",)),
                "mode": "service_account",
            },
            "the right Mail.Read.Shared is missing",
        ),
    ],
)
def test_the_sentence_names_what_it_is_about(changes: dict[str, Any], word: str) -> None:
    assert word in judge(found(**changes), NOW).sentence


@pytest.mark.parametrize(
    ("mode", "granted", "send"),
    [
        ("admin_consent", ROLES, "permitted"),
        ("", ROLES, "permitted"),
        ("admin_consent", frozenset(("Mail.Read",)), "not_permitted"),
        ("rbac", frozenset(), "unknown"),
        ("agent", frozenset(("Mail.Read", "Mail.Send")), "permitted"),
        ("agent", frozenset(("Mail.Read",)), "not_permitted"),
        ("service_account", frozenset(("Mail.ReadWrite.Shared", "Mail.Send.Shared")), "unknown"),
        ("service_account", frozenset(("Mail.ReadWrite.Shared",)), "not_permitted"),
        ("admin_consent", None, "unknown"),
    ],
)
def test_whether_mail_may_be_sent_and_how_that_is_known(mode: str, granted: Any, send: str) -> None:
    verdict = judge(found(mode=mode, granted=granted), NOW)
    assert verdict.send == send
    assert len(verdict.send_sentence) > 30


RIGHTS: list[tuple[set[str], str, set[str]]] = [
    ({"Mail.Read", "Mail.ReadWrite", "Mail.Send"}, "permitted", set()),
    ({"Mail.Read", "Mail.Send"}, "permitted", {"Mail.ReadWrite"}),
    ({"Mail.ReadWrite"}, "not_permitted", {"Mail.Send"}),
    ({"Mail.Read"}, "not_permitted", {"Mail.Send", "Mail.ReadWrite"}),
]


@pytest.mark.parametrize(("granted", "send", "lacking"), RIGHTS)
def test_each_right_that_sending_lacks_is_named(granted: set[str], send: str, lacking: set[str]) -> None:
    verdict = judge(found(mode="admin_consent", granted=frozenset(granted)), NOW)
    named = verdict.send_sentence.partition("lacks")[2].partition("without which")[0]
    assert (verdict.send, {right for right in ("Mail.Send", "Mail.ReadWrite") if right in named}) == (
        send,
        lacking,
    )


@pytest.mark.parametrize(
    ("granted", "outcome", "word"),
    [
        (ROLES, "ok", ""),
        (BASIC, "no_bodies", "the right Mail.Read is missing"),
        (frozenset(("User.Read.All",)), "not_in_scope", "no permission to read mail"),
        (frozenset(), "not_in_scope", "no permission to read mail"),
    ],
)
def test_without_a_mailbox_the_token_is_judged(granted: frozenset[str], outcome: str, word: str) -> None:
    verdict = judge_token(granted, "admin_consent")
    assert verdict.outcome == outcome
    assert word in verdict.sentence
    assert verdict.is_readable == (outcome == "ok")


def test_a_fresh_token_is_tried_before_a_right_is_called_missing() -> None:
    assert found(read=Read.HEADERS_ONLY, granted=BASIC).is_denied
    assert found(read=Read.EMPTY, granted=BASIC).is_denied
    assert not found(read=Read.EMPTY).is_denied


def test_what_will_pass_or_is_only_a_hint_is_no_reason_to_refuse() -> None:
    allowed = {outcome for outcome, changes in CASES if not judge(found(**changes), NOW).is_refused}
    assert allowed | {unreachable().outcome} == {
        "ok",
        "consent_pending",
        "address_changed",
        "stray_routes",
        "unreachable",
    }
    assert not unreachable().is_refused


def test_what_was_read_counts_as_readable_whatever_else_is_wrong() -> None:
    readable = {outcome for outcome, changes in CASES if judge(found(**changes), NOW).is_readable}
    assert readable == {"ok", "wrong_purpose", "on_contact_card", "address_changed", "stray_routes"}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_sentence_says_what_to_do(outcome: str) -> None:
    assert SENTENCES[outcome].endswith(".")
    assert outcome == "ok" or len(SENTENCES[outcome]) > 60
