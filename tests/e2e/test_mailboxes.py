"""Mailboxes that are connected, paused, removed; and what Graph forgets meanwhile."""

from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from dev.processes import PATIENCE
from dev.stack import Stack
from dev.tenant import Tenant, a_mail, eventually
from tests.e2e.conftest import CONTACT
from tests.ledger import Ledger


def subscription_of(tenant: Tenant, address: str) -> dict[str, Any] | None:
    found = [one for one in tenant.control.subscriptions() if one["address"] == address]
    assert len(found) < 2, found
    return found[0] if found else None


def test_a_connected_mailbox_has_one_subscription_with_secret_and_lifecycle(
    stack: Stack, tenant: Tenant, ann: str
) -> None:
    made = subscription_of(tenant, ann)
    assert made is not None
    assert made["changeType"] == "created"
    assert made["resource"].endswith("/messages")
    assert made["notificationUrl"].endswith("/api/graph/notifications")
    assert made["lifecycleNotificationUrl"].endswith("/api/graph/lifecycle")
    assert 40 <= len(made["clientState"]) <= 128
    expires = datetime.fromisoformat(made["expirationDateTime"])
    assert timedelta(days=1) < expires - datetime.now(UTC) <= timedelta(days=7)
    assert tenant.admin.call("GET", f"mailboxes/{ann}")["state"] == "ok"


def test_notifications_carry_ids_that_outlive_a_move(tenant: Tenant, ann: str, ledger: Ledger) -> None:
    graph_id = tenant.deliver(ann, a_mail(CONTACT, ann))
    ledger.outcome(ann, graph_id)
    folder = tenant.control.folders(ann, "Clients")
    tenant.control.move(ann, graph_id, folder)
    ledger.walk(ann)
    ledger.settle()
    assert list(ledger.sightings(ann)) == [graph_id]
    assert len(tenant.timeline("contact/C-1")) == 1


def test_connecting_again_makes_no_second_subscription(tenant: Tenant, ann: str, ledger: Ledger) -> None:
    before = subscription_of(tenant, ann)
    tenant.connect(ann, poll_minutes=5)
    ledger.settle()
    assert subscription_of(tenant, ann) == before


def test_mail_in_a_folder_that_is_new_comes_in(tenant: Tenant, ann: str, ledger: Ledger) -> None:
    folder = tenant.control.folders(ann, "Fabrikam")
    mail = a_mail(CONTACT, ann, "Sorted by a rule")
    tenant.deliver(ann, mail, folder)
    tenant.entry("contact/C-1", mail)
    ledger.settle()
    assert len(tenant.timeline("contact/C-1")) == 1


