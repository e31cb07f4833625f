"""The copy of a mail that left through the outbox is its entry, once, on all its records, however it is found."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from shared.domain.commands.commands import ReconcileMailbox
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.domain.privacy.callers import Caller
from shared.domain.sending import marks
from shared.domain.sending.states import State
from tests.builders import AGENT, CONTACT, NOW, TENANT
from tests.builders import people as people_named
from tests.fakes import Killed
from tests.unit.services.sending.sent_world import (
    ALL,
    CODE,
    COLLEAGUE,
    EVERYWHERE_SENT,
    MAIL_ID,
    MESSAGE_ID,
    RENAMED,
    SENDER_OID,
    SHARED,
    SUBJECT,
    SentWorld,
    a_copy,
    received,
)

# With the Message-ID that we gave, and with one that the server has put in its place.
NAMES = pytest.mark.parametrize("message_id", [MESSAGE_ID, RENAMED])
OTHER_SUBJECT = "Quite another matter"


@pytest.fixture
def world() -> SentWorld:
    made = SentWorld()
    made.ask()
    return made


def stored(world: SentWorld) -> Any:
    [entry] = world.timeline()
    return world.storage.messages.get(TENANT, entry.message_key)


@NAMES
@pytest.mark.parametrize("found_by", ["notification", "walk", "sweep", "backfill"])
def test_the_copy_is_one_sent_entry_on_every_record(world: SentWorld, found_by: str, message_id: str) -> None:
    item = world.deliver(**a_copy(message_id=message_id))
    if found_by == "notification":
        world.notify(item)
    elif found_by == "walk":
        world.walk()
    elif found_by == "sweep":
        since = NOW - timedelta(days=1)
        box = world.mailbox.mailbox_id
        world.run(ReconcileMailbox(tenant_id=TENANT, mailbox_id=box, first_at=world.now, since=since))
    else:
        world.notify(item, unbounded=True, silent=True)
    world.work()
    assert world.kinds() == EVERYWHERE_SENT
    assert world.is_confirmed()
    assert (stored(world).sent_by, stored(world).outbox_id) == (SENDER_OID, MAIL_ID)
    assert world.row().message_key == stored(world).key
    assert world.outcome(item) == ("filed", "sent")


@pytest.mark.parametrize("state", [State.SENDING, State.SENT, State.OUTCOME_UNKNOWN, State.CANCELLED])
def test_whoever_sees_the_copy_first_confirms_the_row(world: SentWorld, state: State) -> None:
    world.storage.outbox.rows[TENANT, MAIL_ID] = replace(world.row(), state=state)
    world.notify(world.deliver(**a_copy()))
    assert world.row().state is State.CONFIRMED
    assert world.row().steps[-1].detail == ""


@NAMES
@pytest.mark.parametrize("settings", [{"sent_items": False}, {"matching": False}])
def test_it_is_filed_whatever_its_mailbox_captures(
    world: SentWorld, settings: dict[str, Any], message_id: str
) -> None:
    world.rewrite(**settings)
    world.notify(world.deliver(**a_copy(message_id=message_id)))
    other = world.deliver(**a_copy(message_id="other@contoso.example", tag="", subject=OTHER_SUBJECT))
    world.notify(other)
    assert list(world.kinds()["property/P-1"]) == [("sent", AGENT)]
    assert world.is_confirmed()
    if "sent_items" in settings:
        assert world.outcome(other) == ("skipped", "sent_items_off")


def test_a_mail_of_another_mailbox_is_shown_with_the_agent_who_sent_it(world: SentWorld) -> None:
    shared = world.connect(SHARED, agent="desk@contoso.example")
    world.ask(id=MAIL_ID.replace("0b", "0c"), mailbox_id=shared.mailbox_id, key_hash="2")
    world.notify(
        world.deliver(
            SHARED, **a_copy(sender=SHARED, tag=marks.tag_of(MAIL_ID.replace("0b", "0c"), "again"))
        ),
        mailbox=shared,
    )
    assert world.kinds() == EVERYWHERE_SENT


@NAMES
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_further_copies_add_sightings_and_no_entry(
    world: SentWorld, order: tuple[int, ...], message_id: str
) -> None:
    second = world.connect(COLLEAGUE)
    third = world.connect("third@contoso.example")
    people = {"to": (CONTACT, COLLEAGUE), "message_id": message_id}
    world.storage.outbox.rows.clear()
    world.ask(to=people_named(CONTACT, COLLEAGUE))
    copies = (
        (world.mailbox, world.deliver(**a_copy(**people))),
        (second, world.deliver(COLLEAGUE, **received(**people))),
        (third, world.deliver("third@contoso.example", **received(**people))),
    )
    for place in order:
        mailbox, item = copies[place]
        world.notify(item, mailbox=mailbox)
    world.work()
    assert world.kinds() == EVERYWHERE_SENT
    assert len(list(world.storage.messages.copies(TENANT, stored(world).key))) == 3
    assert world.row().steps[-1].detail == ""
    assert world.is_confirmed()


def test_a_copy_in_an_intake_mailbox_does_not_make_it_an_enquiry(world: SentWorld) -> None:
    desk = world.connect("desk@contoso.example", kind="intake", agent=COLLEAGUE, unmatched="new")
    records = set(world.storage.records.rows)
    people = {"to": (CONTACT,), "cc": ("desk@contoso.example",)}
    inside = world.deliver("desk@contoso.example", **received(**people))
    world.notify(inside, mailbox=desk)
    world.notify(world.deliver(**a_copy(**people)))
    world.work()
    assert world.kinds()["property/P-1"] == [("sent", AGENT)]
    assert stored(world).direction == "out"
    assert world.storage.inbox.of(TENANT, COLLEAGUE) == []
    assert set(world.storage.records.rows) == records, "no case was opened"


@pytest.mark.parametrize(
    "forged",
    [
        # A recipient knows the tag and the Message-ID, and may write any sender.
        received(message_id="forged@evil.example", subject=OTHER_SUBJECT),
        received(message_id=MESSAGE_ID, subject=OTHER_SUBJECT, sent_at=NOW),
        received(message_id=MESSAGE_ID, subject=OTHER_SUBJECT, sender="evil@evil.example"),
        received(message_id="forged@evil.example", sender=CONTACT, subject=OTHER_SUBJECT),
        a_copy(folder="inbox", message_id="forged@evil.example", sender=CONTACT, subject=OTHER_SUBJECT),
    ],
)
def test_names_that_recipients_know_prove_nothing_in_incoming_mail(
    world: SentWorld, forged: dict[str, Any]
) -> None:
    world.notify(world.deliver(**forged))
    assert {kind for entries in world.kinds().values() for kind, _ in entries} <= {"synced"}
    assert not world.timeline("property/P-1")
    assert world.row().state is State.SENT


def test_incoming_mail_asks_the_outbox_nothing(world: SentWorld) -> None:
    world.storage.faults.clear()
    tag = marks.tag_of(MAIL_ID)
    world.notify(world.deliver(tag=tag, message_id=MESSAGE_ID, headers=((marks.TAG_HEADER.lower(), tag),)))
    assert [name for name in world.storage.faults.reads if name.startswith("Outbox")] == []


def test_mail_sent_from_a_mail_program_asks_the_outbox_nothing(world: SentWorld) -> None:
    world.storage.faults.clear()
    world.notify(world.deliver(**a_copy(tag="", message_id="own@contoso.example")))
    assert [name for name in world.storage.faults.reads if name.startswith("Outbox")] == []
    assert world.row().state is State.SENT


@pytest.mark.parametrize(
    "marked",
    [
        {"headers": ((marks.TAG_HEADER.lower(), marks.tag_of(MAIL_ID)),), "message_id": RENAMED},
        {"message_id": MESSAGE_ID},
        # Neither stayed: the code, the people and the subject tell.
        {"message_id": RENAMED},
    ],
)
def test_where_no_draft_can_be_made_the_header_the_id_or_the_code_tells(
    world: SentWorld, marked: dict[str, Any]
) -> None:
    world.rewrite(connection="graph-delegated")
    world.notify(world.deliver(**a_copy(tag="", **marked)))
    assert world.kinds() == EVERYWHERE_SENT
    assert world.is_confirmed()


@pytest.mark.parametrize(
    "other",
    [
        {"to": ("else@fabrikam.example",)},
        {"subject": f"Re: {SUBJECT}"},
        {"folder": "inbox"},
    ],
)
def test_a_code_alone_makes_no_mail_a_copy(world: SentWorld, other: dict[str, Any]) -> None:
    world.rewrite(connection="graph-delegated")
    world.notify(world.deliver(**a_copy(tag="", message_id="own@contoso.example", **other)))
    assert world.row().state is State.SENT
    assert world.kinds()["property/P-1"] == [("synced", AGENT)]


def test_what_left_otherwise_than_asked_for_is_said_once(world: SentWorld) -> None:
    second = world.connect(COLLEAGUE)
    left = {"sender": COLLEAGUE, "to": (CONTACT, "else@fabrikam.example")}
    item = world.deliver(**a_copy(**left))
    world.notify(item)
    world.notify(world.deliver(COLLEAGUE, **a_copy(**left)), mailbox=second)
    world.notify(item)
    details = [step.detail for step in world.row().steps if step.detail]
    assert details == [
        f"It left as {COLLEAGUE}, asked for {AGENT}. It left to else@fabrikam.example besides.",
    ]
    assert world.kinds()["contact/C-1"] == [("sent", AGENT)]


def test_a_draft_with_our_tag_has_not_left(world: SentWorld) -> None:
    item = world.deliver(**a_copy(folder="drafts", is_draft=True))
    world.notify(item)
    assert world.outcome(item) == ("skipped", "folder:drafts")
    assert world.row().state is State.SENT


def test_the_entry_says_that_it_was_sent_for_the_record(world: SentWorld) -> None:
    world.notify(world.deliver(**a_copy()))
    assert {entry.link.rule for ref in ALL for entry in world.timeline(ref)} == {"sent"}


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_anywhere_the_copy_is_one_entry_and_the_row_confirmed(when: str) -> None:
    number = 0
    while True:
        number += 1
        world = SentWorld()
        world.ask()
        item = world.deliver(**a_copy())
        world.storage.faults.clear()
        getattr(world.storage.faults, f"kill_{when}")(number)
        try:
            world.notify(item)
        except Killed:
            world.storage.faults.clear()
            world.restart()
            world.notify(item)
            assert world.kinds() == EVERYWHERE_SENT
            assert world.is_confirmed()
            assert stored(world).state == "done"
        else:
            break
    assert number > 5


def test_a_number_without_a_row_leaves_the_mail_as_any_other(world: SentWorld) -> None:
    world.storage.outbox.rows.clear()
    world.notify(world.deliver(**a_copy()))
    # Its code still leads to its records.
    assert world.kinds()["property/P-1"] == [("synced", AGENT)]
    assert CODE.text in SUBJECT


@NAMES
def test_the_outbox_shows_the_message_of_the_copy(world: SentWorld, message_id: str) -> None:
    world.notify(world.deliver(**a_copy(message_id=message_id)))
    sender = Caller(TENANT, frozenset({AGENT_ROLE}), oid=SENDER_OID, address=AGENT)
    assert world.read_outbox.shown(sender, MAIL_ID).message_id == stored(world).key
