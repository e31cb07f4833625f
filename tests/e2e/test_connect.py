"""Connecting an organisation: the link, everything that can come of it, and what stands afterwards."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests

from dev.processes import PATIENCE
from dev.stack import Stack
from dev.tenant import Tenant, a_mail, eventually
from shared.domain import names
from shared.domain.commands.agenda import Item
from tests.e2e.conftest import CONTACT, new_tenant
from tests.ledger import Ledger

PROBED = "ann"


@pytest.fixture
def fresh(stack: Stack, tenant: Tenant) -> Tenant:
    """An organisation that the operator has enabled and whose administrator has consented to nothing."""
    tenant.control.consent(tenant.tenant_id, consented=False, roles=[])
    tenant.agent(PROBED)
    return tenant


@pytest.fixture
def other(stack: Stack) -> Iterator[Tenant]:
    """Another organisation, in which the application has consent."""
    yield new_tenant(stack)


def ask(tenant: Tenant, mode: str = "admin_consent", mailbox: str | None = None) -> dict[str, Any]:
    body = {"mode": mode, "mailbox": f"{PROBED}@{tenant.domain}" if mailbox is None else mailbox}
    return tenant.admin.call("POST", "connect", json=body)


def opened(tenant: Tenant, link: str) -> requests.Response:
    """The link as a person without any account here opens it: Entra's page, and where it sends the browser."""
    with requests.Session() as browser:
        browser.trust_env = False
        sent = browser.get(link, verify=tenant.ready["ca_file"], allow_redirects=False, timeout=PATIENCE)
        if sent.status_code != 302:
            return sent
        return browser.get(sent.headers["location"], timeout=PATIENCE)


def came_back(tenant: Tenant, link: str, act: str = "grant", **person: Any) -> requests.Response:
    tenant.control.person(tenant.tenant_id, act, **person)
    return opened(tenant, link)


def callback(called: Tenant, /, **answer: str) -> requests.Response:
    return requests.get(f"{called.ready['api_url']}/connect/callback", params=answer, timeout=PATIENCE)


def state(tenant: Tenant) -> str:
    return str(tenant.admin.call("GET", "connect")["state"])


def title(page: requests.Response) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page.text)
    assert found, page.text
    return found[1]


def test_a_consented_organisation_becomes_verified(fresh: Tenant) -> None:
    assert state(fresh) == "not_connected"
    asked = ask(fresh)
    link = urlsplit(asked["link"])
    query = parse_qs(link.query)
    assert link.path == f"/{fresh.tenant_id}/v2.0/adminconsent"
    assert query["scope"] == [f"{fresh.ready['simulator_url']}/.default"]
    assert query["redirect_uri"] == [asked["redirect_uri"]]
    assert asked["redirect_uri"].endswith("/api/v1/connect/callback")
    assert state(fresh) == "link_sent"
    page = came_back(fresh, asked["link"])
    assert (page.status_code, title(page)) == (200, "Connected")
    assert state(fresh) == "verified"
    assert fresh.admin.call("GET", "organisation")["state"] == "verified"
    assert fresh.operator.call("GET", "connect")["connections"][0]["verified_at"] is not None


def test_the_page_runs_nothing_and_shows_nothing_of_the_request(fresh: Tenant) -> None:
    page = callback(fresh, state="<script>alert(1)</script>", error="<b>x</b>", error_description="<i>y</i>")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert page.headers["Content-Type"].startswith("text/html")
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert not re.search(r"<script|<b>|<i>|alert", page.text)


@pytest.mark.parametrize(
    ("act", "after", "said"),
    [
        ("decline", "consent_declined", "Declined"),
        ("not_admin", "needs_administrator", "An administrator is needed"),
        ("other_tenant", "wrong_account", "Another account is needed"),
    ],
)
def test_whoever_opens_the_link_may_not_agree(
    fresh: Tenant, other: Tenant, act: str, after: str, said: str
) -> None:
    page = came_back(fresh, ask(fresh)["link"], act, other_tenant_id=other.tenant_id)
    assert (page.status_code, title(page)) == (400, said)
    assert state(fresh) == after
    assert fresh.admin.call("GET", "organisation")["state"] == "enabled"
    assert title(came_back(fresh, ask(fresh)["link"])) == "Connected"


def test_a_wrong_account_stays_at_entra_and_the_link_stays_good(fresh: Tenant) -> None:
    link = ask(fresh)["link"]
    assert "AADSTS50020" in came_back(fresh, link, "wrong_account").text
    assert state(fresh) == "link_sent"
    assert title(came_back(fresh, link)) == "Connected"


