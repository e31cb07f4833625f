"""My Inbox: what an agent sees and decides; run twice or killed anywhere, a decision ends in the same rows."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.commands.commands import FileMessage
from shared.domain.errors import Conflict, Forbidden, InvalidInput, Outdated, Unknown, WrongState
from shared.domain.filing.entries import decode_cursor
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.inbox import version_of
from shared.domain.filing.opening import Wishes
from shared.domain.filing.person_decisions import DELETE, LINK, NOTE, OPEN
from shared.domain.privacy.callers import ADMIN, Caller
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.domain.records.records import Overrides
from shared.services.capture.scopes import hasher_of
from shared.services.filing.change_by_person import OVERDUE_AFTER, overdue
from shared.services.filing.inbox import Wanted
from shared.services.filing.read_inbox import InboxPage
from tests.builders import AGENT, CONTACT, HASH_KEY, NOW, TENANT, a_record, a_ref, an_attachment
from tests.fakes import Killed
from tests.unit.services.world import World

SECOND = "second@contoso.example"
STRANGER = "stranger@adatum.example"
ANN = Caller(TENANT, frozenset({AGENT_ROLE}), oid="ann", address=AGENT)
BEN = Caller(TENANT, frozenset({AGENT_ROLE}), oid="ben", address=SECOND)
ADMIN_ANN = replace(ANN, roles=frozenset({ADMIN}))
FIRST = "first@adatum.example"


def key_of(message_id: str = FIRST) -> str:
    return hasher_of(HASH_KEY, TENANT).message_id(message_id)


def a_world(**organisation: Any) -> World:
    """Two agents whose mailboxes capture everything; a contact with a client, and an opportunity."""
    world = World()
    world.configure(**organisation)
    world.rewrite(capture="everything")
    world.connect(SECOND, capture="everything")
    world.records(
        a_record(client="K-1"),
        a_record("client/K-1", domains=(), name="Fabrikam"),
        a_record("client/K-2", domains=()),
        a_record("opportunity/O-1", summary="Kitchen"),
        a_record("project/P-1", status="closed"),
    )
    return world


@pytest.fixture
def world() -> World:
    return a_world()


def arrive(world: World, message_id: str = FIRST, *, address: str = AGENT, **mail: Any) -> str:
    """A stranger's mail that comes to wait; returns its key."""
    box = next(one for one in world.storage.mailboxes.rows.values() if one.address == address)
    mail.setdefault("to", (address,))
    item = world.deliver(address, sender=mail.pop("sender", STRANGER), message_id=message_id, **mail)
    world.notify(item, mailbox=box)
    return key_of(message_id)


def to_both(world: World, message_id: str = FIRST, **mail: Any) -> str:
    for address in (AGENT, SECOND):
        arrive(world, message_id, address=address, to=(AGENT, SECOND), **mail)
    return key_of(message_id)


def linking(*refs: str, **more: Any) -> Wanted:
    return Wanted(LINK, refs=tuple(a_ref(one) for one in refs or ("contact/C-1",)), **more)


def page(world: World, caller: Caller = ANN, *, limit: int = 50, cursor: str = "") -> InboxPage:
    return world.read_inbox(caller, limit=limit, cursor=cursor)


def subjects(world: World, caller: Caller = ANN) -> list[str]:
    return [one.item.subject for one in page(world, caller).mails]


def stored(world: World, key: str | None = None) -> StoredMessage:
    found = world.storage.messages.get(TENANT, key or key_of())
    assert found is not None
    return found


def links(world: World, key: str | None = None) -> list[str]:
    return sorted(str(one.ref) for one in stored(world, key).decision.links)


class TestReading:
    def test_an_agent_sees_what_waits_in_the_own_mailbox_newest_first(self, world: World) -> None:
        for number in range(3):
            arrive(
                world,
                f"{number}@adatum.example",
                subject=f"No {number}",
                received_at=NOW - timedelta(hours=9 - number),
            )
        arrive(world, "other@adatum.example", address=SECOND, subject="Not Ann's")
        assert subjects(world) == ["No 2", "No 1", "No 0"]
        assert subjects(world, BEN) == ["Not Ann's"]

    def test_an_admin_sees_only_the_own_mailboxes_too(self, world: World) -> None:
        arrive(world, address=SECOND)
        assert page(world, ADMIN_ANN).mails == ()

    def test_pages_follow_each_other_while_new_mail_arrives(self, world: World) -> None:
        for number in range(5):
            arrive(
                world,
                f"{number}@adatum.example",
                subject=f"No {number}",
                received_at=NOW - timedelta(hours=9 - number),
            )
        seen, cursor = [], ""
        while True:
            found = page(world, limit=2, cursor=cursor)
            seen += [one.item.subject for one in found.mails]
            arrive(world, f"new-{len(seen)}@adatum.example", subject="New", received_at=NOW)
            if found.cursor is None:
                break
            cursor = found.cursor
        assert seen == ["No 4", "No 3", "No 2", "No 1", "No 0"]

    def test_an_agent_of_two_mailboxes_sees_both_in_one_order(self, world: World) -> None:
        world.connect("desk@contoso.example", capture="everything", agent=AGENT)
        arrive(world, "a@adatum.example", subject="Older", received_at=NOW - timedelta(hours=2))
        arrive(world, "b@adatum.example", address="desk@contoso.example", subject="Newer")
        assert [(one.item.subject, one.mailbox) for one in page(world).mails] == [
            ("Newer", "desk@contoso.example"),
            ("Older", AGENT),
        ]

    def test_what_somebody_decided_is_gone_at_once_for_everybody(self, world: World) -> None:
        key = to_both(world)
        world.decide(BEN, key, linking())
        assert (subjects(world), subjects(world, BEN)) == ([], [])

    def test_a_service_has_no_inbox(self, world: World) -> None:
        with pytest.raises(Forbidden):
            page(world, Caller(TENANT, frozenset({"Service"}), client_id="crm", app_only=True))


