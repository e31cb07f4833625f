"""Mails that were decided by another mail's links hear when it gains or loses records, through any generations."""

import base64

import pytest

from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.person_decisions import LINK
from shared.domain.mail.items import ItemRef
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.domain.privacy.callers import Caller
from shared.services.capture.scopes import hasher_of
from shared.services.filing.inbox import Wanted
from tests.builders import AGENT, HASH_KEY, TENANT, a_record, a_ref
from tests.unit.services.filing.test_races import just_before
from tests.unit.services.world import World

STRANGERS = tuple(f"{name}@adatum.example" for name in "abcd")
A, B, C, D = (f"mail-{name}@adatum.example" for name in "abcd")
ANN = Caller(TENANT, frozenset({AGENT_ROLE}), oid="ann", address=AGENT)
P1, P2 = a_ref("project/P-1"), a_ref("project/P-2")


@pytest.fixture
def world() -> World:
    """A contact, whose mail is the first of the thread; everybody else on it is unknown."""
    made = World()
    made.records(
        a_record(addresses=(STRANGERS[0],)),
        a_record("project/P-1"),
        a_record("project/P-2"),
        a_record("contact/C-2"),
    )
    return made


def key_of(message_id: str) -> str:
    return hasher_of(HASH_KEY, TENANT).message_id(message_id)


def the_thread(world: World) -> dict[str, ItemRef]:
    """Each mail answers the one before it, and names no other."""
    items = {}
    for number, message_id in enumerate((A, B, C, D)):
        before = ((A, B, C)[number - 1],) if number else ()
        items[message_id] = world.deliver(sender=STRANGERS[number], message_id=message_id, in_reply_to=before)
    return items


def come(world: World, *order: str) -> None:
    items = the_thread(world)
    for message_id in order:
        world.notify(items[message_id])
        world.work()


def on(world: World, ref: str = "contact/C-1") -> set[str]:
    return {entry.internet_message_id for entry in world.timeline(ref)}


def stored(world: World, message_id: str) -> StoredMessage:
    found = world.storage.messages.get(TENANT, key_of(message_id))
    assert found is not None
    return found


@pytest.mark.parametrize("order", [(A, B, D, C), (D, C, B, A), (B, D, A, C), (A, B, C, D)], ids=" ".join)
def test_each_of_four_generations_hears_in_whatever_order_they_come(
    world: World, order: tuple[str, ...]
) -> None:
    come(world, *order)
    assert on(world) == {A, B, C, D}


def test_a_record_that_a_person_adds_later_reaches_every_generation(world: World) -> None:
    come(world, A, B, D, C)
    world.link_message(ANN, key_of(A), P1)
    world.work()
    assert on(world, "project/P-1") == {A, B, C, D}


def test_a_record_that_a_person_takes_from_the_first_is_taken_from_those_that_had_it_from_there(
    world: World,
) -> None:
    come(world, A, B, D, C)
    world.unlink_message(ANN, key_of(A), a_ref("contact/C-1"))
    world.work()
    assert on(world) == set()
    assert {stored(world, message_id).state for message_id in (A, B, C, D)} == {"done"}


def test_it_stays_where_another_rule_or_a_person_has_put_it(world: World) -> None:
    come(world, A, B, C, D)
    world.records(a_record("contact/C-1", addresses=(STRANGERS[0], STRANGERS[2])))
    world.link_message(ANN, key_of(A), P1)
    world.work()
    world.link_message(ANN, key_of(B), P1)
    world.link_message(ANN, key_of(D), P2)
    world.work()
    world.unlink_message(ANN, key_of(A), a_ref("contact/C-1"))
    world.unlink_message(ANN, key_of(A), P1)
    world.work()
    # C has the contact's second address, and D follows C. B is on the project by hand, and C and D follow it.
    assert on(world) == {C, D}
    assert on(world, "project/P-1") == {B, C, D}
    assert on(world, "project/P-2") == {D}


