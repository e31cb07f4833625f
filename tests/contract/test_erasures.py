"""What takes things away: erasures, the audit read back, rewritten messages, the ledger's end, and whole tables."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from shared.adapters.storage.table import Table
from shared.domain import names
from shared.domain.capture.late_contacts import Announcement
from shared.domain.errors import Conflict
from shared.domain.matching.evidence import of_person
from shared.domain.privacy.audit import AuditFilter, AuditRow
from shared.domain.privacy.erasure import HASH_PLACEHOLDER, PLACEHOLDER, Deletion, Eraser, Erasure
from shared.domain.records.records import RecordRef
from shared.domain.sending import transitions
from shared.ports.stores.filing import EntryFilter
from tests.builders import (
    AGENT,
    CONTACT,
    KEY,
    NOW,
    a_copy,
    a_document,
    a_failure,
    a_mailbox,
    a_record,
    a_sighting,
    a_stored_message,
    an_attachment,
    an_entry,
    an_inbox_item,
    an_item,
    an_organisation,
    an_outbox_mail,
)

LI = "li@fabrikam.example"
EVERY = EntryFilter(frozenset({"synced", "reply"}))
HASH = "ab" * 16


def test_an_erasure_is_kept_until_it_is_done(storage, tenant) -> None:
    run = Erasure("aa" * 16, NOW, "ann", address=CONTACT, names=("Bo",), touched_at=NOW)
    storage.erasures.put(tenant, run)
    assert storage.erasures.get(tenant, run.id) == run
    assert storage.erasures.running(tenant) == [run]
    done = replace(run, state="done", address="", names=(), done_at=NOW)
    storage.erasures.put(tenant, done)
    assert storage.erasures.get(tenant, run.id) == done
    assert storage.erasures.running(tenant) == []
    assert storage.erasures.get(tenant, "bb" * 16) is None


def test_a_deletion_is_known_by_its_hash(storage, tenant) -> None:
    deletion = Deletion(tenant.replace("-", ""), NOW)
    assert storage.erasures.deletion(deletion.organisation) is None
    storage.erasures.note_deletion(deletion)
    storage.erasures.note_deletion(replace(deletion, done_at=NOW))
    assert storage.erasures.deletion(deletion.organisation) == replace(deletion, done_at=NOW)
    storage.erasures.note_deletion(deletion)
    assert storage.erasures.deletion(deletion.organisation) == deletion


def test_the_audit_is_read_newest_first_by_who_what_and_about(storage, tenant) -> None:
    for number in range(5):
        by = "ann" if number % 2 else "ben"
        row = AuditRow(
            str(number), NOW + timedelta(seconds=number), by, "get_message", (f"message/{number}",)
        )
        storage.audit.append(tenant, row)
        storage.audit.append(tenant, row)
    first, after = storage.audit.page(tenant, AuditFilter(), limit=2, after="")
    rest, end = storage.audit.page(tenant, AuditFilter(), limit=9, after=after)
    assert [one.id for one in (*first, *rest)] == ["4", "3", "2", "1", "0"]
    assert end == ""
    found, _ = storage.audit.page(tenant, AuditFilter(by="ann"), limit=9, after="")
    assert [one.id for one in found] == ["3", "1"]
    found, _ = storage.audit.page(tenant, AuditFilter(subject="message/2"), limit=9, after="")
    assert [one.id for one in found] == ["2"]


@pytest.mark.parametrize("size", [10, 200_000])
def test_a_message_is_rewritten_with_its_document(storage, tenant, size) -> None:
    text = "".join(f"{number:x} " for number in range(size))
    storage.messages.create(tenant, a_stored_message(), a_document(text=f"{text} {CONTACT}"), a_copy())
    stored = storage.messages.get(tenant, KEY)
    storage.messages.save_with_document(tenant, replace(stored, agent="new"), a_document(text=f"{text} gone"))
    assert storage.messages.document(tenant, KEY).text == f"{text} gone"
    assert storage.messages.get(tenant, KEY).agent == "new"
    assert storage.messages.copies(tenant, KEY) == [a_copy()]
    with pytest.raises(Conflict):
        storage.messages.save_with_document(tenant, stored, a_document())


def test_a_document_may_become_small_enough_for_the_row(storage, tenant) -> None:
    large = a_document(text="".join(f"{number:x} " for number in range(200_000)))
    storage.messages.create(tenant, a_stored_message(), large, a_copy())
    storage.messages.save_with_document(tenant, storage.messages.get(tenant, KEY), a_document(text="small"))
    assert storage.messages.document(tenant, KEY).text == "small"


def test_the_ledger_forgets_what_is_older(storage, tenant) -> None:
    mailbox = a_mailbox(tenant_id=tenant)
    moments = [NOW - timedelta(days=number) for number in range(5)]
    storage.sightings.put(
        mailbox,
        [a_sighting(item=an_item(f"AAk{n}"), received_at=moment) for n, moment in enumerate(moments)],
    )
    assert storage.sightings.forget(mailbox, moments[1], limit=2)
    assert not storage.sightings.forget(mailbox, moments[1], limit=2)
    left = storage.sightings.between(mailbox, moments[-1], NOW)
    assert sorted(left) == [an_item("AAk0"), an_item("AAk1")]
    assert [sighting.item for _, sighting in storage.sightings.of_message([mailbox], KEY)] == sorted(left)


@pytest.mark.stack
def test_nothing_of_a_forgotten_copy_stays_in_the_ledger(azure, tenant) -> None:
    mailbox = a_mailbox(tenant_id=tenant)
    moments = [NOW - timedelta(days=number) for number in range(60)]
    azure.sightings.put(
        mailbox,
        [
            a_sighting(item=an_item(f"AAk{n}"), received_at=moment, message_id_hash="ab" * 16 * (n % 3 > 0))
            for n, moment in enumerate(moments)
        ],
    )
    assert not azure.sightings.forget(mailbox, moments[1], limit=100)
    table = Table(azure.connection, names.SIGHTINGS)
    rows = table.rows(f"PartitionKey eq '{tenant}|{mailbox.mailbox_id}'", select=("RowKey",))
    kinds = sorted(str(row["RowKey"])[:2] == "~m" for row in rows)
    assert kinds == [False, False, True]


def run(storage, tenant, table, eraser, limit=2) -> int:
    """Every page of a table."""
    after, pages = "", 0
    while after or not pages:
        _, after = storage.holdings.erase(tenant, table, eraser, limit=limit, after=after)
        pages += 1
    return pages


def test_a_person_is_replaced_in_every_table_that_is_rewritten_row_by_row(storage, tenant) -> None:
    mailbox = a_mailbox(tenant_id=tenant, never_log=(CONTACT,))
    storage.mailboxes.save(mailbox)
    storage.organisations.put(an_organisation(tenant_id=tenant, never_log=(CONTACT,)))
    others = an_entry(message_key="11" * 16, sender=LI, to=(AGENT,), preview=f"ask {CONTACT}", link=link(LI))
    storage.timeline.put(tenant, [an_entry(), others])
    storage.inbox.put(tenant, [an_inbox_item()])
    storage.sightings.put(mailbox, [a_sighting(address_hashes=(HASH, "cd" * 16))])
    storage.exceptions.record(a_failure(tenant_id=tenant, error=f"no {CONTACT}"))
    storage.late_contacts.announce(tenant, Announcement("1", NOW, (HASH,)))
    storage.index.teach(tenant, CONTACT, [RecordRef("client", "F")])
    for table in storage.holdings.rewritable:
        run(storage, tenant, table, Eraser(CONTACT, (), HASH))
    entries, _ = storage.timeline.page(tenant, an_entry().link.ref, EVERY, limit=9, after="")
    assert [one.preview for one in entries] == [f"ask {PLACEHOLDER}"], "the person's own row is gone"
    assert storage.inbox.page(tenant, AGENT, limit=9, after="")[0] == []
    assert storage.mailboxes.by_id(tenant, mailbox.mailbox_id).never_log == (PLACEHOLDER,)
    assert storage.mailboxes.get(tenant, mailbox.address) is not None
    assert storage.organisations.get(tenant).never_log == (PLACEHOLDER,)
    [sighting] = storage.sightings.between(mailbox, NOW - timedelta(days=9), NOW).values()
    assert sighting.address_hashes == (HASH_PLACEHOLDER, "cd" * 16)
    assert storage.exceptions.get(tenant, a_failure().id).error == f"no {PLACEHOLDER}"
    assert next(storage.late_contacts.announced(tenant)).hashes == (HASH_PLACEHOLDER,)
    assert storage.index.addresses(tenant, [CONTACT])[CONTACT].taught == frozenset()


@pytest.mark.parametrize("size", [20, 40_000], ids=["small", "large"])
def test_mail_to_a_person_is_erased_where_its_mailbox_finds_it_too(storage, tenant, size) -> None:
    text = "".join(sha256(str(number).encode()).hexdigest() for number in range(size // 64 + 1))
    asked = an_outbox_mail(tenant_id=tenant, key_hash=HASH[:8], html=text)
    storage.outbox.add(transitions.asked_for(asked))
    run(storage, tenant, names.OUTBOX, Eraser(CONTACT))
    [listed] = storage.outbox.due(tenant, asked.mailbox_id, NOW, limit=9).mails
    standing = storage.outbox.get(tenant, asked.id)
    assert standing is not None
    assert replace(listed, etag="") == replace(standing, etag="")
    assert (standing.html, [person.address for person in standing.to]) == ("", [PLACEHOLDER])


def link(evidence):
    return replace(an_entry().link, evidence=of_person("from", evidence))


def test_pages_of_a_table_go_on_where_the_last_one_ended(storage, tenant) -> None:
    for number in range(5):
        storage.exceptions.record(a_failure(id=f"{number}", tenant_id=tenant, error=CONTACT))
    assert run(storage, tenant, names.EXCEPTIONS, Eraser(CONTACT), limit=2) >= 3
    errors = {storage.exceptions.get(tenant, str(number)).error for number in range(5)}
    assert errors == {PLACEHOLDER}


def test_another_organisations_rows_stay(storage, tenant) -> None:
    other = f"{tenant[:-1]}{'0' if tenant[-1] != '0' else '1'}"
    storage.exceptions.record(a_failure(tenant_id=other, error=CONTACT))
    storage.timeline.put(other, [an_entry()])
    storage.attachments.put(other, KEY, "0", iter([b"x"]))
    for table in storage.holdings.rewritable:
        run(storage, tenant, table, Eraser(CONTACT))
    for place in storage.holdings.places:
        assert not storage.holdings.clear(tenant, place, limit=100)
    assert storage.exceptions.get(other, a_failure().id).error == CONTACT
    assert len(storage.timeline.page(other, an_entry().link.ref, EVERY, limit=9, after="")[0]) == 1
    assert b"".join(storage.attachments.get(other, KEY, "0")) == b"x"


def test_all_of_an_organisation_is_taken_away_place_by_place(storage, tenant) -> None:
    storage.organisations.put(an_organisation(tenant_id=tenant))
    mailbox = storage.mailboxes.save(a_mailbox(tenant_id=tenant))
    storage.records.put_many(tenant, [a_record(), a_record("client/F")])
    document = a_document(attachments=(an_attachment(),))
    storage.messages.create(tenant, a_stored_message(), document, a_copy())
    storage.attachments.put(tenant, KEY, "0", iter([b"x"]))
    storage.timeline.put(tenant, [an_entry()])
    storage.index.put_staff(tenant, mailbox.mailbox_id, [AGENT])
    for place in storage.holdings.places:
        for _ in range(50):
            if not storage.holdings.clear(tenant, place, limit=1):
                break
        assert not storage.holdings.clear(tenant, place, limit=1)
    assert storage.organisations.get(tenant) is None
    assert list(storage.mailboxes.of(tenant)) == []
    assert storage.records.get(tenant, RecordRef("client", "F")) is None
    assert storage.messages.get(tenant, KEY) is None
    assert storage.messages.copies(tenant, KEY) == []
    assert storage.index.addresses(tenant, [CONTACT, AGENT])[CONTACT].records == frozenset()
    assert not storage.index.addresses(tenant, [AGENT])[AGENT].is_staff


def test_the_organisations_own_row_goes_last(storage) -> None:
    assert storage.holdings.places[-1] == names.ORGANISATIONS
