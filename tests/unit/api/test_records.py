"""Records over HTTP: one at a time, a thousand lines at once, and a staff address on a card."""

import json
from typing import Any

import pytest

from shared.domain.errors import Throttled, Unavailable
from tests.builders import AGENT, CONTACT, TENANT, a_record
from tests.fakes import FakeStorage
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import Api


def lines(*rows: Any) -> bytes:
    return b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in rows)


def test_a_record_is_created_replaced_read_and_deleted(api: Api, issuer: Issuer) -> None:
    token = issuer.app("Service")
    body = {"name": "Bo", "addresses": ["Bo@Fabrikam.Example"], "client": "CL-7"}
    created = api.put("records/contact/C-1", token, json=body)
    assert created.status_code == 201
    assert created.json()["addresses"] == ["bo@fabrikam.example"]
    replaced = api.put("records/contact/C-1", token, json={"name": "Bo Byer", "client": None})
    assert (replaced.status_code, replaced.json()["addresses"]) == (200, [])
    read = api.get("records/contact/C-1", token).json()
    assert (read["kind"], read["id"], read["name"], read["origin"]) == ("contact", "C-1", "Bo Byer", "crm")
    assert api.delete("records/contact/C-1", token).status_code == 204
    assert api.get("records/contact/C-1", token).status_code == 404
    assert api.delete("records/contact/C-1", token).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("records/contact/C-1", {"adresses": []}, "adresses"),
        ("records/contact/C-1", {"addresses": "bo@fabrikam.example"}, "addresses"),
        ("records/contact/C-1", {"addresses": ["no address"]}, "no address"),
        ("records/client/CL-1", {"addresses": []}, "addresses"),
        ("records/contact/C-1", {"status": "lost"}, "status"),
        ("records/contact/C-1", ["a"], "body"),
        ("records/spaceship/1", {}, "spaceship"),
        ("records/contact/a%20b", {}, "record id"),
    ],
)
def test_a_mistake_is_named(api: Api, issuer: Issuer, path: str, body: Any, word: str) -> None:
    answer = api.put(path, issuer.app("Service"), json=body)
    assert answer.status_code == 422
    assert word in answer.json()["detail"]


@pytest.mark.parametrize("address", [AGENT, "Somebody.Else@contoso.example", "x@mail.contoso.example"])
def test_a_card_with_a_staff_address_is_refused(
    api: Api, issuer: Issuer, storage: FakeStorage, address: str
) -> None:
    answer = api.put("records/contact/C-1", issuer.app("Service"), json={"addresses": [address]})
    assert answer.status_code == 422
    assert "expose colleagues' mail" in answer.json()["detail"]
    assert storage.records.rows == {}


def test_an_alias_registered_by_a_mailbox_is_a_staff_address_too(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    storage.index.put_staff(TENANT, "m", ["ann@brand.example"])
    body = {"addresses": ["ann@brand.example"]}
    assert api.put("records/contact/C-1", issuer.app("Service"), json=body).status_code == 422


def test_a_bad_line_harms_no_other(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    body = lines(
        {"kind": "contact", "id": "C-1", "addresses": [CONTACT]},
        b"{broken",
        b"",
        b"\xff\xfe",
        b"[" * 50_000,
        [1],
        {"kind": "contact"},
        {"kind": "contact", "id": "C-2", "addresses": [AGENT]},
        {"kind": "contact", "id": "C/3"},
        {"kind": "contact", "id": "C-4", "colour": "red"},
        b'{"kind":"contact","id":"C-5","name":"\\ud800"}',
        {"kind": "client", "id": "CL-1", "domains": ["fabrikam.example"]},
    )
    answer = api.post("records", issuer.app("Service"), content=body)
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [one["line"] for one in results if one["status"] == "written"] == [1, 12]
    assert [one["line"] for one in results if one["status"] == "refused"] == [2, 4, 5, 6, 7, 8, 9, 10, 11]
    assert (answer.json()["written"], answer.json()["refused"]) == (2, 9)
    assert all(one["detail"] for one in results if one["status"] == "refused")
    assert "colleagues' mail" in next(one["detail"] for one in results if one["id"] == "C-2")
    assert sorted(str(ref) for _, ref in storage.records.rows) == ["client/CL-1", "contact/C-1"]


def test_loading_twice_is_loading_once_and_the_last_line_stands(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    body = lines(*({"kind": "contact", "id": "C-1", "name": name} for name in ("first", "last")))
    first = api.post("records", issuer.app("Service"), content=body).json()
    second = api.post("records", issuer.app("Service"), content=body).json()
    assert first == second
    assert [one.name for one in storage.records.rows.values()] == ["last"]


def test_a_thousand_lines_go_and_one_more_does_not(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    rows = [{"kind": "property", "id": f"P-{number}"} for number in range(1_001)]
    refused = api.post("records", issuer.app("Service"), content=lines(*rows))
    assert refused.status_code == 422
    assert "1,000" in refused.json()["detail"]
    assert api.post("records", issuer.app("Service"), content=lines(*rows[1:])).json()["written"] == 1_000
    assert storage.faults.writes.count("Records.write") == 1


def test_a_body_over_the_limit_is_refused(api: Api, issuer: Issuer) -> None:
    answer = api.post("records", issuer.app("Service"), content=b" " * (16 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


def test_records_are_listed_over_all_kinds_page_by_page(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    refs = ["contact/C-1", "contact/C-2", "property/P-1", "client/CL-1", "case/K-1", "case/K-2"]
    storage.records.put_many(TENANT, [a_record(one) for one in refs])
    for limit in (1, 2, 3, 4, 200):
        seen: list[str] = []
        cursor = ""
        while cursor is not None:
            page = api.get("records", issuer.app("Service"), params={"limit": limit, "cursor": cursor}).json()
            seen += [f"{one['kind']}/{one['id']}" for one in page["records"]]
            cursor = page["cursor"]
        assert seen == refs
    cases = api.get("records?kind=case&q=k-2", issuer.app("Service")).json()["records"]
    assert [one["id"] for one in cases] == ["K-2"]


@pytest.mark.parametrize("cursor", ["eA", "c3BhY2VzaGlwLzE", "____"])
def test_a_cursor_from_elsewhere_is_refused(api: Api, issuer: Issuer, cursor: str) -> None:
    assert api.get("records", issuer.app("Service"), params={"cursor": cursor}).status_code == 422


def test_a_busy_storage_is_answered_with_when_to_come_back(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    storage.faults.named["Records.get"] = Throttled("busy: account x", 7.2)
    answer = api.get("records/contact/C-1", issuer.app("Service"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "8")
    assert "account x" not in answer.text
    storage.faults.named["Records.get"] = Unavailable("down")
    assert api.get("records/contact/C-1", issuer.app("Service")).headers["retry-after"] == "1"
