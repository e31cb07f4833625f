"""What every `ports.Records` and `ports.RecordIndex` must do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.matching.candidates import KnownAddress
from shared.domain.records.records import Overrides, RecordRef
from tests.builders import CONTACT, NOW, a_record, a_ref


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
        unaddressed, _ = storage.records.page(
            tenant, "contact", text=text, limit=10, after="", by_address=False
        )
        assert [one.ref.id for one in unaddressed] == ([] if text == "@fab" else ["1"])

    def test_a_write_takes_place_where_the_record_stands_as_it_was_read(self, storage, tenant):
        refs = [a_ref(f"contact/{n}") for n in range(3)]
        old = [replace(a_record(), ref=ref, name="old") for ref in refs[:2]]
        assert storage.records.write(tenant, old, {}) == {}
        standing = storage.records.get_many(tenant, refs)
        storage.records.put_many(tenant, [replace(old[0], name="by another")])
        new = [replace(a_record(), ref=ref, name="new") for ref in refs]
        left = storage.records.write(tenant, new, standing)
        assert left[refs[0]].name == "by another"
        assert storage.records.get(tenant, refs[0]).name == "by another"
        assert storage.records.write(tenant, [one for one in new if one.ref in left], present(left)) == {}
        assert [storage.records.get(tenant, ref).name for ref in refs] == ["new"] * 3

    def test_a_write_of_a_new_record_does_not_replace_another(self, storage, tenant):
        storage.records.put_many(tenant, [a_record(name="first")])
        left = storage.records.write(tenant, [a_record(name="second")], {})
        assert {ref: one.name for ref, one in left.items()} == {a_ref(): "first"}

    def test_an_address_moves_from_one_contact_to_another(self, storage, tenant):
        storage.records.put_many(tenant, [a_record("contact/C-1"), a_record("contact/C-2", addresses=())])
        moved = [a_record("contact/C-1", addresses=()), a_record("contact/C-2")]
        assert (
            storage.records.write(tenant, moved, storage.records.get_many(tenant, [one.ref for one in moved]))
            == {}
        )
        assert known(storage, tenant) == {"contact/C-2"}

    def test_a_closed_opportunity_says_so_wherever_it_is_found(self, storage, tenant):
        deal = a_record("opportunity/O-1", summary="Unit 4", contact_domains=("fabrikam.example",))
        storage.records.put_many(tenant, [deal])
        storage.records.put_many(tenant, [replace(deal, status="closed")])
        [by_subject] = storage.index.subjects(tenant, ["unit 4"])["unit 4"]
        [by_domain] = storage.index.domains(tenant, ["fabrikam.example"])["fabrikam.example"]
        assert (by_subject.status, by_domain.status) == ("closed", "closed")

    def test_overrides_merges_and_times_come_back(self, storage, tenant):
        records = [
            a_record("client/K-1", overrides=Overrides("lettings@contoso.example", True, None)),
            a_record("contact/C-1", addresses=(), merged_into="C-2"),
            a_record("case/pl-1", origin="postledger", opened_at=NOW),
        ]
        storage.records.put_many(tenant, records)
        for one in records:
            stored = storage.records.get(tenant, one.ref)
            assert replace(stored, etag="") == one


def present(found):
    return {ref: one for ref, one in found.items() if one}


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

    def test_whatever_stands_under_an_address_is_found_by_every_spelling_of_its_mailbox(
        self, storage, tenant
    ):
        written, asked = "bo.larsen@googlemail.com", ["bolarsen@gmail.com", "b.o.larsen+flat@gmail.com"]
        ref = RecordRef("project", "P-1")
        storage.records.put_many(tenant, [a_record(addresses=(written,))])
        storage.index.teach(tenant, written, [ref])
        storage.index.put_staff(tenant, "m1", [written])
        everything = KnownAddress(frozenset({a_record(addresses=(written,)).card}), True, frozenset({ref}))
        assert storage.index.addresses(tenant, asked) == dict.fromkeys(asked, everything)
        assert storage.index.staff_among(tenant, asked) == set(asked)
        assert storage.index.taught_to(tenant, ref) == {"bolarsen@gmail.com"}
        storage.index.unteach(tenant, asked[0], [ref])
        storage.index.drop_staff(tenant, "m1", asked)
        assert storage.index.addresses(tenant, [written])[written] == replace(
            everything, is_staff=False, taught=frozenset()
        )

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

    def test_deals_are_found_by_subject_contact_and_contact_domain(self, storage, tenant):
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
        assert storage.index.listing_contact(tenant, ["C-1", "C-9"]) == {
            "C-1": frozenset({deal.ref}),
            "C-9": frozenset(),
        }

    def test_what_an_agent_teaches_of_an_address_stays_until_it_is_taken_back(self, storage, tenant):
        refs = [RecordRef("contact", "C-1"), RecordRef("project", "P:1")]
        storage.index.teach(tenant, CONTACT, refs)
        assert storage.index.addresses(tenant, [CONTACT])[CONTACT] == KnownAddress(taught=frozenset(refs))
        storage.index.unteach(tenant, CONTACT, refs[:1])
        assert storage.index.addresses(tenant, [CONTACT])[CONTACT].taught == {refs[1]}

    def test_what_was_taught_of_a_record_is_found_from_the_record_too(self, storage, tenant):
        refs = [RecordRef("contact", "C-1"), RecordRef("project", "P:1")]
        storage.index.teach(tenant, CONTACT, refs)
        storage.index.teach(tenant, "ünï+x@fabrikam.example", refs[:1])
        assert storage.index.taught_to(tenant, refs[0]) == {CONTACT, "ünï+x@fabrikam.example"}
        storage.index.unteach(tenant, CONTACT, refs[:1])
        assert storage.index.taught_to(tenant, refs[0]) == {"ünï+x@fabrikam.example"}
        assert storage.index.taught_to(tenant, refs[1]) == {CONTACT}

    @pytest.mark.parametrize("others", [0, 30])
    def test_staff_is_told_from_others_few_or_many(self, storage, tenant, others):
        asked = ["ann@contoso.example", "bo@contoso.example", *(f"o{n}@x.example" for n in range(others))]
        storage.index.put_staff(tenant, "m1", asked[:2])
        storage.index.drop_staff(tenant, "m1", asked[1:2])
        assert storage.index.staff_among(tenant, asked) == {"ann@contoso.example"}

    @pytest.mark.parametrize("others", [0, 30])
    def test_who_waits_for_a_contact_is_found(self, storage, tenant, others):
        deals = [
            a_record(f"{kind}/1", contacts=("C-1",), missing=("C-1",)) for kind in ("opportunity", "project")
        ]
        storage.records.put_many(tenant, deals)
        asked = ["C-1", "C-2", *(f"X-{n}" for n in range(others))]
        assert storage.index.awaiting(tenant, asked) == {"C-1": frozenset(one.ref for one in deals)}
        storage.records.put_many(tenant, [replace(one, missing=()) for one in deals])
        assert storage.index.awaiting(tenant, asked) == {}

    def test_what_postledger_opened_is_listed_by_time(self, storage, tenant):
        times = {f"case/pl-{n}": NOW + timedelta(minutes=n % 4) for n in (3, 1, 2, 0)}
        storage.records.put_many(
            tenant, [a_record(ref, origin="postledger", opened_at=at) for ref, at in times.items()]
        )
        storage.records.put_many(tenant, [a_record("case/K-9")])
        first, after = storage.index.opened(tenant, NOW + timedelta(minutes=1), limit=2, after="")
        second, end = storage.index.opened(tenant, NOW + timedelta(minutes=1), limit=2, after=after)
        assert [one.id for one in first] == ["pl-1", "pl-2"]
        assert ([one.id for one in second], end) == (["pl-3"], "")
        storage.records.delete(tenant, a_ref("case/pl-3"))
        assert storage.index.opened(tenant, NOW, limit=9, after=after) == ([], "")

    def test_organisations_do_not_see_each_other(self, storage, tenant):
        storage.records.put_many(tenant, [a_record()])
        assert known(storage, tenant[:-1] + "x") == set()
