"""Mail is asked for over HTTP: answered once, refused with a sentence, followed in the outbox."""

from typing import Any

import pytest

from shared.domain.mail import codes
from shared.domain.privacy.audit import AuditRow
from shared.domain.sending import transitions
from shared.domain.sending.outbox import Problem
from tests.builders import (
    AGENT,
    CODE_KEYS,
    CONTACT,
    NOW,
    TENANT,
    a_copy,
    a_document,
    a_record,
    a_stored_message,
    an_organisation,
    rewrite,
)
from tests.fakes import FakePorts
from tests.unit.api.tokens import OTHER, Issuer
from tests.unit.api.wiring import Api

OID = "0a0a0a0a-0000-4000-8000-00000000000a"
MAIL = {
    "to": [{"name": "Bo Byer", "address": CONTACT}],
    "subject": "Viewing on Thursday",
    "html": "<p>Thursday at four?</p>",
    "records": [{"kind": "property", "id": "P-1"}],
}


@pytest.fixture
def storage(storage: FakePorts) -> FakePorts:
    """Ann has a mailbox; there is a contact, and a property to send for."""
    rewrite(storage.mailboxes, next(iter(storage.mailboxes.of(TENANT))), agent_id=OID)
    storage.records.put_many(
        TENANT, [a_record("contact/C-1", addresses=(CONTACT,)), a_record("property/P-1")]
    )
    return storage


@pytest.fixture
def token(issuer: Issuer) -> str:
    return issuer.user("Agent", preferred_username=AGENT, oid=OID)


def send(api: Api, token: str, key: str = "key-1", path: str = "messages", **changes: Any) -> Any:
    body = {**MAIL, **changes}
    given = {name: value for name, value in body.items() if value is not None}
    return api.post(path, token, json=given, headers={"Idempotency-Key": key})


def asked(storage: FakePorts) -> list[AuditRow]:
    return [row for row in storage.audit.rows.values() if row.what == "send_message"]


def test_a_mail_is_taken_with_its_code_and_why_it_leaves_from_there(api: Api, token: str) -> None:
    answer = send(api, token)
    assert answer.status_code == 202, answer.text
    taken = answer.json()
    [code] = codes.find(taken["subject"], CODE_KEYS, TENANT).codes
    assert taken["subject"] == f"Viewing on Thursday [{code.text}]"
    assert (taken["code"], taken["state"], taken["from"], taken["from_rule"]) == (
        code.text,
        "queued",
        AGENT,
        "own",
    )
    assert taken["from_why"].endswith(".")


def test_a_key_is_required_and_answers_alike(api: Api, token: str, storage: FakePorts) -> None:
    missing = api.post("messages", token, json=MAIL)
    assert (missing.status_code, "Idempotency-Key" in missing.json()["detail"]) == (422, True)
    first, again = send(api, token), send(api, token)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(storage.outbox.rows) == 1
    other = send(api, token, subject="Another")
    assert other.status_code == 409
    assert len(asked(storage)) == 1


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"to": []}, "Nobody would get the mail"),
    ({"to": [{"address": "nobody"}]}, "no e-mail address"),
    ({"to": [{"address": "jörg@fabrikam.example"}]}, "not ASCII"),
    ({"to": [{"address": "=?utf-8?q?a?=@fabrikam.example"}]}, "no e-mail address"),
    ({"to": [{"address": AGENT}]}, "of the organisation"),
    ({"to": [{"address": "secret@adatum.example"}]}, "may not be written to"),
    ({"records": [{"kind": "project", "id": "P-9"}]}, "no record project/P-9"),
    ({"records": None, "to": [{"address": "li@tailspin.example"}]}, "on no timeline"),
    ({"html": "<p>Hi</p><script>x()</script>"}, "<script>"),
    ({"html": "", "text": " "}, "says nothing"),
    ({"attachments": [{"upload_id": "0f" * 16}]}, "no complete file"),
    ({"attachments": [{"upload_id": "a", "message_id": "b"}]}, "upload_id"),
    ({"send_at": "2040-01-01T00:00:00Z"}, "days ahead"),
    ({"purpose": "No Purpose!"}, "purpose"),
]


