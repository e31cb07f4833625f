"""The answer that a mail to an intake mailbox gets: who gets it, what it is made of, in which language."""

import pytest

from shared.domain.sending.states import State
from tests.builders import a_record
from tests.public_cases.office import reported
from tests.unit.services.intake.answering import WIDE, AnsweringOffice
from tests.unit.services.intake.desk import SERVICE


def played(number: int) -> AnsweringOffice:
    """An office that has received the mails of a report."""
    mails = reported(f"{number}-") or pytest.skip("the reports are not here")
    office = AnsweringOffice(limits=WIDE)
    office.receive_all(mails, SERVICE)
    return office


def test_326_the_answer_goes_where_the_writer_wants_answers_and_in_our_name() -> None:
    office = played(326)
    assert [[person.addr_spec for person in mail["To"].addresses] for mail in office.left] == [
        ["kim326@client326.example"],
        [person.address for person in office.rows[1].to],
        ["kim326@client326.example"],
        ["kim326@client326.example"],
    ]
    assert len(office.rows[1].to) == 2
    for mail in office.left:
        assert (mail["Cc"], mail["Bcc"], mail["From"]) == (None, None, SERVICE)
        assert "other326@" not in str(mail)


def test_327_nothing_of_a_mail_acts_in_the_answer() -> None:
    office = played(327)
    assert len(office.left) == len(office.cases()) == 4
    answered = [mail["In-Reply-To"].strip("<>") for mail in office.left]
    assert answered == [mail.message_id for mail in map(office.mail_of, office.cases())]
    for case, mail in zip(office.cases(), office.left, strict=True):
        assert len(case.summary.splitlines()) == 1
        assert (mail["Bcc"], len(mail["To"].addresses)) == (None, 1)
        html = mail.get_body(("html",))
        assert html is not None
        assert "<script" not in html.get_content()
        assert "<b>" not in html.get_content()
    plain = office.left[2].get_body(("plain",))
    assert plain is not None
    assert "{case_id}" in plain.get_content()
    assert "{{7*7}}" in plain.get_content()
    assert " 49" not in plain.get_content()


def test_328_who_never_wrote_is_not_answered_and_nothing_is_lost() -> None:
    mails = reported("328-") or pytest.skip("the reports are not here")
    office = AnsweringOffice(limits=WIDE)
    office.world.records(a_record("contact/C-7", addresses=("kim328@client328.example",)))
    office.receive_all(mails, SERVICE)
    assert (len(office.left), len(office.cases())) == (1, 1)
    assert sorted(office.waiting()) == ["forged_sender", "forged_sender", "marked_spam"]


def test_328_an_agent_opens_the_case_and_says_whether_it_is_answered() -> None:
    office = played(328)
    waits = next(item for item in office.desk_items() if item.reason == "marked_spam")
    office.open_by_hand(waits.message_key)
    [held] = [mail for mail in office.rows if mail.state is State.CANCELLED]
    assert (len(office.cases()), len(office.left)) == (2, 1)
    office.retry(held.id)
    assert len(office.left) == 2


def test_332_the_language_is_the_writer_s() -> None:
    office = played(332)
    german = [mail["Subject"].startswith("Eingegangen") for mail in office.left]
    assert german == [True, False, False, False, True]
    for row in office.rows:
        assert "told by" in row.steps[0].detail
