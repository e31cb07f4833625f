"""Opportunities and projects stand under the domains of their contacts, in whatever order both were written."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.records.records import Record, RecordRef
from shared.services.capture.scopes import hasher_of
from tests.builders import HASH_KEY, TENANT, a_mailbox, a_record, a_ref, an_organisation
from tests.composed import use_cases_over
from tests.fakes import FakePorts, Killed

DEAL = a_ref("opportunity/O-1")


def fields(record: Record) -> dict[str, Any]:
    names = {"contact": ("addresses",), "opportunity": ("contacts",), "project": ("contacts",)}
    return {name: list(getattr(record, name)) for name in names[record.ref.kind]}


def put(storage: FakePorts, *records: Record) -> None:
    lines = [json.dumps({"kind": o.ref.kind, "id": o.ref.id, **fields(o)}).encode() for o in records]
    results = use_cases_over(storage).load_records(TENANT, b"\n".join(lines)).results
    assert [one.refusal for one in results] == [""] * len(records)


def found_at(storage: FakePorts, domain: str) -> set[str]:
    return {str(one.ref) for one in storage.index.domains(TENANT, [domain])[domain]}


def a_deal(*contacts: str, ref: str = "opportunity/O-1") -> Record:
    return a_record(ref, contacts=contacts)


def a_contact(number: int, *addresses: str) -> Record:
    return a_record(f"contact/C-{number}", addresses=addresses)


@pytest.fixture
def storage() -> FakePorts:
    made = FakePorts()
    made.organisations.put(an_organisation())
    return made


def test_a_deal_is_found_at_the_registered_domains_of_its_contacts(storage: FakePorts) -> None:
    put(storage, a_contact(1, "a@sales.fabrikam.co.uk"), a_contact(2, "b@wingtip.example"))
    put(storage, a_deal("C-1", "C-2"))
    assert found_at(storage, "fabrikam.co.uk") == found_at(storage, "wingtip.example") == {str(DEAL)}


@pytest.mark.parametrize("address", ["bo@gmail.com", "bo@x.onmicrosoft.com", "bo@lists.fabrikam.example"])
def test_a_domain_that_says_nothing_about_a_company_is_no_lead(storage: FakePorts, address: str) -> None:
    put(storage, a_contact(1, address), a_deal("C-1"))
    assert storage.records.rows[TENANT, DEAL].contact_domains == ()


def test_a_contact_that_comes_after_its_deal_is_found_missing(storage: FakePorts) -> None:
    put(storage, a_deal("C-1", "C-2"))
    assert storage.records.rows[TENANT, DEAL].missing == ("C-1", "C-2")
    put(storage, a_contact(1, "a@fabrikam.example"))
    deal = storage.records.rows[TENANT, DEAL]
    assert (deal.missing, deal.contact_domains) == (("C-2",), ("fabrikam.example",))


def test_a_contact_that_changes_its_company_takes_its_deals_along(storage: FakePorts) -> None:
    put(storage, a_contact(1, "a@fabrikam.example"), a_deal("C-1"), a_deal("C-1", ref="project/P-1"))
    put(storage, a_contact(1, "a@wingtip.example"))
    assert found_at(storage, "fabrikam.example") == set()
    assert found_at(storage, "wingtip.example") == {"opportunity/O-1", "project/P-1"}


def test_a_contact_that_is_deleted_leaves_its_deals(storage: FakePorts) -> None:
    put(storage, a_contact(1, "a@fabrikam.example"), a_deal("C-1"))
    use_cases_over(storage).delete_record(TENANT, a_ref("contact/C-1"))
    deal = storage.records.rows[TENANT, DEAL]
    assert (deal.missing, deal.contact_domains) == (("C-1",), ())


def test_a_load_of_new_contacts_costs_one_look_up_for_all_of_them(storage: FakePorts) -> None:
    storage.faults.clear()
    put(storage, *(a_contact(n, f"a@company{n}.example") for n in range(500)))
    assert storage.faults.reads.count("RecordIndex.awaiting") == 1
    assert storage.faults.reads.count("RecordIndex.listing_contact") == 0
    assert storage.faults.reads.count("Records.get_many") == 1, "a sample of eight"


def test_a_renewed_deal_brings_in_earlier_mail_of_its_new_domain(storage: FakePorts) -> None:
    storage.mailboxes.save(a_mailbox())
    put(storage, a_deal("C-1"))
    put(storage, a_contact(1, "a@fabrikam.example"))
    hasher = hasher_of(HASH_KEY, TENANT)
    announced = {one for part in storage.late_contacts.announced(TENANT) for one in part.hashes}
    assert announced == {hasher("address", "a@fabrikam.example"), hasher("domain", "fabrikam.example")}


ADDRESSES = ("x@one.example", "x@two.example", "x@sub.two.example", "x@gmail.com")
CONTACTS = st.builds(
    lambda number, addresses: a_contact(number, *(one.replace("x@", f"c{number}@") for one in addresses)),
    st.integers(1, 3),
    st.lists(st.sampled_from(ADDRESSES), max_size=2, unique=True),
)
DEALS = st.builds(
    lambda ref, numbers: a_deal(*(f"C-{n}" for n in numbers), ref=ref),
    st.sampled_from(["opportunity/O-1", "project/P-1"]),
    st.lists(st.integers(1, 3), max_size=3, unique=True),
)


def expected(latest: dict[RecordRef, Record]) -> dict[str, tuple[set[str], set[str]]]:
    """Domains and missing contacts of every deal, straight from what was put last."""
    known = {"one.example": "one.example", "two.example": "two.example", "sub.two.example": "two.example"}
    said = {}
    for ref, one in latest.items():
        if ref.kind == "contact":
            continue
        people = [latest.get(RecordRef("contact", contact)) for contact in one.contacts]
        domains = {a.partition("@")[2] for contact in people if contact for a in contact.addresses}
        missing = {c for c in one.contacts if RecordRef("contact", c) not in latest}
        said[str(ref)] = ({known[d] for d in domains if d in known}, missing)
    return said


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.one_of(CONTACTS, DEALS), min_size=1, max_size=4), min_size=1, max_size=5))
def test_the_order_and_the_batches_of_a_load_do_not_matter(batches: Sequence[Sequence[Record]]) -> None:
    storage = FakePorts()
    storage.organisations.put(an_organisation())
    latest: dict[RecordRef, Record] = {}
    for batch in batches:
        put(storage, *batch)
        latest |= {one.ref: one for one in batch}
    stored = {
        str(ref): (set(one.contact_domains), set(one.missing))
        for (_, ref), one in storage.records.rows.items()
        if one.is_deal
    }
    assert stored == expected(latest)


@pytest.mark.parametrize("number", range(1, 8))
def test_a_load_that_was_killed_anywhere_is_made_whole_by_loading_again(number: int) -> None:
    def state(killed: bool) -> dict[str, Any]:
        storage = FakePorts()
        storage.organisations.put(an_organisation())
        put(storage, a_contact(1, "a@fabrikam.example"), a_deal("C-1", "C-2"))
        storage.faults.clear()
        load = (a_contact(1, "a@wingtip.example"), a_contact(2, "b@two.example"))
        if killed:
            storage.faults.kill_after(number)
            with suppress(Killed):
                put(storage, *load)
            storage.faults.clear()
        put(storage, *load)
        return {str(ref): replace(one, etag="") for (_, ref), one in storage.records.rows.items()}

    assert state(killed=True) == state(killed=False)
