"""A deployment is tried: the age of its last tick, and a command there and back."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.bootstrap.compose import UseCases
from shared.bootstrap.dispatch import carry_out
from shared.domain.commands.agenda import TRIAL, Item, Run, agenda, is_tick_overdue
from shared.domain.commands.commands import ReportBack
from shared.domain.errors import Forbidden
from shared.domain.privacy.callers import ADMIN, OPERATOR, Caller
from shared.services.commands.trials import Condition
from tests.builders import HOME, NOW
from tests.composed import use_cases_over
from tests.fakes import FakePorts

OPERATES = Caller(HOME, frozenset({OPERATOR}), client_id="operator", app_only=True)
ADMINISTERS = Caller(HOME, frozenset({ADMIN}))


def at(ports: FakePorts, now: datetime) -> UseCases:
    return use_cases_over(ports, lambda: now)


def test_a_trial_is_told_once_its_command_has_come_through() -> None:
    ports = FakePorts()
    trial = at(ports, NOW).ask_trial(OPERATES)
    assert at(ports, NOW).read_condition() == Condition(None)
    [command] = ports.queue.take(ReportBack)
    later = at(ports, NOW + timedelta(seconds=3))
    carry_out(later, command)
    carry_out(later, command)
    assert later.read_condition() == Condition(None, trial, 3.0)


def test_the_next_trial_takes_the_place_of_the_last() -> None:
    ports = FakePorts()
    deployment = at(ports, NOW)
    first, second = deployment.ask_trial(OPERATES), deployment.ask_trial(OPERATES)
    assert first != second
    for command in ports.queue.take(ReportBack):
        carry_out(deployment, command)
    assert deployment.read_condition().trial == second


def test_the_tick_s_age_is_that_of_the_last_item_begun() -> None:
    ports = FakePorts()
    for item, minutes in ((Item.POLL, 4), (Item.RETENTION, 600)):
        begun = NOW - timedelta(minutes=minutes)
        ports.runs.claim(Run(item, begun, begun, "a-worker"))
    assert at(ports, NOW).read_condition() == Condition(240)


def test_a_trial_does_not_pass_for_a_tick() -> None:
    begun = NOW - timedelta(minutes=6)
    tick = Run(Item.POLL, begun, begun, "a-worker", finished=begun)
    trial = replace(tick, item=TRIAL, started=NOW, finished=NOW)
    assert is_tick_overdue(NOW, [tick, trial])
    assert not is_tick_overdue(NOW, [trial])
    assert TRIAL not in {due.item for due in agenda(NOW, [tick, trial])}


def test_nobody_but_the_operator_asks_for_a_trial() -> None:
    with pytest.raises(Forbidden):
        at(FakePorts(), NOW).ask_trial(ADMINISTERS)