def test_an_error_counts_though_entra_says_that_consent_was_given(fresh: Tenant) -> None:
    secret = parse_qs(urlsplit(ask(fresh)["link"]).query)["state"][0]
    fresh.control.consent(fresh.tenant_id, consented=True, roles=["Mail.Read"])
    page = callback(
        fresh,
        state=secret,
        admin_consent="True",
        tenant=fresh.tenant_id,
        error="consent_required",
        error_description="AADSTS65004: declined",
    )
    assert (page.status_code, state(fresh)) == (400, "consent_declined")


def test_forged_spent_replaced_and_foreign_states_connect_nothing(fresh: Tenant, other: Tenant) -> None:
    fresh.control.consent(fresh.tenant_id, consented=True, roles=["Mail.Read"])

    def secret(tenant: Tenant) -> str:
        return parse_qs(urlsplit(ask(tenant)["link"]).query)["state"][0]

    other.agent(PROBED)
    replaced, good, foreign = secret(fresh), secret(fresh), secret(other)
    forged = [
        "",
        "x",
        fresh.tenant_id,
        f"{fresh.tenant_id}.",
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        f"{fresh.tenant_id}.{foreign.partition('.')[2]}",
        replaced,
    ]
    for one in forged:
        page = callback(fresh, state=one, admin_consent="True", tenant=fresh.tenant_id)
        assert (page.status_code, title(page)) == (400, "This link is not valid"), one
    twice = [("state", good), ("state", "x"), ("admin_consent", "True"), ("tenant", fresh.tenant_id)]
    answer = requests.get(f"{fresh.ready['api_url']}/connect/callback", params=twice, timeout=PATIENCE)
    assert title(answer) == "This link is not valid"
    assert state(fresh) == "link_sent"
    page = callback(fresh, state=good, admin_consent="True", tenant=other.tenant_id)
    assert (page.status_code, title(page)) == (400, "Another account is needed")
    page = callback(fresh, state=good, admin_consent="True", tenant=fresh.tenant_id)
    assert (page.status_code, title(page)) == (400, "This link is not valid")
    assert state(fresh) == "wrong_account"
    assert state(other) == "link_sent"


def test_what_is_kept_of_a_link_does_not_open_it(fresh: Tenant, ledger: Ledger) -> None:
    secret = parse_qs(urlsplit(ask(fresh)["link"]).query)["state"][0].partition(".")[2]
    rows = list(ledger.rows(names.CONNECTION_STATES))
    assert len(rows) == 1
    assert secret not in str(rows)


def test_a_claim_of_consent_that_was_never_given_is_not_believed(fresh: Tenant) -> None:
    secret = parse_qs(urlsplit(ask(fresh)["link"]).query)["state"][0]
    page = callback(fresh, state=secret, admin_consent="True", tenant=fresh.tenant_id)
    assert title(page) == "Consent received"
    assert state(fresh) == "consent_pending"
    assert fresh.admin.call("GET", "organisation")["state"] == "enabled"


def test_a_consent_that_exchange_is_slow_to_notice_is_tried_again_by_itself(fresh: Tenant) -> None:
    fresh.control.consent(fresh.tenant_id, unnoticed=True)
    page = came_back(fresh, ask(fresh)["link"])
    assert (page.status_code, title(page)) == (200, "Consent received")
    assert state(fresh) == "consent_pending"
    assert fresh.admin.call("POST", "connect/verify")["state"] == "consent_pending"
    fresh.control.consent(fresh.tenant_id, unnoticed=False)
    fresh.do(Item.CONNECTIONS)
    eventually(lambda: state(fresh) == "verified", what="the state verified")


def test_consent_that_is_withdrawn_and_given_back_is_noticed(fresh: Tenant, ledger: Ledger) -> None:
    came_back(fresh, ask(fresh)["link"])
    age_consent(fresh, ledger)
    fresh.control.consent(fresh.tenant_id, consented=False)
    fresh.do(Item.CONNECTIONS)
    eventually(lambda: state(fresh) == "lost", what="the state lost")
    shown = fresh.admin.call("GET", "connect")["connections"][0]
    assert "no consent" in shown["detail"]
    assert fresh.admin.call("GET", "organisation")["state"] == "enabled"
    fresh.control.consent(fresh.tenant_id, consented=True)
    assert fresh.admin.call("POST", "connect/verify")["state"] == "verified"
    assert fresh.admin.call("GET", "organisation")["state"] == "verified"


def age_consent(tenant: Tenant, ledger: Ledger) -> None:
    """Let the consent be an old one: of a new one, a refusal means that Microsoft is slow."""
    for row in ledger.connections.of(tenant.tenant_id):
        ledger.connections.put(ledger.aged(row))