@pytest.mark.parametrize(("changes", "sentence"), REFUSED, ids=[sentence for _, sentence in REFUSED])
def test_what_cannot_be_sent_is_refused_before_the_queue(
    api: Api, token: str, storage: FakePorts, changes: dict[str, Any], sentence: str
) -> None:
    storage.organisations.change(an_organisation(never_log=("adatum.example",)))
    answer = send(api, token, **changes)
    assert answer.status_code == 422, answer.text
    assert sentence in answer.json()["detail"]
    assert answer.json()["detail"].endswith(".")
    assert (storage.outbox.rows, storage.codes.rows) == ({}, {})


def test_a_colleague_s_mailbox_is_forbidden_and_a_paused_one_is_told(
    api: Api, issuer: Issuer, token: str, storage: FakePorts
) -> None:
    boss = issuer.user("Admin", preferred_username="boss@contoso.example", oid="b0")
    assert send(api, boss, **{"from": AGENT}).status_code == 403
    assert send(api, boss, agent=AGENT).status_code == 403
    none = send(api, boss)
    assert none.status_code == 422
    crm = issuer.app("Service")
    assert send(api, crm).status_code == 422
    assert send(api, crm, agent=AGENT).json()["from"] == AGENT
    rewrite(storage.mailboxes, next(iter(storage.mailboxes.of(TENANT))), enabled=False)
    paused = send(api, token, key="key-2")
    assert (paused.status_code, "paused" in paused.json()["detail"]) == (409, True)


def test_the_audit_says_who_asked_and_for_whom(api: Api, issuer: Issuer, storage: FakePorts) -> None:
    taken = send(api, issuer.app("Service"), agent=AGENT).json()
    assert [(row.by[:4], row.subjects) for row in asked(storage)] == [
        ("app:", (f"outbox/{taken['outbox_id']}", f"agent/{OID}"))
    ]


def test_the_outbox_tells_every_step(api: Api, token: str) -> None:
    taken = send(api, token, bcc=[{"address": "blind@fabrikam.example"}]).json()
    mail = api.get(f"outbox/{taken['outbox_id']}", token).json()
    assert [(step["what"], step["detail"]) for step in mail["steps"]] == [("queued", "")]
    assert (mail["state"], mail["from_why"], mail["message_id"], mail["error"]) == (
        "queued",
        taken["from_why"],
        None,
        None,
    )
    assert {"kind": "property", "id": "P-1"} in mail["records"]
    assert mail["bcc"][0]["address"] == "blind@fabrikam.example"
    assert api.get("outbox", token).json()["items"] == [mail]
    assert api.get("outbox?state=failed", token).json()["items"] == []
    assert api.get("outbox?state=nothing", token).status_code == 422


def test_only_the_sender_sees_a_bcc(api: Api, issuer: Issuer, token: str) -> None:
    taken = send(api, token, bcc=[{"address": "blind@fabrikam.example"}]).json()
    path = f"outbox/{taken['outbox_id']}"
    boss = issuer.user("Admin", preferred_username="boss@contoso.example", oid="b0")
    assert api.get(path, boss).json()["bcc"] == []
    ben = issuer.user("Agent", preferred_username="ben@contoso.example", oid="be")
    for stranger in (ben, issuer.app("Service"), issuer.user("Admin", tenant=OTHER)):
        assert api.get(path, stranger).status_code == 404
        assert api.delete(path, stranger).status_code == 404
        assert api.post(f"{path}/retry", stranger).status_code == 404
        assert api.get("outbox", stranger).json()["items"] == []


def test_a_mail_that_has_not_left_is_cancelled_and_may_be_retried(
    api: Api, token: str, storage: FakePorts
) -> None:
    taken = send(api, token, send_at="2026-03-05T09:00:00Z").json()
    path = f"outbox/{taken['outbox_id']}"
    assert api.get(path, token).json()["send_at"] == "2026-03-05T09:00:00Z"
    assert api.delete(path, token).status_code == 204
    assert api.get(path, token).json()["state"] == "cancelled"
    assert api.delete(path, token).status_code == 409
    assert api.post(f"{path}/retry", token).json()["state"] == "queued"
    assert api.post(f"{path}/retry", token).status_code == 409


