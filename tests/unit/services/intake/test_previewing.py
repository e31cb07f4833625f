"""A stored mail is previewed as a pasted one is: by the same functions, for who may read it, and nothing is stored."""

import pytest

from shared.domain.errors import InvalidInput, Unknown
from shared.domain.privacy.callers import ADMIN, Caller
from tests.builders import TENANT
from tests.unit.services.intake.answering import AnsweringOffice
from tests.unit.services.intake.desk import AGENT, OWN, SERVICE, caller_of

ADMINISTRATOR = Caller(TENANT, frozenset({ADMIN}), oid="admin", address=f"admin@{OWN}")
ALIAS = f"repairs@{OWN}"


def test_a_stored_mail_is_shown_as_the_case_that_it_would_become_under_other_settings() -> None:
    office = AnsweringOffice(aliases=(ALIAS,))
    item = office.enquire("Kim Lee <kim@x.example>", ALIAS, subject="Re: Boiler", text="It is cold.")
    key = office.stored(item, SERVICE).key
    before = office.world.rows(), dict(office.world.storage.records.rows), len(office.rows)
    settings = {
        "fields": {"name": "{from_name}: {subject}", "details": "{text} {to}"},
        "routes": [{"to": ALIAS, "type": "repair"}],
    }
    shown = office.world.preview_intake(
        ADMINISTRATOR, office._mailboxes[SERVICE], {"message_id": key, "intake": settings}
    )
    record = shown.dressed.record
    assert (record.name, record.details, record.type) == ("Kim Lee: Boiler", f"It is cold. {ALIAS}", "repair")
    assert shown.answer is not None
    assert shown.answer.subject == "We have it: Boiler"
    assert before == (office.world.rows(), dict(office.world.storage.records.rows), len(office.rows))


def test_what_waits_is_previewed_by_the_mailbox_s_agents_alone() -> None:
    office = AnsweringOffice(unmatched="inbox")
    key = office.stored(office.enquire("kim@x.example", subject="Boiler"), SERVICE).key
    desk = office._mailboxes[SERVICE]
    with pytest.raises(Unknown):
        office.world.preview_intake(ADMINISTRATOR, desk, {"message_id": key})
    shown = office.world.preview_intake(caller_of(AGENT), desk, {"message_id": key})
    assert shown.dressed.record.name == "Boiler"


def test_either_a_stored_mail_or_a_pasted_one() -> None:
    office = AnsweringOffice()
    with pytest.raises(InvalidInput, match="or paste one"):
        office.world.preview_intake(
            ADMINISTRATOR, office._mailboxes[SERVICE], {"message_id": "0f" * 16, "mail": {"subject": "x"}}
        )
