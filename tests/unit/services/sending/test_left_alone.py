"""No mail is worked on while the provider wants its mailbox left alone, whoever was told so, in whatever process."""

from datetime import datetime, timedelta

import pytest

from shared.domain.commands.commands import SendMail
from shared.domain.connections.mailbox_state import blocked
from shared.domain.errors import Throttled
from shared.domain.sending.outcomes import Answer, Outcome
from shared.domain.sending.states import State
from tests.builders import TENANT
from tests.unit.services.sending.outbox_world import OutboxWorld

WAIT = timedelta(seconds=30)


@pytest.fixture
def world() -> OutboxWorld:
    found = OutboxWorld()
    for number in (1, 2, 3):
        found.ask(number, created_at=found.now + number * timedelta(milliseconds=1))
    found.now += timedelta(seconds=1)
    return found


def told_to_wait(world: OutboxWorld) -> datetime:
    """As a walk notes it that runs elsewhere."""
    until = world.now + WAIT
    world.storage.mailboxes.change(world.mailbox, blocked(until))
    return until


def noted(world: OutboxWorld) -> datetime | None:
    mailbox = world.storage.mailboxes.by_id(TENANT, world.mailbox.mailbox_id)
    assert mailbox is not None
    return mailbox.state.blocked_until


def test_a_wait_that_a_walk_was_told_holds_every_mail_and_one_command_comes_when_it_is_over(
    world: OutboxWorld,
) -> None:
    until = told_to_wait(world)
    world.send()
    assert world.left == []
    assert [(world.mail(number).state, world.mail(number).not_before) for number in (1, 2, 3)] == [
        (State.HELD, until)
    ] * 3
    assert "asked to be left alone" in world.mail().steps[-1].detail
    assert [delay for command, delay in world.storage.queue.sent if isinstance(command, SendMail)] == [
        WAIT.total_seconds()
    ]
    world.now = until
    world.send()
    assert len(world.left) == 3


def test_a_walk_that_is_told_in_the_middle_of_a_group_keeps_the_rest(world: OutboxWorld) -> None:
    def depart() -> None:
        world.storage.sender.on_departure = lambda: None
        told_to_wait(world)

    world.storage.sender.on_departure = depart
    world.send()
    assert len(world.left) == 1
    assert [world.mail(number).state for number in (2, 3)] == [State.HELD] * 2
    world.work()
    assert len(world.left) == 3


def test_what_a_sender_is_told_is_noted_for_whoever_walks(world: OutboxWorld) -> None:
    world.storage.sender.answers = [
        ("draft", False, Outcome(Answer.NOT_NOW, "Throttled", WAIT.total_seconds()))
    ]
    until = world.now + WAIT
    world.send()
    assert (world.left, noted(world)) == ([], until)
    world.work()
    assert len(world.left) == 3


def test_an_error_that_asks_for_a_wait_is_noted_as_well(
    world: OutboxWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Throttled("Graph asked to wait.", WAIT.total_seconds())

    with monkeypatch.context() as patch:
        patch.setattr(world.storage.sender, "open", refuse)
        world.send()
    assert noted(world) == world.now + WAIT
    assert [world.mail(number).state for number in (2, 3)] == [State.HELD] * 2
    world.work()
    assert len(world.left) == 3
