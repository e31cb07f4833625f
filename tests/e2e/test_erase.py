"""Erasing a person and deleting an organisation on the whole house: asked for over HTTP, done by the queues."""

from dev.tenant import Tenant, a_mail, eventually
from tests.e2e.conftest import CONTACT


def test_an_erased_persons_mail_leaves_the_timelines_and_no_more_comes(tenant: Tenant, ann: str) -> None:
    first = a_mail(CONTACT, ann, "Before")
    tenant.deliver(ann, first)
    tenant.entry("contact/C-1", first)
    asked = tenant.admin.call("POST", "erase", json={"address": CONTACT})
    assert asked["state"] == "running"
    eventually(lambda: tenant.timeline("contact/C-1") == [], what="the entry to go")
    path = f"erase/{asked['id']}"
    found = eventually(
        lambda: (one := tenant.admin.call("GET", path)) and one["turn"] == 2 and one, what="the first turn"
    )
    assert found["messages"] == 1
    rows = tenant.admin.call("GET", "audit", params={"what": "erase"})["rows"]
    assert len(rows) == 1
    assert CONTACT not in str(tenant.admin.call("GET", "audit")["rows"])


def test_a_deleted_organisation_is_shut_at_once(tenant: Tenant, ann: str) -> None:
    mail = a_mail(CONTACT, ann, "Before")
    tenant.deliver(ann, mail)
    tenant.entry("contact/C-1", mail)
    done = tenant.admin.call("DELETE", "organisation", params={"confirm": tenant.tenant_id})
    assert done["state"] == "deleting"
    assert tenant.admin.raw("GET", "timelines/contact/C-1").status_code == 403
