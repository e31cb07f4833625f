"""What notifications and walks missed is found; items that break pages and lost deltas lose nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

from dev.tenant import Tenant, a_mail, eventually
from tests.e2e.conftest import CONTACT, STRANGER
from tests.ledger import Ledger


def sweep(tenant: Tenant, address: str) -> dict[str, Any]:
    """Ask for a comparison and wait for its counts."""
    before = tenant.admin.call("GET", f"mailboxes/{address}")["reconciliation"]
    assert tenant.admin.raw("POST", f"mailboxes/{address}/sync").status_code == 202

    def probe() -> dict[str, Any] | None:
        found: dict[str, Any] | None = tenant.admin.call("GET", f"mailboxes/{address}")["reconciliation"]
        return found if found != before else None

    return eventually(probe, what="the reconciliation")


def test_mail_that_was_never_told_comes_by_a_sync_and_is_counted(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    tenant.control.put_faults(drop_notifications=1.0)
    missed = a_mail(CONTACT, ann, "Nobody was told")
    tenant.deliver(ann, missed)
    tenant.deliver(ann, a_mail(STRANGER, ann))
    sweep(tenant, ann)
    tenant.entry("contact/C-1", missed)
    ledger.settle()
    counts = sweep(tenant, ann)
    assert (counts["seen"], counts["filed"], counts["repaired"], counts["waiting"]) == (2, 1, 0, 0)
    assert counts["skipped"] == [{"reason": "unknown_people", "count": 1}]
    assert len(tenant.timeline("contact/C-1")) == 1


def test_what_a_walk_cannot_see_is_repaired(tenant: Tenant, ann: str, ledger: Ledger) -> None:
    """With immutable ids, Graph now and then tells of a move only in the folder that the mail has left."""
    tenant.control.put_faults(drop_notifications=1.0, lost_moves=1.0)
    ledger.walk(ann)
    mail = a_mail(CONTACT, ann, "Out of the junk")
    graph_id = tenant.deliver(ann, mail, "junkemail")
    tenant.control.move(ann, graph_id, "inbox")
    ledger.walk(ann)
    assert graph_id not in ledger.sightings(ann)
    assert sweep(tenant, ann)["repaired"] == 1
    assert tenant.entry("contact/C-1", mail)["rule"] == "contact_address"


def test_a_delta_that_graph_forgot_loses_nothing(tenant: Tenant, ann: str, ledger: Ledger) -> None:
    # Without empty pages a new delta has one page: what is forgotten is a finished one, and each walk comes to an end.
    tenant.control.put_habits(empty_delta_pages=False)
    tenant.control.put_faults(drop_notifications=1.0, expire_delta_tokens=0.5)
    mails = [a_mail(CONTACT, ann, f"Number {number}") for number in range(5)]
    for mail in mails:
        tenant.deliver(ann, mail)
        ledger.walk(ann)
    assert tenant.control.faults()["struck"]["expire_delta_tokens"] >= 1
    for mail in mails:
        tenant.entry("contact/C-1", mail)
    ledger.settle()
    assert len(tenant.timeline("contact/C-1")) == 5
    assert ledger.exceptions() == []


def test_an_item_that_breaks_its_page_stops_nobody(tenant: Tenant, ann: str, ledger: Ledger) -> None:
    now = datetime.now(UTC)
    mails = [a_mail(CONTACT, ann, f"Number {number}") for number in range(7)]
    tenant.control.put_faults(drop_notifications=1.0)
    ids = [
        tenant.deliver(ann, mail, received=now - timedelta(minutes=len(mails) - number))
        for number, mail in enumerate(mails)
    ]
    tenant.control.put_faults(drop_notifications=1.0, poison_ids=[ids[3]])
    ledger.walk(ann)
    for mail in mails:
        tenant.entry("contact/C-1", mail)
    assert ledger.exceptions() == ["poison_item"]
    late = a_mail(CONTACT, ann, "After it")
    tenant.deliver(ann, late)
    ledger.walk(ann)
    tenant.entry("contact/C-1", late)
    assert ledger.exceptions() == ["poison_item"]
