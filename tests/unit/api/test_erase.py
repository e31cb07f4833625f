"""Erasing a person and deleting an organisation, as an admin and the operator ask for it."""

from tests.builders import CONTACT, HOME, NOW, TENANT
from tests.fakes import FakeStorage
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import Api

OPERATED = {"Postledger-Organisation": TENANT}


def test_an_erasure_is_asked_for_and_looked_up_without_saying_the_address(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    admin = issuer.user("Admin")
    answer = api.post("erase", admin, json={"address": CONTACT})
    assert answer.status_code == 202
    asked = answer.json()
    assert (asked["state"], asked["step"], asked["turn"]) == ("running", "", 1)
    assert api.get(f"erase/{asked['id']}", admin).json() == asked
    assert CONTACT not in answer.text
    [command] = storage.queue.commands
    assert CONTACT not in command.to_json()
    assert [(one.what, one.subjects) for one in storage.audit.of(TENANT)] == [
        ("erase_person", (f"erasure/{asked['id']}",))
    ]


def test_the_suppression_is_there_before_anything_is_queued(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    api.post("erase", issuer.user("Admin"), json={"address": CONTACT})
    writes = storage.faults.writes
    assert writes.index("Organisations.put") < writes.index("CommandQueue.send")
    assert len(storage.organisations.rows[TENANT].erased) == 1
    assert "erased" not in api.get("organisation", issuer.user("Admin")).json()


def test_settings_do_not_lift_a_suppression(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    admin = issuer.user("Admin")
    api.post("erase", admin, json={"address": CONTACT})
    api.put("organisation", admin, json={"name": "Contoso Estates"})
    assert len(storage.organisations.rows[TENANT].erased) == 1


def test_a_colleagues_address_is_refused_with_a_sentence(api: Api, issuer: Issuer) -> None:
    answer = api.post("erase", issuer.user("Admin"), json={"address": "ann@contoso.example"})
    assert answer.status_code == 422
    assert "Remove the mailbox instead" in answer.json()["detail"]


def test_an_erasure_that_is_none_is_not_found(api: Api, issuer: Issuer) -> None:
    assert api.get("erase/ffff", issuer.user("Admin")).status_code == 404


def test_an_admin_deletes_the_own_organisation_by_naming_it(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    admin = issuer.user("Admin")
    assert api.delete("organisation", admin).status_code == 422
    answer = api.delete(f"organisation?confirm={TENANT}", admin)
    assert (answer.status_code, answer.json()["state"]) == (202, "deleting")
    assert api.get("organisation", admin).status_code == 403
    assert storage.organisations.rows[TENANT].deleting


def test_the_operator_deletes_it_and_hears_when_it_is_done(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    operator = issuer.app("Operator", tenant=HOME)
    path = f"organisation?confirm={TENANT}"
    assert api.delete(path, operator, headers=OPERATED).json()["state"] == "deleting"
    put = api.put("organisation", operator, headers=OPERATED, json={"enabled": True})
    assert put.status_code == 409
    assert "is being deleted" in put.json()["detail"]
    del storage.organisations.rows[TENANT]
    [row] = storage.erasures.deletions.values()
    assert row.at == NOW
    assert api.delete(path, operator, headers=OPERATED).json()["asked_at"] == "2026-03-02T09:00:00Z"
    assert len(storage.audit.of(TENANT)) == 1, "a row of the second request would stay for good"


def test_a_deletion_that_is_asked_for_again_is_audited_once(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    operator = issuer.app("Operator", tenant=HOME)
    for _ in range(2):
        assert api.delete(f"organisation?confirm={TENANT}", operator, headers=OPERATED).status_code == 202
    assert [row.what for row in storage.audit.of(TENANT)] == ["delete_organisation"]


def test_a_card_of_an_erased_person_is_refused_with_a_sentence(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    admin = issuer.user("Admin")
    api.post("erase", admin, json={"address": CONTACT})
    other = {"kind": "contact", "id": "C-8", "addresses": ["li@fabrikam.example"]}
    card = {"kind": "contact", "id": "C-9", "addresses": [CONTACT.upper()]}
    refused = api.put("records/contact/C-9", admin, json={"addresses": card["addresses"]})
    assert (refused.status_code, "was erased here" in refused.json()["detail"]) == (422, True)
    assert CONTACT not in refused.text.lower()
    loaded = api.post("records", admin, json=[other, card]).json()
    assert [(line["line"], line["status"]) for line in loaded["results"]] == [(1, "written"), (2, "refused")]
    assert [ref.id for _, ref in storage.records.rows] == ["C-8"]
