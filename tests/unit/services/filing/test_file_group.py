"""A group of mails is written step by step: whoever is cut short, or meets another worker, it ends in the same rows."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.commands.commands import IngestMessages
from shared.domain.errors import Conflict, Unavailable, none_passing
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.inbox import taken_away
from shared.domain.filing.person_decisions import DELETE, PersonDecision
from shared.domain.mail.items import ItemRef
from shared.domain.matching.matching import match
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.domain.privacy.callers import Caller
from shared.services.capture.fetching import Wanted
from shared.services.capture.scopes import hasher_of
from tests.builders import AGENT, CONTACT, HASH_KEY, NOW, TENANT, a_record, a_ref, an_attachment
from tests.fakes import Killed
from tests.unit.services.filing.test_ingest import kept
from tests.unit.services.filing.test_races import just_before
from tests.unit.services.world import World

SECOND: Final = "second@contoso.example"
LI, BO = "li@adatum.example", "bo@adatum.example"
STORED, FIRST, ANSWER, THIRD, LAST = (
    f"{name}@adatum.example" for name in ("stored", "first", "answer", "third", "last")
)
ANN: Final = Caller(TENANT, frozenset({AGENT_ROLE}), oid="ann", address=AGENT)
C1, C2 = a_ref("contact/C-1"), a_ref("contact/C-2")

# A thread of which one mail is stored already, and is answered twice; a stranger's mails in it; mail of its own.
GROUP: Final[tuple[dict[str, Any], ...]] = (
    {"sender": BO, "message_id": "to-stored@adatum.example", "in_reply_to": (STORED,)},
    {"message_id": FIRST, "in_reply_to": (STORED,)},
    {"sender": BO, "message_id": ANSWER, "in_reply_to": (FIRST,)},
    {"sender": AGENT, "to": (BO,), "message_id": THIRD, "in_reply_to": (ANSWER,), "folder": "sentitems"},
    {"sender": BO, "message_id": LAST, "in_reply_to": (THIRD,), "references": (FIRST, ANSWER, THIRD)},
    {
        "message_id": "plan@adatum.example",
        "attachments": (an_attachment(source_id="A"),),
        "contents": {"A": b"x"},
    },
    {"sender": BO, "message_id": "waits@adatum.example"},
    {"message_id": "reused@adatum.example", "subject": "Scan"},
)


def key_of(message_id: str) -> str:
    return hasher_of(HASH_KEY, TENANT).message_id(message_id)


class Stage(World):
    """A mailbox that captures everything, a stored mail of a contact, and a group that has not been looked at."""

    def __init__(self, mails: tuple[dict[str, Any], ...] = GROUP) -> None:
        super().__init__()
        self.rewrite(capture="everything")
        self.records(a_record(), a_record("contact/C-2", addresses=(LI,)))
        # Bo's record is gone: what is sent to Bo is looked at all the same, and only its thread can file it.
        self.storage.index.teach(TENANT, BO, [a_ref("contact/gone")])
        self.notify(self.deliver(message_id=STORED))
        self.storage.faults.clear()
        self.items = [
            self.deliver(received_at=NOW - timedelta(minutes=30) + timedelta(minutes=number), **mail)
            for number, mail in enumerate(mails)
        ]

    def take_in(self, *items: ItemRef) -> None:
        """Ingest these by one command, all of them unless some are named; a worker of its own has the turn already."""
        command = IngestMessages(
            tenant_id=TENANT,
            mailbox_id=self.mailbox.mailbox_id,
            first_at=self.now,
            items=items or tuple(self.items),
            screened=True,
        )
        scope = self.scope(next(self.storage.mailboxes.of(TENANT)))
        none_passing(self.ingest(scope, Wanted.first_asked(command, self.now)))

    def stored(self, message_id: str) -> StoredMessage:
        found = self.storage.messages.get(TENANT, key_of(message_id))
        assert found is not None
        return found

    def on(self, ref: str = "contact/C-1") -> set[str]:
        return {entry.internet_message_id for entry in self.timeline(ref)}

    def unlink(self, message_id: str) -> None:
        """A person takes a mail from the contact; what is to be done later waits until the group is written."""
        self.unlink_message(ANN, key_of(message_id), C1)
        queue, later = self.storage.queue, []
        while queue.sent:
            command, delay = queue.sent.pop(0)
            if delay:
                later.append((command, delay))
            else:
                self.run(command)
        queue.sent.extend(later)


def whole() -> Stage:
    stage = Stage()
    stage.take_in()
    return stage


WHOLE: Final = whole()
FINISHED: Final = WHOLE.rows()
WRITES: Final = list(WHOLE.storage.faults.writes)
NUMBERS: Final = range(1, len(WRITES) + 1)


def test_the_mails_of_a_thread_are_filed_as_one_by_one_oldest_first() -> None:
    one_by_one = Stage()
    for item in one_by_one.items:
        one_by_one.take_in(item)
    one_by_one.work()
    assert WHOLE.storage.queue.sent == []
    assert kept(FINISHED) == kept(one_by_one.rows())
    assert WHOLE.on() >= {FIRST, ANSWER, THIRD, LAST, "to-stored@adatum.example"}


def test_each_step_is_taken_for_all_mails_before_the_next_one() -> None:
    steps = list(dict.fromkeys(WRITES))
    assert steps == [
        "MessageStore.leave_words",
        "MessageStore.create_together",
        "Attachments.put",
        "Timeline.put",
        "Inbox.put",
        "Events.append",
        "Sightings.put",
        "MessageStore.save",
    ]
    once = ("Timeline.put", "Events.append", "Sightings.put")
    assert [name for name in WRITES if name in once] == list(once)


def test_nothing_stands_as_awaited_though_an_answer_came_before_its_parent() -> None:
    stage = Stage(tuple(reversed(GROUP)))
    stage.take_in()
    assert [row for row in stage.storage.messages.rows.values() if row.message is None] == []
    assert stage.storage.queue.sent == []
    assert stage.on() == WHOLE.on()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_worker_killed_at_any_write_leaves_what_running_again_repairs(number: int, after: bool) -> None:
    stage = Stage()
    faults = stage.storage.faults
    (faults.kill_after if after else faults.kill_before)(number)
    with pytest.raises(Killed):
        stage.take_in()
    stage.take_in()
    stage.work()
    assert kept(stage.rows()) == kept(FINISHED)
    assert decisions(stage) == decisions(WHOLE)


@pytest.mark.parametrize("number", NUMBERS)
def test_storage_that_fails_at_any_write_leaves_what_running_again_repairs(number: int) -> None:
    stage = Stage()
    stage.storage.faults.before[number] = Unavailable("storage is slow")
    with pytest.raises(Unavailable):
        stage.take_in()
    stage.take_in()
    stage.work()
    assert kept(stage.rows()) == kept(FINISHED)
    assert decisions(stage) == decisions(WHOLE)


def decisions(stage: Stage) -> dict[str, Any]:
    """What each mail has come to."""
    rows = (row.message for row in stage.storage.messages.rows.values() if row.message is not None)
    return {
        message.key: (message.decision.disposition, message.refs, message.kind, message.state, message.before)
        for message in rows
    }


@contextmanager
def at_write(stage: Stage, number: int, step: Callable[[], object]) -> Iterator[None]:
    """Another worker does its step, once, right before this one's n-th write."""
    faults = stage.storage.faults
    own, seen = faults.write, [0]

    @contextmanager
    def write(name: str) -> Iterator[None]:
        seen[0] += 1
        if seen[0] == number:
            step()
        with own(name):
            yield

    with patch.object(faults, "write", write):
        yield
    assert seen[0] >= number