class TestLinking:
    def test_the_mail_is_on_the_records_and_on_the_contacts_client(self, world: World) -> None:
        key = to_both(world)
        world.decide(ANN, key, linking("contact/C-1", "opportunity/O-1"))
        world.work()
        assert links(world) == ["client/K-1", "contact/C-1", "opportunity/O-1"]
        [entry] = world.timeline("client/K-1")
        assert (entry.kind, entry.link.rule, entry.link.by) == ("synced", "by_hand", AGENT)
        assert world.storage.inbox.of(TENANT, AGENT) + world.storage.inbox.of(TENANT, SECOND) == []
        assert stored(world).state == "done"
        assert world.storage.inbox.pending == {}

    def test_a_closed_record_says_so(self, world: World) -> None:
        world.decide(ANN, arrive(world), linking("project/P-1"))
        world.work()
        assert world.timeline("project/P-1")[0].link.closed

    def test_it_is_audited_by_ids_alone(self, world: World) -> None:
        world.decide(ANN, arrive(world), linking())
        world.work()
        [row] = world.storage.audit.of(TENANT)
        assert (row.by, row.what, row.at) == ("ann", "link", NOW)
        assert row.subjects == (f"message/{key_of()}", "contact/C-1", "client/K-1")

    def test_the_same_decision_again_changes_nothing(self, world: World) -> None:
        key = arrive(world)
        world.decide(ANN, key, linking())
        world.work()
        before = world.rows()
        world.now += timedelta(minutes=1)
        world.decide(ANN, key, linking())
        assert world.storage.queue.sent == []
        assert world.rows() == before

    def test_the_same_decision_again_is_queued_again_until_it_is_carried_out(self, world: World) -> None:
        key = arrive(world)
        world.decide(ANN, key, linking())
        world.storage.queue.take(FileMessage)
        world.decide(ANN, key, linking())
        world.work()
        assert len(world.timeline()) == 1

    def test_a_second_thought_needs_an_undo(self, world: World) -> None:
        key = arrive(world)
        world.decide(ANN, key, linking())
        with pytest.raises(WrongState, match="Undo that first"):
            world.decide(ANN, key, linking("opportunity/O-1"))

    def test_a_colleague_who_comes_second_is_told(self, world: World) -> None:
        key = to_both(world)
        world.decide(ANN, key, linking())
        with pytest.raises(Outdated, match="Somebody else was faster"):
            world.decide(BEN, key, linking())
        world.work()
        assert stored(world).decided.by == "ann"  # type: ignore[union-attr]

    def test_a_decision_under_another_version_is_refused(self, world: World) -> None:
        key = arrive(world)
        with pytest.raises(Outdated, match="changed since you read it"):
            world.decide(ANN, key, linking(read_under=frozenset({"0" * 32})))
        [mail] = page(world).mails
        assert mail.version == version_of(stored(world))
        world.decide(ANN, key, linking(read_under=frozenset({mail.version})))
        assert links(world) == ["client/K-1", "contact/C-1"]

    def test_word_left_by_an_answer_is_no_new_version(self, world: World) -> None:
        key = arrive(world)
        [mail] = page(world).mails
        arrive(world, "answer@adatum.example", in_reply_to=(FIRST,))
        world.decide(ANN, key, linking(read_under=frozenset({mail.version})))
        assert stored(world).is_filed

    def test_a_mail_that_a_rule_has_filed_meanwhile_is_no_longer_decided_on(self, world: World) -> None:
        key = arrive(world)
        world.records(a_record("contact/C-2", addresses=(STRANGER,)))
        arrive(world)
        with pytest.raises(Outdated, match="has been filed"):
            world.decide(ANN, key, linking())

    def test_what_is_in_nobody_elses_mailbox_is_not_there_for_others(self, world: World) -> None:
        key = arrive(world, address=SECOND)
        for caller in (ANN, ADMIN_ANN):
            with pytest.raises(Unknown):
                world.decide(caller, key, linking())
        with pytest.raises(Unknown):
            world.decide(ANN, "f" * 32, linking())

    def test_a_record_that_is_not_there_is_named(self, world: World) -> None:
        with pytest.raises(InvalidInput, match="There is no record contact/C-404"):
            world.decide(ANN, arrive(world), linking("contact/C-404"))
        assert len(subjects(world)) == 1

    def test_who_waits_for_it_is_looked_at_again(self, world: World) -> None:
        world.rewrite(capture="known")
        answer = arrive(world, "answer@adatum.example", in_reply_to=(FIRST,), sender="x@adatum.example")
        assert world.storage.messages.get(TENANT, answer) is None
        world.decide(BEN, arrive(world, address=SECOND), linking())
        world.work()
        assert len(world.timeline()) == 2


