"""Records opened for mail that belongs to none: once, whatever fails in between, and left to people after that."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.domain.privacy.callers import Caller
from shared.domain.records.records import Record
from tests.builders import AGENT, TENANT, a_record
from tests.fakes import Killed
from tests.unit.services.world import World

STRANGER = "stranger@tailspin.example"
SECOND = "second@contoso.example"
ANN = Caller(TENANT, frozenset((AGENT_ROLE,)), "ann", AGENT)


def a_world(**mailbox: Any) -> World:
    made = World()
    settings = {"capture": "everything", "unmatched": "new", "matched_to": "opportunity", **mailbox}
    made.rewrite(**settings)
    made.records(a_record(client="F"), a_record("client/F"))
    return made


def opened(world: World) -> list[Record]:
    return [one for one in world.storage.records.rows.values() if one.origin == "postledger"]


def test_a_record_is_named_after_the_mail_and_says_all_that_the_mail_says() -> None:
    world = a_world()
    text = "We would like a quote.\n\nOn Monday Ann wrote:\n> Hello"
    world.notify(world.deliver(sender=STRANGER, subject="Re: New kitchen", text=text, html=""))
    [record] = opened(world)
    assert (record.name, record.summary, record.owner) == ("New kitchen", "New kitchen", AGENT)
    assert record.details == text
    assert (record.ref.kind, record.client, record.contacts) == ("opportunity", "", ())
    [entry] = world.timeline(str(record.ref))
    assert (entry.link.rule, entry.link.score) == ("opened", 100)
    assert record.ref.id == f"pl-{entry.message_key[:20]}"


def test_a_record_takes_along_the_contact_and_the_client() -> None:
    world = a_world()
    world.notify(world.deliver(subject="New kitchen"))
    [record] = opened(world)
    assert (record.client, record.contacts, record.contact_domains) == ("F", ("C-1",), ("fabrikam.example",))
    assert len(world.timeline("contact/C-1")) == 1


def test_the_same_mail_again_opens_nothing_more() -> None:
    world = a_world()
    item = world.deliver(sender=STRANGER)
    world.notify(item)
    before = world.rows(), opened(world)
    world.notify(item)
    assert (world.rows(), opened(world)) == before


def test_a_record_that_people_have_changed_since_stays_as_it_is() -> None:
    world = a_world()
    item = world.deliver(sender=STRANGER)
    world.storage.faults.named["Sightings.put"] = Killed("after the record was written")
    with pytest.raises(Killed):
        world.notify(item)
    world.storage.faults.clear()
    [record] = opened(world)
    world.records(replace(record, name="Kitchen of the Smiths"))
    world.notify(item)
    assert [one.name for one in opened(world)] == ["Kitchen of the Smiths"]


@pytest.mark.parametrize("number", range(1, 6))
def test_a_worker_that_is_killed_anywhere_opens_one_record(number: int) -> None:
    whole, world = a_world(), a_world()
    for one in (whole, world):
        item = one.deliver(sender=STRANGER)
        one.storage.faults.clear()
    whole.notify(item)
    world.storage.faults.kill_after(number)
    with pytest.raises(Killed):
        world.notify(item)
    world.storage.faults.clear()
    world.notify(item)
    assert world.rows() == whole.rows()
    assert [one.ref for one in opened(world)] == [one.ref for one in opened(whole)]


@pytest.mark.parametrize("by", ["", "agent-id"])
def test_a_record_that_the_crm_has_given_its_own_id_is_not_opened_again_for_a_late_copy(by: str) -> None:
    """Nor where a person has linked the mail there since."""
    world = a_world()
    second = world.connect(SECOND, capture="everything", unmatched="new", matched_to="opportunity")
    mail: dict[str, Any] = {"sender": STRANGER, "to": (AGENT, SECOND)}
    world.notify(world.deliver(**mail))
    [record] = opened(world)
    world.rename_record(TENANT, record.ref, "OPP-7")
    world.work()
    if by:
        [row] = world.storage.messages.rows.values()
        assert row.message is not None
        link = replace(row.message.decision.links[0], rule="by_hand", by=by)
        change_by_person = replace(row.message, decision=replace(row.message.decision, links=(link,)))
        world.storage.messages.save(TENANT, change_by_person)
    world.notify(world.deliver(SECOND, **mail), mailbox=second)
    world.work()
    [entry] = world.timeline("opportunity/OPP-7")
    assert (entry.link.rule, world.timeline(str(record.ref))) == ("by_hand" if by else "opened", [])
    stored = world.storage.messages.get(TENANT, entry.message_key)
    assert [str(one.ref) for one in stored.decision.links] == ["opportunity/OPP-7"]  # type: ignore[union-attr]


@pytest.mark.parametrize("renamed_first", [True, False])
def test_a_record_from_which_a_person_took_the_mail_does_not_come_back_under_either_id(
    renamed_first: bool,
) -> None:
    world = a_world()
    second = world.connect(SECOND, capture="everything", unmatched="new", matched_to="opportunity")
    mail: dict[str, Any] = {"sender": STRANGER, "to": (AGENT, SECOND)}
    world.notify(world.deliver(**mail))
    [record] = opened(world)
    new = replace(record.ref, id="OPP-7")
    [row] = world.storage.messages.rows.values()
    assert row.message is not None
    key = row.message.key
    if renamed_first:
        world.rename_record(TENANT, record.ref, new.id)
        world.work()
    world.unlink_message(ANN, key, new if renamed_first else record.ref)
    world.work()
    if not renamed_first:
        world.rename_record(TENANT, record.ref, new.id)
        world.work()
    world.notify(world.deliver(SECOND, **mail), mailbox=second)
    world.work()
    assert world.timeline(str(record.ref)) == world.timeline(str(new)) == []


def test_two_mails_that_share_a_message_id_open_a_record_each() -> None:
    world = a_world()
    world.notify(world.deliver(sender=STRANGER, subject="New kitchen"))
    world.notify(world.deliver(sender="other@tailspin.example", subject="Old bathroom"))
    assert sorted(one.name for one in opened(world)) == ["New kitchen", "Old bathroom"]


def test_mail_without_a_subject_opens_a_record_with_a_name() -> None:
    world = a_world()
    world.notify(world.deliver(sender=STRANGER, subject="Re: "))
    assert [one.name for one in opened(world)] == ["(no subject)"]
