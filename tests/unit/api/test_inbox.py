"""My Inbox and links by hand over HTTP: shapes, versions, and who may do what."""

from typing import Any

import pytest

from shared.domain.commands.commands import FileMessage
from shared.services.filing import read_inbox
from tests.builders import (
    AGENT,
    KEY,
    TENANT,
    a_copy,
    a_document,
    a_link,
    a_mailbox,
    a_record,
    a_stored_message,
    a_triaged_message,
    an_inbox_item,
    an_organisation,
)
from tests.fakes import FakeStorage
from tests.unit.api.tokens import OTHER, Issuer
from tests.unit.api.wiring import Api

LINK = {"records": [{"kind": "contact", "id": "C-1"}]}


@pytest.fixture
def waiting(storage: FakeStorage) -> FakeStorage:
    """A mail that waits for the agent, with a suggestion; a contact with a client."""
    suggestion = a_link("client/K-1", rule="domain", evidence="from buyer@fabrikam.example", score=60)
    message = a_triaged_message()
    storage.messages.create(TENANT, message, a_document(), a_copy())
    storage.inbox.put(TENANT, [an_inbox_item(at=message.at, suggestions=(suggestion,), has_attachments=True)])
    storage.records.put_many(TENANT, [a_record(client="K-1"), a_record("client/K-1", name="Fabrikam")])
    return storage