class TestOpening:
    def test_title_and_details_come_from_the_mail_and_the_sender_comes_along(self, world: World) -> None:
        world.configure(excluded_types=("supplier",))
        world.records(a_record(client="K-1", type="supplier"))
        key = arrive(world, sender=CONTACT, subject="Re: New kitchen", text="Please quote.\n\n> old words")
        world.decide(ANN, key, Wanted(OPEN, kind="opportunity"))
        world.work()
        ref = a_ref(f"opportunity/pl-{key[:20]}")
        record = world.storage.records.get(TENANT, ref)
        assert record is not None
        assert (record.name, record.summary, record.details) == (
            "New kitchen",
            "New kitchen",
            "Please quote.\n\n> old words",
        )
        assert (record.origin, record.owner, record.client) == ("postledger", AGENT, "K-1")
        assert (record.contacts, record.contact_domains) == (("C-1",), ("fabrikam.example",))
        assert links(world, key) == ["client/K-1", "contact/C-1", str(ref)]
        assert {one.rule for one in stored(world, key).decision.links} == {"opened"}
        assert [one.link.rule for one in world.timeline(str(ref))] == ["opened"]

    def test_what_the_agent_says_wins(self, world: World) -> None:
        wishes = Wishes(
            name="Mill Lane", summary="Mill Lane works", details="Said on the phone", type="works"
        )
        wanted = Wanted(OPEN, kind="project", wishes=wishes, client="K-2", contacts=("C-1",), owner=SECOND)
        key = arrive(world)
        world.decide(ANN, key, wanted)
        world.work()
        record = world.storage.records.get(TENANT, a_ref(f"project/pl-{key[:20]}"))
        assert record is not None
        assert (record.name, record.summary, record.details, record.type) == (
            "Mill Lane",
            "Mill Lane works",
            "Said on the phone",
            "works",
        )
        assert (record.client, record.contacts, record.owner) == ("K-2", ("C-1",), SECOND)

    def test_opening_again_is_the_same_record_and_what_the_crm_changed_stays(self, world: World) -> None:
        key = arrive(world)
        wanted = Wanted(OPEN, kind="opportunity")
        world.decide(ANN, key, wanted)
        world.work()
        ref = a_ref(f"opportunity/pl-{key[:20]}")
        world.records(a_record(str(ref), name="Renamed", origin="postledger"))
        world.decide(ANN, key, wanted)
        world.run(FileMessage(tenant_id=TENANT, key=key, first_at=NOW))
        assert world.storage.records.get(TENANT, ref).name == "Renamed"  # type: ignore[union-attr]

    def test_only_opportunities_and_projects_are_opened(self, world: World) -> None:
        with pytest.raises(InvalidInput, match="opportunity or project"):
            world.decide(ANN, arrive(world), Wanted(OPEN, kind="client"))

    def test_a_mail_without_a_subject_has_a_title_all_the_same(self, world: World) -> None:
        key = arrive(world, subject="Re:")
        world.decide(ANN, key, Wanted(OPEN, kind="project"))
        world.work()
        record = world.storage.records.get(TENANT, a_ref(f"project/pl-{key[:20]}"))
        assert record is not None
        assert record.name == "(no subject)"


class TestNotes:
    def test_the_client_that_is_named_gets_a_note(self, world: World) -> None:
        world.decide(ANN, arrive(world), Wanted(NOTE, client="K-2"))
        world.work()
        assert [(one.kind, one.link.as_note) for one in world.timeline("client/K-2")] == [("note", True)]

    def test_without_a_name_it_is_the_client_of_the_senders_card(self, world: World) -> None:
        world.configure(excluded_types=("supplier",))
        world.records(a_record(client="K-1", type="supplier"))
        world.decide(ANN, arrive(world, sender=CONTACT), Wanted(NOTE))
        world.work()
        assert [one.kind for one in world.timeline("client/K-1")] == ["note"]

    def test_without_any_client_a_sentence_says_what_to_do(self, world: World) -> None:
        with pytest.raises(InvalidInput, match="name one as 'client'"):
            world.decide(ANN, arrive(world), Wanted(NOTE))