def test_an_old_consent_that_opens_nothing_says_so(fresh: Tenant, ledger: Ledger) -> None:
    fresh.control.consent(fresh.tenant_id, unnoticed=True)
    came_back(fresh, ask(fresh)["link"])
    age_consent(fresh, ledger)
    assert state(fresh) == "no_access"
    assert fresh.admin.call("POST", "connect/verify")["state"] == "no_access"


def test_rbac_is_verified_without_permission_to_read_the_organisation(fresh: Tenant) -> None:
    asked = ask(fresh, "rbac")
    assert parse_qs(urlsplit(asked["link"]).query)["scope"] == ["openid profile"]
    page = came_back(fresh, asked["link"])
    assert title(page) == "The application is known to your tenant"
    assert state(fresh) == "scope_pending"
    fresh.control.consent(fresh.tenant_id, rbac_scope=[f"{PROBED}@{fresh.domain}"])
    assert fresh.admin.call("POST", "connect/verify")["state"] == "verified"
    assert fresh.admin.call("GET", "organisation")["state"] == "verified"


def test_only_who_may_ask_gets_a_link(fresh: Tenant) -> None:
    agent = fresh.api_of(f"{PROBED}@{fresh.domain}")
    refused = agent.raw("POST", "connect", json={"mode": "admin_consent"})
    assert refused.status_code == 403
    assert fresh.operator.raw("POST", "connect", json={"mode": "admin_consent"}).status_code == 201
    assert fresh.admin.raw("POST", "connect", json={"mode": "rbac"}).status_code == 422
    fresh.operator.call("PUT", "organisation", json={"enabled": False})
    refused = fresh.operator.raw("POST", "connect", json={"mode": "admin_consent"})
    assert refused.status_code == 409
    assert "Enable the organisation first" in refused.json()["detail"]


def test_a_link_of_an_organisation_that_was_switched_off_connects_nothing(fresh: Tenant) -> None:
    link = ask(fresh)["link"]
    fresh.operator.call("PUT", "organisation", json={"enabled": False})
    assert title(came_back(fresh, link)) == "This link is not valid"


def test_disconnecting_keeps_timelines_and_connecting_again_goes_on(fresh: Tenant, ledger: Ledger) -> None:
    came_back(fresh, ask(fresh)["link"])
    ann = f"{PROBED}@{fresh.domain}"
    fresh.contact("C-1", CONTACT)
    fresh.connect(ann)
    first, missed = a_mail(CONTACT, ann, "First"), a_mail(CONTACT, ann, "Missed")
    fresh.deliver(ann, first)
    fresh.entry("contact/C-1", first)
    before = ledger.mailbox(ann)
    fresh.admin.raw("DELETE", "connect").raise_for_status()
    eventually(lambda: not subscribed(fresh, ann), what="the end of the subscription")
    assert state(fresh) == "disconnected"
    fresh.deliver(ann, missed)
    ledger.poll()
    ledger.settle()
    assert [one["subject"] for one in fresh.timeline("contact/C-1")] == ["First"]
    assert fresh.admin.call("POST", "connect/verify")["state"] == "verified"
    fresh.entry("contact/C-1", missed)
    after = ledger.mailbox(ann)
    assert before is not None
    assert after is not None
    assert (after.mailbox_id, after.connected_at) == (before.mailbox_id, before.connected_at)
    eventually(lambda: subscribed(fresh, ann), what="a subscription")


def subscribed(tenant: Tenant, address: str) -> bool:
    return any(one["address"] == address for one in tenant.control.subscriptions())


# Over people's sign-ins


@pytest.fixture
def account(fresh: Tenant) -> str:
    """The service account of an organisation that has consented to nothing: a user without a mailbox."""
    address = f"crm@{fresh.domain}"
    fresh.control.users(fresh.tenant_id, address, mailbox=False)
    fresh.control.consent(fresh.tenant_id, consented=True, roles=[])
    return address


