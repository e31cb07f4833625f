"""Merging contacts: new mail finds the survivor at once, old mail moves, and no kill loses or doubles any."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.commands.commands import MergeRecords
from shared.domain.errors import InvalidInput, Unknown
from shared.domain.matching.decisions import Disposition
from shared.services.records import merging
from shared.services.records.merging import SECOND_DELAY
from tests.builders import (
    CONTACT,
    NOW,
    TENANT,
    a_copy,
    a_decision,
    a_document,
    a_link,
    a_record,
    a_ref,
    a_stored_message,
    an_entry,
)
from tests.fakes import Killed
from tests.unit.services.world import World

OLD, NEW = a_ref("contact/C-1"), a_ref("contact/C-2")
OTHER = "buyer@wingtip.example"
MERGE = MergeRecords(tenant_id=TENANT, first_at=NOW, merged=str(OLD), into=str(NEW))


@pytest.fixture
def world() -> World:
    return a_world()


def a_world() -> World:
    made = World()
    made.records(
        a_record("contact/C-1", client="K-1", properties=("P-1",)),
        a_record("contact/C-2", addresses=(OTHER,), properties=("P-2",)),
        a_record("client/K-1", domains=()),
    )
    return made


def merge(world: World) -> None:
    world.merge_contacts(TENANT, OLD, NEW)


def receive(world: World, number: int, sender: str = CONTACT, **mail: Any) -> str:
    item = world.deliver(sender=sender, message_id=f"m{number}@fabrikam.example", **mail)
    world.notify(item)
    return item


def subjects(world: World, ref: str) -> list[str]:
    return sorted(one.subject for one in world.timeline(ref))


def test_the_survivor_has_what_both_had(world: World) -> None:
    survivor = world.merge_contacts(TENANT, OLD, NEW)
    assert survivor.addresses == (OTHER, CONTACT)
    assert (survivor.client, survivor.properties) == ("K-1", ("P-2", "P-1"))
    pointer = world.storage.records.rows[TENANT, OLD]
    assert (pointer.merged_into, pointer.addresses, pointer.name) == ("C-2", (), "Record contact/C-1")


def test_new_mail_finds_the_survivor_before_anything_has_moved(world: World) -> None:
    merge(world)
    assert world.outcome(receive(world, 1)) == ("filed", "contact_address")
    assert subjects(world, "contact/C-2") == ["Viewing on Thursday"]
    assert world.timeline("contact/C-1") == []


def test_the_timeline_moves_with_the_messages_links(world: World) -> None:
    for number in range(5):
        receive(world, number, subject=f"Mail {number}")
    receive(world, 9, sender=OTHER, subject="Theirs")
    merge(world)
    world.work()
    assert world.timeline("contact/C-1") == []
    assert subjects(world, "contact/C-2") == [*(f"Mail {n}" for n in range(5)), "Theirs"]
    links = [row.message.decision.links for row in world.storage.messages.rows.values() if row.message]
    assert all(OLD not in {one.ref for one in each} for each in links)
    assert all(one.link.ref == NEW for one in world.timeline("contact/C-2"))
    assert subjects(world, "client/K-1") == [f"Mail {n}" for n in range(5)], "the client's own stays"


def test_a_mail_on_both_stands_on_the_survivor_once_by_the_better_link(world: World) -> None:
    item = world.deliver(sender=CONTACT, to=(OTHER, "agent@contoso.example"))
    world.notify(item)
    merge(world)
    world.work()
    [entry] = world.timeline("contact/C-2")
    [stored] = [row.message for row in world.storage.messages.rows.values() if row.message]
    assert [one.ref for one in stored.decision.links].count(NEW) == 1
    assert entry.link in stored.decision.links


def test_an_answer_to_a_mail_that_has_not_moved_lands_on_the_survivor(world: World) -> None:
    receive(world, 1)
    merge(world)
    stranger = "stranger@elsewhere.example"
    item = receive(world, 2, sender=stranger, in_reply_to=("m1@fabrikam.example",), subject="Re: it")
    assert world.outcome(item)[0] == "filed"
    assert subjects(world, "contact/C-2") == ["Re: it"]


def test_mail_that_was_matched_before_and_filed_after_is_caught_by_the_second_pass(world: World) -> None:
    merge(world)
    [first] = world.storage.queue.take(MergeRecords)
    world.run(first)
    [(second, delay)] = [one for one in world.storage.queue.sent if isinstance(one[0], MergeRecords)]
    late = a_stored_message(decision=a_decision("contact/C-1"))
    world.storage.messages.create(TENANT, late, a_document(), a_copy())
    world.storage.timeline.put(TENANT, [an_entry("contact/C-1")])
    assert isinstance(second, MergeRecords)
    assert (second.second, delay) == (True, SECOND_DELAY)
    world.storage.queue.sent.clear()
    world.run(second)
    assert subjects(world, "contact/C-2") == ["Viewing on Thursday"]
    assert world.storage.queue.sent == [], "the second pass is the last"


def test_what_was_taught_and_lists_of_contacts_move_along(world: World) -> None:
    world.storage.index.teach(TENANT, "home@fabrikam.example", [OLD])
    world.records(a_record("opportunity/O-1", contacts=("C-1", "C-3", "C-2")))
    merge(world)
    world.work()
    assert world.storage.index.taught_to(TENANT, NEW) == {"home@fabrikam.example"}
    assert world.storage.index.taught_to(TENANT, OLD) == frozenset()
    assert world.storage.records.rows[TENANT, a_ref("opportunity/O-1")].contacts == ("C-2", "C-3")


def test_a_deal_that_lists_the_pointer_keeps_the_survivors_domains(world: World) -> None:
    merge(world)
    world.write_records(TENANT, [a_record("opportunity/O-1", contacts=("C-1",))])
    deal = world.storage.records.rows[TENANT, a_ref("opportunity/O-1")]
    assert (deal.contact_domains, deal.missing) == (("fabrikam.example", "wingtip.example"), ())


def test_a_long_timeline_moves_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "PAGE", 2)
    for number in range(5):
        receive(world, number, subject=f"Mail {number}")
    world.storage.queue.sent.clear()
    merge(world)
    pages = 0
    while commands := world.storage.queue.take(MergeRecords):
        [command] = commands
        assert isinstance(command, MergeRecords)
        if command.second:
            break
        world.run(command)
        pages += 1
    assert pages == 3
    assert len(world.timeline("contact/C-2")) == 5


def state(world: World) -> dict[str, Any]:
    records = {str(ref): replace(one, etag="") for (_, ref), one in world.storage.records.rows.items()}
    timeline = {key: dict(rows) for key, rows in world.storage.timeline.rows.items() if rows}
    return {"records": records, "taught": world.storage.index.taught, **world.rows(), "timeline": timeline}


def loaded() -> World:
    world = a_world()
    world.records(a_record("opportunity/O-1", contacts=("C-1",)))
    for number in range(3):
        receive(world, number, subject=f"Mail {number}")
    world.storage.index.teach(TENANT, "home@fabrikam.example", [OLD])
    world.storage.queue.sent.clear()
    world.storage.faults.clear()
    return world


@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere_and_run_again_it_ends_in_the_same_rows(after: bool) -> None:
    whole = loaded()
    merge(whole)
    whole.storage.faults.writes.clear()
    whole.run(MERGE)
    writes = len(whole.storage.faults.writes)
    assert writes > 8
    for number in range(1, writes + 1):
        world = loaded()
        merge(world)
        world.storage.faults.clear()
        (world.storage.faults.kill_after if after else world.storage.faults.kill_before)(number)
        with suppress(Killed):
            world.run(MERGE)
        world.storage.faults.clear()
        world.run(MERGE)
        assert state(world) == state(whole), number


@pytest.mark.parametrize("number", range(1, 6))
def test_a_call_that_was_killed_is_made_again(number: int) -> None:
    whole = loaded()
    merge(whole)
    world = loaded()
    world.storage.faults.kill_after(number)
    with suppress(Killed):
        merge(world)
    world.storage.faults.clear()
    merge(world)
    assert state(world)["records"] == state(whole)["records"]
    assert [one for one in world.storage.queue.commands if isinstance(one, MergeRecords)]


def test_an_id_that_stands_for_another_contact_again_keeps_its_mail(world: World) -> None:
    receive(world, 1)
    merge(world)
    world.records(a_record("contact/C-1", addresses=("new@fabrikam.example",)))
    world.run(MERGE)
    assert len(world.timeline("contact/C-1")) == 1


def test_a_survivor_that_is_merged_on_hands_everything_to_the_last(world: World) -> None:
    world.records(a_record("contact/C-3", addresses=("third@x.example",)))
    receive(world, 1)
    merge(world)
    world.merge_contacts(TENANT, NEW, a_ref("contact/C-3"))
    world.work()
    assert len(world.timeline("contact/C-3")) == 1
    assert world.timeline("contact/C-2") == world.timeline("contact/C-1") == []


@pytest.mark.parametrize(
    ("merged", "into", "error"),
    [
        ("contact/C-1", "contact/C-1", InvalidInput),
        ("contact/C-9", "contact/C-2", Unknown),
        ("contact/C-1", "contact/C-9", Unknown),
        ("client/K-1", "client/K-1", InvalidInput),
    ],
)
def test_what_cannot_be_merged_is_refused(
    world: World, merged: str, into: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        world.merge_contacts(TENANT, a_ref(merged), a_ref(into))


def test_a_pointer_is_not_merged_elsewhere_and_takes_nothing_in(world: World) -> None:
    world.records(a_record("contact/C-3", addresses=("third@x.example",)))
    merge(world)
    with pytest.raises(InvalidInput, match="was merged into contact/C-2"):
        world.merge_contacts(TENANT, OLD, a_ref("contact/C-3"))
    with pytest.raises(InvalidInput, match="was merged into contact/C-2"):
        world.merge_contacts(TENANT, a_ref("contact/C-3"), OLD)


def test_a_triaged_mails_suggestions_lead_to_the_survivor_once_it_moves() -> None:
    decision = a_decision(
        disposition=Disposition.TRIAGE,
        suggestions=(a_link("contact/C-1", score=20), a_link("contact/C-2", score=70)),
    )
    moved = merging.merging.moved(decision, OLD, NEW)
    assert [(one.ref, one.score) for one in moved.suggestions] == [(NEW, 70)]


def test_a_persons_link_stays_over_a_surer_one_by_rule() -> None:
    decision = a_decision(
        links=(a_link("contact/C-2", score=90), a_link("contact/C-1", score=50, by="somebody"))
    )
    [link] = merging.merging.moved(decision, OLD, NEW).links
    assert (link.ref, link.by) == (NEW, "somebody")