class TestDeleting:
    def test_all_of_it_goes_but_its_key(self, world: World) -> None:
        key = to_both(
            world,
            subject="Confidential offer",
            attachments=(an_attachment(source_id="A"),),
            contents={"A": b"%PDF"},
        )
        world.decide(ADMIN_ANN, key, Wanted(DELETE))
        world.work()
        assert world.storage.attachments.rows == {}
        assert world.storage.messages.document(TENANT, key) is None
        assert world.storage.messages.copies(TENANT, key) == []
        assert (subjects(world), subjects(world, BEN)) == ([], [])
        assert world.storage.inbox.of(TENANT, AGENT) + world.storage.inbox.of(TENANT, SECOND) == []
        kept = repr(stored(world))
        for secret in ("onfidential", STRANGER, FIRST):
            assert secret not in kept

    def test_it_does_not_come_back(self, world: World) -> None:
        key = arrive(world)
        world.decide(ADMIN_ANN, key, Wanted(DELETE))
        world.work()
        again = world.deliver(SECOND, sender=STRANGER, message_id=FIRST, to=(SECOND,))
        box = next(one for one in world.storage.mailboxes.rows.values() if one.address == SECOND)
        world.notify(again, mailbox=box)
        assert subjects(world, BEN) == []
        assert world.outcome(again, box) == ("skipped", "deleted")
        explained = world.explain(ADMIN_ANN, f"<{FIRST}>")
        assert (explained.outcome, explained.reason) == ("skipped", "deleted")
        assert any("deleted it in My Inbox" in one for one in explained.steps)

    def test_only_an_admin_may(self, world: World) -> None:
        with pytest.raises(Forbidden):
            world.decide(ANN, arrive(world), Wanted(DELETE))

    def test_a_deleted_mail_cannot_be_brought_back(self, world: World) -> None:
        key = arrive(world)
        world.decide(ADMIN_ANN, key, Wanted(DELETE))
        world.work()
        with pytest.raises(WrongState, match="cannot be brought back"):
            world.undo_decision(ADMIN_ANN, key)

    def test_another_decision_is_told_so(self, world: World) -> None:
        key = arrive(world)
        world.decide(ADMIN_ANN, key, Wanted(DELETE))
        with pytest.raises(WrongState, match="have deleted this mail: it cannot be brought back"):
            world.decide(ADMIN_ANN, key, linking())

    def test_deleting_again_changes_nothing(self, world: World) -> None:
        key = arrive(world)
        world.decide(ADMIN_ANN, key, Wanted(DELETE))
        world.work()
        before = world.rows()
        world.decide(ADMIN_ANN, key, Wanted(DELETE))
        world.run(FileMessage(tenant_id=TENANT, key=key, first_at=NOW))
        assert (world.rows(), world.storage.queue.sent) == (before, [])

    def test_a_listed_mail_goes_from_its_timelines_too(self, world: World) -> None:
        world.rewrite(matched_to="opportunity")
        key = arrive(world, sender=CONTACT)
        assert len(world.timeline()) == 1
        world.decide(ADMIN_ANN, key, Wanted(DELETE))
        world.work()
        assert (world.timeline(), world.timeline("client/K-1")) == ([], [])


def a_thread(world: World) -> list[str]:
    """A mail, two answers to it, one to an answer, and one of another thread; all wait for Ann."""
    return [
        arrive(world),
        arrive(world, "second@adatum.example", in_reply_to=(FIRST,)),
        arrive(world, "third@adatum.example", sender="other@adatum.example", references=(FIRST,)),
        arrive(world, "fourth@adatum.example", in_reply_to=("second@adatum.example",), references=(FIRST,)),
        arrive(world, "apart@adatum.example"),
    ]