def test_a_service_account_brings_mail_by_polling_only(fresh: Tenant, account: str, ledger: Ledger) -> None:
    ann, ben = f"{PROBED}@{fresh.domain}", fresh.agent("ben")
    fresh.control.delegate(ann, account, "full_access")
    asked = ask(fresh, "service_account")
    query = parse_qs(urlsplit(asked["link"]).query)
    assert query["code_challenge_method"] == ["S256"]
    wanted = {"User.Read", "Mail.ReadWrite.Shared", "Mail.Send", "Mail.Send.Shared", "offline_access"}
    assert wanted <= {one.rpartition("/")[2] for one in query["scope"][0].split()}
    assert title(came_back(fresh, asked["link"], account=account)) == "Connected"
    shown = fresh.admin.call("GET", "connect")["connections"][0]
    assert (shown["state"], shown["account"], shown["connection"]) == ("verified", account, "graph-delegated")
    fresh.contact("C-1", CONTACT)
    fresh.connect(ann, connection="graph-delegated")
    mail = a_mail(CONTACT, ann)
    fresh.deliver(ann, mail)
    ledger.walk(ann)
    fresh.entry("contact/C-1", mail)
    assert fresh.admin.call("GET", f"mailboxes/{ann}")["state"] == "polling"
    assert not subscribed(fresh, ann)
    refused = fresh.admin.raw(
        "PUT",
        f"mailboxes/{ben}",
        json={"kind": "personal", "agent": ben, "connection": "graph-delegated"},
    )
    assert refused.status_code == 422
    assert f"The service account {account} lacks the right Full Access" in refused.json()["detail"]


def test_mailboxes_that_a_service_account_may_not_open_are_named(fresh: Tenant, account: str) -> None:
    ann, ben = f"{PROBED}@{fresh.domain}", fresh.agent("ben")
    for one in (ann, ben):
        fresh.control.delegate(one, account, "full_access")
    came_back(fresh, ask(fresh, "service_account")["link"], account=account)
    fresh.connect(ann, ben, wait=False, connection="graph-delegated")
    fresh.control.delegate(ben, account)
    found = fresh.admin.call("POST", "connect/verify")
    assert found["state"] == "verified"
    assert [(one["address"], one["outcome"]) for one in found["not_opened"]] == [(ben, "missing_right")]


def test_a_sign_in_is_renewed_and_its_tokens_are_kept_sealed(
    fresh: Tenant, account: str, ledger: Ledger
) -> None:
    ann = f"{PROBED}@{fresh.domain}"
    fresh.control.delegate(ann, account, "full_access")
    came_back(fresh, ask(fresh, "service_account")["link"], account=account, lifetime=1)
    fresh.connect(ann, connection="graph-delegated")
    ledger.walk(ann)
    ledger.walk(ann)
    ledger.settle()
    assert fresh.control.sign_ins(account)[0]["refreshed"] >= 2
    row = ledger.connections.of(fresh.tenant_id)[0]
    assert row.token.startswith("v1.")
    assert not re.search(r"0\.[0-9a-f]{64}", row.token)


def test_a_revoked_sign_in_is_noticed_and_a_new_one_goes_on(
    fresh: Tenant, account: str, ledger: Ledger
) -> None:
    ann = f"{PROBED}@{fresh.domain}"
    fresh.contact("C-1", CONTACT)
    fresh.control.delegate(ann, account, "full_access")
    came_back(fresh, ask(fresh, "service_account")["link"], account=account)
    fresh.connect(ann, connection="graph-delegated")
    age_consent(fresh, ledger)
    fresh.control.revoke_sign_ins(account)
    assert fresh.admin.call("POST", "connect/verify")["state"] == "lost"
    mailbox = ledger.mailbox(ann)
    assert mailbox is not None
    ledger.mailboxes.change(mailbox, lambda state: replace(state, next_poll_at=None))
    ledger.poll()
    eventually(
        lambda: fresh.admin.call("GET", f"mailboxes/{ann}")["state"] == "no_access", what="the lost mailbox"
    )
    missed = a_mail(CONTACT, ann, "Missed")
    fresh.deliver(ann, missed)
    assert title(came_back(fresh, ask(fresh, "service_account")["link"], account=account)) == "Connected"
    fresh.entry("contact/C-1", missed)
    eventually(
        lambda: fresh.admin.call("GET", f"mailboxes/{ann}")["state"] == "polling", what="the mailbox's return"
    )


def test_an_expired_sign_in_is_lost(fresh: Tenant, account: str, ledger: Ledger) -> None:
    ann = f"{PROBED}@{fresh.domain}"
    fresh.control.delegate(ann, account, "full_access")
    came_back(fresh, ask(fresh, "service_account")["link"], account=account)
    age_consent(fresh, ledger)
    fresh.control.expire_sign_ins(account)
    found = fresh.admin.call("POST", "connect/verify")["connections"][0]
    assert found["state"] == "lost"
    assert "Nobody is signed in" in found["detail"]


