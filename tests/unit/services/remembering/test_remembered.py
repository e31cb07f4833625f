"""What a process goes by for some seconds, what it never goes by, and what its own writes change at once.

Another process is another composition over the same storage.
"""

from collections import Counter
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.commands.commands import IngestMessages
from shared.domain.connections.mailbox_state import blocked
from shared.domain.mail.items import ItemRef
from shared.ports.record import Ports
from shared.services.matching.candidates import GatherCandidates
from shared.services.privacy.erasing import AskErasure
from shared.services.remembering.hearing import DROPPED_BY
from shared.services.remembering.memories import PEOPLE_LAST, ROWS_LAST
from tests.builders import CONTACT, NOW, TENANT, a_folder_state, a_head, a_record, a_ref, rewrite
from tests.composed import use_cases_over
from tests.unit.services.world import World

OTHER = "li@adatum.example"
PEOPLE_READS = ("RecordIndex.addresses", "RecordIndex.domains")
ROW_READS = ("Organisations.get", "FolderStates.get")


@pytest.fixture
def world() -> World:
    made = World()
    made.records(a_record())
    return made


def elsewhere(world: World) -> Any:
    """Another process over the same storage."""
    return use_cases_over(world.storage, world.clock)


def reads(world: World, names: tuple[str, ...]) -> int:
    """How often storage was asked since the last time."""
    found = Counter(world.storage.faults.reads)
    world.storage.faults.clear()
    return sum(found[name] for name in names)


def gathered(world: World, sender: str = CONTACT, *, silent: bool = False, **scope: Any) -> Any:
    """What one mail finds."""
    asked_in = replace(world.scope(world.mailbox), silent=silent, **scope)
    [found] = world.use_cases.part(GatherCandidates)(asked_in, [a_head(sender=sender)])
    return found


def push(world: World, *records: Any) -> None:
    """Another process writes them."""
    elsewhere(world).ports.records.put_many(TENANT, records)


def test_history_reads_a_known_contact_once_in_half_a_minute(world: World) -> None:
    gathered(world, silent=True)
    world.storage.faults.clear()
    world.now += PEOPLE_LAST - timedelta(milliseconds=1)
    assert gathered(world, silent=True).contacts(CONTACT)
    assert reads(world, PEOPLE_READS[:1]) == 0
    world.now += timedelta(milliseconds=1)
    gathered(world, silent=True)
    assert reads(world, PEOPLE_READS[:1]) == 1


def test_live_mail_reads_each_of_its_people_once_every_time(world: World) -> None:
    gathered(world)
    world.storage.faults.clear()
    gathered(world)
    assert reads(world, PEOPLE_READS[:1]) == 1


def test_live_mail_goes_with_an_address_that_has_just_moved_to_another_contact(world: World) -> None:
    gathered(world, silent=True)
    push(world, a_record(addresses=()), a_record("contact/C-2", addresses=(CONTACT,)))
    world.notify(world.deliver())
    assert (len(world.timeline("contact/C-1")), len(world.timeline("contact/C-2"))) == (0, 1)


def test_live_mail_goes_with_a_domain_that_has_just_moved_to_another_client(world: World) -> None:
    push(world, a_record("client/K-1", domains=("adatum.example",)))
    gathered(world, OTHER, silent=True)
    push(world, a_record("client/K-1", domains=()), a_record("client/K-2", domains=("adatum.example",)))
    world.notify(world.deliver(sender=OTHER))
    assert (len(world.timeline("client/K-1")), len(world.timeline("client/K-2"))) == (0, 1)


def test_live_mail_finds_a_contact_that_was_just_pushed(world: World) -> None:
    assert not gathered(world, OTHER).contacts(OTHER)
    push(world, a_record("contact/C-2", addresses=(OTHER,)))
    assert gathered(world, OTHER).contacts(OTHER)


def test_live_mail_finds_a_client_whose_domain_was_just_pushed(world: World) -> None:
    assert not gathered(world, OTHER).clients(OTHER)
    push(world, a_record("client/K-2", domains=("adatum.example",)))
    assert gathered(world, OTHER).clients(OTHER)


def test_live_mail_finds_a_contact_beside_what_an_agent_has_taught(world: World) -> None:
    elsewhere(world).ports.index.teach(TENANT, OTHER, [a_ref("contact/C-1")])
    assert gathered(world, OTHER).taught
    push(world, a_record("contact/C-2", addresses=(OTHER,)))
    assert gathered(world, OTHER).contacts(OTHER)


