"""Workers that meet halfway: what one of them writes late is not left standing where the other has taken it away."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from shared.domain.commands.commands import FileMessage
from shared.domain.filing import inbox
from shared.domain.filing.filing import Bounced
from shared.domain.filing.person_decisions import DELETE, LINK, PersonDecision
from shared.domain.privacy.callers import ADMIN, Caller
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.services.capture.scopes import hasher_of
from shared.services.filing.change_by_person import Attribution, ChangeByPerson
from shared.services.filing.inbox import Wanted
from shared.services.matching.bounces import NoteBounces
from tests.builders import AGENT, CONTACT, HASH_KEY, NOW, TENANT, a_record, a_ref
from tests.unit.services.matching.test_bounce_notes import BOUNCE, GONE
from tests.unit.services.world import World

SECOND = "second@contoso.example"
STRANGER = "stranger@adatum.example"
FIRST, ANSWER = "first@adatum.example", "answer@adatum.example"
ANN = Caller(TENANT, frozenset({AGENT_ROLE, ADMIN}), oid="ann", address=AGENT)
C1, C2, P1 = a_ref("contact/C-1"), a_ref("contact/C-2"), a_ref("project/P-1")


def key_of(message_id: str = FIRST) -> str:
    return hasher_of(HASH_KEY, TENANT).message_id(message_id)


@pytest.fixture
def world() -> World:
    made = World()
    made.rewrite(capture="everything")
    made.connect(SECOND, capture="everything")
    made.records(a_record(), a_record("contact/C-2", addresses=()), a_record("project/P-1"))
    return made


@contextmanager
def just_before(store: Any, method: str, step: Callable[[], object]) -> Iterator[None]:
    """Another worker does its step, once, right before this one's next call of a store."""
    own = getattr(store, method)
    waiting = [step]

    def call(*given: Any, **named: Any) -> Any:
        if waiting:
            waiting.pop()()
        return own(*given, **named)

    with patch.object(store, method, call):
        yield
    assert not waiting, f"{method} was never called"


def entries(world: World, ref: str) -> set[str]:
    return {entry.message_key for entry in world.timeline(ref)}


def test_an_undo_reaches_the_thread_though_a_further_copy_finishes_the_mail_first(world: World) -> None:
    people = {"sender": STRANGER, "message_id": FIRST, "to": (AGENT, SECOND)}
    world.notify(world.deliver(**people))
    world.notify(world.deliver(sender=STRANGER, message_id=ANSWER, in_reply_to=(FIRST,)))
    world.decide(ANN, key_of(), Wanted(LINK, (P1,), file_thread=True))
    world.work()
    assert entries(world, "project/P-1") == {key_of(), key_of(ANSWER)}
    world.undo_decision(ANN, key_of())
    second = next(box for box in world.storage.mailboxes.rows.values() if box.address == SECOND)
    world.notify(world.deliver(SECOND, **people), mailbox=second)
    world.work()
    assert entries(world, "project/P-1") == set()


def test_a_command_that_comes_twice_does_not_put_back_what_was_taken_away_meanwhile(world: World) -> None:
    world.notify(world.deliver(sender=STRANGER, message_id=FIRST))
    world.decide(ANN, key_of(), Wanted(LINK, (P1,)))
    world.work()

    def taken_away() -> None:
        world.undo_decision(ANN, key_of())
        world.work()

    again = FileMessage(tenant_id=TENANT, key=key_of(), first_at=NOW)
    with just_before(world.storage.messages, "document", taken_away):
        world.run(again)
    assert entries(world, "project/P-1") == set()


def test_a_bounce_is_not_noted_on_a_timeline_that_the_mail_leaves_meanwhile(world: World) -> None:
    sent = world.deliver(
        folder="sentitems", sender=AGENT, to=(CONTACT, GONE), message_id="out@contoso.example"
    )
    world.notify(sent)
    key = key_of("out@contoso.example")
    assert key in entries(world, "contact/C-1")
    report = world.deliver(**BOUNCE)

    def leaves() -> None:
        world.unlink_message(ANN, key, C1)
        world.work()

    with just_before(world.storage.timeline, "put", leaves):
        world.notify(report)
    world.work()
    assert key not in entries(world, "contact/C-1")


def test_a_bounce_leaves_no_address_on_a_mail_that_was_deleted(world: World) -> None:
    world.storage.index.teach(TENANT, GONE, [a_ref("contact/gone")])
    sent = world.deliver(folder="sentitems", sender=AGENT, to=(GONE,), message_id="out@contoso.example")
    world.notify(sent)
    stored = world.storage.messages.get(TENANT, key_of("out@contoso.example"))
    assert stored is not None
    world.ask_erasure(TENANT, GONE, "admin")
    world.work()
    world.use_cases.part(NoteBounces)(
        TENANT, stored.key, (Bounced(GONE, "5.1.1", permanent=True, at=NOW, message_key="f" * 32),)
    )
    tombstone = world.storage.messages.get(TENANT, stored.key)
    assert tombstone is not None
    assert (tombstone.is_deleted, tombstone.bounces) == (True, ())


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_merge_does_not_put_a_mail_where_a_person_takes_it_from_meanwhile(
    world: World, is_deleted: bool
) -> None:
    world.notify(world.deliver(message_id=FIRST))
    world.merge_contacts(TENANT, C1, C2)

    def leaves() -> None:
        if is_deleted:
            stored = world.storage.messages.get(TENANT, key_of())
            assert stored is not None
            decision = PersonDecision(DELETE, "ann", NOW, stored.decision)
            person = world.use_cases.part(ChangeByPerson)
            person(
                TENANT, key_of(), Attribution(DELETE, "ann", NOW), lambda row: inbox.taken_away(row, decision)
            )
        else:
            world.unlink_message(ANN, key_of(), C2)
        world.run(world.storage.queue.sent.pop()[0])

    with just_before(world.storage.timeline, "put", leaves):
        world.work()
    assert entries(world, "contact/C-2") == set()
