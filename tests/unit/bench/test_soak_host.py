"""The soak's mode `host`: the mails that kill, and what the hosts' logs must not say."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.soak_host import KILLER, at_once, count_in, given_up_in, killing_mail
from bench.soak_plan import make_plan
from bench.soak_world import COMPANIES

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_one_mail_in_a_hundred_kills_in_mailboxes_of_both_organisations() -> None:
    plan = killing_mail(1, 300, 120.0, START)
    assert len(plan.steps) == len(plan.truth) == 3
    assert all(KILLER in step.raw.decode() for step in plan.steps)
    assert {step.address.partition("@")[2] for step in plan.steps} == {
        company.domain for company in COMPANIES
    }
    assert all(0 < step.at < 120 for step in plan.steps)


def test_their_numbers_are_nobody_else_s() -> None:
    assert not killing_mail(1, 300, 5.0, START).truth.keys() & make_plan(1, 300, 5.0, START).truth.keys()


def test_the_logs_of_all_hosts_are_read(tmp_path: Path) -> None:
    (tmp_path / "host-0.log").write_text('{"event": "worker_died", "given_back": 1}\nTraceback\n')
    (tmp_path / "host-1.log").write_text('{"event": "queue_message_poisoned", "queue": "mail"}\n')
    (tmp_path / "azurite.log").write_text('{"event": "worker_died"}\n')
    assert count_in(tmp_path, "worker_died") == 1
    assert given_up_in(tmp_path) == ['{"event": "queue_message_poisoned", "queue": "mail"}']


def test_two_runs_at_once_are_two_and_tell_what_one_of_them_raises() -> None:
    done: list[int] = []
    at_once(lambda: done.append(1))
    assert done == [1, 1]
    with pytest.raises(ZeroDivisionError):
        at_once(lambda: 1 // 0)  # type: ignore[arg-type]