@pytest.mark.parametrize("number", NUMBERS)
def test_two_workers_with_the_same_group_end_in_the_same_rows(number: int) -> None:
    stage = Stage()
    with at_write(stage, number, stage.take_in):
        stage.take_in()
    stage.work()
    assert kept(stage.rows()) == kept(FINISHED)
    assert decisions(stage) == decisions(WHOLE)


@pytest.mark.parametrize("place", range(len(GROUP)))
@pytest.mark.parametrize("number", [1, 2, 3, 5, 8, 12])
def test_another_worker_that_files_one_of_the_mails_meanwhile_changes_nothing(
    place: int, number: int
) -> None:
    stage = Stage()
    with at_write(stage, number, lambda: stage.take_in(stage.items[place])):
        stage.take_in()
    stage.work()
    assert kept(stage.rows()) == kept(FINISHED)


# What leaves the contact with a mail: those that it led there. The last mail names the first of its thread, too, but
# what a person takes from a mail does not come back to its answers by way of an older one.
LEAVING: Final = {
    STORED: {STORED, "to-stored@adatum.example"},
    FIRST: {FIRST, ANSWER, THIRD, LAST},
    ANSWER: {ANSWER, THIRD, LAST},
}


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("parent", LEAVING)
def test_no_answer_keeps_what_a_person_takes_from_its_parent_meanwhile(parent: str, number: int) -> None:
    def unlink() -> None:
        if stage.storage.messages.get(TENANT, key_of(parent)) is not None:
            taken.append(parent)
            stage.unlink(parent)

    stage, taken = Stage(), list[str]()
    with at_write(stage, number, unlink):
        try:
            stage.take_in()
        except Conflict:
            # What changed while it was written comes back.
            stage.take_in()
    if not taken:
        stage.unlink(parent)
    stage.work()
    assert stage.on() == WHOLE.on() - LEAVING[parent]
    assert {row.message.state for row in stage.storage.messages.rows.values() if row.message} == {"done"}


