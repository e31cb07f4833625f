"""Mailboxes over HTTP: connecting, changing, pausing, removing, and what is queued meanwhile."""

from datetime import timedelta
from typing import Any

import pytest

from shared.api.models.mailboxes import MailboxFields
from shared.domain.commands.commands import MaintainSubscription
from shared.domain.errors import AccessDenied, Conflict, Unavailable
from shared.domain.mail.items import ItemRef
from shared.services.connections.mailboxes import SAVE_DELAY
from tests.builders import AGENT, MAILBOX_ID, NOW, TENANT, a_failure, a_mailbox, rewrite
from tests.fakes import FakeStorage
from tests.unit.api.tokens import OID, OTHER, Issuer
from tests.unit.api.wiring import Api

NEW = "mailboxes/info@letting.example"
BODY = {"kind": "intake", "agent": "ann@contoso.example"}


@pytest.fixture(autouse=True)
def agents(storage: FakeStorage) -> None:
    for address in (AGENT, "ann@contoso.example", "next@contoso.example"):
        storage.mail.add_mailbox(address)


def test_a_new_mailbox_gets_defaults_an_id_and_a_subscription(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    answer = api.put("mailboxes/Info@Letting.Example", issuer.user("Admin"), json=BODY)
    assert answer.status_code == 201
    shown = answer.json()
    assert shown["address"] == "info@letting.example"
    assert (shown["poll_minutes"], shown["mark_read"], shown["backlog"]) == (1, True, "unread")
    assert (shown["enabled"], shown["capture"], shown["matched_to"]) == (True, "known", "none")
    assert (shown["state"], shown["last_sync"], shown["lag_seconds"], shown["last_error"]) == (
        "new",
        None,
        None,
        "",
    )
    stored = storage.mailboxes.get(TENANT, "info@letting.example")
    assert stored is not None
    assert (stored.connected_at, len(stored.mailbox_id)) == (NOW, 32)
    asked = MaintainSubscription(tenant_id=TENANT, mailbox_id=stored.mailbox_id, first_at=NOW)
    assert storage.queue.sent == [(asked, SAVE_DELAY), (asked, 0.0)]


def test_its_addresses_become_staff_s_and_its_domain_the_organisation_s_own(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    api.put(NEW, issuer.user("Admin"), json=BODY)
    known = storage.index.addresses(TENANT, ["info@letting.example", "ann@contoso.example"])
    assert all(one.is_staff for one in known.values())
    assert storage.organisations.rows[TENANT].own_domains == ("contoso.example", "letting.example")
    assert storage.organisations.rows[OTHER].own_domains == ()


def test_a_change_keeps_the_rest_and_queues_again(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    path, token = f"mailboxes/{AGENT}", issuer.user("Admin")
    assert api.put(path, token, json={"capture": "everything", "matched_to": "project"}).status_code == 200
    answer = api.put(path, token, json={"enabled": False, "matched_to": "none"})
    assert answer.json()["capture"] == "everything"
    assert (answer.json()["enabled"], answer.json()["matched_to"]) == (False, "none")
    at_once = [command.mailbox_id for command, delay in storage.queue.sent if not delay]
    assert at_once == [MAILBOX_ID, MAILBOX_ID]


def test_null_is_the_same_as_an_absent_setting(api: Api, issuer: Issuer) -> None:
    """A generated client sends null for each setting that its user has not touched."""
    path, token = f"mailboxes/{AGENT}", issuer.user("Admin")
    settings = {"capture": "everything", "matched_to": "project", "poll_minutes": 5, "unmatched": "new"}
    before = api.put(path, token, json={**settings, "never_log": ["bank.example"]}).json()
    untouched = dict.fromkeys(MailboxFields.model_fields)
    assert api.put(path, token, json={**untouched, "enabled": False}).json() == {
        **before,
        "enabled": False,
        "state": "paused",
    }


def test_the_language_and_the_time_zone_of_a_mailbox_are_kept_and_shown(api: Api, issuer: Issuer) -> None:
    path, token = "mailboxes/ann@contoso.example", issuer.user("Admin")
    settings = {"kind": "personal", "agent": "ann@contoso.example"}
    settings |= {"language": "de-AT", "time_zone": "Europe/Vienna"}
    assert api.put(path, token, json=settings).status_code < 300
    shown = api.get(path, token).json()
    assert (shown["language"], shown["time_zone"]) == ("de-AT", "Europe/Vienna")
    assert api.put(path, token, json={"time_zone": "Mars/Olympus"}).status_code == 422


def test_a_personal_mailbox_has_no_backlog_and_an_intake_mailbox_gets_one(api: Api, issuer: Issuer) -> None:
    path, token = f"mailboxes/{AGENT}", issuer.user("Admin")
    assert api.get(path, token).json()["backlog"] == "none"
    assert api.put(path, token, json={"kind": "intake"}).json()["backlog"] == "unread"
    assert api.put(path, token, json={"kind": "personal"}).json()["backlog"] == "none"


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        (NEW, {}, "'kind' and 'agent'"),
        (NEW, {"kind": "personal"}, "'agent'"),
        (NEW, {**BODY, "colour": "red"}, "colour"),
        (NEW, {**BODY, "poll_minutes": "5"}, "poll_minutes"),
        (NEW, {**BODY, "poll_minutes": 0}, "poll_minutes"),
        (NEW, {**BODY, "connection": "pop"}, "connection"),
        (NEW, {"kind": "personal", "agent": "a@b.example", "mark_read": True}, "mark_read"),
        ("mailboxes/nobody", BODY, "no e-mail address"),
    ],
)
def test_a_mistake_is_named(api: Api, issuer: Issuer, path: str, body: Any, word: str) -> None:
    answer = api.put(path, issuer.user("Admin"), json=body)
    assert answer.status_code == 422
    assert word in answer.json()["detail"]


def test_a_mailbox_says_how_many_mails_could_not_be_read_and_stays_in_its_state(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    for number, code in enumerate(("unreadable", "unreadable", "poison_item")):
        item = ItemRef("", f"AAMk{number}")
        storage.exceptions.record(a_failure(id=f"{number}", code=code, item=item, mailbox_id=MAILBOX_ID))
    [listed] = api.get("mailboxes", issuer.user("Admin")).json()["mailboxes"]
    shown = api.get(f"mailboxes/{AGENT}", issuer.user("Admin")).json()
    assert (listed["unreadable"], shown["unreadable"], shown["state"]) == (2, 2, "new")


def test_a_mailbox_says_how_it_is_doing(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    rewrite(
        storage.mailboxes,
        a_mailbox(),
        state="failing",
        last_error="no licence",
        last_sync_at=NOW - timedelta(seconds=90),
    )
    shown = api.get(f"mailboxes/{AGENT}", issuer.user("Admin")).json()
    assert (shown["state"], shown["last_error"], shown["lag_seconds"]) == ("failing", "no licence", 90)
    assert shown["last_sync"] == "2026-03-02T08:58:30Z"


def test_an_agent_sees_the_own_mailbox_only(api: Api, issuer: Issuer) -> None:
    assert api.get(f"mailboxes/{AGENT}", issuer.user("Agent")).status_code == 200
    other = issuer.user("Agent", preferred_username="other@contoso.example")
    assert api.get(f"mailboxes/{AGENT}", other).status_code == 404


def test_a_removed_mailbox_is_gone_at_once_and_left_to_the_command(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    token = issuer.user("Admin")
    assert api.delete(f"mailboxes/{AGENT}", token).status_code == 204
    assert api.get(f"mailboxes/{AGENT}", token).status_code == 404
    assert api.get("mailboxes", token).json() == {"mailboxes": [], "cursor": None}
    assert api.delete(f"mailboxes/{AGENT}", token).status_code == 404
    left = storage.mailboxes.get(TENANT, AGENT)
    assert left is not None
    assert left.state.name == "removing"
    assert [one.mailbox_id for one in storage.queue.commands] == [MAILBOX_ID]


def test_a_mailbox_that_is_being_removed_can_be_connected_anew(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    token = issuer.user("Admin")
    api.put(f"mailboxes/{AGENT}", token, json={"capture": "everything"})
    api.delete(f"mailboxes/{AGENT}", token)
    answer = api.put(f"mailboxes/{AGENT}", token, json={"kind": "personal", "agent": AGENT})
    assert (answer.status_code, answer.json()["capture"], answer.json()["state"]) == (201, "known", "new")
    stored = storage.mailboxes.get(TENANT, AGENT)
    assert stored is not None
    assert (stored.mailbox_id, stored.enabled, stored.connected_at) == (MAILBOX_ID, True, NOW)


def test_connected_anew_for_somebody_else_it_remembers_whose_it_was(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    token = issuer.user("Admin")
    api.delete(f"mailboxes/{AGENT}", token)
    api.put(f"mailboxes/{AGENT}", token, json={"kind": "personal", "agent": "next@contoso.example"})
    stored = storage.mailboxes.get(TENANT, AGENT)
    assert stored is not None
    assert (stored.agent, stored.former_agents) == ("next@contoso.example", (AGENT,))


def test_mailboxes_are_listed_page_by_page(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    for number in range(4):
        storage.mailboxes.save(a_mailbox(mailbox_id=f"{number:032x}", address=f"box{number}@contoso.example"))
    seen, cursor = [], ""
    while cursor is not None:
        page = api.get("mailboxes", issuer.user("Admin"), params={"limit": 2, "cursor": cursor}).json()
        seen += [one["address"] for one in page["mailboxes"]]
        cursor = page["cursor"]
    assert seen == [AGENT, *(f"box{number}@contoso.example" for number in range(4))]


def test_mailboxes_are_filtered(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    desk = {"address": "desk@contoso.example", "kind": "intake", "agent": "other@contoso.example"}
    storage.mailboxes.save(a_mailbox(mailbox_id="ab" * 16, enabled=False, **desk))

    def found(**params: str) -> list[str]:
        page = api.get("mailboxes", issuer.user("Admin"), params=params).json()
        return [mailbox["address"] for mailbox in page["mailboxes"]]

    assert found() == [AGENT, "desk@contoso.example"]
    assert found(q="DESK") == found(kind="intake") == found(state="paused") == ["desk@contoso.example"]
    assert found(agent=AGENT.upper()) == found(q="agent", kind="personal") == [AGENT]
    assert found(q="desk", agent=AGENT) == []
    assert api.get("mailboxes", issuer.user("Admin"), params={"state": "well"}).status_code == 422


def test_if_match_guards_against_overwriting(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    path, token = f"mailboxes/{AGENT}", issuer.user("Admin")
    etag = api.get(path, token).headers["etag"]
    rewrite(storage.mailboxes, a_mailbox(), state="ok", last_sync_at=NOW)
    changed = api.put(path, token, json={"poll_minutes": 5}, headers={"If-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag
    assert api.put(path, token, json={"poll_minutes": 6}, headers={"If-Match": etag}).status_code == 412
    assert api.put(NEW, token, json=BODY, headers={"If-Match": "*"}).status_code == 412


def test_a_row_that_changes_meanwhile_is_read_again(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    path, token = f"mailboxes/{AGENT}", issuer.user("Admin")
    storage.faults.before[len(storage.faults.writes) + 1] = Conflict("changed")
    assert api.put(path, token, json={"poll_minutes": 5}).json()["poll_minutes"] == 5
    storage.faults.named["Mailboxes.save"] = Conflict("changed")
    assert api.put(path, token, json={"poll_minutes": 5}).status_code == 503


def test_under_another_agent_the_one_before_loses_access(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    path = f"mailboxes/{AGENT}"
    rewrite(storage.mailboxes, a_mailbox(), agent_id=OID)
    api.put(path, issuer.user("Admin"), json={"capture": "everything"})
    assert api.get(path, issuer.user("Agent")).status_code == 200
    api.put(path, issuer.user("Admin"), json={"agent": "next@contoso.example"})
    assert api.get(path, issuer.user("Agent")).status_code == 404
    following = issuer.user("Agent", oid="another", preferred_username="next@contoso.example")
    assert api.get(path, following).status_code == 200


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, []),
        ({"matching": False}, []),
        (
            {"matching": False, "matched_to": "project"},
            ["'matched_to' has no effect while 'matching' is false"],
        ),
        ({"matching": False, "matching_type": "domain"}, ["'matching_type' has no effect"]),
        ({"matching": False, "unmatched": "new"}, ["'unmatched' has no effect"]),
        ({"matching_type": "domain"}, ["'matching_type' has no effect while 'matched_to' is none"]),
        ({"matched_to": "project", "matching_type": "domain"}, []),
        ({"unmatched": "new"}, ["the mail of strangers is not kept, and opens nothing"]),
        ({"unmatched": "new", "capture": "everything"}, []),
        ({"unmatched": "new", "kind": "intake"}, []),
        ({"matching": False, "kind": "intake"}, ["'unmatched' has no effect"]),
    ],
)
def test_a_setting_without_effect_is_stored_and_said(
    api: Api, issuer: Issuer, settings: dict[str, Any], words: list[str]
) -> None:
    path, token = f"mailboxes/{AGENT}", issuer.user("Admin")
    answer = api.put(path, token, json=settings)
    assert answer.status_code == 200
    warnings = answer.json()["warnings"]
    assert len(warnings) == len(words)
    assert all(word in warning for word, warning in zip(words, warnings, strict=True))
    assert answer.json().items() >= settings.items()
    [listed] = api.get("mailboxes", token).json()["mailboxes"]
    assert listed["warnings"] == api.get(path, token).json()["warnings"] == warnings


def test_a_new_intake_mailbox_opens_cases_unless_told_otherwise(api: Api, issuer: Issuer) -> None:
    token = issuer.user("Admin")
    assert api.put(NEW, token, json=BODY).json()["unmatched"] == "new"
    assert api.put(NEW, token, json={"unmatched": "inbox"}).json()["unmatched"] == "inbox"
    assert api.put(NEW, token, json={"enabled": True}).json()["unmatched"] == "inbox"


def test_an_agent_who_could_not_be_checked_is_said_to_be_unchecked(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    error = AccessDenied("no right to read users")
    # Asked of the mailbox, then of the agent.
    storage.mail.fail("user", error, error)
    answer = api.put(NEW, issuer.user("Admin"), json={"kind": "personal", "agent": "typo@contoso.example"})
    assert answer.status_code == 201
    assert ["could not be checked" in warning for warning in answer.json()["warnings"]] == [True]


def test_an_agent_who_cannot_be_checked_now_is_to_be_named_again(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    """It may be another address of the caller's."""
    storage.mail.fail("user", *[Unavailable("away")] * 2)
    answer = api.put(NEW, issuer.user("Admin"), json={"kind": "personal", "agent": "typo@contoso.example"})
    assert (answer.status_code, storage.mailboxes.get(TENANT, NEW.rpartition("/")[2])) == (503, None)


def test_an_agent_whom_the_tenant_does_not_have_is_refused(api: Api, issuer: Issuer) -> None:
    answer = api.put(NEW, issuer.user("Admin"), json={"kind": "personal", "agent": "typo@contoso.example"})
    assert (answer.status_code, "typo@contoso.example" in answer.json()["detail"]) == (422, True)


def test_an_agent_whom_the_tenant_has_raises_no_doubt(api: Api, issuer: Issuer) -> None:
    answer = api.put(NEW, issuer.user("Admin"), json={"kind": "personal", "agent": "ann@contoso.example"})
    assert (answer.status_code, answer.json()["warnings"]) == (201, [])
