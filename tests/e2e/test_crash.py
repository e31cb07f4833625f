"""A host process that dies at work, and the poll timer, on a stack of their own."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage

import pytest
import requests

from dev.processes import PATIENCE
from dev.stack import Stack, StackOptions
from dev.tenant import Tenant, a_mail, eventually
from shared.domain import names
from tests.e2e.conftest import CONTACT, new_tenant
from tests.ledger import Ledger

MAILS = 60


@pytest.fixture(scope="module")
def fragile() -> Iterator[Stack]:
    """Timers on; a running command is hidden from others for 5 s only."""
    with Stack(StackOptions(shorten=4, invisibility=5)) as running:
        yield running


@pytest.fixture(scope="module")
def quiet(fragile: Stack) -> tuple[Tenant, EmailMessage]:
    """A mailbox whose subscription Graph dropped without a word, and a mail to it."""
    tenant = new_tenant(fragile)
    tenant.contact("C-1", CONTACT)
    address = tenant.agent("quiet")
    tenant.connect(address)
    tenant.control.expire_subscriptions(address)
    mail = a_mail(CONTACT, address, "Nobody was told")
    tenant.deliver(address, mail)
    return tenant, mail


def test_a_host_killed_while_it_works_loses_nothing_and_files_nothing_twice(
    fragile: Stack, quiet: tuple[Tenant, EmailMessage]
) -> None:
    tenant = new_tenant(fragile)
    ledger = Ledger(fragile.ready, tenant)
    tenant.contact("C-1", CONTACT)
    address = tenant.agent("ann")
    tenant.connect(address)
    mails = [a_mail(CONTACT, address, f"Number {number}") for number in range(MAILS)]
    mails[5].add_attachment(b"x" * 100_000, maintype="application", subtype="pdf", filename="a.pdf")
    first_entry = {"service": "table", "texts": [f"/{names.TIMELINE}", tenant.tenant_id]}
    with closed_after(fragile, first_entry) as is_closed:
        delivered = [tenant.deliver(address, mail) for mail in mails]
        eventually(is_closed, what="the first entry")
        (victim,) = fragile.ready["pids"]["host"]
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: fragile.ready["pids"]["host"] != [victim], what="another host process")
    # A dead worker's leases block its mailbox for up to a minute.
    for graph_id in delivered:
        assert ledger.outcome(address, graph_id).outcome == "filed"
    ledger.settle()
    entries = with_patience(tenant)
    assert sorted(entries) == sorted(str(mail["Message-ID"]) for mail in mails)
    assert len(ledger.sightings(address)) == MAILS
    assert (ledger.unfinished(), ledger.exceptions(), ledger.poisoned()) == (0, [], 0)


@contextmanager
def closed_after(stack: Stack, write: dict[str, object]) -> Iterator[Callable[[], bool]]:
    """Storage does nothing more after this write, until the block ends; says whether it has come."""
    dam = stack.ready["storage_dam_url"]
    requests.put(dam, json=write, timeout=PATIENCE).raise_for_status()
    try:
        yield lambda: bool(requests.get(dam, timeout=PATIENCE).json()["closed"])
    finally:
        requests.delete(dam, timeout=PATIENCE).raise_for_status()


def with_patience(tenant: Tenant) -> list[str]:
    """The entries' Message-IDs, asked for until a host is there to answer."""

    def probe() -> list[str] | None:
        try:
            return [one["internet_message_id"] for one in tenant.timeline("contact/C-1", limit=200)]
        except OSError:
            return None

    return eventually(probe, what="a host that answers")


def test_the_poll_timer_brings_mail_that_nobody_notified(quiet: tuple[Tenant, EmailMessage]) -> None:
    tenant, mail = quiet
    assert tenant.entry("contact/C-1", mail)["subject"] == mail["Subject"]