@pytest.mark.parametrize(
    "lane",
    [{"silent": True}, {"unbounded": True}, {"in_history_lane": True}],
    ids=lambda lane: next(iter(lane)),
)
def test_history_goes_by_who_was_unknown_for_half_a_minute(world: World, lane: dict[str, bool]) -> None:
    gathered(world, OTHER)
    push(world, a_record("contact/C-2", addresses=(OTHER,)))
    world.storage.faults.clear()
    assert not gathered(world, OTHER, **lane).contacts(OTHER)
    assert reads(world, PEOPLE_READS) == 0
    world.now += PEOPLE_LAST
    assert gathered(world, OTHER, **lane).contacts(OTHER)


@pytest.mark.parametrize("change", ["closed", "gone"])
def test_a_record_that_a_mail_lends_to_its_answer_is_read_though_its_card_is_remembered(
    world: World, change: str
) -> None:
    world.notify(world.deliver(message_id="first@fabrikam.example"))
    gathered(world, silent=True)
    if change == "closed":
        push(world, a_record(status="closed"))
    else:
        elsewhere(world).ports.records.delete(TENANT, a_ref("contact/C-1"))
    head = a_head(message_id="answer@fabrikam.example", in_reply_to=("first@fabrikam.example",))
    scope = replace(world.scope(world.mailbox), silent=True)
    gather = world.use_cases.part(GatherCandidates)
    [known] = gather(scope, [head])
    assert known.contacts(CONTACT)
    cards = gather.for_matching(scope, head, known).cards
    card = cards.get(a_ref("contact/C-1"))
    assert (card.status if card else "gone") == change


def test_what_is_decided_afresh_goes_by_nothing_that_is_remembered(world: World) -> None:
    gathered(world, silent=True)
    push(world, a_record(addresses=()))
    assert gathered(world, silent=True).contacts(CONTACT)
    assert not gathered(world, silent=True, afresh=True).contacts(CONTACT)


def test_a_colleague_s_address_is_read_every_time(world: World) -> None:
    """The address is on a contact's card, too, which it must not be."""
    elsewhere(world).ports.index.put_staff(TENANT, world.mailbox.mailbox_id, [CONTACT])
    assert CONTACT in gathered(world, silent=True).staff
    elsewhere(world).ports.index.drop_staff(TENANT, world.mailbox.mailbox_id, [CONTACT])
    assert CONTACT not in gathered(world, silent=True).staff


def test_two_organisations_share_nothing(world: World) -> None:
    gathered(world, silent=True)
    scope = world.scope(world.mailbox)
    other = replace(scope, organisation=replace(scope.organisation, tenant_id="another"), silent=True)
    [found] = world.use_cases.part(GatherCandidates)(other, [a_head()])
    assert not found.contacts(CONTACT)


@pytest.mark.parametrize(
    "write",
    [
        lambda ports: ports.records.put_many(TENANT, [a_record(addresses=())]),
        lambda ports: ports.records.write(
            TENANT, [a_record(addresses=())], ports.records.get_many(TENANT, [a_ref("contact/C-1")])
        ),
        lambda ports: ports.records.delete(TENANT, a_ref("contact/C-1")),
        lambda ports: ports.index.put_staff(TENANT, "m", (CONTACT,)),
    ],
    ids=["put_many", "write", "delete", "put_staff"],
)
def test_a_write_of_this_process_takes_a_contact_away_at_once(world: World, write: Any) -> None:
    assert gathered(world, silent=True).contacts(CONTACT)
    write(world.use_cases.ports)
    assert not gathered(world, silent=True).contacts(CONTACT)


def test_a_write_of_this_process_that_seems_to_fail_drops_as_well(world: World) -> None:
    gathered(world, silent=True)
    world.storage.faults.after[len(world.storage.faults.writes) + 1] = ConnectionError("the answer was lost")
    with pytest.raises(ConnectionError):
        world.use_cases.ports.records.delete(TENANT, a_ref("contact/C-1"))
    assert not gathered(world, silent=True).contacts(CONTACT)


def test_what_this_process_writes_is_found_at_once_by_history(world: World) -> None:
    gathered(world, OTHER, silent=True)
    world.records(
        a_record("contact/C-2", addresses=(OTHER,)), a_record("client/K-2", domains=("adatum.example",))
    )
    found = gathered(world, OTHER, silent=True)
    assert (len(found.contacts(OTHER)), len(found.clients(OTHER))) == (1, 1)


