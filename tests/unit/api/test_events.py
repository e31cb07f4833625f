"""The feed of changes over HTTP: its shape, its ETag, and what is said of a cursor that is too old."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.events.events import Change, Event, What
from tests.builders import KEY, NOW, TENANT, a_mailbox, a_ref
from tests.fakes import FakeStorage
from tests.unit.api.tokens import OTHER, Issuer
from tests.unit.api.wiring import Api

ENTRY = {
    "id": "e1",
    "at": "2026-03-02T09:00:00Z",
    "kind": "entry_added",
    "record": {"kind": "contact", "id": "C-1"},
    "entry_id": f"1-{KEY}",
    "message_id": KEY,
    "outbox_id": None,
}


@pytest.fixture
def told(storage: FakeStorage) -> FakeStorage:
    """An entry, and a mail that waits for the agent."""
    own = frozenset({a_mailbox().mailbox_id})
    storage.events.append(
        TENANT,
        [
            Event("e1", NOW, Change(What.ENTRY_ADDED, KEY, f"1-{KEY}", a_ref("contact/C-1"))),
            Event("e2", NOW, Change(What.INBOX_ADDED, KEY, f"1-{KEY}", only_for=own)),
        ],
    )
    return storage


def read(api: Api, token: str, **query: Any) -> Any:
    return api.get("events", token, params=query).json()


def test_an_event_is_ids_and_nothing_else(api: Api, issuer: Issuer, told: FakeStorage) -> None:
    page = read(api, issuer.user("Agent"))
    first, second = page["events"]
    assert first == {**ENTRY, "at": first["at"]}
    assert second == {**ENTRY, "at": first["at"], "id": "e2", "kind": "inbox_added", "record": None}
    assert page["has_more"] is False


@pytest.mark.parametrize("role", ["Service", "Admin"])
def test_an_application_hears_of_entries_alone(
    api: Api, issuer: Issuer, told: FakeStorage, role: str
) -> None:
    assert [event["id"] for event in read(api, issuer.app(role))["events"]] == ["e1"]


def test_a_mail_of_the_outbox_is_told_to_its_agent_and_to_admins(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    change = Change(What.OUTBOX_CHANGED, "", "", only_for=frozenset(), agent="ann", outbox_id="m1", by="ann")
    storage.events.append(TENANT, [Event("e1", NOW, change)])
    [event] = read(api, issuer.user("Agent", oid="ann"))["events"]
    assert (event["kind"], event["outbox_id"], event["record"]) == ("outbox_changed", "m1", None)
    assert [told["id"] for told in read(api, issuer.user("Admin", oid="boss"))["events"]] == ["e1"]
    for other in (issuer.user("Agent", oid="ben"), issuer.app("Service")):
        assert read(api, other)["events"] == []


def test_another_organisation_hears_nothing(api: Api, issuer: Issuer, told: FakeStorage) -> None:
    for token in (issuer.user("Agent", "Admin", tenant=OTHER), issuer.app("Service", tenant=OTHER)):
        assert read(api, token)["events"] == []


def test_pages_go_on_until_the_end_and_then_it_is_polled(api: Api, issuer: Issuer, told: FakeStorage) -> None:
    token = issuer.user("Agent")
    first = read(api, token, limit=1)
    second = read(api, token, limit=1, after=first["cursor"])
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert [page["events"][0]["id"] for page in (first, second)] == ["e1", "e2"]
    path = f"events?after={second['cursor']}"
    etag = api.get(path, token).headers["ETag"]
    assert api.get(path, token, headers={"If-None-Match": etag}).status_code == 304
    told.events.append(TENANT, [Event("e3", NOW, Change(What.ENTRY_REMOVED, KEY, "2", a_ref("contact/C-1")))])
    assert api.get(path, token, headers={"If-None-Match": etag}).status_code == 200


def test_a_cursor_that_is_too_old_is_gone_with_a_sentence(api: Api, issuer: Issuer) -> None:
    seconds = int((NOW - timedelta(days=31)).timestamp())
    answer = api.get(f"events?after={seconds:x}", issuer.user("Agent"))
    assert answer.status_code == 410
    assert answer.headers["content-type"] == "application/problem+json"
    assert "read the timelines and My Inbox anew" in answer.json()["detail"]


@pytest.mark.parametrize("after", ["x", "69a554ac-x", "69a554ac-fg"])
def test_a_foreign_cursor_is_refused(api: Api, issuer: Issuer, after: str) -> None:
    assert api.get(f"events?after={after}", issuer.user("Agent")).status_code == 422
