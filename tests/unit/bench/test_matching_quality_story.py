"""The story that matching is measured by: repeatable, complete, and its truths fit together."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from email import message_from_bytes
from email.utils import parseaddr
from pathlib import Path

import pytest

from bench.matching_quality.mail import Mail, raw, thread_index
from bench.matching_quality.plan import SCENARIOS, tell
from bench.matching_quality.story import Codes, Story
from bench.matching_quality.truth import DROPPED, Found, Outcome, Truth, Verdict, filed, judge, undecidable
from bench.matching_quality.words import ANSWERS, FORWARDS
from bench.matching_quality.world import FREE_MAIL, OWN, SISTER
from dev.processes import PATIENCE

MAILS = 1_200
ROOT = Path(__file__).parents[3]
CODES = Codes(lambda number: f"[PL-{number:06X}-OURS]", lambda number: f"[PL-{number:06X}-THEM]")
DIGEST = """
from tests.unit.bench.test_matching_quality_story import digest, CODES
from bench.matching_quality.plan import tell
print(digest(tell(3, 300, CODES)))
"""


def digest(story: Story) -> str:
    written = [(raw(one, with_bcc=True), str(one.truth and sorted(one.truth.right))) for one in story.mails]
    return hashlib.sha256(repr((written, story.deliveries)).encode()).hexdigest()


@pytest.fixture(scope="module")
def story() -> Story:
    return tell(7, MAILS, CODES)


def of(story: Story, kind: str) -> list[Mail]:
    return [one for one in story.mails if one.kind == kind]


def test_a_seed_tells_one_story_and_another_seed_another() -> None:
    assert digest(tell(7, 300, CODES)) == digest(tell(7, 300, CODES))
    assert digest(tell(7, 300, CODES)) != digest(tell(8, 300, CODES))


def test_a_seed_tells_the_same_story_in_another_process() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_every_kind_of_story_is_told_and_there_are_mails_enough(story: Story) -> None:
    assert {one.kind for one in story.mails} == {one.__name__ for one in SCENARIOS}
    assert MAILS <= len(story.mails) <= MAILS + 10


def test_most_mails_can_be_decided_and_enough_of_them_cannot_or_must_not_be_kept(story: Story) -> None:
    outcomes = Counter(one.truth.outcome for one in story.mails if one.truth)
    shares = {one: number / len(story.mails) for one, number in outcomes.items()}
    assert 0.7 < shares[Outcome.FILED] < 0.9
    assert 0.03 < shares[Outcome.TRIAGE] < 0.15
    assert 0.08 < shares[Outcome.DROPPED] < 0.25


def test_twelve_languages_at_least_answer_and_forward() -> None:
    assert len(ANSWERS) >= 12
    assert ANSWERS.keys() == FORWARDS.keys()


def test_every_mail_lies_in_a_mailbox_and_some_in_several(story: Story) -> None:
    copies = Counter(one.mail for one in story.deliveries)
    assert set(copies) == {one.number for one in story.mails}
    assert sum(number > 1 for number in copies.values()) > MAILS / 20
    mailboxes = {one.person.address for one in story.world.agents}
    assert {one.mailbox for one in story.deliveries} == mailboxes


def test_truths_name_records_that_there_are_or_that_the_mail_has_opened(story: Story) -> None:
    known = {str(one.ref) for one in story.world.records}
    known |= {f"new:{one.number}" for one in story.mails}
    for mail in story.mails:
        assert mail.truth is not None
        assert mail.truth.right | mail.truth.may <= known, mail.kind
        assert bool(mail.truth.right) is (mail.truth.outcome is Outcome.FILED), mail.kind


def test_an_answer_belongs_wherever_the_mail_it_answers_stands(story: Story) -> None:
    answers = [one for one in of(story, "thread") if one.answers]
    assert len(answers) > 50
    for mail in answers:
        assert mail.truth and mail.answers and mail.answers.truth
        assert mail.truth.right >= mail.answers.truth.right


def test_a_record_is_shared_by_its_own_mails_only(story: Story) -> None:
    """Equal subjects: what the three threads belong on differs, unless one client wrote twice."""
    strangers = [one for one in of(story, "equal_subjects") if one.truth == DROPPED]
    others = [one for one in of(story, "equal_subjects") if one.truth != DROPPED]
    assert len(others) == 2 * len(strangers) > 0
    assert {one.subject for one in strangers} & {one.subject for one in others}


def test_nobody_has_the_address_of_somebody_else(story: Story) -> None:
    contacts = Counter(one for record in story.world.records for one in record.addresses)
    assert set(contacts.values()) == {1}
    assert not [one for one in contacts if one.endswith((f"@{OWN}", f"@{SISTER}"))]


def test_people_are_at_reserved_domains_or_only_at_the_domain_of_a_free_mail_service(story: Story) -> None:
    shared = ("googlegroups.com", "groups.io", "contoso.onmicrosoft.com", "someone.github.io")
    for mail in story.mails:
        for person in mail.people:
            domain = person.address.rpartition("@")[2]
            assert domain.endswith(".example") or domain in (*FREE_MAIL, *shared), domain


def test_the_bytes_say_what_the_story_says(story: Story) -> None:
    for mail in story.mails[::7]:
        read = message_from_bytes(raw(mail, with_bcc=False))
        assert parseaddr(read["From"])[1].lower() == (mail.shown_as or mail.sender).address
        assert read["Message-ID"] == (f"<{mail.message_id}>" if mail.message_id else None)
        assert read["Bcc"] is None
        assert not read.defects


def test_a_bounce_is_a_report_about_the_mail_that_it_answers(story: Story) -> None:
    reports = [one for one in of(story, "bounces") if one.lost]
    assert reports
    for mail in reports:
        read = message_from_bytes(raw(mail, with_bcc=False))
        assert read.get_content_type() == "multipart/report"
        assert mail.answers and mail.truth == mail.answers.truth
        assert f"<{mail.answers.message_id}>" in read.as_string()


def test_blind_copies_stand_in_the_senders_own_copy_alone(story: Story) -> None:
    mail = next(one for one in of(story, "blind_copies") if one.bcc)
    assert b"\r\nBcc: " in raw(mail, with_bcc=True)
    assert b"\r\nBcc: " not in raw(mail, with_bcc=False)


def test_an_answer_goes_on_in_the_conversation_of_the_mail_it_answers() -> None:
    assert len(thread_index("a", 0)) < len(thread_index("a", 1))
    assert thread_index("a", 1)[:28] == thread_index("a", 0)[:28] != thread_index("b", 0)[:28]


def test_codes_that_were_issued_are_known_with_their_records(story: Story) -> None:
    assert len(story.issued) > 20
    known = {str(one.ref) for one in story.world.records}
    assert all(refs and refs <= known for refs in story.issued.values())


@pytest.mark.parametrize(
    ("truth", "found", "verdict"),
    [
        (filed(frozenset("ab")), Found(frozenset("ab")), Verdict.RIGHT),
        (filed(frozenset("ab")), Found(frozenset("abc")), Verdict.WRONG),
        (filed(frozenset("ab")), Found(frozenset("c")), Verdict.WRONG),
        (filed(frozenset("ab")), Found(frozenset("ab"), messages=2), Verdict.WRONG),
        (filed(frozenset("ab")), Found(frozenset("a")), Verdict.MISSED),
        (filed(frozenset("ab")), Found(), Verdict.MISSED),
        (filed(frozenset("ab")), Found(in_inbox=True), Verdict.TRIAGED),
        (filed(frozenset("ab")), Found(frozenset("ab"), in_inbox=True), Verdict.RIGHT),
        (undecidable(), Found(in_inbox=True), Verdict.RIGHT),
        (undecidable(), Found(), Verdict.MISSED),
        (undecidable(), Found(frozenset("a"), in_inbox=True), Verdict.WRONG),
        (undecidable(frozenset("a")), Found(frozenset("a"), in_inbox=True), Verdict.RIGHT),
        (DROPPED, Found(), Verdict.RIGHT),
        (DROPPED, Found(body_read=True), Verdict.WRONG),
        (DROPPED, Found(frozenset("a")), Verdict.WRONG),
    ],
)
def test_wrong_outweighs_missed_and_an_undecidable_mail_has_to_wait_somewhere(
    truth: Truth, found: Found, verdict: Verdict
) -> None:
    assert judge(truth, found) is verdict