class TestThreads:
    @pytest.mark.parametrize("chosen", range(4))
    def test_deciding_on_any_mail_files_the_thread_along(self, world: World, chosen: int) -> None:
        keys = a_thread(world)
        world.decide(ANN, keys[chosen], linking())
        world.work()
        assert {one.message_key for one in world.timeline()} == set(keys[:4])
        assert len(subjects(world)) == 1
        rules = {one.message_key: one.link.rule for one in world.timeline()}
        assert rules == {key: "by_hand" if key == keys[chosen] else "thread" for key in keys[:4]}

    def test_not_if_the_organisation_says_so(self) -> None:
        world = a_world(file_thread=False)
        keys = a_thread(world)
        world.decide(ANN, keys[0], linking())
        world.work()
        assert [one.message_key for one in world.timeline()] == [keys[0]]
        assert len(subjects(world)) == 4

    @pytest.mark.parametrize("by_default", [True, False])
    def test_a_decision_may_say_otherwise(self, by_default: bool) -> None:
        world = a_world(file_thread=by_default)
        world.decide(ANN, a_thread(world)[0], linking(file_thread=not by_default))
        world.work()
        assert len(subjects(world)) == (4 if by_default else 1)

    @pytest.mark.parametrize("said", [True, False])
    @pytest.mark.parametrize("ref", ["client/K-1", "contact/C-9", "opportunity/O-1"])
    def test_the_client_of_the_record_decided_on_goes_before_the_organisation(
        self, ref: str, said: bool
    ) -> None:
        world = a_world(file_thread=not said)
        world.records(
            a_record("client/K-1", addresses=(), overrides=Overrides(file_thread=said)),
            a_record("contact/C-9", addresses=(), client="K-1"),
            a_record("opportunity/O-1", addresses=(), client="K-1"),
        )
        world.decide(ANN, a_thread(world)[0], linking(ref))
        world.work()
        assert len(subjects(world)) == (1 if said else 4)

    def test_a_person_goes_before_the_client(self) -> None:
        world = a_world()
        world.records(a_record("client/K-1", addresses=(), overrides=Overrides(file_thread=False)))
        world.decide(ANN, a_thread(world)[0], linking("client/K-1", file_thread=True))
        world.work()
        assert len(subjects(world)) == 1

    def test_a_record_that_is_opened_for_a_client_follows_that_client(self) -> None:
        world = a_world()
        world.records(a_record("client/K-1", addresses=(), overrides=Overrides(file_thread=False)))
        world.decide(ANN, a_thread(world)[0], Wanted(OPEN, kind="opportunity", client="K-1"))
        world.work()
        assert len(subjects(world)) == 4

    def test_the_next_mail_of_the_thread_follows(self) -> None:
        world = a_world(file_thread=False)
        world.decide(ANN, arrive(world), linking())
        world.work()
        arrive(world, "next@adatum.example", in_reply_to=(FIRST,), sender="new@adatum.example")
        assert [one.link.rule for one in world.timeline()] == ["thread", "by_hand"]

    def test_a_colleagues_private_mail_is_left_alone(self, world: World) -> None:
        bens = arrive(world, "second@adatum.example", address=SECOND, in_reply_to=(FIRST,))
        world.decide(ANN, arrive(world), linking(file_thread=True))
        world.storage.queue.sent = [
            one for one in world.storage.queue.sent if isinstance(one[0], FileMessage)
        ]
        world.run(world.storage.queue.take(FileMessage)[0])
        world.storage.queue.sent.clear()
        assert stored(world, bens).decided is None

    def test_a_forward_of_it_is_of_no_thread(self, world: World) -> None:
        arrive(world, "fw@adatum.example", subject="Fw: Viewing", references=(FIRST,))
        world.decide(ANN, arrive(world), linking())
        world.work()
        assert len(subjects(world)) == 1

    def test_one_taken_out_by_hand_is_not_filed_along_again(self, world: World) -> None:
        keys = a_thread(world)
        world.decide(ANN, keys[0], linking())
        world.work()
        world.undo_decision(ANN, keys[1])
        world.work()
        world.link_message(ANN, keys[0], a_ref("opportunity/O-1"))
        world.work()
        assert len(subjects(world)) == 2

    @pytest.mark.parametrize("step", ["unlinked", "gone"])
    def test_what_becomes_of_the_first_by_itself_leaves_the_others(self, world: World, step: str) -> None:
        keys = a_thread(world)
        world.decide(ANN, keys[0], linking())
        world.work()
        if step == "unlinked":
            for ref in links(world, keys[0]):
                world.unlink_message(ANN, keys[0], a_ref(ref))
        else:
            del world.storage.messages.rows[(TENANT, keys[0])]
        world.work()
        along = links(world, keys[1])
        world.link_message(ANN, keys[1], a_ref("opportunity/O-1"))
        world.work()
        assert set(links(world, keys[1])) == {*along, "opportunity/O-1"}

    def test_a_mail_that_goes_away_meanwhile_is_left_out(self, world: World) -> None:
        keys = a_thread(world)
        world.decide(ANN, keys[0], linking())
        del world.storage.messages.rows[(TENANT, keys[1])]
        while commands := world.storage.queue.take(FileMessage):
            for command in commands:
                world.run(command)
        assert {entry.message_key for entry in world.timeline()} == {keys[0], keys[2], keys[3]}

    def test_what_goes_along_after_a_backlog_is_not_taken_for_lost(self, world: World) -> None:
        keys = a_thread(world)
        world.decide(ANN, keys[0], linking())
        world.now += OVERDUE_AFTER + timedelta(minutes=1)
        world.run(world.storage.queue.take(FileMessage)[0])
        noted = [
            change for change in world.storage.inbox.pending_changes(TENANT) if change.message_key != keys[0]
        ]
        assert len(noted) == 3
        assert overdue(noted, world.now) == []


class TestTeaching:
    def test_the_address_follows_if_the_agent_says_so(self, world: World) -> None:
        world.decide(ANN, arrive(world), linking("opportunity/O-1", follow_address=True))
        assert world.storage.index.taught == set()
        world.work()
        assert world.storage.index.taught == {(TENANT, STRANGER, a_ref("opportunity/O-1"))}

    def test_not_otherwise(self, world: World) -> None:
        world.decide(ANN, arrive(world), linking())
        world.work()
        assert world.storage.index.taught == set()

    def test_what_was_taught_goes_with_the_last_record(self, world: World) -> None:
        key = arrive(world)
        world.decide(ANN, key, linking("opportunity/O-1", follow_address=True))
        world.work()
        world.unlink_message(ANN, key, a_ref("opportunity/O-1"))
        world.work()
        assert world.storage.index.taught == set()
        world.decide(ANN, key, linking("opportunity/O-1"))
        world.work()
        assert links(world, key) == ["opportunity/O-1"]

    def test_a_record_that_was_opened_stays_without_the_mail(self, world: World) -> None:
        key = arrive(world)
        world.decide(ANN, key, Wanted(OPEN, kind="opportunity", client="K-1", follow_address=True))
        world.work()
        opened = links(world, key)
        for ref in opened:
            world.unlink_message(ANN, key, a_ref(ref))
        world.work()
        assert world.storage.records.get(TENANT, a_ref(next(ref for ref in opened if "opportunity" in ref)))
        assert world.storage.index.taught == set()

    def test_a_colleagues_address_is_refused(self, world: World) -> None:
        world.rewrite(capture="everything")
        key = arrive(world)
        world.storage.index.put_staff(TENANT, "m", [STRANGER])
        with pytest.raises(InvalidInput, match="belongs to your organisation"):
            world.decide(ANN, key, linking(follow_address=True))


