"""The mailbox test's verdicts: from every finding to its sentence, in the order in which things are put right."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.connections.mailbox_tests import (
    OUTCOMES,
    SENTENCES,
    Directory,
    Findings,
    Read,
    judge,
    unreachable,
)
from tests.builders import NOW

ANN = "ann@contoso.example"
ROLES = frozenset(("Mail.Read", "Mail.Send", "User.Read.All"))


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
]


@pytest.mark.parametrize(("outcome", "changes"), CASES)
def test_the_verdict(outcome: str, changes: dict[str, Any]) -> None:
    verdict = judge(found(**changes), NOW)
    assert verdict.outcome == outcome
    assert "{" not in verdict.sentence


def test_every_outcome_is_reached() -> None:
    assert {outcome for outcome, _ in CASES} | {unreachable().outcome} == set(OUTCOMES)


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


def test_what_will_pass_or_is_only_a_hint_is_no_reason_to_refuse() -> None:
    allowed = {outcome for outcome, changes in CASES if not judge(found(**changes), NOW).is_refused}
    assert allowed | {unreachable().outcome} == {"ok", "consent_pending", "address_changed", "unreachable"}
    assert not unreachable().is_refused


def test_what_was_read_counts_as_readable_whatever_else_is_wrong() -> None:
    readable = {outcome for outcome, changes in CASES if judge(found(**changes), NOW).is_readable}
    assert readable == {"ok", "wrong_purpose", "on_contact_card", "address_changed"}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_sentence_says_what_to_do(outcome: str) -> None:
    assert SENTENCES[outcome].endswith(".")
    assert outcome == "ok" or len(SENTENCES[outcome]) > 60
