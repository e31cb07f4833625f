"""Bounces, complaints and ordinary mail of public test mails, told apart by their headers alone.

The floors are what was measured: all 308 bounces of one set, 17 of 19 of others, and no ordinary mail taken for one.
"""

from collections import Counter

import pytest

from shared.domain.mail.automatic import Automatic, Nature, nature_of
from tests.corpus import mails

pytestmark = pytest.mark.skipif(not mails.CORPUS.is_dir(), reason="the public test mails are not here")

BOUNCE_KINDS = {"bounce", "bounce?"}
# Read receipts, automatic answers and bounces that the list of mails files under other kinds, looked at one by one.
REALLY_AUTOMATIC = {
    "flanker/tests/fixtures/messages/disposition-notification.eml",
    "mime4j/core/src/test/resources/mimetools-testmsgs/badbound.out",
    "php-mime-mail-parser/tests/mails/issue212",
}


def nature(file: str) -> Nature:
    headers = mails.headers_of(mails.raw(file))
    return nature_of(headers, mails.sender_of(headers).address, mails.first(headers, "subject"))


def test_bounces_are_recognised() -> None:
    bounces = [file for file, kind in mails.files(bounces=True) if kind in BOUNCE_KINDS]
    found = Counter(nature(file).automatic for file in bounces)
    assert len(bounces) == 308
    assert found[Automatic.BOUNCE] >= 308, found


def test_bounces_of_other_sets_are_recognised() -> None:
    bounces = [file for file, kind in mails.files(bounces=False) if kind in BOUNCE_KINDS]
    found = Counter(nature(file).automatic for file in bounces)
    assert len(bounces) == 19
    assert found[Automatic.BOUNCE] >= 17, found


def test_complaints_are_recognised() -> None:
    sets = [*mails.files(bounces=True), *mails.files(bounces=False)]
    complaints = [file for file, kind in sets if kind == "feedback-report"]
    assert len(complaints) == 10
    assert {nature(file).automatic for file in complaints} == {Automatic.FEEDBACK}


def test_ordinary_mail_is_not_taken_for_automatic() -> None:
    other = [
        file for file, kind in mails.files(bounces=False) if kind not in {*BOUNCE_KINDS, "feedback-report"}
    ]
    assert len(other) > 800
    assert {file for file in other if nature(file).automatic} == REALLY_AUTOMATIC


def test_replies_may_be_answered() -> None:
    replies = [file for file, kind in mails.files(bounces=False) if kind == "reply"]
    answerable = sum(1 for file in replies if not nature(file).never_answer)
    assert len(replies) > 100
    assert answerable / len(replies) > 0.99, answerable