DECISIONS: dict[str, Wanted] = {
    "link": linking("contact/C-1", "opportunity/O-1", follow_address=True),
    "open": Wanted(OPEN, kind="opportunity", client="K-1", follow_address=True),
    "note": Wanted(NOTE, client="K-2"),
}


def everything(world: World) -> dict[str, Any]:
    """All rows that a decision may touch; the ids and times of acts aside."""
    rows = world.rows()
    plain = {
        key: (replace(message, change_ids=()) if message else None, *rest)
        for key, (message, *rest) in rows["messages"].items()
    }
    records = {key: replace(one, etag="") for key, one in world.storage.records.rows.items()}
    return {
        **rows,
        "timeline": {key: entries for key, entries in rows["timeline"].items() if entries},
        "messages": plain,
        "records": records,
        "taught": set(world.storage.index.taught),
    }


class TestUndo:
    @pytest.mark.parametrize("name", DECISIONS)
    def test_all_is_as_it_was_before(self, world: World, name: str) -> None:
        keys = a_thread(world)
        to_both(world)
        world.work()
        before = everything(world)
        world.decide(ANN, keys[0], DECISIONS[name])
        world.work()
        assert everything(world) != before
        world.undo_decision(ANN, keys[0])
        world.work()
        after = everything(world)
        assert [len(subjects(world)), len(subjects(world, BEN))] == [5, 1]
        for what in ("timeline", "inbox", "records", "taught", "attachments"):
            assert after[what] == before[what], what
        for key, (message, *_) in before["messages"].items():
            assert after["messages"][key][0].decision == message.decision
            assert after["messages"][key][0].decided is None
        assert world.storage.inbox.pending == {}

    def test_it_can_be_decided_anew(self, world: World) -> None:
        key = arrive(world)
        world.decide(ANN, key, linking())
        world.work()
        world.undo_decision(ANN, key)
        world.work()
        world.decide(ANN, key, linking("opportunity/O-1"))
        world.work()
        assert links(world) == ["opportunity/O-1"]
        assert (world.timeline(), len(world.timeline("opportunity/O-1"))) == ([], 1)

    def test_a_colleague_who_holds_a_copy_may(self, world: World) -> None:
        key = to_both(world)
        world.decide(ANN, key, linking())
        world.work()
        world.undo_decision(BEN, key)
        world.work()
        assert len(subjects(world)) == 1
        assert [(one.what, one.by) for one in world.storage.audit.of(TENANT)] == [
            ("link", "ann"),
            ("undo", "ben"),
        ]

    def test_somebody_without_a_copy_may_not(self, world: World) -> None:
        key = arrive(world)
        world.decide(ANN, key, linking())
        with pytest.raises(Unknown):
            world.undo_decision(BEN, key)

    def test_nothing_to_undo_says_so(self, world: World) -> None:
        with pytest.raises(WrongState, match="nothing to undo"):
            world.undo_decision(ANN, arrive(world))

    def test_deciding_while_it_is_being_undone_has_to_wait(self, world: World) -> None:
        key = arrive(world)
        world.decide(ANN, key, linking())
        world.work()
        world.undo_decision(ANN, key)
        with pytest.raises(WrongState, match="being undone"):
            world.decide(ANN, key, linking())

    def test_undone_before_it_was_carried_out(self, world: World) -> None:
        key = a_thread(world)[0]
        world.decide(ANN, key, DECISIONS["link"])
        world.undo_decision(ANN, key)
        world.work()
        assert len(subjects(world)) == 5
        assert (world.timeline(), world.storage.index.taught) == ([], set())

    def test_an_opened_record_with_something_else_on_it_is_closed_and_stays(self, world: World) -> None:
        key = arrive(world)
        ref = f"opportunity/pl-{key[:20]}"
        world.decide(ANN, key, Wanted(OPEN, kind="opportunity"))
        world.work()
        other = arrive(world, "other@adatum.example")
        world.decide(ANN, other, linking(ref))
        world.work()
        world.undo_decision(ANN, key)
        world.work()
        record = world.storage.records.get(TENANT, a_ref(ref))
        assert record is not None
        assert record.status == "closed"
        assert [one.message_key for one in world.timeline(ref)] == [other]

    def test_what_a_rule_has_added_since_stays(self, world: World) -> None:
        key = arrive(world)
        world.decide(ANN, key, linking("opportunity/O-1"))
        world.work()
        world.records(a_record("contact/C-2", addresses=(STRANGER,)))
        arrive(world)
        world.undo_decision(ANN, key)
        world.work()
        assert links(world) == ["contact/C-2"]
        assert subjects(world) == []

    def test_a_mail_filed_along_too_late_is_put_back_by_itself(self, world: World) -> None:
        lead, mate = a_thread(world)[:2]
        world.decide(ANN, lead, linking())
        world.work()
        along = stored(world, mate)
        assert along.decided is not None
        world.undo_decision(ANN, lead)
        world.work()
        # As it is filed along: no command has looked at it yet.
        decided = replace(along.decided, settled=False)
        late = replace(along, decided=decided, etag=stored(world, mate).etag, state="pending")
        world.storage.messages.save(TENANT, late)
        world.run(FileMessage(tenant_id=TENANT, key=mate, first_at=NOW))
        assert stored(world, mate).decided is None
        assert world.timeline() == []