def test_why_a_mail_failed_stands_in_the_outbox(api: Api, token: str, storage: FakePorts) -> None:
    taken = send(api, token).json()
    row = storage.outbox.rows[TENANT, taken["outbox_id"]]
    storage.outbox.save(transitions.failed(NOW, Problem("ErrorSendAsDenied", "It may not."))(row))
    mail = api.get(f"outbox/{taken['outbox_id']}", token).json()
    assert mail["error"] == {"code": "ErrorSendAsDenied", "detail": "It may not."}
    assert (mail["state"], mail["steps"][-1]["detail"]) == ("failed", "It may not.")


def test_a_mail_that_has_left_is_found_among_the_messages_whatever_its_copy_is_called(
    api: Api, token: str, storage: FakePorts
) -> None:
    taken = send(api, token).json()
    row = storage.outbox.rows[TENANT, taken["outbox_id"]]
    stored = a_stored_message()
    storage.messages.create(TENANT, stored, a_document(), a_copy())
    storage.outbox.save(transitions.confirmed(NOW, message_key=stored.key)(row))
    assert api.get(f"outbox/{taken['outbox_id']}", token).json()["message_id"] == stored.key


def test_a_preview_says_what_would_leave_and_writes_nothing(api: Api, token: str, storage: FakePorts) -> None:
    storage.faults.clear()
    shown = api.post("messages/preview", token, json=MAIL).json()
    assert (shown["from"], shown["from_rule"], shown["refused"]) == (AGENT, "own", [])
    assert shown["subject"] == "Viewing on Thursday [PL-......-....]"
    assert (shown["html"], shown["text"]) == (MAIL["html"], "Thursday at four?")
    refused = api.post("messages/preview", token, json={**MAIL, "to": [], "html": ""}).json()["refused"]
    assert [reason["code"] for reason in refused] == ["no_recipient", "empty"]
    assert [write for write in storage.faults.writes if not write.startswith("Audit")] == []


def test_a_preview_without_a_mailbox_names_the_choices(api: Api, issuer: Issuer, storage: FakePorts) -> None:
    rewrite(storage.mailboxes, next(iter(storage.mailboxes.of(TENANT))), senders=("ben@contoso.example",))
    ben = issuer.user("Agent", preferred_username="ben@contoso.example", oid="be")
    shown = api.post("messages/preview", ben, json=MAIL).json()
    assert (shown["from"], shown["choices"]) == (None, [AGENT])
    assert [reason["code"] for reason in shown["refused"]] == ["from_choose"]


def test_a_file_comes_in_pieces_and_goes_along(api: Api, token: str, storage: FakePorts) -> None:
    begun = api.post(
        "uploads", token, json={"name": "plan.pdf", "content_type": "application/pdf", "size": 9}
    )
    assert begun.status_code == 201
    path = f"uploads/{begun.json()['id']}"
    first = api.put(f"{path}?offset=0", token, content=b"12345")
    assert (first.json()["received"], first.json()["complete"]) == (5, False)
    assert send(api, token, attachments=[{"upload_id": begun.json()["id"]}]).status_code == 422
    gap = api.put(f"{path}?offset=7", token, content=b"89")
    assert (gap.status_code, "begins at 5" in gap.json()["detail"]) == (409, True)
    assert api.put(f"{path}?offset=0", token, content=b"12345").json()["received"] == 5
    assert api.put(f"{path}?offset=5", token, content=b"67890").status_code == 422
    assert api.put(f"{path}?offset=5", token, content=b"6789").json()["complete"] is True
    taken = send(api, token, attachments=[{"upload_id": begun.json()["id"]}]).json()
    [file] = storage.outbox.rows[TENANT, taken["outbox_id"]].attachments
    assert (file.name, file.size) == ("plan.pdf", 9)
    assert b"".join(storage.uploads.read(TENANT, file.upload_id)) == b"123456789"


def test_the_limits_of_files_are_said(api: Api, issuer: Issuer, token: str) -> None:
    large = api.post("uploads", token, json={"name": "a.zip", "size": 150_000_001})
    assert (large.status_code, "150 MB" in large.json()["detail"]) == (422, True)
    path = f"uploads/{api.post('uploads', token, json={'name': 'a.zip', 'size': 10**8}).json()['id']}"
    piece = api.put(f"{path}?offset=0", token, content=bytes(8 * 1024 * 1024 + 1))
    assert (piece.status_code, "8 MiB" in piece.json()["detail"]) == (413, True)
    ben = issuer.user("Agent", preferred_username="ben@contoso.example", oid="be")
    assert api.put(f"{path}?offset=0", ben, content=b"1").status_code == 404
