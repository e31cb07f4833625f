"""The soak's correspondence: repeatable, complete, and true by the rules."""

from datetime import UTC, datetime
from email import message_from_bytes

import pytest

from bench.soak_plan import Plan, make_plan
from bench.soak_verify import token_of
from bench.soak_world import COMPANIES, NEVER_LOGGED, company

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CONTOSO = company("contoso.example")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(7, 250, 60.0, START)


def test_the_same_seed_writes_the_same_mail(plan: Plan) -> None:
    again = make_plan(7, 250, 60.0, START)

    assert again == plan
    assert make_plan(8, 250, 60.0, START) != plan


def test_every_mailbox_gets_mail_and_at_least_as_many_mails_are_written_as_asked_for(plan: Plan) -> None:
    assert len(plan.truth) >= 250
    assert {one.address for one in plan.steps} == {one for c in COMPANIES for one in c.agents}


def test_numbers_go_on_from_an_earlier_plan() -> None:
    assert min(make_plan(1, 50, 5.0, START, first=400).truth) == "#00400"


def test_every_kind_of_mail_is_written(plan: Plan) -> None:
    categories = {one.category for one in plan.truth.values()}

    assert categories == {
        "thread",
        "stranger's reply",
        "widened",
        "several",
        "list",
        "reused id",
        "no id",
        "moved",
        "junk",
        "junk to inbox",
        "deleted early",
        "deleted late",
        "sent",
        "bcc",
        "self-sent",
        "stranger",
        "colleagues",
        "never log",
        "too old",
        "draft",
    }


def test_every_copy_shows_the_token_of_its_mail(plan: Plan) -> None:
    for step in plan.steps:
        if step.kind == "deliver":
            assert token_of(str(message_from_bytes(step.raw)["Subject"])) == step.token


def test_a_copy_is_moved_or_deleted_after_it_came(plan: Plan) -> None:
    there: set[str] = set()
    for step in plan.steps:
        assert step.kind == "deliver" or step.copy in there
        there.add(step.copy)


def test_some_replies_come_before_their_parents(plan: Plan) -> None:
    came: set[str] = set()
    early = 0
    for step in plan.steps:
        if step.kind == "deliver":
            mail = message_from_bytes(step.raw)
            early += any(one not in came for one in str(mail["References"] or "").split())
            came.add(str(mail["Message-ID"]))
    assert early > 10


def test_copies_of_a_mail_without_id_are_alike_byte_for_byte(plan: Plan) -> None:
    raws: dict[str, set[bytes]] = {}
    for step in plan.steps:
        if plan.truth[step.token].category == "no id":
            raws.setdefault(step.token, set()).add(step.raw)
    assert raws
    assert all(len(one) == 1 for one in raws.values())


def test_skipped_mail_is_expected_nowhere(plan: Plan) -> None:
    skipped = {"stranger", "colleagues", "never log", "too old", "draft", "junk"}

    for one in plan.truth.values():
        assert one.is_skipped == (one.category in skipped), one


def test_mail_deleted_early_may_end_either_way(plan: Plan) -> None:
    either = [one for one in plan.truth.values() if one.category == "deleted early"]

    assert either
    assert all(one.may and not one.must for one in either)


def test_a_mail_is_on_each_of_its_records_once_also_where_a_list_has_rewritten_a_copy(plan: Plan) -> None:
    assert {times for one in plan.truth.values() for times in one.must.values()} == {1}
    assert any(one.category == "list" and one.must for one in plan.truth.values())


@pytest.mark.parametrize(
    ("address", "records"),
    [
        ("c1@k1-contoso.example", {"contact/C1", "client/K1"}),
        ("one@solo-contoso.example", {"contact/S1"}),
        ("nobody@k1-contoso.example", {"contact/D1", "client/K1"}),
        ("moved@k2-contoso.example", {"contact/X1", "client/K3"}),
        ("unknown@k2-contoso.example", {"client/K2"}),
        ("c1@k1-northwind.example", set()),
        ("agent1@contoso.example", set()),
        (NEVER_LOGGED, set()),
    ],
)
def test_people_lead_to_records(address: str, records: set[str]) -> None:
    assert CONTOSO.records([address]) == records
