"""The mails over which hosts are killed between two writes: one for each write, each in a mailbox of its own."""

from datetime import UTC, datetime

from bench.soak_gaps import GAPS, gap_mail
from bench.soak_plan import make_plan

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_each_write_has_a_mail_of_its_own_that_must_be_filed() -> None:
    plan = gap_mail(3, START, first=250)

    assert len(plan.steps) == len(plan.truth) == len(GAPS) == 6
    assert all(expected.must for expected in plan.truth.values())
    assert {step.kind for step in plan.steps} == {"deliver"}


def test_no_mailbox_has_two_so_that_no_walk_brings_what_another_left() -> None:
    steps = gap_mail(3, START, first=250).steps

    assert len({step.address for step in steps}) == len(steps)


def test_the_numbers_go_on_from_the_plan_before() -> None:
    before = make_plan(3, 60, 5.0, START)
    plan = gap_mail(3, START, first=len(before.truth))

    assert not before.truth.keys() & plan.truth.keys()
    assert len(before.and_then(plan).truth) == len(before.truth) + len(plan.truth)


def test_mails_of_other_seeds_have_other_ids() -> None:
    def ids(seed: int) -> set[str]:
        truth = gap_mail(seed, START, first=0).truth
        return {name for expected in truth.values() for name in expected.message_ids}

    assert not ids(1) & ids(2)
