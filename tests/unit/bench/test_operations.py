"""The mails whose storage operations are counted are mails: what reads them may ask what they answer."""

from datetime import UTC, datetime

from bench.operations import a_mail


def test_a_mail_of_a_thread_answers_the_one_before() -> None:
    mail = a_mail(3, 2, datetime(2026, 11, 30, tzinfo=UTC), "alone")
    assert mail.head.answers[0] == "alone.3.1@customer3.example"
