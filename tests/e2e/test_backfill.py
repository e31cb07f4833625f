"""History on demand: silent, behind live mail, once, with progress."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

from dev.tenant import Tenant, a_mail, eventually
from tests.e2e.conftest import CONTACT, STRANGER
from tests.ledger import Ledger

DAYS = 40


def history(tenant: Tenant, address: str, count: int, sender: str = CONTACT) -> list[EmailMessage]:
    """Mail of the last weeks, delivered without a word."""
    tenant.control.put_faults(drop_notifications=1.0)
    start = datetime.now(UTC) - timedelta(days=DAYS)
    mails = [a_mail(sender, address, f"History {number}") for number in range(count)]
    for number, mail in enumerate(mails):
        tenant.deliver(address, mail, received=start + timedelta(minutes=number))
    tenant.control.clear_faults()
    return mails


def start(tenant: Tenant, address: str) -> None:
    since = (datetime.now(UTC) - timedelta(days=DAYS + 1)).isoformat()
    tenant.admin.call("POST", f"mailboxes/{address}/backfill", json={"since": since})


def bodies_read(tenant: Tenant, mails: list[EmailMessage]) -> dict[str, int]:
    """How often each of these was read, those that were not left out; the stack has other organisations too."""
    read = tenant.control.stats()["bodies_read"]
    ours = (str(one["Message-ID"]) for one in mails)
    return {one: read[one] for one in ours if one in read}


def progress(tenant: Tenant, address: str) -> dict[str, Any]:
    found: dict[str, Any] = tenant.admin.call("GET", f"mailboxes/{address}")["backfill"]
    return found


def finished(tenant: Tenant, address: str) -> dict[str, Any]:
    def probe() -> dict[str, Any] | None:
        found = progress(tenant, address)
        return found if found["state"] != "running" else None

    return eventually(probe, what="the end of the backfill")


def test_history_is_brought_in_once_and_only_when_asked_for(tenant: Tenant, ann: str, ledger: Ledger) -> None:
    mails = history(tenant, ann, 70)
    strangers = history(tenant, ann, 5, STRANGER)
    ledger.walk(ann)
    ledger.settle()
    assert tenant.timeline("contact/C-1") == []
    start(tenant, ann)
    shown = finished(tenant, ann)
    assert (shown["state"], shown["done"], shown["expected"]) == ("done", 75, 75)
    assert shown["rate_per_minute"] > 0
    found = {one["internet_message_id"] for one in tenant.timeline("contact/C-1", limit=200)}
    assert found == {str(mail["Message-ID"]) for mail in mails}
    assert bodies_read(tenant, [*mails, *strangers]) == dict.fromkeys(found, 1)
    start(tenant, ann)
    assert finished(tenant, ann)["done"] == 75
    ledger.settle()
    assert len(tenant.timeline("contact/C-1", limit=200)) == 70
    assert bodies_read(tenant, [*mails, *strangers]) == dict.fromkeys(found, 1)


def test_live_mail_comes_in_meanwhile(tenant: Tenant, ann: str) -> None:
    history(tenant, ann, 200)
    start(tenant, ann)
    eventually(lambda: progress(tenant, ann)["done"] > 0, what="the first page")
    live = a_mail(CONTACT, ann, "Live")
    tenant.deliver(ann, live)
    tenant.entry("contact/C-1", live)
    assert finished(tenant, ann)["done"] >= 200


def test_a_running_one_is_told_and_can_be_cancelled(tenant: Tenant, ann: str, ledger: Ledger) -> None:
    history(tenant, ann, 200)
    start(tenant, ann)
    again = tenant.admin.raw("POST", f"mailboxes/{ann}/backfill", json={"since": "2020-01-01T00:00:00Z"})
    assert (again.status_code, "running" in again.json()["detail"]) == (409, True)
    assert tenant.admin.raw("DELETE", f"mailboxes/{ann}/backfill").status_code == 204
    assert progress(tenant, ann)["state"] == "cancelled"
    ledger.settle()
    assert progress(tenant, ann)["done"] < 200
