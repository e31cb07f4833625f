import email
import email.policy
from datetime import UTC, datetime, timedelta

from bench.correspondence import APART, Size, correspondence, wanted

NINE = datetime(2026, 11, 30, 9, tzinfo=UTC)
AGENT = "ann@contoso.example"


def test_threads_are_interleaved_and_each_mail_answers_the_one_before() -> None:
    mails = correspondence(Size(threads=2, length=3), AGENT, NINE)
    assert [(mail.thread, mail.place) for mail in mails] == [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]
    answers = [email.message_from_bytes(mail.raw) for mail in mails if mail.thread == 1]
    assert [mail["In-Reply-To"] for mail in answers] == [None, mails[1].message_id, mails[3].message_id]
    assert answers[2]["References"].split() == [mails[1].message_id, mails[3].message_id]


def test_a_customer_writes_to_the_inbox_and_the_agent_answers_from_sent_items() -> None:
    mails = correspondence(Size(threads=1, length=2), AGENT, NINE, first=7)
    said = [email.message_from_bytes(mail.raw) for mail in mails]
    assert [mail.folder for mail in mails] == ["inbox", "sentitems"]
    assert [mail["From"] for mail in said] == ["customer7@customer7.example", AGENT]
    assert [mail["To"] for mail in said] == [AGENT, "customer7@customer7.example"]
    assert [mail.received - NINE for mail in mails] == [timedelta(0), APART]


def test_an_answer_quotes_the_mail_before_it_whole_as_text_and_as_html() -> None:
    first, second = (
        email.message_from_bytes(mail.raw, policy=email.policy.default)
        for mail in correspondence(Size(threads=1, length=2), AGENT, NINE)
    )
    opening = first.get_body(("plain",))
    answer, shown = second.get_body(("plain",)), second.get_body(("html",))
    assert opening is not None
    assert answer is not None
    assert shown is not None
    assert f"> {opening.get_content().strip()}" in answer.get_content()
    assert "<blockquote type='cite'>" in shown.get_content()


def test_a_second_copy_is_the_same_mail_and_adds_nothing_to_what_a_timeline_must_show() -> None:
    mails = correspondence(Size(threads=3, length=2, duplicates=4), AGENT, NINE)
    copies = [mail for mail in mails if mail.is_duplicate]
    assert len(copies) == 4
    assert {mail.raw for mail in copies} <= {mail.raw for mail in mails if not mail.is_duplicate}
    assert {thread: len(ids) for thread, ids in wanted(mails).items()} == {0: 2, 1: 2, 2: 2}


def test_the_same_seed_writes_the_same_mail() -> None:
    size = Size(threads=2, length=2)
    assert correspondence(size, AGENT, NINE, seed=3) == correspondence(size, AGENT, NINE, seed=3)
    assert correspondence(size, AGENT, NINE, seed=3) != correspondence(size, AGENT, NINE, seed=4)