@pytest.mark.parametrize(
    ("act", "after"),
    [
        ("decline", "consent_declined"),
        ("not_admin", "needs_administrator"),
        ("other_tenant", "wrong_account"),
    ],
)
def test_a_sign_in_that_comes_to_nothing(
    fresh: Tenant, other: Tenant, account: str, act: str, after: str
) -> None:
    stranger = other.agent("eve")
    person = {"account": stranger, "other_tenant_id": other.tenant_id} if act == "other_tenant" else {}
    page = came_back(fresh, ask(fresh, "service_account")["link"], act, **person)
    assert (page.status_code, state(fresh)) == (400, after)


def test_an_agent_signs_in_for_the_own_mailbox_and_no_other(
    fresh: Tenant, account: str, ledger: Ledger
) -> None:
    ann, ben = f"{PROBED}@{fresh.domain}", fresh.agent("ben")
    agent = fresh.api_of(ann)
    assert agent.raw("POST", "connect", json={"mode": "agent", "mailbox": ben}).status_code == 403
    asked = agent.call("POST", "connect", json={"mode": "agent"})
    scopes = {one.rpartition("/")[2] for one in parse_qs(urlsplit(asked["link"]).query)["scope"][0].split()}
    assert scopes == {
        "openid", "profile", "email", "offline_access", "User.Read", "Mail.Read", "Mail.Send",
    }  # fmt: skip
    page = came_back(fresh, asked["link"], account=ben)
    assert (page.status_code, title(page)) == (400, "Another account is needed")
    asked = agent.call("POST", "connect", json={"mode": "agent"})
    assert title(came_back(fresh, asked["link"], account=ann)) == "Connected"
    own = agent.call("GET", "connect")
    assert [row["mailbox"] for row in own["connections"]] == [ann]
    assert "an admin of your organisation adds it" in own["meaning"]
    fresh.contact("C-1", CONTACT)
    fresh.connect(ann, connection="graph-delegated")
    mail = a_mail(CONTACT, ann)
    fresh.deliver(ann, mail)
    ledger.walk(ann)
    fresh.entry("contact/C-1", mail)
    stored = ledger.mailbox(ann)
    assert stored is not None
    assert stored.user_id


def test_an_agent_who_signs_in_is_captured_without_an_admin_and_ends_the_connection_alone(
    fresh: Tenant, account: str, ledger: Ledger
) -> None:
    ann, ben = f"{PROBED}@{fresh.domain}", fresh.agent("ben")
    fresh.admin.call("PUT", "organisation", json={"self_service": True})
    fresh.contact("C-1", CONTACT)
    agent, other = fresh.api_of(ann), fresh.api_of(ben)
    asked = agent.call("POST", "connect", json={"mode": "agent"})
    assert title(came_back(fresh, asked["link"], account=ann)) == "Connected"
    mail = a_mail(CONTACT, ann)
    fresh.deliver(ann, mail)
    ledger.walk(ann)
    fresh.entry("contact/C-1", mail)
    assert agent.call("GET", f"mailboxes/{ann}")["connection"] == "graph-delegated"
    assert other.call("GET", "connect")["connections"] == []
    assert other.raw("DELETE", "connect").status_code == 204
    assert [row["state"] for row in agent.call("GET", "connect")["connections"]] == ["verified"]
    assert agent.raw("DELETE", "connect").status_code == 204
    [row] = agent.call("GET", "connect")["connections"]
    assert row["state"] == "disconnected"
    assert [row.token for row in ledger.connections.of(fresh.tenant_id)] == [""]
    fresh.entry("contact/C-1", mail)


def test_a_code_of_a_link_that_was_never_made_is_worth_nothing(fresh: Tenant, account: str) -> None:
    link = ask(fresh, "service_account")["link"]
    fresh.control.person(fresh.tenant_id, account=account)
    with requests.Session() as browser:
        browser.trust_env = False
        sent = browser.get(link, verify=fresh.ready["ca_file"], allow_redirects=False, timeout=PATIENCE)
    answer = dict(parse_qsl(urlsplit(sent.headers["location"]).query))
    assert title(callback(fresh, **{**answer, "state": f"{uuid.uuid4()}.x"})) == "This link is not valid"
    assert title(callback(fresh, **{**answer, "code": "1.forged"})) == "Something went wrong"
    assert state(fresh) == "link_expired"


def test_disconnecting_drops_the_tokens(fresh: Tenant, account: str, ledger: Ledger) -> None:
    ann = f"{PROBED}@{fresh.domain}"
    fresh.control.delegate(ann, account, "full_access")
    came_back(fresh, ask(fresh, "service_account")["link"], account=account)
    fresh.admin.raw("DELETE", "connect").raise_for_status()
    assert [one.token for one in ledger.connections.of(fresh.tenant_id)] == [""]
    assert fresh.admin.raw("POST", "connect/verify").status_code == 409
