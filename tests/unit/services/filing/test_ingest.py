"""Ingest: from a Graph id to rows; run twice or killed anywhere, it ends in the same rows."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import telemetry
from shared.domain.commands.commands import IngestMessages, SyncMailbox, WakeMailbox
from shared.domain.errors import AccessDenied, NotFound, Throttled, TransientError, Unavailable
from shared.domain.mail.items import ItemRef
from shared.services.capture.fetching import LATE
from tests.builders import AGENT, CONTACT, NOW, TENANT, a_record, an_attachment, an_item
from tests.fakes import Killed
from tests.log import lines
from tests.unit.services.world import World

SECOND = "second@contoso.example"
STRANGER = "stranger@adatum.example"
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    return made


def test_a_contacts_mail_is_on_the_contacts_timeline(world: World) -> None:
    item = world.deliver(subject="Viewing on Thursday")
    world.notify(item)
    [entry] = world.timeline()
    assert (entry.subject, entry.kind, entry.link.rule) == (
        "Viewing on Thursday",
        "synced",
        "contact_address",
    )
    assert world.outcome(item) == ("filed", "contact_address")


def test_a_strangers_mail_leaves_only_hashes(world: World) -> None:
    item = world.deliver(sender=STRANGER, message_id="secret@adatum.example")
    world.notify(item)
    assert world.outcome(item) == ("skipped", "unknown_people")
    assert world.mail.bodies_read == {}
    assert "secret" not in repr(world.rows())
    assert STRANGER not in repr(world.rows())


def test_a_contact_of_one_client_at_anothers_domain_is_filed_alike_whatever_mail_comes_with_it(
    world: World,
) -> None:
    world.records(
        a_record(client="K-1"), a_record("client/K-1", domains=()), a_record("client/K-2")
    )  # K-2 has the contact's domain
    contacts = world.deliver(subject="From the contact")
    colleagues = world.deliver(subject="From a colleague of his", sender="nobody@fabrikam.example")
    world.notify(contacts, colleagues)
    assert [one.subject for one in world.timeline("client/K-1")] == ["From the contact"]
    assert [one.subject for one in world.timeline("client/K-2")] == ["From a colleague of his"]


def test_mail_in_a_mailbox_that_captures_everything_waits_in_its_agents_inbox(world: World) -> None:
    mailbox = world.connect(SECOND, capture="everything")
    item = world.deliver(SECOND, sender=STRANGER, to=(SECOND,))
    world.notify(item, mailbox=mailbox)
    [waiting] = world.storage.inbox.of(TENANT, SECOND)
    assert (waiting.reason, waiting.sender.address) == ("no_match", STRANGER)
    assert world.outcome(item, mailbox) == ("triage", "no_match")


def test_one_mail_in_three_mailboxes_is_one_entry_with_three_copies(world: World) -> None:
    others = [world.connect(SECOND), world.connect("third@contoso.example")]
    people = {"to": (AGENT, SECOND), "cc": ("third@contoso.example",)}
    ids = [world.deliver(box.address, **people) for box in (world.mailbox, *others)]
    for box, item in zip((world.mailbox, *others), ids, strict=True):
        world.notify(item, mailbox=box)
    [entry] = world.timeline()
    assert entry.agent == AGENT
    copies = world.storage.messages.copies(TENANT, entry.message_key)
    assert {one.mailbox_id for one in copies} == {
        world.mailbox.mailbox_id,
        *(one.mailbox_id for one in others),
    }
    assert [world.outcome(one, box)[0] for one, box in zip(ids[1:], others, strict=True)] == [
        "filed",
        "filed",
    ]


def test_the_same_notification_again_changes_nothing(world: World) -> None:
    item = world.deliver()
    world.notify(item)
    before = world.rows()
    world.notify(item)
    assert world.rows() == before


def test_an_answer_is_a_reply_where_its_parent_is(world: World) -> None:
    sent = world.deliver(folder="sentitems", sender=AGENT, to=(CONTACT,), message_id="out@contoso.example")
    world.notify(sent)
    reply = {"message_id": "in@fabrikam.example", "in_reply_to": ("out@contoso.example",)}
    world.notify(world.deliver(**reply, received_at=NOW))
    assert [(one.kind, one.direction, one.link.rule) for one in world.timeline()] == [
        ("reply", "in", "thread"),
        ("synced", "out", "contact_address"),
    ]


def test_a_strangers_answer_follows_its_thread(world: World) -> None:
    world.notify(world.deliver(message_id="first@fabrikam.example"))
    answer = world.deliver(
        sender=STRANGER, message_id="x@adatum.example", references=("first@fabrikam.example",)
    )
    world.notify(answer)
    assert {one.link.rule for one in world.timeline()} == {"thread", "contact_address"}


def test_a_forward_does_not_follow_its_thread(world: World) -> None:
    world.notify(world.deliver(message_id="first@fabrikam.example"))
    forward = world.deliver(
        sender=STRANGER,
        subject="WG: Viewing on Thursday",
        message_id="x@adatum.example",
        references=("first@fabrikam.example",),
    )
    world.notify(forward)
    assert world.outcome(forward) == ("skipped", "unknown_people")


def test_an_answer_that_comes_before_its_parent_is_on_the_timeline_in_the_end(world: World) -> None:
    answer = world.deliver(
        sender=STRANGER, message_id="x@adatum.example", in_reply_to=("first@fabrikam.example",)
    )
    world.notify(answer)
    assert world.timeline() == []
    world.notify(world.deliver(message_id="first@fabrikam.example"))
    world.work()
    assert {one.internet_message_id for one in world.timeline()} == {
        "x@adatum.example",
        "first@fabrikam.example",
    }
    assert world.outcome(answer) == ("filed", "thread")


def test_a_known_contacts_answer_that_came_first_becomes_a_reply(world: World) -> None:
    answer = world.deliver(message_id="in@fabrikam.example", in_reply_to=("out@contoso.example",))
    world.notify(answer)
    assert [one.kind for one in world.timeline()] == ["synced"]
    sent = world.deliver(folder="sentitems", sender=AGENT, to=(CONTACT,), message_id="out@contoso.example")
    world.notify(sent)
    world.work()
    assert sorted((one.internet_message_id, one.kind, one.link.rule) for one in world.timeline()) == [
        ("in@fabrikam.example", "reply", "thread"),
        ("out@contoso.example", "synced", "contact_address"),
    ]


def test_an_answer_that_comes_before_its_parent_becomes_a_reply_though_an_older_mail_of_its_thread_is_filed(
    world: World,
) -> None:
    second = "second@fabrikam.example"
    world.records(a_record("contact/C-2", addresses=(second,)))
    world.notify(world.deliver(message_id="first@fabrikam.example"))
    names = ("first@fabrikam.example", "out@contoso.example")
    answer = world.deliver(message_id="in@fabrikam.example", in_reply_to=names[1:], references=names)
    world.notify(answer)
    sent = world.deliver(
        folder="sentitems",
        sender=AGENT,
        to=(CONTACT, second),
        message_id="out@contoso.example",
        in_reply_to=names[:1],
    )
    world.notify(sent)
    world.work()
    kinds = {one.internet_message_id: one.kind for one in world.timeline()}
    assert kinds["in@fabrikam.example"] == "reply"
    assert {one.internet_message_id for one in world.timeline("contact/C-2")} == set(names[1:]) | {
        "in@fabrikam.example"
    }


def test_a_chain_that_arrives_backwards_is_whole_in_the_end(world: World) -> None:
    names = [f"{number}@adatum.example" for number in range(5)]
    ids = [
        world.deliver(
            sender=CONTACT if number == 0 else STRANGER,
            message_id=name,
            in_reply_to=(names[number - 1],) if number else (),
        )
        for number, name in enumerate(names)
    ]
    for item in reversed(ids):
        world.notify(item)
    world.work()
    assert {one.internet_message_id for one in world.timeline()} == set(names)


def test_another_mail_with_a_used_message_id_is_a_mail_of_its_own(world: World) -> None:
    world.notify(world.deliver(message_id="same@fabrikam.example", subject="Offer"))
    other: dict[str, Any] = {
        "message_id": "same@fabrikam.example",
        "subject": "Invoice",
        "sent_at": LATER,
    }
    later = world.deliver(**other, received_at=NOW)
    world.notify(later)
    world.notify(later)
    assert [one.subject for one in world.timeline()] == ["Invoice", "Offer"]
    assert world.storage.messages.get(TENANT, world.timeline()[1].message_key).variants == 1  # type: ignore[union-attr]


def test_an_answer_to_a_reused_message_id_goes_with_the_people_from_outside(world: World) -> None:
    """The agent is on both mails; the contact is not on the second."""
    world.records(a_record(), a_record("contact/C-2", addresses=(STRANGER,)))
    same = {"message_id": "scan@adatum.example"}
    world.notify(world.deliver(**same, subject="Scan"))
    world.notify(world.deliver(**same, subject="Contract", sender=STRANGER, sent_at=LATER, received_at=NOW))
    answer = {
        "sender": AGENT,
        "to": (STRANGER,),
        "message_id": "a@contoso.example",
        "in_reply_to": ("scan@adatum.example",),
    }
    world.notify(world.deliver(folder="sentitems", **answer, received_at=NOW))
    assert [one.subject for one in world.timeline()] == ["Scan"]
    assert len(world.timeline("contact/C-2")) == 2


def test_a_copy_with_another_received_time_keeps_the_first_one(world: World) -> None:
    second = world.connect(SECOND)
    world.notify(world.deliver(to=(AGENT, SECOND)))
    at = world.timeline()[0].at
    late = world.deliver(SECOND, to=(AGENT, SECOND), received_at=at + timedelta(seconds=50))
    world.notify(late, mailbox=second)
    assert [one.at for one in world.timeline()] == [at]


def test_triage_in_one_mailbox_gives_way_to_filing_in_another(world: World) -> None:
    everything = world.connect(SECOND, capture="everything")
    first = world.deliver(SECOND, sender=STRANGER, to=(SECOND, AGENT))
    world.notify(first, mailbox=everything)
    assert len(world.storage.inbox.of(TENANT, SECOND)) == 1
    world.records(a_record("contact/C-2", addresses=(STRANGER,)))
    world.notify(world.deliver(sender=STRANGER, to=(SECOND, AGENT)))
    assert world.storage.inbox.of(TENANT, SECOND) == []
    assert len(world.timeline("contact/C-2")) == 1


def test_bcc_is_kept_with_the_copy_that_shows_it_and_nowhere_else(world: World) -> None:
    hidden = "hidden@fabrikam.example"
    sent = world.deliver(folder="sentitems", sender=AGENT, to=(CONTACT,), bcc=(hidden,))
    world.notify(sent)
    key = world.timeline()[0].message_key
    [copy] = world.storage.messages.copies(TENANT, key)
    assert [one.address for one in copy.bcc] == [hidden]
    assert hidden not in repr(world.storage.messages.document(TENANT, key))
    assert hidden not in repr(world.storage.messages.get(TENANT, key))


def test_attachments_are_kept(world: World) -> None:
    item = world.deliver(
        attachments=(an_attachment(source_id="A"), an_attachment(id="1", source_id="gone")),
        contents={"A": b"%PDF"},
    )
    world.notify(item)
    [entry] = world.timeline()
    assert entry.has_attachments
    assert world.storage.attachments.rows == {(TENANT, entry.message_key, "0"): b"%PDF"}


def test_of_a_mail_with_thousands_of_attachments_the_first_are_kept_and_all_are_named(world: World) -> None:
    many = tuple(
        an_attachment(id=str(number), source_id=f"A{number}", name=f"{number}.pdf") for number in range(600)
    )
    contents = {attachment.source_id: b"%PDF" for attachment in many}
    world.notify(world.deliver(attachments=many, contents=contents))
    [entry] = world.timeline()
    assert sorted(int(number) for *_, number in world.storage.attachments.rows) == list(range(500))
    assert len(world.storage.messages.document(TENANT, entry.message_key).attachments) == 600


def test_a_batch_is_filed_oldest_first_so_that_answers_find_their_parent(world: World) -> None:
    first = world.deliver(message_id="first@fabrikam.example", received_at=NOW - timedelta(minutes=9))
    answer = world.deliver(
        message_id="second@fabrikam.example", in_reply_to=("first@fabrikam.example",), received_at=NOW
    )
    world.notify(answer, first)
    assert [one.link.rule for one in world.timeline()] == ["thread", "contact_address"]
    assert world.storage.queue.sent == []


def test_what_cannot_be_read_yet_is_looked_for_again_and_then_left(world: World) -> None:
    item = world.deliver()
    world.notify(item, an_item("not-there"))
    assert len(world.timeline()) == 1
    [row] = world.worklist()
    assert (row.item, row.attempt, row.not_before) == (an_item("not-there"), 1, NOW + timedelta(seconds=15))
    [(wake_up, delay)] = world.storage.queue.sent
    assert (type(wake_up), delay) == (WakeMailbox, 16.0)
    world.work()
    assert (world.storage.exceptions.all, world.worklist()) == ([], [])


def test_one_message_that_fails_for_good_is_recorded_and_the_rest_goes_on(world: World) -> None:
    good, bad = world.deliver(), world.deliver(message_id="b@fabrikam.example")
    world.mail.failing[bad] = AccessDenied("out of scope", "ErrorAccessDenied")
    world.notify(good, bad)
    assert len(world.timeline()) == 1
    [failure] = world.storage.exceptions.all
    assert IngestMessages.from_json(failure.command).items == (bad,)
    assert failure.code == "ErrorAccessDenied"


def test_an_unknown_folder_asks_for_a_walk(world: World) -> None:
    world.mail.add_folder(AGENT, "new-folder")
    item = world.deliver(folder="new")
    world.notify(item)
    assert [type(one) for one in world.storage.queue.commands] == [SyncMailbox]
    world.work()
    assert len(world.timeline()) == 1


def test_mail_in_a_paused_or_unknown_mailbox_is_left_alone(world: World) -> None:
    item = world.deliver()
    world.rewrite(enabled=False)
    world.notify(item)
    world.notify(item, mailbox=replace(world.mailbox, mailbox_id="f" * 32))
    assert world.mail.calls == {}
    assert world.timeline() == []


def test_mail_of_a_disabled_organisation_is_left_alone(world: World) -> None:
    item = world.deliver()
    world.configure(enabled=False)
    world.notify(item)
    assert world.mail.calls == {}


def test_mail_of_a_mailbox_that_is_held_waits_in_its_worklist_and_not_in_the_queue(world: World) -> None:
    item = world.deliver()
    lease = world.hold()
    world.notify(item)
    world.notify(item)
    assert (world.mail.calls, world.waiting(), world.storage.queue.sent) == ({}, [item], [])
    lease.release()
    world.notify(world.deliver(message_id="next@fabrikam.example"))
    assert len(world.timeline()) == 2
    assert world.worklist() == []


def late(world: World, *items: ItemRef, **more: Any) -> None:
    """The same mails again, in a command that has waited for a while."""
    asked_at = world.now
    world.now += LATE
    world.mail.calls.clear()
    world.run(
        IngestMessages(
            tenant_id=TENANT, mailbox_id=world.mailbox.mailbox_id, first_at=asked_at, items=items, **more
        )
    )


@pytest.mark.parametrize("screened", [True, False])
def test_what_was_settled_meanwhile_is_not_fetched_again(world: World, screened: bool) -> None:
    filed, skipped = world.deliver(), world.deliver(sender=STRANGER, message_id="<other@x.example>")
    world.notify(filed, skipped)
    before = world.rows()
    late(world, filed, skipped, screened=screened)
    assert world.mail.calls == {"heads": 1}
    assert world.rows() == before


def test_a_mail_that_the_ledger_knows_and_that_lacks_rows_is_finished_however_late(world: World) -> None:
    item = world.deliver()
    world.storage.faults.named["MessageStore.save"] = Killed()
    with pytest.raises(Killed):
        world.notify(item)
    world.storage.faults.named.clear()
    assert world.outcome(item)[0] == "filed"
    late(world, item)
    assert [one.message.state for one in world.storage.messages.rows.values()] == ["done"]


def test_a_mail_that_has_moved_meanwhile_is_looked_at_again(world: World) -> None:
    item = world.deliver(sender=STRANGER)
    world.notify(item)
    world.mail.move(AGENT, item, "archive-folder")
    late(world, item)
    [seen] = world.storage.sightings.between(world.mailbox, NOW - timedelta(days=1), NOW).values()
    assert seen.folder_id == "archive-folder"


def test_a_transient_failure_leaves_the_mailbox_free(world: World) -> None:
    world.mail.fail("messages", Unavailable("down"))
    item = world.deliver()
    with pytest.raises(Unavailable):
        world.notify(item)
    assert world.storage.leases.held == set()
    world.notify(item)
    assert len(world.timeline()) == 1


@pytest.mark.parametrize(
    ("screened", "error", "until"),
    [
        (True, Throttled("slow down", retry_after=20), NOW + timedelta(seconds=20)),
        (True, Unavailable("down"), None),
        (False, Unavailable("down"), None),
    ],
)
def test_what_graph_gives_is_filed_and_the_rest_comes_back_as_the_same_try(
    world: World, screened: bool, error: TransientError, until: datetime | None
) -> None:
    ids = [world.deliver(subject=f"Mail {number}", message_id=f"<{number}@x.example>") for number in range(4)]
    world.mail.failing[ids[2]] = error
    world.notify(*ids, screened=screened, attempt=1)
    assert {one.subject for one in world.timeline()} == {"Mail 0", "Mail 1"}
    rest = world.worklist()
    assert {row.item for row in rest} == set(ids[2:])
    assert {(row.attempt, row.tries, row.flags.screened) for row in rest} == {(1, 0, screened)}
    [(wake_up, wait)] = world.storage.queue.sent
    assert isinstance(wake_up, WakeMailbox)
    planned = error.retry_after or 4
    assert planned < wait <= (planned + 1) * 1.25
    row = world.storage.mailboxes.by_id(TENANT, world.mailbox.mailbox_id)
    assert row is not None
    assert row.state.blocked_until == until


@pytest.mark.parametrize("screened", [True, False])
def test_a_refused_mail_takes_no_mail_along_that_may_work_later(world: World, screened: bool) -> None:
    ids = [world.deliver(message_id=f"<{number}@x.example>") for number in range(2)]
    world.mail.failing[ids[0]] = AccessDenied("no", "ErrorAccessDenied")
    world.mail.failing[ids[1]] = Unavailable("down")
    with pytest.raises(Unavailable):
        world.notify(*ids, screened=screened)
    assert world.storage.exceptions.all == []


def test_a_wait_is_written_down_though_filing_fails(world: World) -> None:
    ids = [world.deliver(message_id=f"<{number}@x.example>") for number in range(2)]
    world.mail.failing[ids[1]] = Throttled("slow down", retry_after=600)
    world.storage.faults.named["MessageStore.create"] = Unavailable("storage is busy")
    with pytest.raises(Unavailable):
        world.notify(*ids, screened=True)
    row = world.storage.mailboxes.by_id(TENANT, world.mailbox.mailbox_id)
    assert row is not None
    assert row.state.blocked_until == NOW + timedelta(seconds=600)


def test_no_body_is_asked_for_once_graph_wants_to_be_left_alone(world: World) -> None:
    ids = [
        world.deliver(sender=STRANGER, message_id="<skipped@x.example>"),
        world.deliver(message_id="<kept@x.example>"),
        world.deliver(message_id="<later@x.example>"),
    ]
    world.mail.failing[ids[2]] = Throttled("slow down", retry_after=20)
    world.notify(*ids)
    assert world.mail.calls["messages"] == 0
    assert world.outcome(ids[0])[0] == "skipped"
    assert set(world.waiting()) == {ids[1], ids[2]}


def test_what_graph_gives_none_of_is_a_try_more(world: World) -> None:
    ids = [world.deliver(message_id=f"<{number}@x.example>") for number in range(2)]
    world.mail.failing[ids[0]] = Unavailable("down")
    with pytest.raises(Unavailable):
        world.notify(*ids, screened=True)
    assert world.storage.queue.sent == []


def test_screened_messages_are_fetched_in_one_call(world: World) -> None:
    world.notify(world.deliver(), screened=True)
    assert world.mail.calls == {"messages": 1}


def test_a_screened_mail_is_judged_again_before_it_is_filed(world: World) -> None:
    item = world.deliver()
    world.configure(never_log=(CONTACT,))
    world.notify(item, screened=True)
    assert world.outcome(item) == ("skipped", "never_log")
    assert world.timeline() == []


def a_busy_world() -> World:
    """Mail of every sort: a thread with a late parent, an attachment, two mailboxes, triage, a reused id."""
    world = World()
    world.connect(SECOND, capture="everything")
    world.records(a_record(client="F"), a_record("client/F"))
    return world


BUSY_MAIL: tuple[dict[str, Any], ...] = (
    {"sender": STRANGER, "message_id": "late@adatum.example", "in_reply_to": ("first@fabrikam.example",)},
    {"message_id": "first@fabrikam.example", "to": (AGENT, SECOND)},
    {
        "message_id": "first@fabrikam.example",
        "subject": "Other",
        "sent_at": LATER,
        "received_at": NOW,
    },
    {
        "message_id": "plan@fabrikam.example",
        "attachments": (an_attachment(source_id="A"),),
        "contents": {"A": b"x"},
    },
    {"sender": STRANGER, "message_id": "triage@adatum.example", "address": SECOND, "to": (SECOND,)},
    {"message_id": "first@fabrikam.example", "to": (AGENT, SECOND), "address": SECOND},
    {"sender": AGENT, "to": (SECOND,), "message_id": "staff@contoso.example"},
)


def busy_commands(world: World) -> list[IngestMessages]:
    commands = []
    boxes = {one.address: one for one in world.storage.mailboxes.rows.values()}
    for mail in BUSY_MAIL:
        fields = dict(mail)
        address = fields.pop("address", AGENT)
        item = world.deliver(address, **fields)
        commands.append(
            IngestMessages(
                tenant_id=TENANT, mailbox_id=boxes[address].mailbox_id, first_at=NOW, items=(item,)
            )
        )
    return commands


def finished_rows() -> dict[str, Any]:
    world = a_busy_world()
    for command in busy_commands(world):
        world.storage.queue.send(command)
    world.work()
    return world.rows()


def writes_of_a_whole_run() -> int:
    world = a_busy_world()
    commands = busy_commands(world)
    world.storage.faults.clear()
    for command in commands:
        world.run(command)
    return len(world.storage.faults.writes)


FINISHED = finished_rows()
WRITES = writes_of_a_whole_run()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, WRITES + 1))
def test_a_worker_killed_at_any_write_leaves_what_running_again_repairs(number: int, after: bool) -> None:
    world = a_busy_world()
    commands = busy_commands(world)
    faults = world.storage.faults
    faults.clear()
    (faults.kill_after if after else faults.kill_before)(number)
    killed = 0
    for command in commands:
        try:
            world.run(command)
        except Killed:
            killed += 1
            world.run(command)
    assert killed == 1
    world.work()
    assert world.rows() == FINISHED


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(len(BUSY_MAIL))), st.lists(st.integers(0, len(BUSY_MAIL) - 1), max_size=6))
def test_order_and_repetition_of_commands_do_not_matter(order: list[int], again: list[int]) -> None:
    world = a_busy_world()
    commands = busy_commands(world)
    for number in (*order, *again):
        world.run(commands[number])
    world.work()
    assert kept(world.rows()) == kept(FINISHED)


def kept(rows: dict[str, Any]) -> dict[str, Any]:
    """What must not depend on order: which mail is on which timeline by which rule, and every outcome."""
    return {
        "timeline": {
            key: sorted(
                (one.internet_message_id, one.subject, one.kind, one.link.rule) for one in entries.values()
            )
            for key, entries in rows["timeline"].items()
        },
        "inbox": {key: [one.subject for one in items.values()] for key, items in rows["inbox"].items()},
        "outcomes": {
            key: sorted((one.item, one.outcome) for one in seen.values())
            for key, seen in rows["sightings"].items()
        },
        "attachments": sorted(rows["attachments"].values()),
        "copies": sorted(copy for _, _, copies, _ in rows["messages"].values() for copy in copies),
        "unfinished": [
            message for message, *_ in rows["messages"].values() if message and message.state != "done"
        ],
    }


def test_a_missing_message_is_not_an_exception(world: World) -> None:
    world.mail.failing["gone"] = NotFound("gone", "ErrorItemNotFound")
    world.notify(an_item("gone"), screened=True)
    world.work()
    assert world.storage.exceptions.all == []


def test_it_says_what_became_of_the_mails_and_how_long_they_took(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    received = world.now
    ids = [
        world.deliver(received_at=received),
        world.deliver(sender=STRANGER, message_id="other@adatum.example"),
    ]
    world.now = received + timedelta(seconds=42)
    with caplog.at_level(logging.INFO, "postledger"):
        for silent in (False, True):
            with telemetry.measured("mail_handled"):
                world.notify(*ids, silent=silent)
    said = lines(caplog)
    assert [(line["mails_filed"], line["mails_skipped"]) for line in said] == [(1, 1)] * 2
    assert [line.get("delays") for line in said] == [[42], None], "history has no delay"