def a_busy_thread() -> tuple[World, str]:
    """A mail with an attachment that waits for two agents, and an answer to it that waits for one."""
    world = a_world()
    key = to_both(world, attachments=(an_attachment(source_id="A"),), contents={"A": b"x"})
    arrive(world, "second@adatum.example", in_reply_to=(FIRST,))
    world.work()
    return world, key


def decide_and_undo(world: World, key: str, name: str) -> None:
    """What a person asks for, asked again by the person when it fails."""
    if name == "delete":
        world.decide(ADMIN_ANN, key, Wanted(DELETE))
    elif name == "undo":
        world.undo_decision(ANN, key)
    else:
        world.decide(ANN, key, DECISIONS[name])


def prepared(name: str) -> tuple[World, str]:
    world, key = a_busy_thread()
    if name == "undo":
        world.decide(ANN, key, DECISIONS["open"])
        world.work()
    world.storage.faults.clear()
    return world, key


def finished(name: str) -> tuple[dict[str, Any], int]:
    world, key = prepared(name)
    decide_and_undo(world, key, name)
    world.work()
    return everything(world), len(world.storage.faults.writes)


FINISHED = {name: finished(name) for name in ("link", "open", "note", "delete", "undo")}
KILLS = [(name, number) for name, (_, writes) in FINISHED.items() for number in range(1, writes + 1)]


def run_all(world: World, *, until_killed: bool = False) -> None:
    """Work the queues off; a killed worker's command comes back."""
    while world.storage.queue.sent:
        command = world.storage.queue.sent[0][0]
        try:
            world.run(command)
        except (Killed, Conflict):
            if until_killed:
                return
            continue
        world.storage.queue.sent.remove(next(one for one in world.storage.queue.sent if one[0] is command))


@pytest.mark.parametrize(("name", "number"), KILLS)
def test_killed_after_any_write_a_decision_is_whole_once_it_is_made_again(name: str, number: int) -> None:
    world, key = prepared(name)
    world.storage.faults.kill_after(number)
    try:
        decide_and_undo(world, key, name)
    except Killed:
        decide_and_undo(world, key, name)
    run_all(world)
    assert everything(world) == FINISHED[name][0]


@pytest.mark.parametrize(("name", "number"), KILLS)
def test_killed_after_any_write_the_sweep_finishes_what_was_stored(name: str, number: int) -> None:
    """The worker is killed, every command about decisions is lost, and nobody asks again."""
    world, key = prepared(name)
    untouched = everything(world)
    audited = len(world.storage.audit.of(TENANT))
    world.storage.faults.kill_after(number)
    with suppress(Killed):
        decide_and_undo(world, key, name)
        run_all(world, until_killed=True)
    for _ in range(3):  # a mail that goes along has a mark of its own
        world.storage.queue.take(FileMessage)
        world.now += timedelta(minutes=11)
        world.sweep_decisions()
        run_all(world)
    only_marked = number == 1
    assert everything(world) == (untouched if only_marked else FINISHED[name][0])
    assert world.storage.inbox.pending == {}
    assert (len(world.storage.audit.of(TENANT)) > audited) is not only_marked


@pytest.mark.parametrize("name", ["link", "open", "note", "delete", "undo"])
def test_carried_out_twice_equals_once(name: str) -> None:
    world, key = prepared(name)
    decide_and_undo(world, key, name)
    for command in world.storage.queue.commands:
        world.run(command)
    world.work()
    world.run(FileMessage(tenant_id=TENANT, key=key, first_at=NOW))
    world.work()
    assert everything(world) == FINISHED[name][0]


def test_the_sweep_leaves_alone_what_was_just_said(world: World) -> None:
    world.decide(ANN, arrive(world), linking())
    world.storage.queue.sent.clear()
    world.sweep_decisions()
    assert world.storage.queue.sent == []


def test_a_request_that_is_still_under_way_keeps_its_mark(world: World) -> None:
    """An older command runs between the mark of a change and the change itself."""
    key = arrive(world)
    world.storage.faults.clear()
    world.storage.faults.kill_after(1)
    with pytest.raises(Killed):
        world.decide(ANN, key, linking())
    world.run(FileMessage(tenant_id=TENANT, key=key, first_at=NOW))
    assert len(world.storage.inbox.pending) == 1
    assert world.storage.audit.of(TENANT) == []


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(["ann", "ben", "undo-ann", "undo-ben", "work", "again"]), max_size=9))
def test_whatever_two_agents_do_in_any_order_the_rows_say_what_the_mail_says(steps: list[str]) -> None:
    world = a_world()
    key = to_both(world)
    callers = {"ann": ANN, "ben": BEN}
    acts: dict[str, Callable[[], object]] = {
        "ann": lambda: world.decide(ANN, key, linking("contact/C-1")),
        "ben": lambda: world.decide(BEN, key, linking("opportunity/O-1")),
        "work": world.work,
        "again": lambda: to_both(world),
        **{
            f"undo-{name}": lambda who=caller: world.undo_decision(who, key)
            for name, caller in callers.items()
        },  # type: ignore[misc]
    }
    for step in steps:
        try:
            acts[step]()
        except (Outdated, WrongState):
            continue
    world.work()
    message = stored(world, key)
    assert message.state == "done"
    assert message.undone is None
    held = {str(ref) for (_, ref), rows in world.storage.timeline.rows.items() if rows}
    assert held == {str(one.ref) for one in message.decision.links}
    waiting = [len(world.storage.inbox.of(TENANT, one)) for one in (AGENT, SECOND)]
    assert waiting == ([0, 0] if message.decided else [1, 1])
    assert world.storage.inbox.pending == {}


