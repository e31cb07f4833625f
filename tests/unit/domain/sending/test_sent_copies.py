"""The copy that left is compared with what was asked for."""

from typing import Any

import pytest

from shared.domain.mail.addresses import Person
from shared.domain.sending.sent_copies import Part, differences
from tests.builders import AGENT, CONTACT, a_head, an_outbox_mail, people

MAIL = an_outbox_mail(cc=people("carl@fabrikam.example"), bcc=people("eve@fabrikam.example"))


def found(**changes: Any) -> list[tuple[Part, str]]:
    copy: dict[str, Any] = {
        "sender": Person("Bo Agent", AGENT),
        "to": (CONTACT,),
        "cc": ("carl@fabrikam.example",),
        "subject": MAIL.subject,
    }
    return [(each.part, each.sentence) for each in differences(MAIL, a_head(**{**copy, **changes}))]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"bcc": ("eve@fabrikam.example",)},
        {"sender": Person("Somebody Else", AGENT)},
        {"subject": MAIL.subject.replace(" ", "  ")},
    ],
)
def test_what_servers_are_free_to_set_is_no_difference(changes: dict[str, Any]) -> None:
    assert found(**changes) == []


def test_another_sender_is_said() -> None:
    assert found(sender=Person("Ann", "ann@contoso.example")) == [
        (Part.SENDER, f"It left as ann@contoso.example, asked for {AGENT}.")
    ]


def test_other_recipients_are_said() -> None:
    assert found(to=("dan@fabrikam.example",)) == [
        (Part.RECIPIENTS, f"It left without {CONTACT} and to dan@fabrikam.example besides.")
    ]
    assert found(cc=()) == [(Part.RECIPIENTS, "It left without carl@fabrikam.example.")]


def test_another_subject_is_said() -> None:
    assert found(subject="Other") == [(Part.SUBJECT, "It left with the subject 'Other'.")]
