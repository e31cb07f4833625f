"""What every `ports.Records` and `ports.RecordIndex` must do."""

import pytest

from shared.domain.records import RecordRef
from shared.ports import KnownAddress
from tests.builders import CONTACT, a_record, a_ref


def known(storage, tenant, address=CONTACT):
    return {str(one) for one in storage.index.addresses(tenant, [address])[address].records}


class TestRecords:
    def test_records_come_back_as_they_were_put(self, storage, tenant):
        records = [
            a_record("contact/A:1~x", details="d" * 8_000, client="K-1", properties=("P-1",)),
            a_record(
                "client/K-1", contacts=("C-1", "C-2"), status="closed", type="lead", owner="a@x.example"
            ),
            a_record("case/PL-1", summary="The leak", origin="postledger"),
        ]
        storage.records.put_many(tenant, records)
        found = storage.records.get_many(tenant, [*(one.ref for one in records), a_ref("contact/none")])
        assert {ref: str(one.name) for ref, one in found.items()} == {one.ref: one.name for one in records}
        for one in records:
            stored = storage.records.get(tenant, one.ref)
            assert stored.etag
            assert stored == found[one.ref]
            assert (stored.details, stored.contacts, stored.origin) == (one.details, one.contacts, one.origin)
        assert storage.records.get(tenant, a_ref("contact/none")) is None

    def test_a_record_is_found_by_what_it_carries_now(self, storage, tenant):
        storage.records.put_many(tenant, [a_record(addresses=("old@x.example", "both@x.example"))])
        storage.records.put_many(tenant, [a_record(addresses=("both@x.example", "new@x.example"))])
        assert known(storage, tenant, "old@x.example") == set()
        assert known(storage, tenant, "both@x.example") == {"contact/C-1"}
        assert known(storage, tenant, "new@x.example") == {"contact/C-1"}

    def test_putting_twice_is_putting_once(self, storage, tenant):
        for _ in range(2):
            storage.records.put_many(tenant, [a_record(), a_record("contact/C-2")])
        assert known(storage, tenant) == {"contact/C-1", "contact/C-2"}

    def test_the_last_of_several_versions_in_one_load_wins(self, storage, tenant):
        storage.records.put_many(tenant, [a_record(addresses=("a@x.example",)), a_record(name="Last")])
        assert storage.records.get(tenant, a_ref()).name == "Last"
        assert known(storage, tenant, "a@x.example") == set()

    def test_deleting_takes_the_index_along(self, storage, tenant):
        storage.records.put_many(tenant, [a_record(), a_record("contact/C-2")])
        assert storage.records.delete(tenant, a_ref()) is True
        assert storage.records.delete(tenant, a_ref()) is False
        assert storage.records.get(tenant, a_ref()) is None
        assert known(storage, tenant) == {"contact/C-2"}

    @pytest.mark.parametrize("rounds", [1, 2])
    def test_a_bulk_load_arrives_whole(self, storage, tenant, rounds):
        records = [a_record(f"contact/{n:04}", addresses=(f"p{n}@x.example",)) for n in range(330)]
        for _ in range(rounds):
            storage.records.put_many(tenant, records)
        asked = [f"p{n}@x.example" for n in range(0, 330, 30)]
        found = storage.index.addresses(tenant, asked)
        assert [len(found[one].records) for one in asked] == [1] * 11

    def test_pages_follow_each_other_without_gap_or_overlap(self, storage, tenant):
        storage.records.put_many(tenant, [a_record(f"contact/{n}") for n in "aBc1.~:_-Z"])
        pages, after = [], ""
        while True:
            page, after = storage.records.page(tenant, "contact", text="", limit=3, after=after)
            pages.append([one.ref.id for one in page])
            if not after:
                break
        assert pages == [["-", ".", "1"], [":", "B", "Z"], ["_", "a", "c"], ["~"]]

    def test_a_page_that_is_just_full_is_the_last(self, storage, tenant):
        storage.records.put_many(tenant, [a_record(f"contact/{n}") for n in "abc"])
        page, after = storage.records.page(tenant, "contact", text="", limit=3, after="")
        assert (len(page), after) == (3, "")
        assert storage.records.page(tenant, "client", text="", limit=3, after="") == ([], "")

    @pytest.mark.parametrize("text", ["STRASSE", "ümit", "ACME", "@fab"])
    def test_text_is_looked_for_in_name_summary_and_addresses(self, storage, tenant, text):
        storage.records.put_many(
            tenant,
            [
                a_record("contact/1", name="Ümit Straße", summary="Acme deal", addresses=(CONTACT,)),
                a_record("contact/2", name="Somebody else", addresses=("other@contoso.example",)),
            ],
        )
        page, _ = storage.records.page(tenant, "contact", text=text, limit=10, after="")
        assert [one.ref.id for one in page] == ["1"]