def test_an_answer_to_a_mail_that_another_worker_has_filed_otherwise_is_decided_anew() -> None:
    def filed_otherwise() -> None:
        stage.records(a_record(addresses=()), a_record("contact/C-2", addresses=(CONTACT,)))
        stage.take_in(stage.items[1])

    stage = Stage(
        tuple({**mail, "in_reply_to": ()} if mail["message_id"] == FIRST else mail for mail in GROUP)
    )
    with just_before(stage.storage.messages, "create_together", filed_otherwise):
        stage.take_in()
    stage.work()
    first = stage.stored(FIRST).refs
    assert C2 in first
    assert {stage.stored(message_id).refs for message_id in (ANSWER, THIRD, LAST)} == {first}


INDEX: Final = base64.b64encode(bytes([1]) + bytes(5) + b"0123456789abcdef").decode()
ANSWERED: Final = base64.b64encode(bytes([1]) + bytes(5) + b"0123456789abcdef" + bytes(5)).decode()
INDEXED: Final = {"sender": BO, "message_id": FIRST, "headers": (("thread-index", INDEX),)}
LATER_MAILS: Final[dict[str, dict[str, Any]]] = {
    "by a reference behind one that is not stored": {
        "in_reply_to": ("elsewhere@adatum.example",),
        "references": (FIRST, "elsewhere@adatum.example"),
    },
    "by the conversation": {"subject": "Re: Viewing on Thursday", "conversation_index": ANSWERED},
}


@pytest.mark.parametrize("leads", LATER_MAILS)
def test_a_mail_of_the_group_that_another_worker_has_filed_meanwhile_lends_its_records(leads: str) -> None:
    def filed_otherwise() -> None:
        stage.records(a_record("contact/C-3", addresses=(BO,)))
        stage.take_in(stage.items[0])

    later = {"sender": "ki@northwind.example", "to": (BO,), "message_id": LAST, **LATER_MAILS[leads]}
    stage = Stage(({**INDEXED, "conversation_index": INDEX}, later))
    with just_before(stage.storage.messages, "create_together", filed_otherwise):
        stage.take_in()
    stage.work()
    assert stage.on("contact/C-3") == {FIRST, LAST}
    assert stage.stored(LAST).decision.reason in ("thread", "conversation")