def test_a_paused_mailbox_captures_nothing_and_loses_nothing(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    first, paused, last = (a_mail(CONTACT, ann, subject) for subject in ("First", "Paused", "Last"))
    tenant.deliver(ann, first)
    tenant.entry("contact/C-1", first)
    tenant.admin.call("PUT", f"mailboxes/{ann}", json={"enabled": False})
    eventually(lambda: subscription_of(tenant, ann) is None, what="the end of the subscription")
    missed = tenant.deliver(ann, paused)
    ledger.poll()
    ledger.settle()
    assert missed not in ledger.sightings(ann)
    assert [one["subject"] for one in tenant.timeline("contact/C-1")] == ["First"]
    tenant.admin.call("PUT", f"mailboxes/{ann}", json={"enabled": True})
    tenant.entry("contact/C-1", paused)
    assert subscription_of(tenant, ann) is not None
    tenant.deliver(ann, last)
    tenant.entry("contact/C-1", last)
    ledger.walk(ann)
    ledger.settle()
    assert sorted(one["subject"] for one in tenant.timeline("contact/C-1")) == ["First", "Last", "Paused"]


def test_a_disabled_organisation_captures_nothing_and_loses_nothing(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    tenant.operator.call("PUT", "organisation", json={"enabled": False})
    eventually(lambda: subscription_of(tenant, ann) is None, what="the end of the subscription")
    mail = a_mail(CONTACT, ann)
    tenant.deliver(ann, mail)
    ledger.poll()
    ledger.settle()
    assert ledger.sightings(ann) == {}
    tenant.operator.call("PUT", "organisation", json={"enabled": True})
    tenant.entry("contact/C-1", mail)
    assert subscription_of(tenant, ann) is not None


def test_a_removed_mailbox_ends_its_subscription_and_leaves_its_timelines(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    before, meanwhile = a_mail(CONTACT, ann, "Before"), a_mail(CONTACT, ann, "Meanwhile")
    tenant.deliver(ann, before)
    entry = tenant.entry("contact/C-1", before)
    ledger.settle()
    tenant.admin.call("DELETE", f"mailboxes/{ann}")
    eventually(lambda: subscription_of(tenant, ann) is None, what="the end of the subscription")
    ledger.settle()
    assert tenant.admin.raw("GET", f"mailboxes/{ann}").status_code == 404
    tenant.deliver(ann, meanwhile)
    ledger.poll()
    ledger.settle()
    assert tenant.timeline("contact/C-1") == [entry]
    assert tenant.admin.raw("GET", f"messages/{entry['message_id']}").status_code == 200
    tenant.connect(ann)
    tenant.entry("contact/C-1", meanwhile)
    ledger.settle()
    assert sorted(one["subject"] for one in tenant.timeline("contact/C-1")) == ["Before", "Meanwhile"]


def test_a_forgotten_delta_token_loses_nothing_and_files_nothing_twice(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    known = a_mail(CONTACT, ann, "Known")
    tenant.deliver(ann, known)
    tenant.entry("contact/C-1", known)
    ledger.walk(ann)
    tenant.control.put_habits(empty_delta_pages=False)
    tenant.control.put_faults(drop_notifications=1, expire_delta_tokens=1)
    missed = [a_mail(CONTACT, ann, f"Missed {number}") for number in range(5)]
    for mail in missed:
        tenant.deliver(ann, mail)
    ledger.walk(ann)
    assert tenant.control.faults()["struck"]["expire_delta_tokens"] >= 1
    for mail in missed:
        tenant.entry("contact/C-1", mail)
    tenant.control.clear_faults()
    ledger.walk(ann)
    ledger.settle()
    assert len(tenant.timeline("contact/C-1")) == 6
    assert len(ledger.sightings(ann)) == 6


def test_a_subscription_that_graph_drops_with_a_word_is_made_again(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    before = subscription_of(tenant, ann)
    tenant.control.lifecycle("subscriptionRemoved", address=ann)
    made = eventually(lambda: subscription_of(tenant, ann), what="a new subscription")
    assert before is not None
    assert (made["id"] != before["id"], made["clientState"] != before["clientState"]) == (True, True)
    ledger.settle()
    mail = a_mail(CONTACT, ann)
    tenant.deliver(ann, mail)
    tenant.entry("contact/C-1", mail)


def test_notifications_that_graph_missed_are_made_up_for_by_a_walk(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    tenant.control.put_faults(drop_notifications=1)
    mail = a_mail(CONTACT, ann)
    tenant.deliver(ann, mail)
    tenant.control.clear_faults()
    tenant.control.lifecycle("missed", address=ann)
    assert tenant.entry("contact/C-1", mail)["rule"] == "contact_address"


def test_a_forged_notification_is_accepted_and_does_nothing(
    stack: Stack, tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    made = subscription_of(tenant, ann)
    assert made is not None
    tenant.control.put_faults(drop_notifications=1)
    mail = a_mail(CONTACT, ann)
    graph_id = tenant.deliver(ann, mail)
    ledger.settle()  # a new mailbox is looked at once more
    tenant.control.clear_stats()
    secret = made["clientState"]
    wrong = secret[:-1] + ("a" if secret[-1] != "a" else "b")
    for state in (wrong, "", secret.partition(".")[0], None, 7, secret + "x"):
        assert notify(stack, tenant, graph_id, state) == 202
    ledger.settle()
    assert ledger.sightings(ann) == {}
    assert tenant.graph_calls() == {}
    assert notify(stack, tenant, graph_id, secret) == 202
    tenant.entry("contact/C-1", mail)


def test_another_tenants_name_on_a_genuine_secret_does_nothing(
    stack: Stack, tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    made = subscription_of(tenant, ann)
    assert made is not None
    tenant.control.put_faults(drop_notifications=1)
    graph_id = tenant.deliver(ann, a_mail(CONTACT, ann))
    answer = notify(stack, tenant, graph_id, made["clientState"], "00000000-0000-4000-8000-000000000000")
    assert answer == 202
    ledger.settle()
    assert ledger.sightings(ann) == {}


def test_a_body_that_is_no_notification_is_refused(stack: Stack) -> None:
    url = f"{stack.ready['host_url']}/api/graph/notifications"
    for body in (b"", b"{", b"[]", b'{"value": 1}'):
        assert requests.post(url, data=body, timeout=PATIENCE).status_code == 400


def test_both_webhooks_answer_graphs_handshake_and_refuse_markup(stack: Stack) -> None:
    for name in ("notifications", "lifecycle"):
        url = f"{stack.ready['host_url']}/api/graph/{name}"
        token = "Validation: Testing client application reachability; id=a+b/c="
        answer = requests.post(url, params={"validationToken": token}, timeout=PATIENCE)
        assert (answer.status_code, answer.text) == (200, token)
        assert answer.headers["Content-Type"].startswith("text/plain")
        attack = {"validationToken": "<script>alert(1)</script>"}
        assert requests.post(url, params=attack, timeout=PATIENCE).status_code == 400


def notify(
    stack: Stack, tenant: Tenant, graph_id: str, client_state: object, tenant_id: str | None = None
) -> int:
    item = {
        "subscriptionId": "00000000-0000-4000-8000-000000000001",
        "clientState": client_state,
        "changeType": "created",
        "tenantId": tenant_id or tenant.tenant_id,
        "resourceData": {"id": graph_id},
    }
    url = f"{stack.ready['host_url']}/api/graph/notifications"
    return requests.post(url, json={"value": [item]}, timeout=PATIENCE).status_code