def test_a_write_drops_what_another_spelling_of_its_mailbox_is_remembered_by(world: World) -> None:
    ports, ref = world.use_cases.ports, a_ref("contact/C-1")
    gathered(world, "bo.larsen@googlemail.com", silent=True)
    ports.index.teach(TENANT, "bolarsen@gmail.com", [ref])
    assert gathered(world, "bo.larsen@googlemail.com", silent=True).taught
    ports.index.put_staff(TENANT, world.mailbox.mailbox_id, ["b.olarsen@gmail.com"])
    assert "bo.larsen@googlemail.com" in gathered(world, "bo.larsen@googlemail.com", silent=True).staff


def test_what_this_process_teaches_and_unteaches_counts_at_once(world: World) -> None:
    ports, ref = world.use_cases.ports, a_ref("contact/C-1")
    gathered(world, OTHER, silent=True)
    ports.index.teach(TENANT, OTHER, [ref])
    assert gathered(world, OTHER, silent=True).taught == {OTHER: {ref}}
    ports.index.unteach(TENANT, OTHER, [ref])
    assert gathered(world, OTHER, silent=True).taught == {}


def test_another_record_s_write_drops_nothing(world: World) -> None:
    gathered(world, silent=True)
    world.records(a_record("contact/C-9", addresses=("far@adatum.example",)))
    gathered(world, silent=True)
    assert reads(world, PEOPLE_READS[:1]) == 0


def ingest(world: World, item: ItemRef, at: timedelta = timedelta()) -> None:
    world.now += at
    world.notify(item)


def test_organisation_and_folder_are_read_once_in_five_seconds(world: World) -> None:
    ingest(world, world.deliver(message_id="1@fabrikam.example"))
    world.storage.faults.clear()
    ingest(world, world.deliver(message_id="2@fabrikam.example"), ROWS_LAST - timedelta(milliseconds=1))
    assert reads(world, ROW_READS) == 0
    ingest(world, world.deliver(message_id="3@fabrikam.example"), timedelta(milliseconds=1))
    assert reads(world, ROW_READS) >= len(ROW_READS)


def test_a_pause_of_a_mailbox_by_another_process_acts_at_once(world: World) -> None:
    ingest(world, world.deliver(message_id="1@fabrikam.example"))
    rewrite(elsewhere(world).ports.mailboxes, world.mailbox, enabled=False)
    ingest(world, world.deliver(message_id="2@fabrikam.example"))
    assert len(world.timeline()) == 1


def test_a_wait_that_another_process_was_asked_for_holds_at_once(world: World) -> None:
    ingest(world, world.deliver(message_id="1@fabrikam.example"))
    until = world.now + timedelta(seconds=30)
    elsewhere(world).ports.mailboxes.change(world.mailbox, blocked(until))
    world.mail.calls.clear()
    ingest(world, world.deliver(message_id="2@fabrikam.example"), timedelta(seconds=1))
    assert world.mail.calls == {}


def test_a_pause_by_this_process_acts_at_once(world: World) -> None:
    ingest(world, world.deliver(message_id="1@fabrikam.example"))
    world.rewrite(enabled=False)
    ingest(world, world.deliver(message_id="2@fabrikam.example"))
    assert len(world.timeline()) == 1


@pytest.mark.parametrize("of", ["mailbox", "organisation"])
def test_a_pause_is_not_remembered_so_that_resumed_mail_is_not_dropped(world: World, of: str) -> None:
    pause, resume = {"enabled": False}, {"enabled": True}
    change = world.rewrite if of == "mailbox" else world.configure
    change(**pause)
    ingest(world, world.deliver(message_id="1@fabrikam.example"))
    assert world.timeline() == []
    other = World.rewrite if of == "mailbox" else World.configure
    process = replace_process(world)
    other(process, **resume)
    ingest(world, world.deliver(message_id="2@fabrikam.example"))
    # What came during the pause was kept, and is filed along.
    assert len(world.timeline()) == 2


def replace_process(world: World) -> World:
    """The same world as another process sees it."""
    other = object.__new__(World)
    for field in fields(World):
        setattr(other, field.name, getattr(world, field.name))
    other.mailbox = world.mailbox
    other.use_cases = elsewhere(world)
    return other


def test_a_never_log_entry_of_another_process_acts_after_five_seconds(world: World) -> None:
    ingest(world, world.deliver(message_id="1@fabrikam.example"))
    World.configure(replace_process(world), never_log=(CONTACT,))
    item = world.deliver(message_id="2@fabrikam.example")
    ingest(world, item, ROWS_LAST)
    assert world.outcome(item) == ("skipped", "never_log")


