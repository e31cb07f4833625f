"""Silence belongs to what made a mail pending, and stands on its row: whoever finishes the mail is as silent."""

import pytest

from shared.domain.commands.commands import FileMessage, IngestMessages
from shared.domain.filing.person_decisions import LINK
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.domain.privacy.callers import Caller
from shared.services.filing.inbox import Wanted
from tests.builders import TENANT, a_record, a_ref
from tests.fakes import Killed
from tests.unit.services.world import World

SECOND = "second@contoso.example"
STRANGER = "stranger@adatum.example"
BEN = Caller(TENANT, frozenset({AGENT_ROLE}), oid="ben", address=SECOND)
PARENT = "parent@fabrikam.example"


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    return made


def put_back(world: World) -> list[tuple[bool, bool]]:
    """Of the answers that are looked at again: whether silently, and whether as history that was asked for."""
    return [(one.silent, one.unbounded) for one in world.storage.queue.take(IngestMessages)]


def an_answer_and_its_parent(world: World) -> str:
    """The answer has come, its parent is about to; returns the parent's id."""
    answer = world.deliver(sender=STRANGER, message_id="x@adatum.example", in_reply_to=(PARENT,))
    world.notify(answer)
    return world.deliver(message_id=PARENT)


@pytest.mark.parametrize("silent", [True, False])
@pytest.mark.parametrize("unbounded", [True, False])
def test_who_waits_for_a_mail_is_put_back_as_silently_as_that_is_filed(
    world: World, silent: bool, unbounded: bool
) -> None:
    world.notify(an_answer_and_its_parent(world), silent=silent, unbounded=unbounded)
    assert put_back(world) == [(silent, True)]


@pytest.mark.parametrize("silent", [True, False])
def test_who_finishes_a_mail_for_another_worker_is_as_silent_as_that_one_was(
    world: World, silent: bool
) -> None:
    second = world.connect(SECOND)
    parent = an_answer_and_its_parent(world)
    copy = world.deliver(SECOND, message_id=PARENT)
    world.storage.faults.named["Timeline.put"] = Killed()
    with pytest.raises(Killed):
        world.notify(parent, silent=silent)
    world.storage.faults.named.clear()
    world.notify(copy, mailbox=second, silent=not silent)
    assert put_back(world) == [(silent, True)]


def test_a_decision_by_a_person_on_history_is_not_silent(world: World) -> None:
    everything = world.connect(SECOND, capture="everything")
    answer = world.deliver(sender=STRANGER, message_id="x@adatum.example", in_reply_to=(PARENT,))
    world.notify(answer)
    parent = world.deliver(SECOND, sender=STRANGER, to=(SECOND,), message_id=PARENT)
    world.notify(parent, mailbox=everything, silent=True)
    [item] = world.storage.inbox.of(TENANT, SECOND)
    world.decide(BEN, item.message_key, Wanted(LINK, (a_ref("contact/C-1"),)))
    world.run(world.storage.queue.take(FileMessage)[0])
    assert put_back(world) == [(False, True)]
