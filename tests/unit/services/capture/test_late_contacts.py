"""Contacts that came after their mail: one pass for a bulk load, once more later, and no crash loses any."""

import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.capture.late_contacts import Announced, Announcement, taken_together
from shared.domain.commands.commands import IngestMessages, JoinLateContacts
from shared.domain.connections.mailbox_state import REMOVING
from shared.domain.records.records import Record, RecordRef
from shared.services.capture import late_contacts
from shared.services.capture.late_contacts import FIRST_DELAY, SECOND_DELAY
from tests.builders import AGENT, CONTACT, NOW, TENANT, a_record
from tests.fakes import FakeLateContacts, Killed
from tests.unit.services.world import World

SECOND = "second@contoso.example"
PASS = JoinLateContacts(tenant_id=TENANT, first_at=NOW)


@pytest.fixture
def world() -> World:
    return World()


def put(world: World, *records: Record) -> int | None:
    """Put records as the API does: the last of several for one stands."""
    latest = {one.ref: one for one in records}
    return world.write_records(TENANT, list(latest.values())).late_mail


def passes(world: World) -> list[tuple[JoinLateContacts, float]]:
    return [(one, delay) for one, delay in world.storage.queue.sent if isinstance(one, JoinLateContacts)]


def ingests(world: World) -> list[IngestMessages]:
    return [one for one in world.storage.queue.commands if isinstance(one, IngestMessages)]


def skipped(world: World, **mail: object) -> str:
    item = world.deliver(**mail)  # type: ignore[arg-type]
    world.notify(item)
    return item


def test_a_new_contact_brings_in_its_mail_of_before(world: World) -> None:
    item = skipped(world)
    assert world.outcome(item) == ("skipped", "unknown_people")
    assert put(world, a_record()) == 1
    world.work()
    assert world.outcome(item) == ("filed", "contact_address")
    assert len(world.timeline()) == 1
    assert world.storage.late_contacts.rows[TENANT] == {}


def test_a_new_domain_of_a_client_does_so_too(world: World) -> None:
    item = skipped(world)
    assert put(world, a_record("client/CL-1", addresses=(), domains=("fabrikam.example",))) == 1
    world.work()
    assert world.outcome(item) == ("filed", "domain")


def test_what_waits_in_my_inbox_leaves_it_for_the_timeline(world: World) -> None:
    mailbox = world.connect(SECOND, capture="everything")
    item = world.deliver(SECOND, to=(SECOND,))
    world.notify(item, mailbox=mailbox)
    assert world.outcome(item, mailbox) == ("triage", "no_match")
    assert put(world, a_record()) == 1
    world.work()
    assert world.outcome(item, mailbox) == ("filed", "contact_address")
    assert world.storage.inbox.of(TENANT, SECOND) == []


def test_the_pass_is_silent_and_takes_twenty_of_a_mailbox_at_once(world: World) -> None:
    for number in range(45):
        skipped(world, message_id=f"m{number}@fabrikam.example")
    assert put(world, a_record()) == 45
    world.storage.queue.sent.clear()
    world.join_late_contacts(PASS)
    assert [len(one.items) for one in ingests(world)] == [20, 20, 5]
    assert all(one.silent and one.unbounded and not one.screened for one in ingests(world))


def test_many_loads_make_one_pass(world: World) -> None:
    for number in range(100):
        put(world, a_record(f"contact/C-{number}", addresses=(f"p{number}@x.example",)))
    assert passes(world) == [(PASS, FIRST_DELAY)]
    world.storage.queue.sent.clear()
    world.join_late_contacts(PASS)
    [(second, delay)] = passes(world)
    assert (second.second, delay) == (True, SECOND_DELAY)
    assert world.storage.faults.reads.count("Sightings.undecided_since") == 1 + 100, (
        "a count each, and a pass"
    )
    world.join_late_contacts(second)
    assert len(passes(world)) == 1, "the second pass is the last"
    assert list(world.storage.late_contacts.announced(TENANT)) == []


def test_what_is_announced_during_a_pass_gets_a_pass_of_its_own(world: World) -> None:
    put(world, a_record())
    world.storage.queue.sent.clear()
    world.join_late_contacts(PASS)
    [(second, _)] = passes(world)
    world.now = NOW + timedelta(seconds=1)
    put(world, a_record("contact/C-2", addresses=("late@x.example",)))
    assert len(passes(world)) == 2
    world.join_late_contacts(second)
    [left] = world.storage.late_contacts.announced(TENANT)
    assert left.at == world.now


def test_a_pass_that_never_came_is_asked_for_again(world: World) -> None:
    put(world, a_record())
    world.now = NOW + timedelta(minutes=61)
    put(world, a_record("contact/C-2", addresses=("late@x.example",)))
    assert len(passes(world)) == 2


