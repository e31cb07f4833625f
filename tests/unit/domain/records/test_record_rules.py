"""What a record may not claim: the organisation's people and domains, and domains that are nobody's."""

import pytest

from shared.domain.connections.fields import Fields
from shared.domain.errors import InvalidInput
from shared.domain.records.record_rules import Insiders, refusal, refusal_of_stub
from shared.domain.records.records import Overrides, Record, RecordRef
from tests.builders import a_record, a_ref

INSIDERS = Insiders(("contoso.example", "mail.brand.example"), frozenset({"ann@contoso.example"}))


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        ("contoso.example", "own domain"),
        ("sales.contoso.example", "own domain"),
        ("brand.example", "own domain"),
        ("gmail.com", "free-mail or shared-host"),
        ("contoso.onmicrosoft.com", "free-mail or shared-host"),
        ("amazonses.com", "free-mail or shared-host"),
        ("co.uk", "open for registrations by any person"),
        ("github.io", "open for registrations by any person"),
    ],
)
def test_a_domain_that_is_not_the_clients_own_is_refused_with_its_reason(domain: str, words: str) -> None:
    said = refusal(a_record("client/K-1", domains=("fabrikam.example", domain)), INSIDERS)
    assert words in said
    assert said.startswith(domain)


@pytest.mark.parametrize(
    "domain", ["fabrikam.example", "sales.fabrikam.co.uk", "bo.github.io", "xn--mnchen-3ya.de"]
)
def test_a_clients_own_domain_is_taken(domain: str) -> None:
    assert refusal(a_record("client/K-1", domains=(domain,)), INSIDERS) == ""


def test_a_card_with_an_address_of_staff_is_refused() -> None:
    record = a_record(addresses=("bo@fabrikam.example", "ann@contoso.example"))
    assert "ann@contoso.example belongs to the organisation's own people" in refusal(record, INSIDERS)
    assert "bo@" not in refusal(record, INSIDERS)


def test_nothing_is_written_over_a_pointer() -> None:
    said = refusal_of_stub(Record(a_ref("contact/C-1"), merged_into="C-2"))
    assert said.startswith("contact/C-1 was merged into contact/C-2")
    assert refusal_of_stub(a_record()) == refusal_of_stub(None) == ""


ADDRESSED = {
    "contact": {
        "addresses": ["a@fabrikam.example", "b@fabrikam.example"],
        "client": "K-1",
        "properties": ["P-1"],
    },
    "property": {"client": "K-1", "contacts": ["C-1"]},
    "client": {"domains": ["fabrikam.example"], "contacts": ["C-1", "C-2"]},
    "opportunity": {"summary": "Unit 4", "client": "K-1", "contacts": ["C-1"]},
    "project": {"summary": "Unit 4", "client": "K-1", "contacts": ["C-1"]},
    "case": {"summary": "The leak", "client": "K-1", "contacts": ["C-1"]},
}
EVERY = {"name": "N", "details": "D", "status": "closed", "type": "T", "owner": "ann@contoso.example"}


@pytest.mark.parametrize("kind", ADDRESSED)
def test_each_kind_keeps_every_field_it_has(kind: str) -> None:
    given = {**EVERY, **ADDRESSED[kind]}
    record = Record.from_fields(RecordRef(kind, "1"), Fields(given))
    for name, value in given.items():
        assert getattr(record, name) == (tuple(value) if isinstance(value, list) else value), name


@pytest.mark.parametrize(
    ("kind", "name"),
    [("property", "addresses"), ("contact", "domains"), ("client", "summary"), ("contact", "overrides")],
)
def test_a_field_of_another_kind_is_named(kind: str, name: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        Record.from_fields(RecordRef(kind, "1"), Fields({name: []}))


def test_a_client_may_name_its_sender_by_purpose() -> None:
    given = {"from_address": "*sales_mailboxes*", "from_addresses": {"quotation": "Desk@Contoso.example"}}
    overrides = Record.from_fields(a_ref("client/K-1"), Fields({"overrides": given})).overrides
    assert overrides.sender_for("quotation") == "desk@contoso.example"
    assert overrides.sender_for("lease") == overrides.sender_for("") == "*sales_mailboxes*"
    assert Overrides().sender_for("quotation") == ""


def test_a_client_may_override_three_settings() -> None:
    given = {"from_address": "Lettings@Contoso.example", "hide_email_chain": True, "file_thread": None}
    record = Record.from_fields(a_ref("client/K-1"), Fields({"overrides": given}))
    assert record.overrides == Overrides("lettings@contoso.example", True, None)


@pytest.mark.parametrize(
    "given",
    [
        {"from_address": "nobody"},
        {"from_address": {"quotation": "desk@contoso.example"}},
        {"from_addresses": "desk@contoso.example"},
        {"from_addresses": {"quotation": "nobody"}},
        {"from_addresses": {"quotation": {"from": "desk@contoso.example"}}},
        {"from_addresses": {"Two words": "desk@contoso.example"}},
        {"from_addresses": {f"purpose{number}": "desk@contoso.example" for number in range(21)}},
        {"hide_email_chain": "yes"},
        {"colour": "red"},
        [],
        "x",
    ],
)
def test_an_override_that_means_nothing_is_refused(given: object) -> None:
    with pytest.raises(InvalidInput):
        Record.from_fields(a_ref("client/K-1"), Fields({"overrides": given}))


def test_a_clients_subdomain_is_found_under_what_was_registered() -> None:
    record = a_record("client/K-1", domains=("sales.fabrikam.co.uk",))
    assert record.index_keys == {"domain:fabrikam.co.uk"}
    assert record.card.domains == ("sales.fabrikam.co.uk",)