def handed_over(world: World, to: str) -> None:
    box = next(one for one in world.storage.mailboxes.rows.values() if one.address == AGENT)
    world.storage.mailboxes.save(box.handed_over(to))


def test_mail_that_waited_for_an_agent_who_left_waits_for_who_has_the_mailbox_now(world: World) -> None:
    key = arrive(world)
    handed_over(world, SECOND)
    assert page(world).mails == ()
    [waiting] = page(world, BEN).mails
    assert (waiting.item.message_key, waiting.mailbox) == (key, AGENT)
    with pytest.raises(Unknown):
        world.decide(ANN, key, linking())
    world.decide(BEN, key, linking())
    world.work()
    assert [one.message_key for one in world.timeline()] == [key]
    assert page(world, BEN).mails == ()
    assert not any(world.storage.inbox.rows.values())


def test_mail_that_is_looked_at_again_after_a_handover_is_shown_once(world: World) -> None:
    arrive(world)
    handed_over(world, SECOND)
    arrive(world, address=SECOND)
    assert len(page(world, BEN).mails) == 1
    handed_over(world, AGENT)
    assert len(page(world).mails) == 1


@pytest.mark.parametrize("former", ["alan@contoso.example", "zoe@contoso.example"])
def test_what_waits_for_both_is_shown_to_who_has_the_mailbox_now(world: World, former: str) -> None:
    """The former agent's row may name the mailbox that is still the former agent's own."""
    for address in (former, "info@contoso.example"):
        world.connect(address, agent=former, capture="everything")
    boxes = {one.address: one for one in world.storage.mailboxes.rows.values()}
    for address in (former, "info@contoso.example", SECOND):
        arrive(world, "all@adatum.example", address=address, to=(former, "info@contoso.example", SECOND))
        if address != SECOND:
            arrive(world, "two@adatum.example", address=address, to=(former, "info@contoso.example"))
    arrive(world, "own@adatum.example", address=former, to=(former,))
    world.storage.mailboxes.save(boxes["info@contoso.example"].handed_over(SECOND))
    shown = {one.item.message_key for one in page(world, BEN).mails}
    assert shown == {key_of("all@adatum.example"), key_of("two@adatum.example")}


def test_no_page_of_one_betrays_mail_that_is_still_a_former_agent_s_own(world: World) -> None:
    zoe = "zoe@contoso.example"
    for address in (zoe, "info@contoso.example"):
        world.connect(address, agent=zoe, capture="everything")
    boxes = {one.address: one for one in world.storage.mailboxes.rows.values()}
    places = {"old": "info@contoso.example", "private": zoe, "new": "info@contoso.example", "last": zoe}
    for number, (name, address) in enumerate(places.items()):
        at = NOW - timedelta(hours=number + 1)
        arrive(world, f"{name}@adatum.example", address=address, to=(address,), received_at=at)
    world.storage.mailboxes.save(boxes["info@contoso.example"].handed_over(SECOND))
    first = page(world, BEN, limit=1)
    second = page(world, BEN, limit=1, cursor=first.cursor or "")
    shown = [mail.item.message_key for found in (first, second) for mail in found.mails]
    assert shown == [key_of("old@adatum.example"), key_of("new@adatum.example")]
    assert first.cursor is not None
    assert decode_cursor(first.cursor) == first.mails[0].id
    assert second.cursor is None


def test_a_decision_files_nothing_along_that_is_still_a_former_agents_own(world: World) -> None:
    zoe = "zoe@contoso.example"
    for address in (zoe, "info@contoso.example"):
        world.connect(address, agent=zoe, capture="everything")
    boxes = {one.address: one for one in world.storage.mailboxes.rows.values()}
    lead = arrive(world, "lead@adatum.example", address="info@contoso.example")
    mate = arrive(
        world, "mate@adatum.example", address="info@contoso.example", references=("lead@adatum.example",)
    )
    private = arrive(world, "own@adatum.example", address=zoe, references=("lead@adatum.example",))
    world.storage.mailboxes.save(boxes["info@contoso.example"].handed_over(SECOND))
    world.decide(BEN, lead, linking(file_thread=True))
    world.work()
    decided = {key: world.storage.messages.get(TENANT, key) for key in (mate, private)}
    assert decided[mate].decided.along == lead  # type: ignore[union-attr]
    assert decided[private].decided is None  # type: ignore[union-attr]


def test_a_mailbox_remembers_its_agents_once_each(world: World) -> None:
    for to in (SECOND, AGENT, SECOND):
        handed_over(world, to)
    box = next(one for one in world.storage.mailboxes.rows.values() if one.address == AGENT)
    assert (box.agent, box.former_agents, box.agent_id) == (SECOND, (AGENT,), "")