def test_the_second_pass_finds_mail_that_the_ledger_learnt_of_meanwhile(world: World) -> None:
    world.storage.records.put_many(TENANT, [a_record()])
    put(world, a_record(name="Other card", status="closed"))
    world.storage.records.rows.clear()  # written late, as by a load that is still under way
    world.storage.queue.sent.clear()
    world.join_late_contacts(PASS)
    [(second, _)] = passes(world)
    world.storage.queue.sent.clear()
    item = skipped(world)
    world.records(a_record())
    world.join_late_contacts(second)
    world.work()
    assert world.outcome(item) == ("filed", "contact_address")


def test_a_record_that_says_nothing_new_asks_for_nothing(world: World) -> None:
    world.records(a_record())
    assert put(world, a_record(name="Renamed")) == 0
    assert world.storage.faults.writes == ["Records.write"]
    assert "Sightings.undecided_since" not in world.storage.faults.reads


@pytest.mark.parametrize(
    ("settings", "mail", "reason"),
    [
        ({"never_log": ("fabrikam.example",)}, {}, "never_log"),
        ({}, {"sender": AGENT, "to": ("colleague@contoso.example",), "bcc": ()}, "staff_only"),
        ({}, {"sensitivity": 2}, "private"),
        ({}, {"received_at": NOW - timedelta(days=40)}, "before_window"),
    ],
)
def test_other_reasons_stand(
    world: World, settings: dict[str, object], mail: dict[str, object], reason: str
) -> None:
    world.configure(**settings)
    item = skipped(world, **mail)
    assert world.outcome(item) == ("skipped", reason)
    put(world, a_record(addresses=(CONTACT, "colleague@contoso.example")))
    world.storage.queue.sent.clear()
    world.join_late_contacts(PASS)
    assert ingests(world) == []


def test_only_the_hours_that_the_organisation_wants_are_looked_through(world: World) -> None:
    world.configure(late_contact_hours=2)
    old = skipped(world, received_at=NOW - timedelta(hours=3), message_id="old@x.example")
    new = skipped(world, received_at=NOW - timedelta(hours=1), message_id="new@x.example")
    assert put(world, a_record()) == 1
    world.work()
    assert world.outcome(old) == ("skipped", "unknown_people")
    assert world.outcome(new) == ("filed", "contact_address")


def test_the_hours_count_from_the_load_however_late_the_pass_comes(world: World) -> None:
    item = skipped(world, received_at=NOW - timedelta(hours=23, minutes=59))
    put(world, a_record())
    world.now = NOW + timedelta(hours=1)
    world.work()
    assert world.outcome(item) == ("filed", "contact_address")


def test_a_mail_in_two_mailboxes_is_counted_once(world: World) -> None:
    other = world.connect(SECOND)
    skipped(world)
    world.notify(world.deliver(SECOND), mailbox=other)
    assert put(world, a_record()) == 1


def test_paused_and_removed_mailboxes_are_left_alone(world: World) -> None:
    item = skipped(world)
    for change in ({"enabled": False}, {"enabled": True, "state": REMOVING}):
        world.rewrite(**change)
        assert put(world, a_record(f"contact/{len(change)}", addresses=(CONTACT,))) == 0
    world.work()
    assert world.outcome(item) == ("skipped", "unknown_people")


def test_without_mailboxes_there_is_nothing_to_look_for(world: World) -> None:
    world.storage.mailboxes.rows.clear()
    assert put(world, a_record()) == 0
    assert world.storage.queue.sent == []
    assert list(world.storage.late_contacts.announced(TENANT)) == []


def test_a_first_mailbox_that_is_walked_during_a_load_misses_nothing(world: World) -> None:
    rows = dict(world.storage.mailboxes.rows)
    item = skipped(world)
    world.storage.mailboxes.rows.clear()
    write = world.storage.records.write

    def meanwhile(
        tenant_id: str, records: Sequence[Record], standing: Mapping[RecordRef, Record]
    ) -> Mapping[RecordRef, Record | None]:
        world.storage.mailboxes.rows.update(rows)
        return write(tenant_id, records, standing)

    world.storage.records.write = meanwhile  # type: ignore[method-assign]
    assert put(world, a_record()) == 1
    world.work()
    assert world.outcome(item) == ("filed", "contact_address")