def items(api: Api, token: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("inbox", token).json()["items"]
    return found


def test_an_item_has_all_that_a_decision_needs(api: Api, issuer: Issuer, waiting: FakeStorage) -> None:
    [item] = items(api, issuer.user("Agent"))
    assert item["message_id"] == KEY
    assert item["from"] == {"name": "Buyer", "address": "buyer@fabrikam.example"}
    assert (item["subject"], item["mailbox"], item["has_attachments"]) == ("Viewing on Thursday", AGENT, True)
    assert (item["reason"], item["filed"]) == ("no_match", False)
    assert item["reason_text"] == "It waits here because no open record goes with it."
    assert item["suggestions"] == [
        {
            "kind": "client",
            "id": "K-1",
            "name": "Fabrikam",
            "rule": "domain",
            "evidence": "from buyer@fabrikam.example",
            "score": 60,
        }
    ]
    assert set(item) >= {"at", "preview", "etag"}


def test_it_is_filtered_by_mailbox_and_reason_and_counted(
    api: Api, issuer: Issuer, waiting: FakeStorage
) -> None:
    desk = waiting.mailboxes.save(
        a_mailbox(mailbox_id="ab" * 16, address="desk@contoso.example", agent=AGENT)
    )
    code = a_triaged_message(key="2" * 32)
    waiting.messages.create(TENANT, code, a_document(), a_copy(mailbox_id=desk.mailbox_id))
    row = {"at": code.at, "message_key": code.key, "mailbox_id": desk.mailbox_id, "reason": "claims_code"}
    waiting.inbox.put(TENANT, [an_inbox_item(**row)])
    token = issuer.user("Agent")

    def found(**params: str) -> list[str]:
        page = api.get("inbox", token, params=params).json()
        count = api.get("inbox/count", token, params=params).json()
        assert page["cursor"] is None
        assert count == {"count": len(page["items"]), "more": False}
        return [item["message_id"] for item in page["items"]]

    assert found() == sorted([KEY, code.key])
    assert found(mailbox=" Desk@Contoso.example") == found(reason="claims_code") == [code.key]
    assert found(mailbox=AGENT, reason="claims_code") == found(mailbox="none@contoso.example") == []
    assert api.get("inbox", token, params={"mailbox": "nobody"}).status_code == 422
    etag = api.get("inbox/count", token).headers["ETag"]
    assert api.get("inbox/count", token, headers={"If-None-Match": etag}).status_code == 304


def test_a_badge_counts_no_further_than_it_shows(
    api: Api, issuer: Issuer, waiting: FakeStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = a_triaged_message(key="2" * 32)
    waiting.messages.create(TENANT, message, a_document(), a_copy())
    waiting.inbox.put(TENANT, [an_inbox_item(at=message.at, message_key=message.key)])
    monkeypatch.setattr(read_inbox, "MOST_COUNTED", 1)
    assert api.get("inbox/count", issuer.user("Agent")).json() == {"count": 1, "more": True}


def test_it_is_polled_with_an_etag(api: Api, issuer: Issuer, waiting: FakeStorage) -> None:
    token = issuer.user("Agent")
    etag = api.get("inbox", token).headers["ETag"]
    assert api.get("inbox", token, headers={"If-None-Match": etag}).status_code == 304
    api.post(f"inbox/{KEY}/link", token, json=LINK)
    assert api.get("inbox", token, headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize(
    ("place", "if_match"),
    [("body", ""), ("nowhere", ""), *(("header", form) for form in ('"{}"', 'W/"{}"', '"other", "{}"', "*"))],
)
def test_a_mail_is_linked_and_queued(
    api: Api, issuer: Issuer, waiting: FakeStorage, place: str, if_match: str
) -> None:
    token = issuer.user("Agent")
    etag = items(api, token)[0]["etag"]
    body = {**LINK, **({"etag": etag} if place == "body" else {})}
    headers = {"If-Match": if_match.format(etag)} if place == "header" else {}
    answer = api.post(f"inbox/{KEY}/link", token, json=body, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["state"] == "filed"
    assert [(one["kind"], one["id"], one["rule"]) for one in answer.json()["links"]] == [
        ("client", "K-1", "by_hand"),
        ("contact", "C-1", "by_hand"),
    ]
    [command] = waiting.queue.commands
    assert isinstance(command, FileMessage)
    assert command.key == KEY
    assert items(api, token) == []
    assert api.post(f"inbox/{KEY}/link", token, json=body, headers=headers).status_code == 200


def test_an_outdated_version_is_refused_with_a_sentence(
    api: Api, issuer: Issuer, waiting: FakeStorage
) -> None:
    answer = api.post(f"inbox/{KEY}/link", issuer.user("Agent"), json={**LINK, "etag": "0" * 32})
    assert answer.status_code == 412
    assert "Read My Inbox again" in answer.json()["detail"]
    assert waiting.inbox.pending == {}


def test_who_comes_second_is_told(api: Api, issuer: Issuer, waiting: FakeStorage) -> None:
    waiting.mailboxes.save(
        a_mailbox(mailbox_id="ab" * 16, address="desk@contoso.example", agent_id="somebody-else")
    )
    first = api.post(f"inbox/{KEY}/link", issuer.user("Agent"), json=LINK)
    assert first.status_code == 200
    waiting.messages.add_copy(TENANT, KEY, a_copy(mailbox_id="ab" * 16))
    second = issuer.user("Agent", oid="somebody-else")
    answer = api.post(f"inbox/{KEY}/note", second, json={"client": "K-1"})
    assert answer.status_code == 412
    assert "Somebody else was faster" in answer.json()["detail"]


def test_a_second_thought_is_409(api: Api, issuer: Issuer, waiting: FakeStorage) -> None:
    token = issuer.user("Agent")
    api.post(f"inbox/{KEY}/link", token, json=LINK)
    answer = api.post(f"inbox/{KEY}/note", token, json={"client": "K-1"})
    assert answer.status_code == 409
    assert "Undo" in answer.json()["detail"]


def test_an_opportunity_is_opened(api: Api, issuer: Issuer, waiting: FakeStorage) -> None:
    body = {"kind": "opportunity", "name": "Kitchen", "contacts": ["C-1"]}
    answer = api.post(f"inbox/{KEY}/opportunity", issuer.user("Agent"), json=body)
    assert answer.status_code == 200
    assert {(one["kind"], one["id"]) for one in answer.json()["links"]} == {
        ("opportunity", f"pl-{KEY[:20]}"),
        ("contact", "C-1"),
        ("client", "K-1"),
    }


def test_a_note_goes_to_the_suggested_client_unless_another_is_named(
    api: Api, issuer: Issuer, waiting: FakeStorage
) -> None:
    answer = api.post(f"inbox/{KEY}/note", issuer.user("Agent"), json={"client": "K-404"})
    assert answer.status_code == 422
    assert "client/K-404" in answer.json()["detail"]
    answer = api.post(f"inbox/{KEY}/note", issuer.user("Agent"), json={})
    assert [(one["kind"], one["id"]) for one in answer.json()["links"]] == [("client", "K-1")]


def test_only_an_admin_deletes(api: Api, issuer: Issuer, waiting: FakeStorage) -> None:
    assert api.delete(f"inbox/{KEY}", issuer.user("Agent")).status_code == 403
    admin = issuer.user("Admin")
    assert api.delete(f"inbox/{KEY}", admin).status_code == 204
    assert api.get(f"messages/{KEY}", admin).status_code == 404
    assert api.delete(f"inbox/{KEY}", admin).status_code == 204
    answer = api.post(f"inbox/{KEY}/undo", admin)
    assert answer.status_code == 409
    assert "cannot be brought back" in answer.json()["detail"]


def test_a_decision_is_undone(api: Api, issuer: Issuer, waiting: FakeStorage) -> None:
    token = issuer.user("Agent")
    api.post(f"inbox/{KEY}/link", token, json=LINK)
    answer = api.post(f"inbox/{KEY}/undo", token)
    assert (answer.status_code, answer.json()["state"]) == (200, "triage")
    assert len(items(api, token)) == 1
    meanwhile = api.post(f"inbox/{KEY}/link", token, json=LINK)
    assert (meanwhile.status_code, meanwhile.headers["retry-after"]) == (409, "5")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("link", {}),
        ("link", {"records": []}),
        ("link", {"records": [{"kind": "invoice", "id": "1"}]}),
        ("link", {"records": [{"kind": "contact", "id": "a/b"}]}),
        ("link", {**LINK, "colour": "red"}),
        ("opportunity", {"kind": "client"}),
        ("opportunity", {"kind": "project", "owner": "nobody"}),
        ("opportunity", {"kind": "project", "contacts": ["C-404"]}),
    ],
)
def test_what_is_wrong_is_said(
    api: Api, issuer: Issuer, waiting: FakeStorage, path: str, body: dict[str, Any]
) -> None:
    answer = api.post(f"inbox/{KEY}/{path}", issuer.user("Agent"), json=body)
    assert answer.status_code == 422, answer.text
    assert waiting.queue.sent == []


def test_another_agents_item_is_not_there(api: Api, issuer: Issuer, waiting: FakeStorage) -> None:
    stranger = issuer.user("Agent", "Admin", oid="x", preferred_username="x@contoso.example")
    assert items(api, stranger) == []
    for answer in (
        api.post(f"inbox/{KEY}/link", stranger, json=LINK),
        api.delete(f"inbox/{KEY}", stranger),
        api.post(f"inbox/{KEY}/undo", stranger),
        api.post(f"messages/{KEY}/links", stranger, json={"kind": "contact", "id": "C-1"}),
    ):
        assert answer.status_code == 404
    assert items(api, issuer.user("Agent", tenant=OTHER)) == []


def test_links_are_changed_by_hand(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    storage.organisations.change(an_organisation())
    storage.messages.create(TENANT, a_stored_message(), a_document(), a_copy())
    storage.records.put_many(TENANT, [a_record(), a_record("project/P-1")])
    token, path = issuer.app("Service"), f"messages/{KEY}/links"
    answer = api.post(path, token, json={"kind": "project", "id": "P-1"})
    assert [(one["id"], one["rule"]) for one in answer.json()["links"]] == [
        ("P-1", "by_hand"),
        ("C-1", "contact"),
    ]
    answer = api.delete(path, token, json={"kind": "contact", "id": "C-1"})
    assert [one["id"] for one in answer.json()["links"]] == ["P-1"]
    assert api.delete(path, token, json={"kind": "contact", "id": "C-404"}).status_code == 404
    assert api.post(path, token, json={"kind": "contact", "id": "C-404"}).status_code == 422
