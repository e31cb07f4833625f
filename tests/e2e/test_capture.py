"""What is kept and what is not, decided before a body is read; and that people's mailboxes stay as they are."""

import pytest

from dev.tenant import Tenant, a_mail
from shared.domain import names
from tests.e2e.conftest import CONTACT, STRANGER
from tests.ledger import Ledger


@pytest.mark.parametrize("way", ["notified", "polled"])
def test_mail_that_is_not_kept_is_skipped_without_a_look_at_its_body(
    tenant: Tenant, ann: str, ledger: Ledger, way: str
) -> None:
    ben = tenant.agent("ben")
    tenant.connect(ben)
    tenant.admin.call("PUT", "organisation", json={"never_log": ["doctor@clinic.example", "bank.example"]})
    tenant.admin.call("PUT", f"mailboxes/{ann}", json={"never_log": ["mother@home.example"]})
    tenant.contact("C-2", "mother@home.example", "teller@bank.example")
    mails = {
        "staff_only": a_mail(ben, ann, "Lunch?"),
        "never_log": a_mail("doctor@clinic.example", [ann, CONTACT], "Your results"),
        "unknown_people": a_mail(STRANGER, ann, "Buy this"),
    }
    own_rule = a_mail("mother@home.example", ann, "Sunday")
    domain_rule = a_mail("teller@bank.example", ann, "Statement")
    if way == "polled":
        tenant.control.put_faults(drop_notifications=1)
    tenant.control.clear_stats()
    expected = {tenant.deliver(ann, mail): reason for reason, mail in mails.items()}
    expected |= {tenant.deliver(ann, mail): "never_log" for mail in (own_rule, domain_rule)}
    if way == "polled":
        ledger.walk(ann)
    for graph_id, reason in expected.items():
        found = ledger.outcome(ann, graph_id)
        assert (found.outcome, found.reason) == ("skipped", reason)
    ledger.settle()
    ours = {str(mail["Message-ID"]) for mail in (*mails.values(), own_rule, domain_rule)}
    stats = tenant.control.stats()
    assert ours.isdisjoint(stats["bodies_read"])
    assert ours.isdisjoint(stats["attachments_read"])
    assert ledger.count(names.MESSAGES) == 0
    for ref in ("contact/C-1", "contact/C-2"):
        assert tenant.timeline(ref) == []


def test_nothing_readable_is_kept_of_skipped_mail(tenant: Tenant, ann: str, ledger: Ledger) -> None:
    mail = a_mail(f"Sam Secretive <{STRANGER}>", ann, "Private subject", text="Private words")
    graph_id = tenant.deliver(ann, mail)
    kept = repr(ledger.outcome(ann, graph_id)).lower()
    for word in (STRANGER, "adatum", "secretive", "private", str(mail["Message-ID"]).strip("<>")):
        assert word not in kept


def test_mail_of_a_contact_added_before_it_came_is_kept(tenant: Tenant, ann: str, ledger: Ledger) -> None:
    early = tenant.deliver(ann, a_mail("new@litware.example", ann))
    assert ledger.outcome(ann, early).outcome == "skipped"
    tenant.contact("C-9", "new@litware.example")
    mail = a_mail("new@litware.example", ann)
    tenant.deliver(ann, mail)
    assert tenant.entry("contact/C-9", mail)["rule"] == "contact_address"


def test_an_old_mail_is_outside_the_capture_window(tenant: Tenant, ledger: Ledger) -> None:
    address = tenant.agent("ann")
    tenant.contact("C-1", CONTACT)
    old = tenant.deliver(address, a_mail(CONTACT, address, "Old"), received="2026-01-01T10:00:00Z")
    recent = a_mail(CONTACT, address, "Recent")
    tenant.deliver(address, recent)
    tenant.connect(address)
    tenant.entry("contact/C-1", recent)
    ledger.settle()
    assert [one["subject"] for one in tenant.timeline("contact/C-1")] == ["Recent"]
    assert old not in ledger.sightings(address) or ledger.sightings(address)[old].outcome == "skipped"


def test_personal_mailboxes_stay_as_they_are(tenant: Tenant, ann: str, ledger: Ledger) -> None:
    mail = a_mail(CONTACT, ann, "Filed")
    mail.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="a.pdf")
    tenant.deliver(ann, mail)
    tenant.deliver(ann, a_mail(STRANGER, ann, "Skipped"))
    tenant.deliver(ann, a_mail(CONTACT, ann, "Spam"), "junkemail")
    tenant.deliver(ann, a_mail(ann, CONTACT, "Sent"), "sentitems")
    before = tenant.control.messages(ann)
    tenant.entry("contact/C-1", mail)
    ledger.walk(ann)
    ledger.settle()
    assert tenant.control.messages(ann) == before
    assert {one["subject"]: one["isRead"] for one in before} == {
        "Filed": False,
        "Skipped": False,
        "Spam": False,
        "Sent": True,
    }
    assert tenant.control.stats()["writes"] == {}
