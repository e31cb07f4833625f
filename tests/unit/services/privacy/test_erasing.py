"""Erasing a person: mail with the person goes, elsewhere the address is replaced; killed anywhere, it ends alike."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.capture.late_contacts import Announcement
from shared.domain.commands.commands import ErasePerson
from shared.domain.errors import InvalidInput
from shared.domain.mail.addresses import Person
from shared.domain.privacy.erasure import PLACEHOLDER, Eraser
from shared.domain.records.records import RecordRef
from shared.services.capture.scopes import hasher_of
from tests.builders import AGENT, CONTACT, HASH_KEY, NOW, TENANT, a_failure, a_record, an_attachment
from tests.fakes import Killed
from tests.unit.services.world import World

LI = "li@fabrikam.example"
SECOND = "second@contoso.example"
ADMIN = "admin-oid"
BO = Person("Bo Larsen", CONTACT)
HASHER = hasher_of(HASH_KEY, TENANT)


def a_world() -> World:
    """Mail from, to and with the person in Bcc, mail of others that quotes the address, and what else names it."""
    world = World()
    world.connect(SECOND, capture="everything", unmatched="new")
    world.records(
        a_record(name="Bo Larsen", client="F"),
        a_record(
            "contact/C-2", client="F", addresses=(LI, CONTACT), details=f"married to Bo Larsen <{CONTACT}>"
        ),
        a_record("client/F", domains=(), name="Fabrikam"),
    )
    attachments = (an_attachment(source_id="A"),)
    world.notify(
        world.deliver(
            sender=BO, subject="From Bo", message_id="1@x", attachments=attachments, contents={"A": b"x"}
        ),
        world.deliver(sender=LI, to=(AGENT,), bcc=(BO,), subject="Bo in Bcc", message_id="2@x"),
        world.deliver(
            sender=LI,
            subject="About Bo",
            message_id="3@x",
            text=f"Hello\n\nOn Monday Bo Larsen <{CONTACT}> wrote:\n> Hi",
            html=f'<p>Hello</p><p><a href="mailto:{CONTACT.replace("@", "%40")}">Bo Larsen</a></p>',
        ),
        world.deliver(sender=LI, subject="Others", message_id="4@x"),
    )
    other = next(one for one in world.storage.mailboxes.rows.values() if one.address == SECOND)
    stranger = "sam@tailspin.example"
    text = f"Please ask {CONTACT}"
    world.notify(
        world.deliver(
            SECOND, sender=stranger, to=(SECOND,), subject="Ask Bo", text=text, html="", message_id="5@x"
        ),
        world.deliver(SECOND, sender=stranger, to=(SECOND,), cc=(BO,), subject="New", message_id="6@x"),
        mailbox=other,
    )
    world.work()
    world.configure(never_log=(CONTACT, "adatum.example"))
    world.storage.index.teach(TENANT, CONTACT, [RecordRef("client", "F")])
    world.storage.exceptions.record(a_failure(error=f"no mailbox {CONTACT}"))
    announced = Announcement("a1", NOW, HASHER.addresses([CONTACT]))
    world.storage.late_contacts.announce(TENANT, announced)
    world.storage.faults.clear()
    return world


def everything(world: World) -> str:
    """All that is stored, whatever it is, but for the erasures themselves."""
    storage = world.storage
    places = (
        world.rows(),
        storage.records.rows,
        storage.index.taught,
        storage.exceptions.rows,
        storage.late_contacts.rows,
        storage.organisations.rows,
        storage.mailboxes.rows,
        storage.codes.forged,
        storage.inbox.pending,
        storage.audit.rows,
        storage.queue.sent,
    )
    return repr(places)


def erase(world: World) -> str:
    asked = world.ask_erasure(TENANT, CONTACT.upper(), ADMIN)
    world.work()
    return asked.id


def test_the_world_names_the_person_before() -> None:
    said = everything(a_world())
    assert said.count(CONTACT) > 20
    assert HASHER.addresses([CONTACT])[0] in said


def test_nothing_names_the_person_afterwards() -> None:
    world = a_world()
    erase(world)
    said = everything(world)
    assert CONTACT not in said
    assert CONTACT.replace("@", "%40") not in said
    assert "Bo Larsen" not in said
    [hashed] = HASHER.addresses([CONTACT])
    tombstones = [
        one for row in world.storage.messages.rows.values() if (one := row.message) and one.is_deleted
    ]
    fingerprints = sum(one.fingerprint.sender == hashed for one in tombstones)
    assert said.count(hashed) == fingerprints == 1, (
        "in the tombstone of the person's own mail, and nowhere else"
    )


def test_mail_with_the_person_on_it_becomes_tombstones_and_other_mail_stays() -> None:
    world = a_world()
    erase(world)
    subjects = {row.document.subject for row in world.storage.messages.rows.values() if row.document}
    assert subjects == {"About Bo", "Others", "Ask Bo"}
    assert {one.subject for one in world.timeline("client/F")} == {"About Bo", "Others"}
    assert world.timeline("contact/C-1") == []
    assert world.storage.attachments.rows == {}
    erased = [one for one in world.storage.audit.of(TENANT) if one.what == "erase"]
    assert len(erased) == 3
    assert {one.by for one in erased} == {ADMIN}


def test_a_record_opened_for_such_mail_keeps_its_id_only() -> None:
    world = World()
    second = world.connect(SECOND, capture="everything", unmatched="new")
    world.notify(
        world.deliver(SECOND, sender=BO, to=(SECOND,), subject="My flat", message_id="7@x"), mailbox=second
    )
    [(_, ref)] = world.storage.records.rows
    assert world.storage.records.rows[TENANT, ref].name == "My flat"
    world.work()
    erase(world)
    [(_, left)] = world.storage.records.rows
    record = world.storage.records.rows[TENANT, left]
    assert left == ref
    assert (record.name, record.summary, record.details) == ("(no subject)", "", "")


def test_quoting_mail_keeps_its_chain_where_it_was() -> None:
    world = a_world()
    erase(world)
    [document] = [
        row.document
        for row in world.storage.messages.rows.values()
        if row.document and row.document.subject == "About Bo"
    ]
    [(start, end)] = document.quoted
    assert document.text[start:end].startswith(f"On Monday (erased) <{PLACEHOLDER}> wrote:")
    assert f'<a href="mailto:{PLACEHOLDER}">(erased)</a>' in document.html


def test_the_card_loses_the_address_and_an_empty_one_says_nothing() -> None:
    world = a_world()
    erase(world)
    records = world.storage.records
    bare, other = (
        records.get(TENANT, RecordRef("contact", "C-1")),
        records.get(TENANT, RecordRef("contact", "C-2")),
    )
    assert bare and (bare.name, bare.addresses) == ("", ())
    assert other and other.addresses == (LI,)
    assert other.details == f"married to (erased) <{PLACEHOLDER}>"


def test_mail_of_the_person_is_never_captured_again() -> None:
    world = a_world()
    erase(world)
    item = world.deliver(sender=BO, subject="Again", message_id="9@x")
    known = world.deliver(sender=LI, cc=(BO,), subject="Again", message_id="10@x")
    world.notify(item, known)
    assert world.outcome(item) == ("skipped", "erased")
    assert world.outcome(known) == ("skipped", "erased")
    assert CONTACT not in everything(world)
    assert HASHER.addresses([LI])[0] not in repr(world.storage.sightings.all(world.mailbox)[known])


def test_mail_that_was_being_filed_meanwhile_is_caught_by_the_second_turn() -> None:
    world = a_world()
    world.ask_erasure(TENANT, CONTACT, ADMIN)
    late = world.deliver(sender=BO, subject="Late", message_id="late@x")
    seen = world.storage.organisations.rows[TENANT]
    while world.storage.queue.sent:
        command, delay = world.storage.queue.sent.pop(0)
        if delay:  # the first turn is over: a worker that had read the settings before it goes on
            world.storage.organisations.rows[TENANT] = replace(seen, erased=frozenset())
            world.notify(late)
            world.storage.organisations.rows[TENANT] = seen
        world.run(command)
    assert "Late" not in everything(world)


def test_a_mail_erased_while_it_is_being_filed_leaves_no_attachment_and_no_entry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    world.records(a_record(name="Bo Larsen"))
    attachments, later = world.storage.attachments, []
    put = attachments.put

    def erased_first(*given: Any) -> None:
        monkeypatch.undo()
        world.ask_erasure(TENANT, CONTACT, ADMIN)
        while world.storage.queue.sent:
            command, delay = world.storage.queue.sent.pop(0)
            if delay:
                later.append(command)
            else:
                world.run(command)
        put(*given)

    monkeypatch.setattr(attachments, "put", erased_first)
    files = {"attachments": (an_attachment(source_id="A"),), "contents": {"A": b"x"}}
    world.notify(world.deliver(sender=BO, message_id="1@x", **files))
    assert attachments.rows == {}
    assert world.timeline() == []
    world.storage.queue.send(*later)
    world.work()
    assert CONTACT not in everything(world)


def test_the_address_is_in_no_command_and_on_no_row_once_it_is_done() -> None:
    world = a_world()
    sent: list[Any] = []
    world.ask_erasure(TENANT, CONTACT, ADMIN)
    while world.storage.queue.sent:
        command, _ = world.storage.queue.sent.pop(0)
        sent.append(command.to_json())
        world.run(command)
    assert CONTACT not in repr(sent)
    [done] = world.storage.erasures.rows.values()
    assert (done.state, done.address, done.names) == ("done", "", ())
    assert done.messages == 3
    assert CONTACT not in repr(done)


def test_what_comes_after_the_end_does_nothing() -> None:
    world = a_world()
    run = erase(world)
    before = everything(world)
    world.run(ErasePerson(tenant_id=TENANT, first_at=NOW, run=run))
    assert everything(world) == before
    assert world.storage.queue.sent == []


@pytest.mark.parametrize("address", [AGENT, "nobody@contoso.example", "sales@office.contoso.example"])
def test_an_own_address_is_refused_with_what_to_do_instead(address: str) -> None:
    world = a_world()
    world.storage.index.put_staff(TENANT, world.mailbox.mailbox_id, [AGENT])
    world.storage.faults.clear()
    with pytest.raises(InvalidInput, match="Remove the mailbox instead"):
        world.ask_erasure(TENANT, address, ADMIN)
    assert world.storage.faults.writes == []


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(InvalidInput, match="must be a mail address"):
        a_world().ask_erasure(TENANT, "Bo Larsen", ADMIN)


def finished(world: World) -> str:
    """What must be the same however often the work was cut short: ids of changes and counts aside."""
    storage = world.storage
    world.now += timedelta(minutes=20)
    world.sweep_decisions()
    work_through(world)
    messages = {
        key: replace(row.message, etag="", change_ids=()) if row.message else None
        for key, row in storage.messages.rows.items()
    }
    rows = {**world.rows(), "messages": messages}
    documents = {key: row.document for key, row in storage.messages.rows.items()}
    records = {key: replace(one, etag="") for key, one in storage.records.rows.items()}
    audit = sorted({(one.what, one.by, one.subjects) for one in storage.audit.rows.values()})
    erasures = [replace(one, messages=0, changed=0) for one in storage.erasures.rows.values()]
    organisation = replace(storage.organisations.rows[TENANT], etag="")
    return repr((rows, documents, records, audit, erasures, organisation, storage.inbox.pending))


def work_through(world: World) -> int:
    """Empty the queues; who is killed gets the same command again. How often that was."""
    killed = 0
    while world.storage.queue.sent:
        command, delay = world.storage.queue.sent.pop(0)
        try:
            world.run(command)
        except Killed:
            killed += 1
            world.storage.queue.sent.insert(0, (command, delay))
    return killed


def ask(world: World) -> int:
    """Whoever asked and got no answer asks again."""
    try:
        world.ask_erasure(TENANT, CONTACT, ADMIN)
    except Killed:
        world.ask_erasure(TENANT, CONTACT, ADMIN)
        return 1
    return 0


def whole_run() -> tuple[int, str]:
    world = a_world()
    erase(world)
    return len(world.storage.faults.writes), finished(world)


WRITES, FINISHED = whole_run()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, WRITES + 1))
def test_a_worker_killed_at_any_write_leaves_what_running_again_finishes(number: int, after: bool) -> None:
    world = a_world()
    faults = world.storage.faults
    (faults.kill_after if after else faults.kill_before)(number)
    assert ask(world) + work_through(world) == 1
    assert finished(world) == FINISHED
    assert not Eraser(CONTACT).names_person(FINISHED)
