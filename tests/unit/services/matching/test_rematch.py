"""Deciding anew: told before anything moves, done page by page; what persons have decided stays."""

from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.commands.commands import RematchMessages
from shared.domain.errors import Unknown
from shared.domain.records.records import RecordRef
from shared.services.matching import rematch
from shared.services.matching.rematch import DifferencePage
from tests.builders import AGENT, CONTACT, NOW, TENANT, a_link, a_record, a_ref
from tests.fakes import Killed
from tests.unit.services.world import World

C1, C2 = RecordRef("contact", "C-1"), RecordRef("contact", "C-2")
OTHER = "second@fabrikam.example"


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record(), a_record("contact/C-2", addresses=(OTHER,)))
    return made


def moved_address(world: World) -> None:
    """The contact's address goes from one card to another."""
    world.records(a_record(addresses=()), a_record("contact/C-2", addresses=(OTHER, CONTACT)))


def look(world: World, ref: RecordRef | None = None, limit: int = 100, cursor: str = "") -> DifferencePage:
    return world.rematch.differences(TENANT, ref, limit=limit, cursor=cursor)


def run(world: World, ref: RecordRef | None = None) -> None:
    world.rematch.start(TENANT, ref)
    world.work()


def test_nothing_differs_where_nothing_has_changed(world: World) -> None:
    world.notify(
        world.deliver(message_id="1@fabrikam.example"), world.deliver(message_id="2@fabrikam.example")
    )
    page = look(world)
    assert (page.differences, page.seen, page.cursor) == ((), 2, None)


def test_a_dry_run_tells_what_is_gained_and_lost_and_moves_nothing(world: World) -> None:
    world.notify(world.deliver(message_id="1@fabrikam.example"))
    moved_address(world)
    before = world.rows()
    [found] = look(world).differences
    assert ([one.ref for one in found.gained], [one.ref for one in found.lost]) == ([C2], [C1])
    assert world.rows() == before
    assert world.storage.queue.sent == []


def test_a_run_moves_the_mail_to_where_it_belongs_today(world: World) -> None:
    world.notify(world.deliver(message_id="1@fabrikam.example"))
    moved_address(world)
    run(world)
    assert (len(world.timeline("contact/C-1")), len(world.timeline("contact/C-2"))) == (0, 1)
    assert look(world).differences == ()


def test_mail_that_matches_nothing_any_more_goes_to_my_inbox(world: World) -> None:
    world.notify(world.deliver(message_id="1@fabrikam.example"))
    world.records(a_record(addresses=()))
    run(world)
    assert world.timeline("contact/C-1") == []
    [item] = world.storage.inbox.of(TENANT, AGENT)
    assert item.reason == "no_match"


@pytest.mark.parametrize("later", [timedelta(seconds=20), timedelta(hours=1)])
def test_a_mail_is_not_kept_where_it_was_by_its_own_answer(world: World, later: timedelta) -> None:
    """The answer stands there only because the mail does, and its conversation leads to it."""
    index = b64encode(b"\x01" + bytes(26)).decode()
    world.notify(
        world.deliver(message_id="1@fabrikam.example", subject="Re: Hello", conversation_index=index)
    )
    world.notify(
        world.deliver(
            message_id="2@contoso.example",
            folder="sentitems",
            sender=AGENT,
            to=(CONTACT,),
            in_reply_to=("1@fabrikam.example",),
            conversation_index=index,
            received_at=NOW + later,
        )
    )
    moved_address(world)
    run(world)
    assert (len(world.timeline("contact/C-1")), len(world.timeline("contact/C-2"))) == (0, 2)


def test_a_long_conversation_leads_back_to_its_start_however_often_it_is_asked(world: World) -> None:
    """Five mails before this one, only the oldest with its people; its own row takes nobody's place."""
    index = b64encode(b"\x01" + bytes(26)).decode()
    ours: dict[str, Any] = {"folder": "sentitems", "sender": AGENT, "conversation_index": index}
    people = [("li@adatum.example", CONTACT), *((OTHER,) for _ in range(4)), ("li@adatum.example",)]
    # Their record is gone: what is sent to them is looked at all the same, and only the conversation can file it.
    for address in (OTHER, "li@adatum.example"):
        world.storage.index.teach(TENANT, address, [a_ref("contact/gone")])
    for number, to in enumerate(people):
        message_id, at = f"{number}@contoso.example", NOW + timedelta(minutes=number)
        mail = {
            "message_id": message_id,
            "subject": "Re: Roof",
            "to": to,
            "received_at": at,
            "text": message_id,
        }
        world.notify(world.deliver(**ours, **mail))
    assert len(world.timeline("contact/C-1")) == 2
    assert look(world).differences == ()


def test_a_record_opened_for_a_mail_is_no_evidence_for_it_under_its_new_id_either() -> None:
    world = World()
    world.rewrite(matched_to="project", unmatched="new")
    second = world.connect("second@contoso.example", matched_to="project", matching_type="domain")
    domain = {"contacts": ("C-1",), "contact_domains": ("fabrikam.example",)}
    world.records(a_record(), a_record("project/wall", **domain))
    for address, mailbox in ((AGENT, world.mailbox), (second.address, second)):
        world.notify(world.deliver(address, to=(AGENT, second.address)), mailbox=mailbox)
    [opened] = (one.ref for one in world.storage.records.rows.values() if one.origin == "postledger")
    world.rename_record(TENANT, opened, "P-7")
    world.work()
    assert len(world.timeline("project/wall")) == len(world.timeline("project/P-7")) == 1
    assert look(world).differences == ()