class TestRecordIndex:
    def test_every_address_asked_for_is_answered(self, storage, tenant):
        storage.records.put_many(tenant, [a_record()])
        storage.index.put_staff(tenant, "m1", ["agent@contoso.example", CONTACT])
        found = storage.index.addresses(tenant, [CONTACT, "agent@contoso.example", "no@x.example", CONTACT])
        assert found == {
            CONTACT: KnownAddress(frozenset({a_record().card}), is_staff=True),
            "agent@contoso.example": KnownAddress(is_staff=True),
            "no@x.example": KnownAddress(),
        }

    def test_a_look_up_tells_what_the_record_says_now(self, storage, tenant):
        storage.records.put_many(tenant, [a_record(client="K-1")])
        changed = a_record(client="K-2", status="closed", type="lead")
        storage.records.put_many(tenant, [changed])
        assert storage.index.addresses(tenant, [CONTACT])[CONTACT].cards == {changed.card}

    def test_an_address_is_staff_as_long_as_one_mailbox_says_so(self, storage, tenant):
        storage.index.put_staff(tenant, "m1", ["desk@contoso.example", "a@contoso.example"])
        storage.index.put_staff(tenant, "m2", ["desk@contoso.example"])
        storage.index.drop_staff(tenant, "m1", ["desk@contoso.example", "never@contoso.example"])
        assert storage.index.addresses(tenant, ["desk@contoso.example"])["desk@contoso.example"].is_staff
        storage.index.drop_staff(tenant, "m2", ["desk@contoso.example"])
        assert not storage.index.addresses(tenant, ["desk@contoso.example"])["desk@contoso.example"].is_staff

    def test_clients_are_found_by_domain(self, storage, tenant):
        storage.records.put_many(tenant, [a_record("client/K-1"), a_record("client/K-2")])
        found = storage.index.domains(tenant, ["fabrikam.example", "other.example"])
        assert found == {
            "fabrikam.example": frozenset({a_record("client/K-1").card, a_record("client/K-2").card}),
            "other.example": frozenset(),
        }

    def test_matters_are_found_by_subject_contact_and_contact_domain(self, storage, tenant):
        deal = a_record(
            "opportunity/O-1",
            addresses=(),
            domains=(),
            summary="Lease of  Unit 4",
            contacts=("C-1", "C-2"),
            contact_domains=("fabrikam.example",),
        )
        storage.records.put_many(tenant, [deal])
        assert storage.index.subjects(tenant, ["lease of unit 4", "lease"]) == {
            "lease of unit 4": frozenset({deal.card}),
            "lease": frozenset(),
        }
        assert storage.index.domains(tenant, ["fabrikam.example"]) == {
            "fabrikam.example": frozenset({deal.card})
        }
        assert storage.index.listing(tenant, ["C-1", "C-9"]) == {
            "C-1": frozenset({deal.ref}),
            "C-9": frozenset(),
        }

    def test_what_an_agent_teaches_of_an_address_stays_until_it_is_taken_back(self, storage, tenant):
        refs = [RecordRef("contact", "C-1"), RecordRef("project", "P:1")]
        storage.index.teach(tenant, CONTACT, refs)
        assert storage.index.addresses(tenant, [CONTACT])[CONTACT] == KnownAddress(taught=frozenset(refs))
        storage.index.unteach(tenant, CONTACT, refs[:1])
        assert storage.index.addresses(tenant, [CONTACT])[CONTACT].taught == {refs[1]}

    def test_organisations_do_not_see_each_other(self, storage, tenant):
        storage.records.put_many(tenant, [a_record()])
        assert known(storage, tenant[:-1] + "x") == set()
