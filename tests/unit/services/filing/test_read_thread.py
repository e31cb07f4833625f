"""A thread as its readers see it: one id in whatever order its mails come, and nothing that is not for the reader."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any
from unittest.mock import patch

import pytest

from shared.domain.errors import Unknown
from shared.domain.filing.entries import KINDS
from shared.domain.filing.person_decisions import DELETE
from shared.domain.matching.matching import match
from shared.domain.privacy.callers import ADMIN, Caller
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.ports.stores.filing import EntryFilter
from shared.services.capture.scopes import hasher_of
from shared.services.filing.inbox import Wanted
from tests.builders import AGENT, HASH_KEY, NOW, TENANT, a_record, a_ref
from tests.unit.services.world import World

A, B, C, D = (f"mail-{name}@fabrikam.example" for name in "abcd")
STRANGER = "stranger@tailspin.example"
ANN = Caller(TENANT, frozenset({AGENT_ROLE}), oid="ann", address=AGENT)
BEN = Caller(TENANT, frozenset({AGENT_ROLE}), oid="ben", address="ben@contoso.example")
ADMINISTRATOR = Caller(TENANT, frozenset({ADMIN}), oid="ann", address=AGENT)
EVERYTHING = EntryFilter(frozenset(KINDS))


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    made.rewrite(capture="everything")
    return made


def key_of(message_id: str) -> str:
    return hasher_of(HASH_KEY, TENANT).message_id(message_id)


def come(world: World, message_id: str, *ancestors: str, **mail: Any) -> None:
    """A mail that names these, oldest first, in References, and the last one in In-Reply-To."""
    hour = (A, B, C, D).index(message_id)
    named = {"references": ancestors, "in_reply_to": ancestors[-1:], **mail}
    received = NOW - timedelta(hours=9 - hour)
    world.notify(world.deliver(message_id=message_id, received_at=received, **named))
    world.work()


def thread(world: World, message_id: str = A, caller: Caller = ANN, limit: int = 50) -> list[str]:
    """The Message-IDs of the thread's mails, read page by page."""
    found, cursor = [], ""
    while True:
        page = world.read_thread(caller, key_of(message_id), limit=limit, cursor=cursor)
        assert len(page.mails) <= limit
        found += [view.message.message_id for view in page.mails]
        if not page.cursor:
            return found
        cursor = page.cursor


def answers(world: World, caller: Caller = ANN, ref: str = "contact/C-1") -> dict[str, tuple[str, int]]:
    """By Message-ID what a timeline says: what each mail answers, and how many answer it."""
    page = world.read_timeline(caller, a_ref(ref), EVERYTHING, limit=50, cursor="")
    facts = {entry.internet_message_id: page.answers[entry.id] for entry in page.entries}
    return {message_id: (fact.in_reply_to, fact.count) for message_id, fact in facts.items()}


def thread_ids(world: World, *message_ids: str) -> set[str]:
    rows = [world.storage.messages.get(TENANT, key_of(message_id)) for message_id in message_ids]
    entries = {entry.internet_message_id: entry.thread for entry in world.timeline()}
    for row in rows:
        assert row is not None
        assert entries.get(row.message_id, row.thread) == row.thread
    return {row.thread for row in rows if row}


def test_a_thread_is_shown_oldest_first_and_counted(world: World) -> None:
    come(world, A)
    come(world, B, A)
    come(world, C, A, B)
    come(world, D, A)
    assert thread(world, C) == [A, B, C, D]
    assert answers(world) == {A: ("", 2), B: (A, 1), C: (B, 0), D: (A, 0)}
    assert world.read_message(ANN, key_of(A)).answers.count == 2
    assert world.read_message(ANN, key_of(D)).answers.in_reply_to == A


def test_pages_follow_each_other(world: World) -> None:
    come(world, A)
    for message_id in (B, C, D):
        come(world, message_id, A)
    assert thread(world, limit=1) == thread(world, limit=3) == [A, B, C, D]


@pytest.mark.parametrize("whole", [True, False], ids=["References", "In-Reply-To alone"])
@pytest.mark.parametrize(
    "order", list(permutations((A, B, C, D))), ids=lambda order: "".join(x[5] for x in order)
)
def test_its_id_is_the_same_for_all_in_whatever_order_they_come(
    world: World, order: Sequence[str], whole: bool
) -> None:
    chain = (A, B, C, D)
    for message_id in order:
        before = chain[: chain.index(message_id)]
        come(world, message_id, *before, **({} if whole else {"references": ()}))
    assert len(thread_ids(world, *chain)) == 1
    assert answers(world) == {A: ("", 1), B: (A, 1), C: (B, 1), D: (C, 0)}
    assert thread(world, D) == [A, B, C, D]