def test_what_a_mail_stands_on_is_not_suggested_for_it(world: World) -> None:
    world.rewrite(matched_to="opportunity", unmatched="new")
    second = world.connect("second@contoso.example", matched_to="project")
    for address, mailbox in ((AGENT, world.mailbox), (second.address, second)):
        world.notify(world.deliver(address, to=(AGENT, second.address)), mailbox=mailbox)
    world.records(a_record(client="K-1"), a_record("client/K-1", domains=()))
    run(world)
    [item] = world.storage.inbox.of(TENANT, second.address)
    standing = {str(one.ref) for one in item.suggestions} & {
        str(ref) for (_, ref), rows in world.storage.timeline.rows.items() if rows
    }
    assert standing == set()


def test_what_a_thread_lends_follows_in_the_same_run(world: World) -> None:
    """The answer's writer is no contact; it stood on C-1 only because the mail it answers did."""
    world.notify(world.deliver(message_id="1@fabrikam.example"))
    world.now = NOW
    world.notify(
        world.deliver(
            message_id="2@adatum.example", sender="li@adatum.example", in_reply_to=("1@fabrikam.example",)
        )
    )
    assert len(world.timeline("contact/C-1")) == 2
    moved_address(world)
    run(world)
    assert (len(world.timeline("contact/C-1")), len(world.timeline("contact/C-2"))) == (0, 2)


def test_links_made_by_hand_stay(world: World) -> None:
    item = world.deliver(message_id="1@fabrikam.example")
    world.notify(item)
    [key] = [key for (_, key) in world.storage.messages.rows]
    stored = world.storage.messages.get(TENANT, key)
    assert stored is not None
    change_by_person = a_link("property/P-1", rule="by_hand", by="ann")
    decision = replace(stored.decision, links=(*stored.decision.links, change_by_person))
    world.storage.messages.save(TENANT, replace(stored, decision=decision))
    moved_address(world)
    [found] = look(world).differences
    assert RecordRef("property", "P-1") not in {one.ref for one in found.lost}


def test_what_a_person_took_away_is_not_given_back(world: World) -> None:
    world.notify(world.deliver(message_id="1@fabrikam.example"))
    [key] = [key for (_, key) in world.storage.messages.rows]
    stored = world.storage.messages.get(TENANT, key)
    assert stored is not None
    world.storage.messages.save(TENANT, replace(stored, unlinked=frozenset({C2})))
    moved_address(world)
    [found] = look(world).differences
    assert found.gained == ()


def test_a_record_s_rematch_looks_at_its_own_mail_only(world: World) -> None:
    world.notify(world.deliver(message_id="1@fabrikam.example"))
    world.notify(world.deliver(message_id="2@fabrikam.example", sender=OTHER))
    world.records(a_record(addresses=()), a_record("contact/C-2", addresses=()))
    assert [one.before.links[0].ref for one in look(world, C2).differences] == [C2]
    run(world, C2)
    assert (len(world.timeline("contact/C-1")), len(world.timeline("contact/C-2"))) == (1, 0)


def test_pages_go_through_all_mail_once(world: World) -> None:
    for number in range(5):
        world.notify(world.deliver(message_id=f"{number}@fabrikam.example"))
    moved_address(world)
    seen, found, cursor = 0, [], ""
    while True:
        page = look(world, limit=2, cursor=cursor)
        seen += page.seen
        found += [one.message_key for one in page.differences]
        if page.cursor is None:
            break
        cursor = page.cursor
    assert (seen, len(found), len(set(found))) == (5, 5, 5)


def test_a_run_is_made_of_pages_that_put_themselves_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rematch, "PAGE", 2)
    for number in range(5):
        world.notify(world.deliver(message_id=f"{number}@fabrikam.example"))
    moved_address(world)
    run(world)
    assert len(world.timeline("contact/C-2")) == 5


def test_an_unknown_record_is_refused(world: World) -> None:
    with pytest.raises(Unknown):
        look(world, RecordRef("contact", "nobody"))


def at_work(before: int = 0, after: int = 0) -> tuple[World, int]:
    """A run over two mails, killed before or after its n-th write and begun again."""
    world = World()
    world.records(a_record(), a_record("contact/C-2", addresses=(OTHER,)))
    world.notify(world.deliver(message_id="1@fabrikam.example"))
    world.notify(world.deliver(message_id="2@fabrikam.example"))
    moved_address(world)
    command = RematchMessages(tenant_id=TENANT, first_at=NOW, run="r")
    if before:
        world.storage.faults.kill_before(before)
    if after:
        world.storage.faults.kill_after(after)
    try:
        world.run(command)
    except Killed:
        world.run(command)
    writes = len(world.storage.faults.writes)
    world.storage.faults.clear()
    world.work()
    return world, writes


UNDISTURBED, WRITES = at_work()


@pytest.mark.parametrize("number", range(1, WRITES + 1))
@pytest.mark.parametrize("after", [False, True])
def test_a_run_killed_at_any_write_ends_in_the_same_rows(number: int, after: bool) -> None:
    world, _ = at_work(after=number) if after else at_work(before=number)
    assert world.rows() == UNDISTURBED.rows()
