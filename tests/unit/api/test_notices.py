"""Notices over HTTP: listed, counted, opened and dismissed by their agent; with every other token there are none."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.builders import (
    KEY,
    TENANT,
    a_document,
    a_mailbox,
    a_notice,
    a_record,
    a_ref,
    a_stored_message,
    rewrite,
)
from tests.fakes import FakeStorage
from tests.unit.api.tokens import OTHER, Issuer
from tests.unit.api.wiring import Api

ANN = "aaaaaaaa-1111-4111-8111-111111111111"
BEN = "bbbbbbbb-1111-4111-8111-111111111111"


@pytest.fixture
def told(storage: FakeStorage) -> FakeStorage:
    """An answer to Ann on a contact, and one to Ben."""
    from tests.builders import a_copy

    storage.records.put_many(TENANT, [a_record(name="Bo Buyer")])
    storage.messages.create(TENANT, a_stored_message(key=KEY), a_document(), a_copy())
    storage.notices.add(TENANT, a_notice(agent=ANN))
    storage.notices.add(TENANT, a_notice(agent=BEN, message_key="0b" * 16))
    return storage


@pytest.fixture
def ann(issuer: Issuer) -> str:
    return issuer.user("Agent", oid=ANN)


def notice_id(storage: FakeStorage, agent: str = ANN) -> str:
    return storage.notices.of(TENANT, agent)[0].id


def count(api: Api, token: str) -> int:
    return int(api.get("notices", token).json()["count"])


def test_a_page_has_the_count_of_all_and_each_notice_with_its_records(
    api: Api, ann: str, told: FakeStorage
) -> None:
    for number in range(2, 5):
        told.notices.add(TENANT, a_notice(agent=ANN, message_key=f"{number:032x}", subject=f"{number}"))
    page = api.get("notices?limit=3", ann).json()
    assert page["count"] == 4
    assert [notice["subject"] for notice in page["notices"]] == ["4", "3", "2"]
    rest = api.get(f"notices?limit=3&cursor={page['cursor']}", ann).json()
    [notice] = rest["notices"]
    assert rest["cursor"] is None
    assert notice == {
        "id": notice["id"],
        "kind": "reply",
        "message_id": KEY,
        "answers": KEY[::-1],
        "at": "2026-03-02T09:00:00Z",
        "from": {"name": "Buyer", "address": "buyer@fabrikam.example"},
        "subject": "Re: Viewing on Thursday",
        "preview": "Thursday suits us.",
        "has_attachments": False,
        "records": [{"kind": "contact", "id": "C-1", "name": "Bo Buyer"}],
    }


def test_an_unchanged_list_is_a_304(api: Api, ann: str, told: FakeStorage) -> None:
    etag = api.get("notices", ann).headers["etag"]
    again = api.call("GET", "notices", ann, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    told.notices.add(TENANT, a_notice(agent=ANN, message_key="0c" * 16))
    assert api.call("GET", "notices", ann, headers={"If-None-Match": etag}).status_code == 200


def test_a_record_that_was_merged_is_shown_in_its_place_and_one_that_is_gone_is_not(
    api: Api, ann: str, told: FakeStorage
) -> None:
    told.records.put_many(TENANT, [a_record(merged_into="C-2"), a_record("contact/C-2", name="Bo")])
    [notice] = api.get("notices", ann).json()["notices"]
    assert notice["records"] == [{"kind": "contact", "id": "C-2", "name": "Bo"}]
    told.records.delete(TENANT, a_ref("contact/C-2"))
    assert api.get("notices", ann).json()["notices"][0]["records"] == []


def test_dismissed_it_is_gone_from_the_list_and_from_nowhere_else(
    api: Api, ann: str, told: FakeStorage
) -> None:
    before = repr(told.messages.rows), repr(told.timeline.rows), repr(told.inbox.rows)
    where = f"notices/{notice_id(told)}"
    assert [api.call("DELETE", where, ann).status_code for _ in range(2)] == [204, 204]
    assert count(api, ann) == 0
    assert (repr(told.messages.rows), repr(told.timeline.rows), repr(told.inbox.rows)) == before


def test_opened_it_answers_the_message_and_is_dismissed(api: Api, ann: str, told: FakeStorage) -> None:
    where = f"notices/{notice_id(told)}/open"
    opened = api.post(where, ann)
    assert opened.status_code == 200
    assert opened.json() == api.get(f"messages/{KEY}", ann).json()
    assert count(api, ann) == 0
    assert api.post(where, ann).json() == opened.json()


def test_dismiss_all_leaves_what_comes_meanwhile(api: Api, ann: str, told: FakeStorage) -> None:
    told.notices.add(TENANT, a_notice(agent=ANN, message_key="0c" * 16))
    seen = api.get("notices", ann).json()["notices"][0]["id"]
    told.notices.add(TENANT, a_notice(agent=ANN, message_key="0d" * 16, subject="Meanwhile"))
    assert api.call("DELETE", f"notices?until={seen}", ann).status_code == 204
    page = api.get("notices", ann).json()
    assert (page["count"], page["notices"][0]["subject"]) == (1, "Meanwhile")
    assert count(api, ann) == len(told.notices.of(TENANT, ANN))
    assert len(told.notices.of(TENANT, BEN)) == 1


TOKENS: dict[str, Callable[[Issuer], str]] = {
    "another agent": lambda issuer: issuer.user("Agent", oid="c"),
    "an admin": lambda issuer: issuer.user("Agent", "Admin", oid="d"),
    "the CRM": lambda issuer: issuer.app("Service"),
    "a program with her id": lambda issuer: issuer.app("Agent", "Admin", "Service", oid=ANN),
    "her id elsewhere": lambda issuer: issuer.user("Agent", "Admin", oid=ANN, tenant=OTHER),
}


@pytest.mark.parametrize("who", TOKENS)
def test_with_every_other_token_there_is_none(api: Api, issuer: Issuer, told: FakeStorage, who: str) -> None:
    token, where = TOKENS[who](issuer), f"notices/{notice_id(told)}"
    assert count(api, token) == 0
    assert api.get("notices", token).json()["notices"] == []
    assert api.post(f"{where}/open", token).status_code == 404
    assert api.call("DELETE", where, token).status_code == 404
    assert api.call("DELETE", f"notices?until={notice_id(told)}", token).status_code == 404
    assert len(told.notices.of(TENANT, ANN)) == 1


def test_ben_has_his_own(api: Api, issuer: Issuer, ann: str, told: FakeStorage) -> None:
    ben = issuer.user("Agent", oid=BEN)
    assert (count(api, ann), count(api, ben)) == (1, 1)
    assert api.call("DELETE", f"notices/{notice_id(told)}", ben).status_code == 404
    assert count(api, ben) == 1


def test_who_calls_is_told_how_many_there_are(api: Api, issuer: Issuer, ann: str, told: FakeStorage) -> None:
    assert api.get("me", ann).json()["notices"] == 1
    assert api.get("me", issuer.user("Agent", oid="c")).json()["notices"] == 0


def test_a_foreign_cursor_and_a_missing_until_are_refused(api: Api, ann: str, told: FakeStorage) -> None:
    assert api.get("notices?cursor=%21", ann).status_code == 422
    assert api.call("DELETE", "notices", ann).status_code == 422


def test_an_admin_sees_how_many_notices_of_a_mailbox_have_no_reader_and_no_more(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    mailbox = next(iter(storage.mailboxes.of(TENANT)))
    rewrite(storage.mailboxes, mailbox, agent_id=ANN)
    mailbox = replace(mailbox, agent_id=ANN)
    admin = issuer.user("Admin", oid="d")
    storage.notices.add(TENANT, a_notice(agent=ANN))

    def number() -> Any:
        return api.get(f"mailboxes/{mailbox.address}", admin).json()["notices_without_reader"]

    assert number() == 0
    handed = mailbox.handed_over_by("admin", "new@contoso.example", mailbox.connected_at or a_notice().at)
    rewrite(storage.mailboxes, mailbox, **{name: getattr(handed, name) for name in ("agent", "agent_id")})
    rewrite(storage.mailboxes, mailbox, handovers=handed.handovers)
    assert number() == 1
    # She has another mailbox, and reads them there.
    storage.mailboxes.save(a_mailbox(mailbox_id="0e" * 16, address="ann2@contoso.example", agent_id=ANN))
    assert number() == 0
    assert count(api, admin) == 0
    assert count(api, issuer.user("Agent", oid=ANN)) == 1
