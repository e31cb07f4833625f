"""Connections: what a link is, what a try makes of a state, and which connection serves a mailbox."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.connections import connections
from shared.domain.connections.connections import (
    MEANINGS,
    STATES,
    MailConnection,
    asked_by,
    connection_id,
    hash_of,
    link_state,
    overall,
    serving,
    tenant_of,
)
from tests.builders import NOW, TENANT, a_mailbox

SECRET = "not-a-real-secret"
STATE = link_state(TENANT, SECRET)
LATER = NOW + timedelta(hours=3)


def a_connection(mode: str = "admin_consent", **changes: Any) -> MailConnection:
    mailbox = changes.get("mailbox", "")
    return MailConnection(
        **{"tenant_id": TENANT, "connection_id": connection_id(mode, mailbox), "mode": mode, **changes}
    )


def asked(**changes: Any) -> MailConnection:
    return a_connection(**changes).asked(link_hash=hash_of(STATE), flow="flow", mailbox="", now=NOW)


def test_a_links_state_names_its_tenant_and_is_kept_as_a_hash() -> None:
    row = asked()
    assert tenant_of(STATE) == TENANT
    assert asked_by(STATE, [a_connection("service_account"), row]) == row
    assert SECRET not in str(row)


@pytest.mark.parametrize(
    "state", ["", "x", SECRET, f"{TENANT}.", f"{TENANT}.other", f"{TENANT[:-1]}0.{SECRET}"]
)
def test_no_other_state_is_of_the_link(state: str) -> None:
    assert asked_by(state, [asked(), a_connection("service_account")]) is None


@pytest.mark.parametrize("state", ["", ".x", "contoso.x", f"{TENANT.upper()}x.y"])
def test_a_state_that_names_no_tenant_is_nobodys(state: str) -> None:
    assert tenant_of(state) == ""


def test_a_spent_link_is_of_nobody() -> None:
    assert asked_by(STATE, [asked().spent()]) is None


def test_a_link_runs_out_after_seven_days() -> None:
    row = asked()
    assert row.shown_state(NOW + timedelta(days=7, seconds=-1)) == "link_sent"
    assert row.shown_state(NOW + timedelta(days=7)) == "link_expired"


def test_a_new_link_leaves_what_is_verified_verified() -> None:
    assert asked(state="verified").state == "verified"
    assert asked(state="verified").refused("consent_declined").state == "verified"
    assert asked(state="lost").state == "link_sent"


@pytest.mark.parametrize(
    ("before", "mode", "consented", "has_token", "after"),
    [
        ("link_sent", "admin_consent", NOW, False, "consent_pending"),
        ("link_sent", "admin_consent", NOW - timedelta(hours=2), True, "no_access"),
        ("link_sent", "admin_consent", None, False, "link_sent"),
        ("link_sent", "rbac", NOW, True, "scope_pending"),
        ("link_sent", "rbac", NOW, False, "consent_pending"),
        ("verified", "admin_consent", None, True, "lost"),
        ("verified", "admin_consent", NOW, True, "consent_pending"),
        ("verified", "rbac", None, True, "lost"),
        ("lost", "admin_consent", NOW - timedelta(days=9), True, "lost"),
        ("disconnected", "admin_consent", None, True, "disconnected"),
    ],
)
def test_what_a_failed_try_makes_of_a_state(
    before: str, mode: str, consented: Any, has_token: bool, after: str
) -> None:
    row = a_connection(mode, state=before, consented_at=consented)
    tried = row.proved(readable=False, detail="Why.", has_token=has_token, now=NOW)
    assert (tried.state, tried.detail, tried.checked_at) == (after, "Why.", NOW)


def test_a_refusal_that_time_does_not_mend_is_not_pending() -> None:
    row = a_connection("admin_consent", state="link_sent", consented_at=NOW)
    tried = row.proved(readable=False, detail="Why.", has_token=True, may_pass=False, now=NOW)
    assert (tried.state, tried.detail) == ("no_access", "Why.")


@pytest.mark.parametrize(("before", "after"), [("link_sent", "no_access"), ("verified", "verified")])
def test_a_wrong_address_says_nothing_of_the_way_to_it(before: str, after: str) -> None:
    tried = a_connection(state=before, consented_at=NOW).misnamed("Nobody has it.", NOW)
    assert (tried.state, tried.detail, tried.checked_at) == (after, "Nobody has it.", NOW)


@pytest.mark.parametrize("before", STATES)
def test_a_mailbox_that_opens_verifies_whatever_was_before(before: str) -> None:
    tried = a_connection(state=before).proved(readable=True, detail="x", has_token=True, now=NOW)
    assert (tried.state, tried.verified_at, tried.detail) == ("verified", NOW, "")


def test_a_consent_is_new_for_two_hours() -> None:
    row = a_connection(state="consent_pending", consented_at=NOW)
    assert row.shown_state(NOW + timedelta(minutes=119)) == "consent_pending"
    assert row.shown_state(NOW + timedelta(hours=2)) == "no_access"


def test_disconnecting_keeps_the_way_and_drops_the_token() -> None:
    row = replace(
        asked(mode="service_account"), token="v1.x", account="crm@contoso.example", state="verified"
    )
    ended = row.ended()
    assert (ended.state, ended.token, ended.account, ended.link_hash) == ("disconnected", "", "", "")
    assert ended.mode == "service_account"


def test_an_agents_own_sign_in_serves_the_own_mailbox_and_the_service_account_all_others() -> None:
    shared = a_connection("service_account", token="t")
    own = a_connection("agent", mailbox="ann@contoso.example", token="t", user_id="oid-1")
    ann = a_mailbox(address="ann@contoso.example", connection="graph-delegated")
    ben = a_mailbox(address="ben@contoso.example", connection="graph-delegated")
    assert serving(ann, [shared, own]) == own
    assert serving(ben, [shared, own]) == shared
    assert serving(ben, [own]) is None
    moved = replace(ann, address="new@contoso.example", user_id="oid-1")
    assert serving(moved, [shared, own]) == own


def test_a_connection_without_a_token_or_of_another_name_serves_nobody() -> None:
    delegated = a_mailbox(connection="graph-delegated")
    assert serving(delegated, [a_connection("service_account"), a_connection()]) is None
    assert serving(a_mailbox(), [a_connection(state="disconnected")]) is None


def test_the_organisation_stands_as_its_best_connection_does() -> None:
    lost, verified = a_connection(state="lost"), a_connection("service_account", state="verified")
    assert overall([], NOW) == "not_connected"
    assert overall([lost], NOW) == "lost"
    assert overall([lost, verified], NOW) == "verified"
    assert overall([a_connection(state="consent_declined")], NOW) == "consent_declined"


@pytest.mark.parametrize("state", STATES)
def test_every_state_says_what_to_do(state: str) -> None:
    assert MEANINGS[state].endswith(".")
    assert len(MEANINGS[state]) > 40


def test_the_scopes_are_those_that_each_way_needs() -> None:
    assert connections.SCOPES == {
        "service_account": ("User.Read", "Mail.ReadWrite.Shared", "Mail.Send", "Mail.Send.Shared"),
        "agent": ("email", "User.Read", "Mail.Read", "Mail.Send"),
    }
