"""Who is told of an answer: the agent who sent the mail, once; machines and colleagues raise nothing."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from shared.domain.commands.commands import RematchMessages
from shared.domain.events.events import Change, What
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.person_decisions import LINK
from shared.domain.notices.notices import Notice
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.domain.privacy.callers import Caller
from shared.services.filing.inbox import Wanted
from tests.builders import AGENT, CONTACT, TENANT, a_record, a_ref, people
from tests.fakes import Killed
from tests.unit.services.sending.sent_world import (
    CODE,
    COLLEAGUE,
    MESSAGE_ID,
    RENAMED,
    SENDER_OID,
    SHARED,
    SUBJECT,
    SentWorld,
    a_copy,
    an_answer,
)
from tests.unit.services.sending.test_undelivered_mail import FORWARDED, NO_SUCH, REFUSED, a_report

OTHER = "other@fabrikam.example"
STRANGER = "stranger@adatum.example"
DESK_OID = "dddddddd-1111-4111-8111-111111111111"
BARE: dict[str, Any] = {"in_reply_to": ()}
AUTOMATIC = (("auto-submitted", "auto-replied"),)


@pytest.fixture
def world() -> SentWorld:
    return a_world()


def a_world(**row: Any) -> SentWorld:
    made = SentWorld()
    made.ask(**row)
    made.notify(made.deliver(**a_copy()))
    made.work()
    made.storage.faults.clear()
    return made


def answer(world: SentWorld, **changes: Any) -> None:
    world.notify(world.deliver(**an_answer(**changes)))
    world.work()


def notices(world: SentWorld, agent: str = SENDER_OID) -> list[Notice]:
    return world.storage.notices.of(TENANT, agent)


def everybodys(world: SentWorld) -> list[Notice]:
    return [notice for rows in world.storage.notices.rows.values() for notice in rows.values()]


def stored(world: SentWorld, message_id: str) -> StoredMessage:
    keys = {
        row.message.message_id: row.message for row in world.storage.messages.rows.values() if row.message
    }
    found = keys[message_id]
    assert isinstance(found, StoredMessage)
    return found


def test_an_answer_raises_one_notice_to_who_sent_the_mail(world: SentWorld) -> None:
    answer(world)
    [notice] = notices(world)
    assert (notice.kind, notice.subject, notice.sender.address) == ("reply", f"Re: {SUBJECT}", CONTACT)
    assert notice.message_key == stored(world, "answer@fabrikam.example").key
    assert notice.answers == stored(world, MESSAGE_ID).key
    assert a_ref("property/P-1") in notice.records
    assert len(everybodys(world)) == 1


def test_it_goes_to_the_sender_of_a_shared_mailbox_and_not_to_its_agent() -> None:
    world = SentWorld()
    shared = world.connect(SHARED, agent="desk@contoso.example", agent_id=DESK_OID)
    world.records(a_record("property/P-1", owner="owner@contoso.example"))
    world.ask(mailbox_id=shared.mailbox_id)
    world.notify(world.deliver(SHARED, **a_copy(sender=SHARED)), mailbox=shared)
    world.notify(world.deliver(SHARED, **an_answer(to=(SHARED,))), mailbox=shared)
    assert [notice.agent for notice in everybodys(world)] == [SENDER_OID]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {**BARE},
        {**BARE, "subject": f"AW: Viewing [{CODE.text.lower()}]"},
        # A recipient in Cc, and somebody else at the contact's company.
        {"sender": OTHER, "to": (CONTACT,), "cc": (AGENT,)},
        {**BARE, "sender": OTHER},
        {"sender": STRANGER},
    ],
)
def test_whoever_answers_in_the_thread_by_headers_or_by_code(
    world: SentWorld, changes: dict[str, Any]
) -> None:
    answer(world, **changes)
    assert len(notices(world)) == 1


def test_under_another_message_id_of_the_server_too() -> None:
    world = SentWorld()
    world.ask()
    world.notify(world.deliver(**a_copy(message_id=RENAMED)))
    answer(world, in_reply_to=(RENAMED,))
    assert len(notices(world)) == 1


def test_an_answer_to_an_answer_is_told_to_the_same_agent(world: SentWorld) -> None:
    answer(world, subject="Viewing")
    answer(
        world,
        sender=OTHER,
        subject="Viewing",
        message_id="second@fabrikam.example",
        in_reply_to=("answer@fabrikam.example",),
    )
    assert notices(world)[0].answers == stored(world, "answer@fabrikam.example").key
    assert len(notices(world)) == 2


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_however_many_mailboxes_get_the_answer_it_is_one_notice(order: tuple[int, ...]) -> None:
    world = a_world()
    boxes = [world.mailbox, world.connect(COLLEAGUE), world.connect("third@contoso.example")]
    items = [world.deliver(box.address, **an_answer(to=(AGENT, COLLEAGUE))) for box in boxes]
    for place in order:
        world.notify(items[place], mailbox=boxes[place])
        world.work()
    for place in order:
        world.notify(items[place], mailbox=boxes[place])
    assert len(everybodys(world)) == 1


def test_one_that_was_dismissed_does_not_come_back(world: SentWorld) -> None:
    other = world.connect(COLLEAGUE)
    answer(world)
    [notice] = notices(world)
    world.storage.notices.dismiss(TENANT, SENDER_OID, notice.id)
    world.records(a_record("property/P-9"))
    world.notify(world.deliver(COLLEAGUE, **an_answer()), mailbox=other)
    answer(world)
    world.link_message(agent_named(AGENT, "ann"), notice.message_key, a_ref("property/P-9"))
    world.work()
    assert everybodys(world) == []


def test_an_answer_that_was_faster_than_the_sent_copy_is_told_with_that() -> None:
    world = SentWorld()
    world.ask()
    answer(world, subject="Viewing")
    assert everybodys(world) == []
    world.notify(world.deliver(**a_copy()))
    world.work()
    assert len(notices(world)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": AUTOMATIC},
        {**BARE, "headers": AUTOMATIC},
        {"subject": f"Automatic reply: {SUBJECT}"},
        {"headers": (("content-type", "multipart/report; report-type=disposition-notification"),)},
        {"headers": (("content-type", "text/calendar; method=REPLY"),)},
        {"subject": f"Recall: {SUBJECT}"},
        {**BARE, "subject": f"RECALL : {SUBJECT}"},
        {"subject": f"Message Recall Failure: {SUBJECT}"},
        {"sender": COLLEAGUE, "cc": (CONTACT,)},
        {"sender": AGENT, "cc": (CONTACT,)},
    ],
)
def test_machines_and_colleagues_raise_none(world: SentWorld, changes: dict[str, Any]) -> None:
    world.connect(COLLEAGUE)
    answer(world, **changes)
    assert everybodys(world) == []


@pytest.mark.parametrize("flags", [{"unbounded": True, "silent": True}, {"silent": True}])
def test_history_and_late_contacts_raise_none_and_nor_does_what_comes_behind(
    world: SentWorld, flags: dict[str, Any]
) -> None:
    item = world.deliver(**an_answer())
    world.notify(item, **flags)
    world.work()
    world.notify(item)
    world.work()
    assert everybodys(world) == []


def test_a_rematch_and_a_replay_raise_none(world: SentWorld) -> None:
    item = world.deliver(**an_answer())
    world.notify(item)
    [notice] = notices(world)
    world.storage.notices.dismiss(TENANT, SENDER_OID, notice.id)
    world.records(a_record("contact/C-2", addresses=(CONTACT,)))
    world.run(RematchMessages(tenant_id=TENANT, first_at=world.now, run="1", keys=(notice.message_key,)))
    world.notify(item, replays=1)
    world.work()
    assert everybodys(world) == []


def test_mail_sent_from_outlook_raises_one_only_if_the_organisation_wants_it() -> None:
    for notify_on, expected in (("sent", 0), ("all", 1)):
        world = SentWorld()
        world.configure(notify_on=notify_on)
        world.rewrite(agent_id=SENDER_OID)
        sent = a_copy(tag="", message_id="own@contoso.example", subject="Viewing")
        world.notify(world.deliver(**sent))
        answer(world, subject="Re: Viewing", in_reply_to=("own@contoso.example",))
        assert len(notices(world)) == expected
        assert len(everybodys(world)) == expected


def agent_named(address: str, oid: str) -> Caller:
    return Caller(TENANT, frozenset({AGENT_ROLE}), oid=oid, address=address)


def held(world: SentWorld, **changes: Any) -> StoredMessage:
    """An answer that proves nothing waits in My Inbox of the sender, and of a colleague."""
    other = world.connect(COLLEAGUE, capture="everything")
    for box in (world.mailbox, other):
        world.notify(world.deliver(box.address, **an_answer(**changes)), mailbox=box)
    world.work()
    return stored(world, "answer@fabrikam.example")


CLAIMED: Any = {**BARE, "sender": STRANGER}
FORGED: Any = {"headers": (("authentication-results", "mx.contoso.example; dmarc=fail action=none"),)}


@pytest.mark.parametrize(("changes", "reason"), [(FORGED, "forged_sender"), (CLAIMED, "claims_code")])
def test_an_answer_that_waits_raises_none(world: SentWorld, changes: dict[str, Any], reason: str) -> None:
    world.rewrite(capture="everything")
    assert held(world, **changes).decision.reason == reason
    assert everybodys(world) == []


@pytest.mark.parametrize("changes", [FORGED, CLAIMED], ids=["forged_sender", "claims_code"])
@pytest.mark.parametrize(("decider", "expected"), [(SENDER_OID, 0), ("ben", 1)])
def test_filed_by_hand_it_is_told_unless_the_sender_did_it(
    world: SentWorld, decider: str, expected: int, changes: dict[str, Any]
) -> None:
    world.rewrite(capture="everything")
    key = held(world, **changes).key
    caller = agent_named(AGENT if decider == SENDER_OID else COLLEAGUE, decider)
    world.decide(caller, key, Wanted(LINK, refs=(a_ref("property/P-1"),)))
    world.work()
    assert len(everybodys(world)) == expected
    # Nor do an undo and a second decision tell it anew.
    world.undo_decision(caller, key)
    world.work()
    assert everybodys(world) == []
    world.decide(caller, key, Wanted(LINK, refs=(a_ref("contact/C-1"),)))
    world.work()
    assert everybodys(world) == []


def test_an_undo_of_what_was_filed_by_rule_tells_nothing_anew(world: SentWorld) -> None:
    answer(world)
    [notice] = notices(world)
    for ref in stored(world, "answer@fabrikam.example").refs:
        world.unlink_message(agent_named(AGENT, "ann"), notice.message_key, ref)
    world.work()
    assert everybodys(world) == [], "whoever opened it would not find the mail"
    world.link_message(agent_named(AGENT, "ann"), notice.message_key, a_ref("property/P-1"))
    world.work()
    assert everybodys(world) == []


@pytest.mark.parametrize("kind", [NO_SUCH, REFUSED, FORWARDED])
def test_a_report_is_told_as_a_bounce_to_the_sender(world: SentWorld, kind: tuple[str, str, str]) -> None:
    world.notify(world.deliver(**a_report(kind)))
    world.work()
    [notice] = notices(world)
    assert (notice.kind, notice.answers) == ("bounce", stored(world, MESSAGE_ID).key)
    assert len(everybodys(world)) == 1


def test_a_report_that_names_no_mail_of_ours_raises_none(world: SentWorld) -> None:
    world.rewrite(capture="everything")
    world.notify(world.deliver(**a_report(NO_SUCH, of="another@contoso.example")))
    world.work()
    assert everybodys(world) == []


def is_of_notice(change: Change) -> bool:
    return change.what in (What.NOTICE_ADDED, What.NOTICE_REMOVED)


def test_events_name_it_to_its_agent_alone(world: SentWorld) -> None:
    answer(world)
    told = [event.change for event in world.storage.events.of(TENANT) if is_of_notice(event.change)]
    assert [(change.what, change.agent, change.ref) for change in told] == [
        (What.NOTICE_ADDED, SENDER_OID, None)
    ]


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_between_any_two_writes_it_comes_once_and_whoever_opens_it_finds_the_mail(when: str) -> None:
    number = 0
    while True:
        number += 1
        world = a_world()
        item = world.deliver(**an_answer())
        world.storage.faults.clear()
        getattr(world.storage.faults, f"kill_{when}")(number)
        try:
            world.notify(item)
        except Killed:
            for notice in everybodys(world):
                assert [e for e in world.timeline("property/P-1") if e.message_key == notice.message_key]
            world.storage.faults.clear()
            world.restart()
            world.notify(item)
            assert len(notices(world)) == 1
        else:
            break
    assert number > 5
    writes = world.storage.faults.writes
    assert writes.index("Timeline.put") < writes.index("Notices.add") < writes.index("Events.append")
    assert len(everybodys(world)) == 1


def test_mail_that_raises_none_costs_no_operation_more(world: SentWorld) -> None:
    world.notify(world.deliver(message_id="plain@fabrikam.example"))
    asked = [*world.storage.faults.reads, *world.storage.faults.writes]
    assert [name for name in asked if name.startswith(("Notices", "Outbox"))] == []


GONE = "gone@fabrikam.example"


def refused_world(**row: Any) -> SentWorld:
    """The server took a mail for one of its two recipients only."""
    made = SentWorld()
    asked = made.ask(to=people(CONTACT, GONE), **row)
    made.storage.outbox.save(replace(asked, rejected=(GONE,)))
    made.notify(made.deliver(**a_copy(to=(CONTACT, GONE))))
    made.work()
    return made


def test_a_recipient_whom_the_server_refused_is_told_as_a_bounce_once() -> None:
    world = refused_world()
    [notice] = notices(world)
    assert (notice.kind, notice.agent, notice.answers) == ("bounce", SENDER_OID, notice.message_key)
    stored = world.storage.messages.get(TENANT, notice.message_key)
    assert stored is not None
    assert [(bounced.address, bounced.permanent) for bounced in stored.bounces] == [(GONE, True)]
    world.storage.notices.dismiss(TENANT, SENDER_OID, notice.id)
    world.notify(world.deliver(**a_copy(to=(CONTACT, GONE), folder="archive", tag="")))
    world.work()
    assert notices(world) == []


def test_an_answer_to_such_a_mail_is_told_as_an_answer() -> None:
    world = refused_world()
    answer(world)
    assert sorted(notice.kind for notice in notices(world)) == ["bounce", "reply"]
