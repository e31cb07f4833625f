"""Access to a mailbox is lost and given back: parked within one poll, shown, told once, and no mail missed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from dev.tenant import Tenant, a_mail, eventually
from tests.e2e.conftest import CONTACT
from tests.e2e.test_mailboxes import subscription_of
from tests.ledger import Ledger


def shown(tenant: Tenant, address: str) -> dict[str, Any]:
    found: dict[str, Any] = tenant.admin.call("GET", f"mailboxes/{address}")
    return found


def poll(ledger: Ledger, *addresses: str) -> None:
    """One poll of these mailboxes, worked off."""
    for address in addresses:
        mailbox = ledger.mailbox(address)
        assert mailbox is not None
        ledger.mailboxes.change(mailbox, lambda state: replace(state, next_poll_at=None))
    ledger.poll()
    ledger.settle_commands()


def told(ledger: Ledger, name: str, address: str) -> int:
    mailbox = ledger.mailbox(address)
    assert mailbox is not None
    return sum(one.get("mailbox") == mailbox.mailbox_id for one in ledger.events(name))


@contextmanager
def refused(tenant: Tenant, address: str) -> Iterator[None]:
    """Outside the scope granted, as Exchange says it."""
    user = next(one for one in tenant.control.call("GET", "users") if one["userPrincipalName"] == address)
    tenant.control.put_faults(access_denied=[address, user["id"]])
    yield
    tenant.control.clear_faults()


@contextmanager
def unconsented(tenant: Tenant, _: str) -> Iterator[None]:
    """The tenant's administrator has taken consent back."""
    tenant.control.organisations(tenant.tenant_id, tenant.domain, consented=False)
    yield
    tenant.control.organisations(tenant.tenant_id, tenant.domain, consented=True)


Loss = Callable[[Tenant, str], Any]


@pytest.mark.parametrize("loss", [refused, unconsented])
def test_a_loss_is_shown_and_told_once_and_nothing_is_missed(
    tenant: Tenant, ann: str, ledger: Ledger, loss: Loss
) -> None:
    before, meanwhile, after = (a_mail(CONTACT, ann, one) for one in ("Before", "Meanwhile", "After"))
    tenant.deliver(ann, before)
    tenant.entry("contact/C-1", before)
    ledger.settle()
    with loss(tenant, ann):
        poll(ledger, ann)
        found = shown(tenant, ann)
        assert (found["state"], found["lost_at"] is None) == ("no_access", False)
        assert "Grant" in found["last_error"] or "grant" in found["last_error"]
        tenant.deliver(ann, meanwhile)
        ledger.settle_commands()
        tenant.control.clear_stats()
        for _ in range(2):
            poll(ledger, ann)
        assert sum(tenant.graph_calls().values()) <= 2
        assert ledger.exceptions() == []
    poll(ledger, ann)
    tenant.entry("contact/C-1", meanwhile)
    found = shown(tenant, ann)
    assert (found["state"], found["last_error"], found["lost_at"]) == ("ok", "", None)
    assert (told(ledger, "access_lost", ann), told(ledger, "access_returned", ann)) == (1, 1)
    made = eventually(lambda: subscription_of(tenant, ann), what="a new subscription")
    assert made is not None
    tenant.deliver(ann, after)
    tenant.entry("contact/C-1", after)
    ledger.settle()
    subjects = sorted(one["subject"] for one in tenant.timeline("contact/C-1"))
    assert subjects == ["After", "Before", "Meanwhile"]
    assert ledger.exceptions() == []


def test_a_mailbox_that_loses_its_licence_is_parked_and_its_neighbour_is_not(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    joe = tenant.agent("joe")
    tenant.connect(joe)
    tenant.control.users(tenant.tenant_id, joe, mailbox=False)
    poll(ledger, ann, joe)
    found = shown(tenant, joe)
    assert (found["state"], "licence" in found["last_error"]) == ("no_access", True)
    assert shown(tenant, ann)["state"] == "ok"
    assert subscription_of(tenant, joe) is None
    assert subscription_of(tenant, ann) is not None


def test_a_mailbox_that_was_never_accessible_says_so_soon_after_it_is_connected(
    tenant: Tenant, ledger: Ledger
) -> None:
    eve = tenant.agent("eve", mailbox=False)
    tenant.control.put_faults(error_rate=1.0, error_kinds=["503"])
    tenant.connect(eve, wait=False)  # Graph does not answer the mailbox test, so it is saved
    tenant.control.clear_faults()
    eventually(lambda: shown(tenant, eve)["state"] == "no_access", what="the state no_access")
    ledger.settle()
    assert told(ledger, "access_lost", eve) == 1


def test_a_graph_that_is_down_parks_nobody(tenant: Tenant, ann: str, ledger: Ledger) -> None:
    tenant.control.put_faults(error_rate=1.0, error_kinds=["503", "reset"])
    mailbox = ledger.mailbox(ann)
    assert mailbox is not None
    ledger.mailboxes.change(mailbox, lambda state: replace(state, next_poll_at=None))
    ledger.poll()
    eventually(lambda: "put_back" in {line.get("outcome") for line in ledger.log()}, what="a failed walk")
    assert shown(tenant, ann)["state"] == "ok"
    tenant.control.clear_faults()
    ledger.settle()
    assert shown(tenant, ann)["state"] == "ok"