def test_a_parent_that_was_deleted_meanwhile_lends_nothing() -> None:
    def deleted() -> None:
        stored = stage.stored(STORED)
        gone = taken_away(stored, PersonDecision(DELETE, "ann", NOW, stored.decision))
        assert gone is not None
        stage.storage.messages.save(TENANT, gone)

    stage = Stage()
    with just_before(stage.storage.messages, "leave_words", deleted):
        stage.take_in()
    stage.work()
    assert stage.stored("to-stored@adatum.example").refs == frozenset()


def test_a_mail_that_would_open_a_record_is_written_before_the_next_one_is_decided() -> None:
    mails: tuple[dict[str, Any], ...] = (
        {"sender": LI, "message_id": "offer@adatum.example", "subject": "Offer for the mill"},
        {"sender": LI, "message_id": "again@adatum.example", "subject": "Offer for the mill"},
        {"sender": LI, "message_id": "other@adatum.example", "subject": "Something else"},
    )
    stage = Stage(mails)
    stage.rewrite(matched_to="opportunity", unmatched="new")
    stage.take_in()
    opened = {ref for _, ref in stage.storage.timeline.rows if ref.kind == "opportunity"}
    assert sorted(len(stage.timeline(str(ref))) for ref in opened) == [1, 2]


def test_a_copy_is_not_finished_as_it_was_before_a_later_one_has_added_to_it() -> None:
    same = {"sender": AGENT, "to": (CONTACT,), "message_id": "same@contoso.example", "folder": "sentitems"}
    stage = Stage((same, {**same, "bcc": (LI,)}))
    stage.take_in(*reversed(stage.items))
    assert stage.stored("same@contoso.example").state == "done"
    assert stage.stored("same@contoso.example").refs == {C1, C2}


def test_a_further_copy_of_each_mail_of_a_group_is_matched_once() -> None:
    stage = whole()
    other = stage.connect("other@contoso.example", capture="everything")
    items = [
        stage.deliver(
            "other@contoso.example",
            received_at=NOW - timedelta(minutes=30) + timedelta(minutes=number),
            **{**mail, "folder": "inbox"},
        )
        for number, mail in enumerate(GROUP[1:4])
    ]
    with patch("shared.services.matching.matching.match", wraps=match) as matched:
        stage.notify(*items, mailbox=other, screened=True)
    assert matched.call_count == len(items)
    copies = [stage.storage.messages.copies(TENANT, key_of(each)) for each in (FIRST, ANSWER, THIRD)]
    assert [len(found) for found in copies] == [2, 2, 2]
    assert stage.on() == WHOLE.on()


def test_two_copies_and_another_mail_of_the_same_id_are_kept_apart_and_together() -> None:
    same = {"message_id": "same@fabrikam.example"}
    mails: tuple[dict[str, Any], ...] = (
        {**same, "subject": "Scan"},
        {**same, "subject": "Scan", "folder": "archive"},
        {**same, "subject": "Contract", "sent_at": NOW - timedelta(hours=5)},
        {"message_id": "other@fabrikam.example"},
    )
    stage = Stage(mails)
    stage.take_in()
    assert sorted(entry.subject for entry in stage.timeline()) == [
        "Contract",
        "Scan",
        "Viewing on Thursday",
        "Viewing on Thursday",
    ]
    assert len(stage.storage.messages.copies(TENANT, key_of("same@fabrikam.example"))) == 2
    assert {row.message.state for row in stage.storage.messages.rows.values() if row.message} == {"done"}


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(len(GROUP))), st.sets(st.integers(1, len(GROUP) - 1)))
def test_any_grouping_of_any_order_ends_in_the_same_rows(order: list[int], cuts: set[int]) -> None:
    stage = Stage()
    ends = [*sorted(cuts), len(GROUP)]
    for start, end in zip([0, *ends], ends, strict=False):
        stage.take_in(*(stage.items[place] for place in order[start:end]))
    stage.work()
    assert kept(stage.rows()) == kept(FINISHED)
    assert decisions(stage) == decisions(WHOLE)