def test_nobody_is_told_where_nothing_has_changed(world: World) -> None:
    come(world, A, B, C, D)
    world.notify(the_thread(world)[A])
    assert world.storage.queue.sent == []
    before = world.rows()
    world.rematch.start(TENANT, None)
    world.work()
    assert world.rows() == before


def test_mails_that_answer_each_other_come_to_rest(world: World) -> None:
    first = world.deliver(sender=STRANGERS[0], message_id=A, in_reply_to=(B,))
    second = world.deliver(sender=STRANGERS[1], message_id=B, in_reply_to=(A,))
    world.notify(second)
    world.notify(first)
    world.work()
    assert on(world) == {A, B}
    world.unlink_message(ANN, key_of(A), a_ref("contact/C-1"))
    world.work()
    assert on(world) == set()


def waiting_by(world: World, message_id: str) -> set[str]:
    """The keys of the mails that have left word with a mail."""
    dependents = world.storage.messages.dependents(TENANT, key_of(message_id))
    return {dependent.message_key for dependent in dependents}


@pytest.fixture
def by_hand(world: World) -> World:
    """Two mails that are on a contact each by a person's word alone, and are in no thread."""
    world.rewrite(capture="everything")
    for number, message_id, ref in ((1, A, "contact/C-1"), (2, B, "contact/C-2")):
        world.notify(world.deliver(sender=STRANGERS[number], message_id=message_id))
        world.link_message(ANN, key_of(message_id), a_ref(ref))
        world.work()
    return world


def test_word_is_left_with_a_mail_that_leads_in_the_place_of_one_that_has_lost_its_records(
    by_hand: World,
) -> None:
    def taken_away() -> None:
        by_hand.unlink_message(ANN, key_of(B), a_ref("contact/C-2"))

    answer = by_hand.deliver(sender=STRANGERS[3], message_id=D, in_reply_to=(B,), references=(A, B))
    with just_before(by_hand.storage.messages, "depend_on", taken_away):
        by_hand.notify(answer)
    by_hand.work()
    assert on(by_hand) == {A, D}
    assert key_of(D) in waiting_by(by_hand, A)
    by_hand.unlink_message(ANN, key_of(A), a_ref("contact/C-1"))
    by_hand.work()
    assert on(by_hand) == set()


def test_a_conversation_leads_where_the_mail_that_was_answered_has_lost_its_records(by_hand: World) -> None:
    def taken_away() -> None:
        by_hand.unlink_message(ANN, key_of(B), a_ref("contact/C-2"))

    start = base64.b64encode(bytes([1]) + bytes(5) + b"0123456789abcdef").decode()
    goes_on = base64.b64encode(bytes([1]) + bytes(5) + b"0123456789abcdef" + bytes(5)).decode()
    first = {"headers": (("thread-index", start),), "conversation_index": start, "sender": STRANGERS[0]}
    by_hand.notify(by_hand.deliver(message_id=C, **first))
    answer = {"in_reply_to": (B,), "conversation_index": goes_on, "to": (AGENT, STRANGERS[0])}
    by_hand.records(a_record(addresses=()))
    item = by_hand.deliver(sender=STRANGERS[3], message_id=D, **answer)
    with just_before(by_hand.storage.messages, "depend_on", taken_away):
        by_hand.notify(item)
    by_hand.work()
    assert D in on(by_hand)
    assert stored(by_hand, D).decision.reason == "conversation"
    assert key_of(D) in waiting_by(by_hand, C)


def test_an_answer_stays_when_its_parent_is_erased(world: World) -> None:
    come(world, A, B)
    world.ask_erasure(TENANT, STRANGERS[0], "admin")
    world.work()
    assert stored(world, A).is_deleted
    assert on(world) == {B}


CLIENT = "buyer@fabrikam.example"


def among_clients() -> World:
    """The mailbox keeps everything; the stranger who writes on is somebody with a card."""
    made = World()
    made.rewrite(capture="everything")
    made.records(a_record(), a_record("contact/C-2", addresses=(STRANGERS[0],)), a_record("opportunity/O-1"))
    return made


