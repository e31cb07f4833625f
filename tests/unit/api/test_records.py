"""Records over HTTP: one at a time, a thousand lines at once, and a staff address on a card."""

import json
import tracemalloc
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.commands.commands import MergeRecords
from shared.domain.errors import Throttled, Unavailable
from shared.domain.records.records import RecordRef
from tests.builders import AGENT, CONTACT, NOW, TENANT, a_mailbox, a_record
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


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson", "text/plain"])
def test_a_load_may_be_one_json_array_with_nulls_for_what_is_not_set(
    api: Api, issuer: Issuer, storage: FakeStorage, content_type: str
) -> None:
    contact = {"kind": "contact", "id": "C-7", "name": "Bo", "summary": None, "status": None, "domains": None}
    body = json.dumps([contact, {"kind": "client"}, 5])
    headers = {"content-type": content_type}
    answer = api.post("records", issuer.app("Service"), content=body, headers=headers).json()
    assert [(line["line"], line["status"]) for line in answer["results"]] == [
        (1, "written"),
        (2, "refused"),
        (3, "refused"),
    ]
    assert storage.records.get(TENANT, RecordRef("contact", "C-7")) is not None


@pytest.mark.parametrize(
    "body",
    [
        "[",
        '[{"kind": "contact"',
        "[" * 100_000,
        "[{},]",
        "[{} {}]",
        "[{}] x",
        "[,]",
        f'[{{"id": "{"x" * (1024 * 1024)}"}}]',
    ],
)
def test_a_broken_array_is_refused_with_a_sentence(api: Api, issuer: Issuer, body: str) -> None:
    answer = api.post("records", issuer.app("Service"), content=body)
    sentence = "The body is not a JSON array, or an item of it exceeds 1 MiB."
    assert (answer.status_code, answer.json()["detail"]) == (422, sentence)


@pytest.mark.parametrize(
    "body", ["[]", " [ ] ", '[{"kind": "contact", "id": "C-7"\n,\r\n\t"name": "a\u2028b"}]\n']
)
def test_an_array_may_have_white_space_wherever_json_has_it(
    api: Api, issuer: Issuer, storage: FakeStorage, body: str
) -> None:
    answer = api.post("records", issuer.app("Service"), content=body.encode()).json()
    assert (answer["refused"], answer["written"]) == (0, body.count("kind"))
    assert [row.name for row in storage.records.rows.values()] == ["a\u2028b"] * body.count("kind")


