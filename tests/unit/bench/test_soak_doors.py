"""The soak's intake and IMAP mailboxes: repeatable mail, and whatever is opened, told or marked twice is seen."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from bench.soak_door_verdict import (
    DoorVerdict,
    Lying,
    judge_acknowledgements,
    judge_cases,
    judge_marks,
    judge_untouched,
)
from bench.soak_doors import OUTSIDE, REPAIRS, SERVICE, UNKNOWN, doors_of
from bench.soak_letters import CASE, FIRST, WAITING, Letters, asks
from bench.soak_plan import Plan
from bench.soak_replies import Acknowledged
from bench.soak_script import Expected, Mail
from bench.soak_verify import Seen, verify

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ALL = (SERVICE, REPAIRS, OUTSIDE, UNKNOWN)
ENQUIRY = Expected("#70001", "enquiry", must={(SERVICE.domain, CASE): 1})
MACHINE = Expected("#70002", "machine", may={(SERVICE.domain, WAITING)})
TRUTH = {"#70001": ENQUIRY, "#70002": MACHINE}
LETTER: Lying = ("INBOX", "Offer #70001", False)


def letters(seed: int = 3) -> Letters:
    return Letters(seed, 600, 60.0, START)


def told(*tokens: str) -> list[Acknowledged]:
    return [
        Acknowledged(token, ("asker@people.example",), "<a@b>", f"We have it: {token}") for token in tokens
    ]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return letters().to(ALL)


def test_the_same_seed_writes_the_same_mail_and_another_seed_other_mail(plan: Plan) -> None:
    assert letters().to(ALL) == plan
    assert letters(4).to(ALL) != plan
    assert min(plan.truth) == f"#{FIRST}"


def test_every_mailbox_gets_every_kind_of_its_mail(plan: Plan) -> None:
    kinds = {
        door: {plan.truth[step.token].category for step in plan.steps if step.address == door.address}
        for door in ALL
    }
    assert kinds[SERVICE] == kinds[REPAIRS] == {"enquiry", "machine"}
    assert kinds[UNKNOWN] == {"stranger outside"}
    assert kinds[OUTSIDE] == {"to a server outside", "sent outside", "outside and inside", "stranger outside"}


def test_some_enquiries_come_twice_and_some_to_an_agent_as_well(plan: Plan) -> None:
    copies = Counter((step.token, step.address) for step in plan.steps if asks(plan.truth[step.token]))
    addresses = {address for _, address in copies}
    assert max(copies.values()) == 2
    assert {SERVICE.address, REPAIRS.address} < addresses


def test_an_answer_to_an_acknowledgement_belongs_to_the_case_and_that_of_a_machine_may_be_there() -> None:
    written = letters()
    written.to([SERVICE])
    asker = Mail("#70001", "asker@people.example", (SERVICE.address,))
    person = written.answer(SERVICE, asker, is_machine=False)
    machine = written.answer(SERVICE, asker, is_machine=True)
    truth = written.script.truth
    assert (truth[person.token].must, asks(truth[person.token])) == ({(SERVICE.domain, CASE): 1}, False)
    assert (truth[machine.token].must, asks(truth[machine.token])) == ({}, False)


def test_without_an_imap_server_only_the_mailbox_at_microsoft_takes_part() -> None:
    assert doors_of({"imap": None}) == (SERVICE,)
    assert doors_of({"imap": {"host": "localhost"}}) == ALL


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Offer #70001"], (0, 0)),
        ([], (1, 0)),
        (["Offer #70001", "Offer #70001"], (0, 1)),
        (["Offer #70001", "Out of office #70002"], (0, 1)),
        (["Offer #70001", "of nobody"], (0, 1)),
    ],
)
def test_a_case_that_lacks_and_a_second_one_are_seen(names: list[str], expected: tuple[int, int]) -> None:
    verdict = DoorVerdict()
    judge_cases(verdict, TRUTH, names)
    assert (len(verdict.without_case), len(verdict.second_cases)) == expected


@pytest.mark.parametrize(
    ("tokens", "unknown", "expected"),
    [
        (["#70001"], set[str](), (0, 0)),
        ([], set[str](), (1, 0)),
        ([], {"#70001"}, (0, 0)),
        (["#70001", "#70001"], set[str](), (0, 1)),
        (["#70001", "#70002"], set[str](), (0, 1)),
    ],
)
def test_an_acknowledgement_that_lacks_and_a_second_one_are_seen(
    tokens: list[str], unknown: set[str], expected: tuple[int, int]
) -> None:
    verdict = DoorVerdict()
    judge_acknowledgements(verdict, TRUTH, told(*tokens), unknown)
    assert (len(verdict.unacknowledged), len(verdict.second_acknowledgements)) == expected
    assert bool(verdict.tokens()) == bool(sum(expected))


@pytest.mark.parametrize(
    ("subject", "is_read", "wrong"),
    [
        ("Offer #70001", True, 0),
        ("Offer #70001", False, 1),
        ("Out of office #70002", False, 0),
        ("Out of office #70002", True, 1),
        ("of nobody", True, 0),
    ],
)
def test_an_enquiry_must_be_read_and_what_waits_unread(subject: str, is_read: bool, wrong: int) -> None:
    verdict = DoorVerdict()
    judge_marks(verdict, TRUTH, SERVICE, [("inbox", subject, is_read)])
    assert len(verdict.unmarked) == wrong


@pytest.mark.parametrize(
    ("lying", "wrong"),
    [
        ([LETTER], 0),
        ([], 1),
        ([LETTER, LETTER], 1),
        ([("INBOX", "Offer #70001", True)], 2),
        ([("Kept", "Offer #70001", False)], 2),
    ],
)
def test_a_personal_mail_that_is_read_moved_gone_or_added_is_seen(lying: list[Lying], wrong: int) -> None:
    verdict = DoorVerdict()
    judge_untouched(verdict, OUTSIDE, {LETTER: 1}, lying)
    assert len(verdict.touched) == wrong


def test_an_acknowledgement_on_the_case_counts_as_no_second_entry_of_its_mail() -> None:
    place = (SERVICE.domain, CASE)
    seen = Seen(
        {place: [("Offer #70001", "synced"), ("We have it: Offer #70001 [PL-1]", "acknowledgement")]},
        [(SERVICE.domain, "offer #70001"), (SERVICE.domain, "we have it: offer #70001")],
        {},
    )
    findings = verify(TRUTH, seen)
    assert findings.tokens() == set()
