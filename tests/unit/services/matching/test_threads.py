"""The mail that an answer names first is asked for alone: the decision is that of reading its whole thread."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail.identity import variant_key
from shared.domain.matching.candidates import ThreadHit
from shared.domain.matching.decisions import Decision, MatchPolicy
from shared.domain.matching.matching import match
from shared.services.matching.candidates import GatherCandidates
from tests.builders import (
    AGENT,
    CONTACT,
    TENANT,
    a_copy,
    a_decision,
    a_document,
    a_head,
    a_link,
    a_record,
    a_ref,
    a_stored_message,
    a_triaged_message,
)
from tests.unit.services.world import World

RECORDS = ("contact/C-1", "client/K-1", "property/P-1", "opportunity/O-1", "opportunity/gone")
STRANGER = "li@adatum.example"


@dataclass(frozen=True)
class Ancestor:
    """A mail of the thread: absent, waiting in My Inbox, or filed; `blind` ones by way of a Bcc; with namesakes.

    One that is no answer is a forward, if others stand behind it.
    """

    refs: tuple[str, ...] | None = None
    blind: tuple[str, ...] = ()
    namesakes: int = 0
    knows_contact: bool = True
    is_answer: bool = True


ancestors = st.builds(
    Ancestor,
    refs=st.none() | st.lists(st.sampled_from(RECORDS), unique=True).map(tuple),
    blind=st.lists(st.sampled_from(RECORDS), unique=True).map(tuple),
    namesakes=st.sampled_from((0, 0, 0, 1, 2)),
    knows_contact=st.booleans(),
    is_answer=st.booleans(),
)


def store(world: World, message_id: str, ancestor: Ancestor) -> None:
    """Put it, and others that carry its Message-ID, among the stored mails."""
    if ancestor.refs is None:
        return
    key = world.scope(world.mailbox).hasher.message_id(message_id)
    links = [a_link(ref, evidence=f"from {CONTACT}") for ref in ancestor.refs]
    links += [a_link(ref, evidence=f"bcc {CONTACT}") for ref in ancestor.blind if ref not in ancestor.refs]
    for number in range(ancestor.namesakes + 1):
        people = frozenset({AGENT, CONTACT if ancestor.knows_contact and number == 0 else STRANGER})
        changes: dict[str, Any] = {
            "key": variant_key(key, number),
            "message_id": message_id,
            "participants": people,
            "variants": ancestor.namesakes if number == 0 else 0,
            "is_answer": ancestor.is_answer,
        }
        filed = a_stored_message(decision=replace(a_decision(), links=tuple(links)), **changes)
        stored = filed if links else a_triaged_message(**changes)
        world.storage.messages.create(TENANT, stored, a_document(), a_copy())


def a_world(thread: list[Ancestor], **mailbox: Any) -> World:
    world = World()
    world.rewrite(**mailbox)
    world.mailbox = next(world.storage.mailboxes.of(TENANT))
    known = (a_record(ref) for ref in RECORDS if not ref.endswith("gone"))
    world.records(*known)
    for number, ancestor in enumerate(thread):
        store(world, f"m{number}@x.example", ancestor)
    return world


def answer_to(thread: list[Ancestor]) -> Any:
    ids = tuple(f"m{number}@x.example" for number in range(len(thread)))
    return a_head(message_id="answer@x.example", in_reply_to=ids[:1], references=tuple(reversed(ids)))


def decision_on(world: World, head: Any, thread: tuple[ThreadHit, ...] | None = None) -> Decision:
    """What matching decides; `thread` in place of what it would look for."""
    scope, gather = world.scope(world.mailbox), world.use_cases.part(GatherCandidates)
    [candidates] = gather(scope, [head])
    if thread is not None:
        gather = replace(gather, messages=Threads(world.storage.messages, thread))
        candidates = replace(candidates, thread=thread)
    gathered = gather.for_matching(scope, head, candidates)
    return match(head, gathered, MatchPolicy.of(scope.organisation, scope.mailbox))


@dataclass
class Threads:
    """The stored mails, of which no Message-ID is found any more: the thread is known."""

    messages: Any
    thread: tuple[ThreadHit, ...]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.messages, name)

    def find(self, tenant_id: str, ids: Mapping[str, str]) -> Mapping[str, tuple[ThreadHit, ...]]:
        return {}


def whole_thread(world: World, head: Any) -> tuple[ThreadHit, ...]:
    """What stands under all ids, nearest first; of namesakes those with an outside participant of the answer."""
    hasher = world.scope(world.mailbox).hasher
    ids = {hasher.message_id(each): each for each in head.answers}
    found = world.storage.messages.find(TENANT, ids)
    siblings = [found.get(key, ()) for key in ids]
    believed = ([hit for hit in hits if len(hits) == 1 or CONTACT in hit.participants] for hits in siblings)
    return tuple(chain.from_iterable(believed))


@given(
    thread=st.lists(ancestors, min_size=1, max_size=6),
    matched_to=st.sampled_from((None, "opportunity")),
    matching=st.booleans(),
)
def test_the_decision_is_that_of_the_whole_thread(
    thread: list[Ancestor], matched_to: str | None, matching: bool
) -> None:
    world = a_world(thread, matched_to=matched_to, matching=matching)
    head = answer_to(thread)
    assert decision_on(world, head) == decision_on(world, head, whole_thread(world, head))


@pytest.mark.parametrize(
    ("thread", "reads"),
    [
        ([Ancestor(("contact/C-1",)), Ancestor(("property/P-1",)), Ancestor(("property/P-1",))], 1),
        ([Ancestor(), Ancestor(("property/P-1",))], 2),
        ([Ancestor(()), Ancestor(("property/P-1",))], 2),
        ([Ancestor()], 1),
        ([Ancestor(("contact/C-1",), is_answer=False), Ancestor(("property/P-1",))], 2),
        ([Ancestor(("property/P-1",), is_answer=False), Ancestor(("opportunity/O-1",))], 1),
    ],
    ids=[
        "the parent is filed",
        "the parent is not stored",
        "the parent waits",
        "there is no other",
        "the parent is a forward",
        "the parent is a forward on a property",
    ],
)
def test_ancestors_are_read_only_where_the_parent_leads_nowhere(thread: list[Ancestor], reads: int) -> None:
    world = a_world(thread)
    world.storage.faults.clear()
    decision_on(world, answer_to(thread))
    assert Counter(world.storage.faults.reads)["MessageStore.find"] == reads


def test_a_parent_that_a_person_took_off_a_property_does_not_lead_back_to_it() -> None:
    world = a_world([Ancestor(("contact/C-1",)), Ancestor(("contact/C-1", "property/P-1"))])
    decision = decision_on(world, answer_to([Ancestor(), Ancestor()]))
    assert [str(link.ref) for link in decision.links if link.rule == "thread"] == ["contact/C-1"]


def test_a_parent_that_lost_its_records_meanwhile_gives_its_place_to_an_ancestor() -> None:
    world = a_world([Ancestor(("contact/C-1",)), Ancestor(("property/P-1",))])
    key = world.scope(world.mailbox).hasher.message_id("m0@x.example")
    found_before = world.storage.messages.find

    def find(tenant_id: str, ids: Mapping[str, str]) -> Mapping[str, tuple[ThreadHit, ...]]:
        found = found_before(tenant_id, ids)
        stored = world.storage.messages.get(TENANT, key)
        if stored and stored.is_filed:
            world.storage.messages.save(TENANT, replace(a_triaged_message(key=key), etag=stored.etag))
        return found

    world.storage.messages.find = find  # type: ignore[method-assign]
    item = world.deliver(message_id="answer@x.example", in_reply_to=("m0@x.example", "m1@x.example"))
    world.notify(item)
    [stored] = [
        row.message
        for row in world.storage.messages.rows.values()
        if row.message and row.message.message_id == "answer@x.example"
    ]
    assert a_ref("property/P-1") in stored.refs


def test_a_mail_that_answers_nothing_asks_for_no_thread() -> None:
    world = a_world([])
    world.storage.faults.clear()
    decision_on(world, a_head())
    assert "MessageStore.find" not in world.storage.faults.reads