def test_a_large_organisation_gets_no_count(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect(SECOND)
    for number in range(3):
        skipped(world, message_id=f"m{number}@fabrikam.example")
    monkeypatch.setattr(late_contacts, "COUNTED_ROWS", 2)
    assert put(world, a_record()) is None
    monkeypatch.setattr(late_contacts, "COUNTED_MAILBOXES", 1)
    assert put(world, a_record("contact/C-2")) is None


def test_a_pass_gives_way_between_mailboxes_and_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = world.connect(SECOND)
    first = skipped(world)
    second = world.deliver(SECOND, message_id="m2@fabrikam.example")
    world.notify(second, mailbox=other)
    put(world, a_record())
    monkeypatch.setattr(late_contacts, "MOST_ROWS", 1)
    world.storage.queue.sent.clear()
    world.join_late_contacts(PASS)
    [(more, delay)] = passes(world)
    assert (more.after, more.second, delay) == (world.mailbox.mailbox_id, False, 0)
    world.work()
    assert world.outcome(first)[0] == world.outcome(second, other)[0] == "filed"


def test_a_load_of_very_many_addresses_takes_several_rows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_contacts, "MOST_HASHES", 2)
    put(world, a_record(addresses=tuple(f"p{n}@x.example" for n in range(5))))
    assert sorted(len(one.hashes) for one in world.storage.late_contacts.announced(TENANT)) == [1, 2, 2]


def test_a_load_of_any_size_is_looked_for_a_part_at_a_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_contacts, "MOST_TOGETHER", 2)
    items = []
    for number in range(5):
        address = f"p{number}@x.example"
        items.append(skipped(world, sender=address, message_id=f"m{number}@x.example"))
        world.now += timedelta(seconds=1)
        put(world, a_record(f"contact/C-{number}", addresses=(address,)))
    world.storage.queue.sent.clear()
    world.join_late_contacts(PASS)
    (again, later), (rest, at_once) = passes(world)
    assert (rest.behind, rest.second, at_once) == (NOW + timedelta(seconds=2), False, 0)
    assert (again.behind, again.until, again.second, later) == (None, rest.behind, True, SECOND_DELAY)
    assert len({one for command in ingests(world) for one in command.items}) == 2
    world.work()
    assert {world.outcome(one)[0] for one in items} == {"filed"}
    assert world.storage.late_contacts.rows[TENANT] == {}


def test_what_was_announced_at_one_time_is_taken_together() -> None:
    three = [Announcement(str(number), NOW, (str(number),)) for number in range(3)]
    later = Announcement("later", NOW + timedelta(seconds=1), ("later",))
    taken = taken_together([*three, later], behind=None, until=None, most=1)
    assert taken == Announced(NOW, NOW, frozenset("012"), ("0", "1", "2"), more=True)
    rest = taken_together([*three, later], behind=NOW, until=None, most=1)
    assert rest == Announced(later.at, later.at, frozenset({"later"}), ("later",), more=False)
    assert taken_together(three, behind=NOW, until=None, most=1) is None


def test_within_a_millisecond_the_latest_time_counts() -> None:
    two = [Announcement("1", NOW + timedelta(microseconds=900), ()), Announcement("2", NOW, ())]
    taken = taken_together(two, behind=None, until=None, most=9)
    assert taken == Announced(NOW, two[0].at, frozenset(), ("1", "2"), more=False)


def test_the_memory_of_a_pass_does_not_grow_with_the_load(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def peak(loads: int) -> int:
        def announced(_: object, tenant_id: str) -> Iterator[Announcement]:
            for number in range(loads):
                hashes = tuple(f"{number:08x}{one:024x}" for one in range(1_000))
                yield Announcement(f"{number:08}", NOW + timedelta(seconds=number), hashes)

        monkeypatch.setattr(FakeLateContacts, "announced", announced)
        tracemalloc.start()
        world.join_late_contacts(PASS)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    put(world, a_record())
    assert peak(60) < 1.1 * peak(25)


def expected() -> object:
    world = World()
    skipped(world)
    put(world, a_record())
    world.work()
    return world.rows()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 6))
def test_a_load_killed_at_any_write_and_sent_again_loses_no_mail(when: str, number: int) -> None:
    world = World()
    skipped(world)
    world.storage.faults.clear()
    getattr(world.storage.faults, f"kill_{when}")(number)
    try:
        put(world, a_record())
    except Killed:
        world.storage.faults.clear()
        put(world, a_record())
    world.storage.faults.clear()
    world.work()
    assert world.rows() == expected()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("number", range(1, 5))
def test_a_pass_killed_at_any_write_and_run_again_loses_no_mail(when: str, second: bool, number: int) -> None:
    world = World()
    skipped(world)
    put(world, a_record())
    command = PASS
    if second:
        world.storage.queue.sent.clear()
        world.join_late_contacts(PASS)
        command = passes(world)[0][0]
    world.storage.queue.sent.clear()
    world.storage.faults.clear()
    getattr(world.storage.faults, f"kill_{when}")(number)
    try:
        world.join_late_contacts(command)
    except Killed:
        world.storage.faults.clear()
        world.join_late_contacts(replace(command))
    world.storage.faults.clear()
    world.work()
    assert world.rows() == expected()
    assert list(world.storage.late_contacts.announced(TENANT)) == []
