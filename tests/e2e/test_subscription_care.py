"""Subscriptions that vanish, run out or stray: the timers put them in order, and each mailbox has exactly one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dev.stack import Stack
from dev.tenant import Tenant, a_mail, eventually
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.settings import StorageSettings
from shared.adapters.storage.stores.subscriptions import AzureSubscriptions
from shared.domain.commands.agenda import Item
from tests.builders import rewrite
from tests.e2e.conftest import CONTACT
from tests.e2e.test_mailboxes import subscription_of
from tests.ledger import Ledger


def stored(stack: Stack) -> AzureSubscriptions:
    account = stack.ready["storage_connection_string"]
    return AzureSubscriptions(Connection(StorageSettings(connection_string=account)))


def ran(tenant: Tenant, ledger: Ledger, item: Item, event: str) -> None:
    """An item of the agenda, done at once: it has said the event of its end, and what it queued is worked off."""
    before = len(ledger.events(event))
    tenant.do(item)
    eventually(lambda: len(ledger.events(event)) > before, what=event)
    ledger.settle()


def care(tenant: Tenant, ledger: Ledger) -> None:
    ran(tenant, ledger, Item.SUBSCRIPTIONS, "subscriptions_due")


def reconcile(tenant: Tenant, ledger: Ledger) -> None:
    """The comparison with Graph's list."""
    ran(tenant, ledger, Item.COMPARISONS, "comparisons_queued")


def change_row(stack: Stack, tenant: Tenant, address: str, **changes: Any) -> None:
    mailbox = Ledger(stack.ready, tenant).mailbox(address)
    assert mailbox is not None
    rows = stored(stack)
    row = rows.get(tenant.tenant_id, mailbox.mailbox_id)
    assert row is not None
    rows.put(tenant.tenant_id, replace(row, **changes))


def test_one_that_vanished_without_a_word_is_made_anew_and_its_mail_comes_in(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    tenant.control.expire_subscriptions(ann)
    missed, later = a_mail(CONTACT, ann, "Missed"), a_mail(CONTACT, ann, "Later")
    tenant.deliver(ann, missed)
    reconcile(tenant, ledger)
    assert subscription_of(tenant, ann) is not None
    tenant.entry("contact/C-1", missed)
    tenant.deliver(ann, later)
    tenant.entry("contact/C-1", later)


def test_one_that_ends_soon_is_renewed_and_stays_the_same(
    stack: Stack, tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    before = subscription_of(tenant, ann)
    assert before is not None
    soon = datetime.now(UTC) + timedelta(hours=40)
    ledger.settle()  # a new mailbox is looked at once more
    change_row(stack, tenant, ann, expires_at=soon)
    tenant.control.clear_stats()
    care(tenant, ledger)
    after = subscription_of(tenant, ann)
    assert after is not None
    assert after["id"] == before["id"]
    assert tenant.graph_calls() == {"PATCH /subscriptions/{id}": 1}


def test_a_worker_killed_before_graphs_answer_leaves_no_second_one(
    stack: Stack, tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    """Graph has one whose answer nobody took down; its notifications cannot be believed."""
    before = subscription_of(tenant, ann)
    assert before is not None
    change_row(stack, tenant, ann, subscription_id="", client_state="0.unknown", expires_at=None)
    reconcile(tenant, ledger)
    made = subscription_of(tenant, ann)
    assert made is not None
    assert made["clientState"] != before["clientState"]
    mail = a_mail(CONTACT, ann)
    tenant.deliver(ann, mail)
    tenant.entry("contact/C-1", mail)


def test_a_stray_one_of_a_mailbox_that_is_gone_is_ended(
    stack: Stack, tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    mailbox = ledger.mailbox(ann)
    assert mailbox is not None
    stored(stack).delete(tenant.tenant_id, mailbox.mailbox_id)
    ledger.mailboxes.delete(tenant.tenant_id, ann)
    reconcile(tenant, ledger)
    eventually(lambda: subscription_of(tenant, ann) is None, what="the end of the stray")


def test_a_paused_mailbox_whose_subscription_was_left_loses_it(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    mailbox = ledger.mailbox(ann)
    assert mailbox is not None
    rewrite(ledger.mailboxes, mailbox, enabled=False)
    reconcile(tenant, ledger)
    assert subscription_of(tenant, ann) is None
    assert tenant.admin.call("GET", f"mailboxes/{ann}")["state"] == "paused"


def test_comparing_what_is_in_order_changes_nothing(tenant: Tenant, ann: str, ledger: Ledger) -> None:
    before = subscription_of(tenant, ann)
    care(tenant, ledger)
    reconcile(tenant, ledger)
    assert subscription_of(tenant, ann) == before