@pytest.mark.parametrize("item", ["[]", "{}", "0"])
def test_an_array_of_millions_is_refused_before_it_fills_the_memory(
    api: Api, issuer: Issuer, item: str
) -> None:
    body = f"[{','.join([item] * 5_000_000)}]"
    tracemalloc.start()
    try:
        answer = api.post("records", issuer.app("Service"), content=body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (answer.status_code, "1,000" in answer.json()["detail"]) == (422, True)
    assert peak < 10 * len(body)


def test_a_line_that_is_longer_than_any_record_is_refused_alone(api: Api, issuer: Issuer) -> None:
    long = f'{{"kind": "property", "id": "P-1", "summary": "{"x" * (1024 * 1024)}"}}'
    body = f'{long}\n{{"kind": "property", "id": "P-2"}}'
    found = api.post("records", issuer.app("Service"), content=body).json()["results"]
    assert [(line["status"], "1 MiB" in (line["detail"] or "")) for line in found] == [
        ("refused", True),
        ("written", False),
    ]


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


def test_contacts_are_merged_and_the_one_that_goes_points_to_the_other(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    token = issuer.app("Service")
    for number in (1, 2):
        api.put(f"records/contact/C-{number}", token, json={"addresses": [f"p{number}@fabrikam.example"]})
    for _ in range(2):
        answer = api.post("records/contact/C-1/merge", token, json={"into": "C-2"})
        assert answer.status_code == 200
        assert answer.json()["addresses"] == ["p2@fabrikam.example", "p1@fabrikam.example"]
    pointer = api.get("records/contact/C-1", token).json()
    assert (pointer["merged_into"], pointer["addresses"]) == ("C-2", [])
    timeline = api.get("timelines/contact/C-1", token)
    assert timeline.status_code == 404
    assert "contact/C-2" in timeline.json()["detail"]
    assert len(storage.queue.take(MergeRecords)) == 2


def test_a_pointer_is_not_written_over_be_it_alone_or_in_a_load(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    token = issuer.app("Service")
    storage.records.put_many(TENANT, [a_record("contact/C-1", addresses=(), merged_into="C-2")])
    assert "C-2" in api.put("records/contact/C-1", token, json={"name": "x"}).json()["detail"]
    rows = [{"kind": "contact", "id": f"X-{n}"} for n in range(40)]
    answer = api.post("records", token, content=lines(*rows, {"kind": "contact", "id": "C-1"})).json()
    assert (answer["written"], answer["refused"]) == (40, 1)
    assert "was merged into contact/C-2" in answer["results"][-1]["detail"]
    assert api.delete("records/contact/C-1", token).status_code == 204
    assert api.put("records/contact/C-1", token, json={"name": "x"}).status_code == 201


def test_a_record_opened_here_is_listed_and_takes_the_crms_id(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    token = issuer.app("Service")
    opened = [
        a_record(
            f"opportunity/pl-{n}",
            origin="postledger",
            opened_at=NOW + timedelta(minutes=n),
            contacts=("C-1",),
        )
        for n in range(3)
    ]
    storage.records.put_many(TENANT, [*opened, a_record("opportunity/O-1")])
    page = api.get("records", token, params={"origin": "postledger", "limit": 2}).json()
    rest = api.get("records", token, params={"origin": "postledger", "cursor": page["cursor"]}).json()
    assert [one["id"] for one in (*page["records"], *rest["records"])] == ["pl-0", "pl-1", "pl-2"]
    later = {"origin": "postledger", "since": "2026-03-02T09:02:00Z", "kind": "opportunity"}
    assert [one["id"] for one in api.get("records", token, params=later).json()["records"]] == ["pl-2"]
    renamed = api.post("records/opportunity/pl-2/rename", token, json={"id": "OPP-7"})
    assert renamed.status_code == 200
    assert (renamed.json()["id"], renamed.json()["origin"]) == ("OPP-7", "postledger")
    assert [one["id"] for one in api.get("records", token, params=later).json()["records"]] == ["OPP-7"]
    put = api.put("records/opportunity/OPP-7", token, json={"name": "From the CRM"}).json()
    assert (put["origin"], put["opened_at"], put["name"]) == (
        "postledger",
        "2026-03-02T09:02:00Z",
        "From the CRM",
    )
    assert api.get("records/opportunity/pl-2", token).json()["merged_into"] == "OPP-7"
    assert (
        api.post("records/opportunity/pl-2/rename", token, json={"id": "OPP-7"}).json()["name"]
        == "From the CRM"
    )


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("records/opportunity/O-1/rename", {"id": "O-2"}, 422),
        ("records/opportunity/none/rename", {"id": "O-2"}, 404),
        ("records/contact/C-1/merge", {"into": "a b"}, 422),
        ("records/contact/none/merge", {"into": "C-1"}, 404),
    ],
)
def test_what_cannot_be_renamed_or_merged_is_refused(
    api: Api, issuer: Issuer, storage: FakeStorage, path: str, body: Any, status: int
) -> None:
    storage.records.put_many(TENANT, [a_record("opportunity/O-1"), a_record("contact/C-1")])
    assert api.post(path, issuer.app("Service"), json=body).status_code == status


@pytest.mark.parametrize("query", ["since=2026-03-02T09:00:00Z", "origin=postledger&q=x", "origin=crm"])
def test_a_list_that_cannot_be_had_is_refused(api: Api, issuer: Issuer, query: str) -> None:
    assert api.get(f"records?{query}", issuer.app("Service")).status_code == 422


def test_a_client_keeps_its_overrides(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    storage.mailboxes.save(a_mailbox(mailbox_id="9" * 32, address="desk@contoso.example"))
    token = issuer.app("Service")
    body: dict[str, Any] = {
        "domains": ["fabrikam.example"],
        "overrides": {"from_address": "Desk@contoso.example"},
    }
    body["overrides"]["from_addresses"] = {"lease": "*sales_mailboxes*"}
    api.put("records/client/K-1", token, json=body)
    said = api.get("records/client/K-1", token).json()["overrides"]
    assert said == {
        "from_address": "desk@contoso.example",
        "from_addresses": {"quotation": None, "lease": "*sales_mailboxes*"},
        "hide_email_chain": None,
        "file_thread": None,
    }


def test_a_client_domain_that_is_nobodys_harms_no_other_line(api: Api, issuer: Issuer) -> None:
    body = lines(
        {"kind": "client", "id": "K-1", "domains": ["gmail.com"]},
        {"kind": "client", "id": "K-2", "domains": ["fabrikam.example"]},
    )
    results = api.post("records", issuer.app("Service"), content=body).json()["results"]
    assert [one["status"] for one in results] == ["refused", "written"]
    assert "free-mail" in results[0]["detail"]


CHOICE = {"kind", "id", "name", "summary", "status", "client", "type"}


def test_an_agent_looks_records_up_and_sees_what_is_needed_to_choose(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    storage.records.put_many(
        TENANT,
        [
            a_record("contact/C-1", name="Bo Byer", client="CL-7", addresses=(CONTACT,)),
            a_record("contact/C-2", name="Bo Old", merged_into="C-1", addresses=()),
            a_record("opportunity/O-1", name="Loft", summary="Loft of Bo", addresses=(), details="secret"),
        ],
    )
    answer = api.get("records?q=bo", issuer.user("Agent"))
    assert answer.status_code == 200
    found = answer.json()["records"]
    assert [record["id"] for record in found] == ["C-1", "O-1"]
    assert [set(record) for record in found] == [CHOICE, CHOICE]
    assert (found[0]["name"], found[0]["client"], answer.json()["cursor"]) == ("Bo Byer", "CL-7", None)
    of_kind = api.get("records?kind=opportunity&q=loft", issuer.user("Agent")).json()["records"]
    assert [record["id"] for record in of_kind] == ["O-1"]


def test_an_agent_finds_no_contact_by_its_address(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    storage.records.put_many(TENANT, [a_record("contact/C-1", name="Bo", addresses=(CONTACT,))])
    path = f"records?kind=contact&q={CONTACT}"
    assert api.get(path, issuer.user("Agent")).json() == {"records": [], "cursor": None}
    for token in (issuer.user("Admin"), issuer.user("Agent", "Admin"), issuer.app("Service")):
        assert [record["addresses"] for record in api.get(path, token).json()["records"]] == [[CONTACT]]


def test_an_agent_reads_no_whole_record_and_no_other_list(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    storage.records.put_many(TENANT, [a_record("contact/C-1")])
    token = issuer.user("Agent")
    assert api.get("records/contact/C-1", token).status_code == 403
    for query in (
        "origin=postledger",
        "origin=postledger&since=2026-03-02T09:00:00Z",
        "since=2026-03-02T09:00:00Z",
    ):
        assert api.get(f"records?{query}", token).status_code == 403