def test_an_id_does_not_change_where_the_headers_name_the_first_mail(world: World) -> None:
    come(world, C, A, B)
    [early] = thread_ids(world, C)
    come(world, A)
    come(world, B, A)
    assert thread_ids(world, A, B, C) == {early}


def test_other_threads_of_the_same_people_are_others(world: World) -> None:
    come(world, A)
    come(world, B)
    assert len(thread_ids(world, A, B)) == 2
    assert thread(world, A) == [A]


def test_a_private_mail_of_somebody_else_is_neither_shown_nor_counted_nor_named(world: World) -> None:
    come(world, A)
    # Nobody knows the people of this one: it waits in My Inbox of its agent, who takes it out of the thread.
    come(world, B, A, sender=STRANGER)
    world.unlink_message(ANN, key_of(B), a_ref("contact/C-1"))
    come(world, C, B)
    assert thread(world, A, ANN) == [A, B, C]
    assert thread(world, A, BEN) == [A, C]
    assert answers(world, ANN)[C] == (B, 0)
    assert answers(world, BEN) == {A: ("", 0), C: ("", 0)}
    assert world.read_message(BEN, key_of(C)).answers.in_reply_to == ""
    with pytest.raises(Unknown):
        world.read_thread(BEN, key_of(B), limit=50, cursor="")


def test_a_mail_that_rests_on_a_bcc_is_in_the_thread_of_those_alone_who_see_the_bcc(world: World) -> None:
    hidden = "hidden@adatum.example"
    world.records(a_record("contact/C-9", addresses=(hidden,)))
    come(world, A, sender=AGENT, to=(STRANGER,), bcc=(hidden,), folder="sentitems")
    come(world, B, A, sender=hidden)
    assert answers(world, ANN, "contact/C-9") == {A: ("", 1), B: (A, 0)}
    assert answers(world, BEN, "contact/C-9") == {B: ("", 0)}
    assert (thread(world, B, ANN), thread(world, B, BEN)) == ([A, B], [B])


def test_a_mail_that_leaves_a_record_is_not_counted_there_and_a_deleted_one_leaves_the_thread(
    world: World,
) -> None:
    come(world, A)
    come(world, B, A)
    world.unlink_message(ANN, key_of(B), a_ref("contact/C-1"))
    world.work()
    assert answers(world) == {A: ("", 0)}
    assert thread(world, A) == [A, B]
    world.decide(ADMINISTRATOR, key_of(B), Wanted(DELETE))
    world.work()
    assert thread(world, A) == [A]
    assert len(world.storage.messages.threads[TENANT, thread_ids(world, A).pop()]) == 1


def test_neither_an_unknown_mail_nor_one_that_was_skipped_is_named(world: World) -> None:
    world.configure(never_log=(STRANGER,))
    come(world, A, sender=STRANGER)
    come(world, B, A)
    come(world, C, "unknown@tailspin.example")
    assert answers(world) == {B: ("", 0), C: ("", 0)}
    assert thread(world, B) == [B]


def test_an_answer_that_comes_with_a_further_copy_of_its_parent_is_counted_with_the_first_copy(
    world: World,
) -> None:
    come(world, A)
    other = world.connect("ben@contoso.example", capture="everything")
    later = NOW - timedelta(hours=2)
    copies = [
        world.deliver("ben@contoso.example", message_id=A, received_at=later),
        world.deliver(
            "ben@contoso.example", message_id=B, in_reply_to=(A,), received_at=later + timedelta(1)
        ),
    ]
    with patch("shared.services.matching.matching.match", wraps=match) as matched:
        world.notify(*copies, mailbox=other)
    world.work()
    assert matched.call_count == len(copies)
    assert answers(world) == {A: ("", 1), B: (A, 0)}


def test_an_id_is_no_message_s_key(world: World) -> None:
    come(world, A)
    assert thread_ids(world, A).isdisjoint({key_of(A)})


def test_an_answer_is_counted_on_each_record_it_stands_on_and_once_for_the_mail(world: World) -> None:
    world.records(a_record(client="K-1"), a_record("client/K-1", domains=()))
    come(world, A)
    come(world, B, A)
    assert answers(world)[A] == answers(world, ref="client/K-1")[A] == ("", 1)
    assert world.read_message(ANN, key_of(A)).answers.count == 1


def test_a_merge_takes_the_count_along(world: World) -> None:
    come(world, A)
    come(world, B, A)
    world.records(a_record("contact/C-2", addresses=("other@fabrikam.example",)))
    world.merge_contacts(TENANT, a_ref("contact/C-1"), a_ref("contact/C-2"))
    world.work()
    assert answers(world, ref="contact/C-2") == {A: ("", 1), B: (A, 0)}
