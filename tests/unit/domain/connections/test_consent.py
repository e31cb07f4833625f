"""What comes back from Entra's pages: the error counts first, and nothing that is claimed counts for it."""

import pytest

from shared.domain.connections.connections import STATES
from shared.domain.connections.consent import NOTICES, outcome_of
from tests.builders import TENANT
from tests.unit.api.tokens import OTHER


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"admin_consent": "True", "tenant": TENANT}, "granted"),
        ({"admin_consent": "true", "tenant": TENANT.upper()}, "granted"),
        ({"code": "1.x"}, "granted"),
        ({"admin_consent": "True", "tenant": OTHER}, "wrong_account"),
        ({"admin_consent": "True", "tenant": ""}, "wrong_account"),
        ({"code": "1.x", "tenant": OTHER}, "wrong_account"),
        ({}, "failed"),
        ({"admin_consent": "False", "tenant": TENANT}, "failed"),
        (
            {
                "admin_consent": "True",
                "tenant": TENANT,
                "error": "consent_required",
                "error_description": "AADSTS65004: no",
            },
            "consent_declined",
        ),
        ({"error": "access_denied"}, "consent_declined"),
        ({"error": "access_denied", "error_description": "AADSTS90094: admin"}, "needs_administrator"),
        ({"error": "server_error", "error_description": "AADSTS90033: later"}, "failed"),
        ({"error": "", "admin_consent": "True", "tenant": TENANT}, "failed"),
    ],
)
def test_an_answer_is_read_without_trust(answer: dict[str, str], outcome: str) -> None:
    assert outcome_of(answer, TENANT) == outcome


def test_every_notice_says_what_happened_and_what_to_do() -> None:
    assert set(NOTICES) - set(STATES) == {
        "unknown_link",
        "failed",
        "mailbox_added",
        "admin_adds_mailbox",
    }
    for one in NOTICES.values():
        assert one.title
        assert one.text.endswith(".")
    assert {one.outcome for one in NOTICES.values() if one.done} == {
        "verified",
        "consent_pending",
        "no_access",
        "mailbox_added",
        "admin_adds_mailbox",
    }
