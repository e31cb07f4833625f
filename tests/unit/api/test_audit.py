"""The audit: one row for each request that read or changed something, ids only, readable by an admin."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared import telemetry
from shared.api.audit import AUDITED_ELSEWHERE, READS
from shared.domain.errors import Unavailable
from shared.domain.privacy.audit import AuditRow
from tests.builders import HOME, KEY, NOW, TENANT, a_copy, a_document, a_record, a_stored_message
from tests.fakes import FakeStorage
from tests.security.served import every_operation
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import Api


def rows(storage: FakeStorage) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.what, one.by, one.subjects) for one in storage.audit.of(TENANT)]


def oid(issuer: Issuer) -> str:
    return str(issuer.claims(TENANT, ("Admin",))["oid"])


@pytest.fixture(autouse=True)
def stored(storage: FakeStorage) -> None:
    storage.records.put_many(TENANT, [a_record()])
    storage.messages.create(TENANT, a_stored_message(), a_document(), a_copy())
    storage.faults.clear()


def test_reading_mail_is_audited_with_who_and_what(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    admin = issuer.user("Admin")
    assert api.get("timelines/contact/C-1", admin).status_code == 200
    assert api.get(f"messages/{KEY}", admin).status_code == 200
    assert rows(storage) == [
        ("get_timeline", oid(issuer), ("contact/C-1",)),
        ("get_message", oid(issuer), (f"message/{KEY}",)),
    ]


def test_an_application_is_named_by_its_client_id(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    api.get("timelines/contact/C-1", issuer.app("Service"))
    [(_, by, _)] = rows(storage)
    assert by.startswith("app:")
    assert len(by) > 8


def test_a_bulk_load_is_one_row(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    lines = b"\n".join(json.dumps({"kind": "contact", "id": f"C-{n}"}).encode() for n in range(50))
    assert api.post("records", issuer.user("Admin"), content=lines).status_code == 200
    assert rows(storage) == [("load_records", oid(issuer), ())]


def test_a_mailboxs_address_is_kept_as_a_keyed_hash(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    api.delete("mailboxes/agent@contoso.example", issuer.user("Admin"))
    [(what, _, [subject])] = rows(storage)
    assert what == "delete_mailbox"
    assert subject.startswith("mailbox/")
    assert "agent@contoso.example" not in repr(storage.audit.rows)


def test_what_was_refused_leaves_no_row(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    assert api.get("messages/nothing", issuer.user("Admin")).status_code == 404
    assert api.get("audit", issuer.user("Agent")).status_code == 403
    assert api.put("organisation", issuer.user("Admin"), json={"enabled": False}).status_code == 403
    assert rows(storage) == []


def test_every_route_that_changes_something_is_audited(api: Api) -> None:
    """By being a change: the exceptions are those that a person's word on a mail leads to."""
    changing = {name for name, method, _ in every_operation() if method != "GET"}
    reading = {name for name, method, _ in every_operation() if method == "GET"}
    assert changing > AUDITED_ELSEWHERE
    assert reading > READS


def test_a_change_stands_when_its_row_cannot_be_written_and_an_alert_is_told(
    api: Api, issuer: Issuer, storage: FakeStorage, caplog: pytest.LogCaptureFixture
) -> None:
    storage.faults.named["Audit.append"] = Unavailable("storage is away")
    answer = api.put("records/contact/C-9", issuer.user("Admin"), json={"name": "Nine"})
    assert answer.status_code in (200, 201)
    assert any(ref.id == "C-9" for _, ref in storage.records.rows)
    assert telemetry.AUDIT_NOT_WRITTEN in caplog.text


def test_what_cannot_be_audited_is_not_read(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    storage.faults.named["Audit.append"] = Unavailable("storage is away")
    answer = api.get(f"messages/{KEY}", issuer.user("Admin"))
    assert answer.status_code == 503
    assert "Viewing" not in answer.text


def an_audit(storage: FakeStorage) -> None:
    for number in range(5):
        by = "ann" if number % 2 else "ben"
        subjects = (f"contact/C-{number}", f"message/{number}/attachment/0")
        row = AuditRow(str(number), NOW + timedelta(minutes=number), by, "get_timeline", subjects)
        storage.audit.append(TENANT, row)


def ids(answer: Any) -> list[str]:
    return [one["id"] for one in answer.json()["rows"]]


def test_pages_come_newest_first(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    an_audit(storage)
    admin = issuer.user("Admin")
    first = api.get("audit?limit=2&what=get_timeline", admin)
    second = api.get(f"audit?limit=9&what=get_timeline&cursor={first.json()['cursor']}", admin)
    assert (ids(first), ids(second)) == (["4", "3"], ["2", "1", "0"])
    assert second.json()["cursor"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("by=ann", ["3", "1"]),
        ("subject=contact/C-2", ["2"]),
        ("subject=message/4", ["4"]),
        ("subject=message/4/attachment/0", ["4"]),
        ("subject=contact/C", []),
        ("what=put_record", []),
    ],
)
def test_rows_are_found_by_who_what_and_about(
    api: Api, issuer: Issuer, storage: FakeStorage, query: str, found: list[str]
) -> None:
    an_audit(storage)
    assert ids(api.get(f"audit?{query}", issuer.user("Admin"))) == found


def test_the_whole_is_exported_as_a_json_object_a_line(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    an_audit(storage)
    answer = api.get("audit/export?by=ben", issuer.user("Admin"))
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert [json.loads(line)["id"] for line in answer.text.splitlines()] == ["4", "2", "0"]
    assert "export_audit" in [one[0] for one in rows(storage)]


def test_another_organisations_rows_are_not_shown(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    storage.audit.append(HOME, AuditRow("theirs", NOW, "eve", "get_message"))
    assert "theirs" not in api.get("audit/export", issuer.user("Admin")).text