def answer(
    world: World, message_id: str, *names: str, sender: str = CLIENT, subject: str = "Re: Keys"
) -> None:
    item = world.deliver(
        sender=sender, message_id=message_id, subject=subject, in_reply_to=names[-1:], references=names
    )
    world.notify(item)
    world.work()


def test_an_answer_that_is_kept_hears_of_every_mail_that_is_missing_behind_it() -> None:
    world = among_clients()
    answer(world, D, A, B, C)
    answer(world, A, sender=STRANGERS[0])
    assert on(world, "contact/C-2") == {A, D}


def test_a_mail_that_comes_between_two_others_lends_in_the_place_of_the_one_behind_it() -> None:
    world = among_clients()
    answer(world, A, sender=STRANGERS[0])
    answer(world, C, A, B)
    assert on(world, "contact/C-2") == {A, C}
    # It answers a mail that nobody has, and does not name the first.
    answer(world, B, D)
    assert on(world, "contact/C-2") == {A}


def test_below_a_forward_the_deal_comes_from_the_mails_that_it_forwarded() -> None:
    world = among_clients()
    answer(world, A, sender=STRANGERS[0])
    world.link_message(ANN, key_of(A), a_ref("opportunity/O-1"))
    world.work()
    answer(world, B, A, subject="Fwd: Keys")
    answer(world, C, A, B)
    assert on(world, "opportunity/O-1") == {A, C}
    assert on(world, "contact/C-2") == {A}
    world.unlink_message(ANN, key_of(A), a_ref("opportunity/O-1"))
    world.work()
    assert on(world, "opportunity/O-1") == set()


def test_below_a_forward_what_the_forwarded_mail_gains_later_is_heard_of() -> None:
    world = among_clients()
    answer(world, C, A, B)
    answer(world, B, A, subject="Fwd: Keys")
    answer(world, A, sender=STRANGERS[0])
    world.link_message(ANN, key_of(A), a_ref("opportunity/O-1"))
    world.work()
    assert on(world, "opportunity/O-1") == {A, C}


@pytest.mark.parametrize("generations", [(B,), (B, C)])
def test_the_next_answer_follows_an_opening_that_a_person_filed_without_its_thread(
    generations: tuple[str, ...],
) -> None:
    world = among_clients()
    answer(world, A, sender=STRANGERS[1])
    names = (A,)
    for message_id in generations:
        answer(world, message_id, *names)
        names = (*names, message_id)
    wanted = Wanted(LINK, refs=(a_ref("opportunity/O-1"),), file_thread=False)
    world.decide(ANN, key_of(A), wanted)
    world.work()
    assert on(world, "opportunity/O-1") == {A}
    answer(world, D, *names)
    assert on(world, "opportunity/O-1") == {A, D}


def test_answers_to_a_mail_that_went_along_with_its_thread_hear_of_that() -> None:
    world = among_clients()
    answer(world, A, sender=STRANGERS[1])
    answer(world, B, A, sender=STRANGERS[1])
    # Sent mail waits with nobody, so that it is not found there.
    sent = world.deliver(folder="sentitems", sender=AGENT, to=(STRANGERS[1],), message_id=C, in_reply_to=(B,))
    world.notify(sent)
    world.work()
    world.decide(ANN, key_of(A), Wanted(LINK, refs=(a_ref("opportunity/O-1"),), file_thread=True))
    world.work()
    assert on(world, "opportunity/O-1") == {A, B, C}


@pytest.mark.parametrize("also_on_a_contact", [False, True])
def test_what_a_person_took_from_an_answer_does_not_come_back_by_way_of_an_older_mail(
    also_on_a_contact: bool,
) -> None:
    world = among_clients()
    answer(world, A, sender=STRANGERS[1])
    world.link_message(ANN, key_of(A), a_ref("opportunity/O-1"))
    world.work()
    answer(world, B, A, sender=CLIENT if also_on_a_contact else STRANGERS[1])
    world.unlink_message(ANN, key_of(B), a_ref("opportunity/O-1"))
    world.work()
    answer(world, C, A, B)
    assert on(world, "opportunity/O-1") == {A}