def test_who_is_queued_because_a_row_changed_sees_the_change(world: World) -> None:
    ingest(world, world.deliver(message_id="1@fabrikam.example"))
    rewrite(elsewhere(world).ports.mailboxes, world.mailbox, enabled=False)
    world.mail.calls.clear()
    world.walk()
    assert world.mail.calls == {}


def test_a_folder_that_this_process_has_read_anew_counts_at_once(world: World) -> None:
    ingest(world, world.deliver(message_id="1@fabrikam.example"))
    stored = world.storage.folder_states.get(world.mailbox, "inbox-folder")
    assert stored is not None
    excluded = a_folder_state(kind="excluded", captured=False, role="inbox", etag=stored.etag)
    world.use_cases.ports.folder_states.put(world.mailbox, excluded)
    item = world.deliver(message_id="2@fabrikam.example")
    ingest(world, item)
    assert world.outcome(item)[0] == "skipped"


def erase(world: World, process: Any) -> None:
    process.part(AskErasure)(TENANT, CONTACT, "admin")


def test_a_person_who_is_erased_by_this_process_is_kept_out_at_once(world: World) -> None:
    ingest(world, world.deliver(message_id="1@fabrikam.example"))
    erase(world, world.use_cases)
    item = world.deliver(message_id="2@fabrikam.example")
    ingest(world, item)
    assert world.outcome(item) == ("skipped", "erased")


def test_a_remembered_address_does_not_let_an_erased_person_in(world: World) -> None:
    """The organisation's row is older than the erasure by five seconds at most, the address by thirty."""
    ingest(world, world.deliver(message_id="1@fabrikam.example"))
    erase(world, elsewhere(world))
    item = world.deliver(message_id="2@fabrikam.example")
    ingest(world, item, ROWS_LAST)
    assert gathered(world).contacts(CONTACT)
    assert world.outcome(item) == ("skipped", "erased")


def test_mail_that_slipped_in_beside_an_erasure_is_gone_when_the_erasure_is_done(world: World) -> None:
    ingest(world, world.deliver(message_id="1@fabrikam.example"))
    erase(world, elsewhere(world))
    item = world.deliver(message_id="2@fabrikam.example")
    # The first turn has gone through all mail before this one is filed under what was remembered.
    queued, world.storage.queue.sent = world.storage.queue.sent, []
    for command, _ in queued:
        elsewhere(world).run_erasure(command)
    ingest(world, item, timedelta(seconds=4))
    assert world.outcome(item)[0] == "filed"
    world.restart()
    world.work()
    assert world.timeline() == []
    left = [row.message for row in world.storage.messages.rows.values() if row.message]
    assert [message.message_id for message in left if not message.is_deleted] == []


def test_every_write_that_is_heard_is_a_method_of_its_port() -> None:
    storage = World().storage
    for port, writes in DROPPED_BY.items():
        assert isinstance(vars(Ports)[port], property)
        assert [
            name for name in writes if not callable(getattr(storage, port).__class__.__dict__[name])
        ] == []


def test_a_group_reads_each_record_that_its_mails_lend_once(world: World) -> None:
    ids = [f"{number}@fabrikam.example" for number in range(5)]
    answered = [(), *((message_id,) for message_id in ids)]
    items = [
        world.deliver(message_id=message_id, in_reply_to=parents)
        for message_id, parents in zip(ids, answered, strict=False)
    ]
    world.storage.faults.clear()
    world.notify(*items, screened=True, silent=True)
    assert len(world.timeline()) == 5
    assert reads(world, ("Records.get_many",)) == 1


def test_a_group_of_history_asks_for_the_rows_and_people_of_the_next_no_more(world: World) -> None:
    world.records(*(a_record(f"contact/C-{n}", addresses=(f"c{n}@adatum.example",)) for n in range(5)))
    items = [
        world.deliver(sender=f"c{n % 5}@adatum.example", message_id=f"{n}@adatum.example") for n in range(40)
    ]
    commands = IngestMessages.groups(
        items, tenant_id=TENANT, mailbox_id=world.mailbox.mailbox_id, first_at=NOW, silent=True
    )
    first, second = (replace(command, screened=True) for command in commands)
    world.run(first)
    world.storage.faults.clear()
    world.run(second)
    assert len(world.timeline("contact/C-0")) == 8
    assert reads(world, (*ROW_READS, *PEOPLE_READS)) == 0
