"""Merging over storage: what was filed on one contact stands on the other, its mails' links too."""

from shared.domain.commands.commands import MergeRecords
from shared.domain.filing.entries import KINDS
from shared.ports.stores.filing import EntryFilter
from tests.builders import (
    CONTACT,
    NOW,
    a_copy,
    a_decision,
    a_document,
    a_record,
    a_ref,
    a_stored_message,
    an_entry,
)
from tests.composed import use_cases_over

OLD, NEW = a_ref("contact/C-1"), a_ref("contact/C-2")
EVERYTHING = EntryFilter(frozenset(KINDS))


def entries(storage, tenant, ref):
    return storage.timeline.page(tenant, ref, EVERYTHING, limit=50, after="")[0]


def test_timeline_links_lists_and_what_was_taught_move(storage, tenant):
    storage.records.put_many(
        tenant,
        [
            a_record("contact/C-1", addresses=(), merged_into="C-2"),
            a_record("contact/C-2"),
            a_record("opportunity/O-1", contacts=("C-1",)),
        ],
    )
    keys = [f"{number:032x}" for number in range(3)]
    for key in keys:
        message = a_stored_message(key=key, decision=a_decision("contact/C-1", "client/K-1"))
        storage.messages.create(tenant, message, a_document(), a_copy())
        storage.timeline.put(
            tenant, [an_entry(ref, message_key=key) for ref in ("contact/C-1", "client/K-1")]
        )
    storage.index.teach(tenant, CONTACT, [OLD])
    move = use_cases_over(storage).merge_records
    for _ in range(2):
        move(MergeRecords(tenant_id=tenant, first_at=NOW, merged=str(OLD), into=str(NEW), second=True))
    assert entries(storage, tenant, OLD) == []
    assert sorted(one.message_key for one in entries(storage, tenant, NEW)) == keys
    assert {one.link.ref for one in entries(storage, tenant, NEW)} == {NEW}
    assert len(entries(storage, tenant, a_ref("client/K-1"))) == 3
    for key in keys:
        links = storage.messages.get(tenant, key).decision.links
        assert {str(one.ref) for one in links} == {"contact/C-2", "client/K-1"}
    assert storage.index.addresses(tenant, [CONTACT])[CONTACT].taught == {NEW}
    assert storage.index.listing_contact(tenant, ["C-1", "C-2"]) == {
        "C-1": frozenset(),
        "C-2": frozenset({a_ref("opportunity/O-1")}),
    }
