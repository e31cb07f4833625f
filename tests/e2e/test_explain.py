"""Why is this mail (not) here, asked of the whole house."""

import pytest

from dev.tenant import ApiError, Tenant, a_mail, eventually
from tests.e2e.conftest import CONTACT, STRANGER
from tests.ledger import Ledger


def explain(tenant: Tenant, message_id: str) -> dict[str, object]:
    found: dict[str, object] = tenant.admin.call("GET", "explain", params={"internet_message_id": message_id})
    return found


def test_filed_skipped_and_moved_mail_is_explained(tenant: Tenant, ledger: Ledger, ann: str) -> None:
    filed = a_mail(CONTACT, ann, "Offer")
    skipped = a_mail(STRANGER, ann, "Secret offer", text="Nobody may read this.")
    junk = a_mail(CONTACT, ann, "Prize")
    ledger.outcome(ann, tenant.deliver(ann, filed))
    ledger.outcome(ann, tenant.deliver(ann, skipped))
    moved = tenant.deliver(ann, junk, folder="junkemail")
    ledger.seen(ann, moved)

    found = explain(tenant, str(filed["Message-ID"]))
    assert (found["outcome"], found["reason"]) == ("filed", "contact_address")
    assert [(one["kind"], one["id"]) for one in found["links"]] == [("contact", "C-1")]  # type: ignore[attr-defined]
    [copy] = found["sightings"]  # type: ignore[misc]
    assert (copy["mailbox"], copy["folder"], copy["outcome"]) == (ann, "inbox", "filed")

    found = explain(tenant, str(skipped["Message-ID"]).strip("<>"))
    assert (found["outcome"], found["reason"], found["links"]) == ("skipped", "unknown_people", [])
    assert STRANGER not in str(found)
    assert "Secret" not in str(found)

    found = explain(tenant, str(junk["Message-ID"]))
    assert (found["outcome"], found["reason"]) == ("skipped", "folder:junkemail")
    assert "not final" in " ".join(found["steps"])  # type: ignore[arg-type]
    tenant.control.move(ann, moved, "inbox")
    tenant.entry("contact/C-1", junk)
    eventually(lambda: explain(tenant, str(junk["Message-ID"]))["outcome"] == "filed", what="its word")


def test_404_only_when_nothing_is_known(tenant: Tenant, ledger: Ledger, ann: str) -> None:
    with pytest.raises(ApiError, match="404"):
        explain(tenant, "<nobody@nowhere.example>")
    parent = "<parent@adatum.example>"
    reply = a_mail(STRANGER, ann, "Re: Hello", headers={"In-Reply-To": parent})
    ledger.outcome(ann, tenant.deliver(ann, reply))
    assert explain(tenant, parent)["outcome"] == "unknown"


def test_an_agent_may_not_ask(tenant: Tenant, ann: str) -> None:
    answer = tenant.api_of(ann).raw("GET", "explain", params={"internet_message_id": "<a@b.example>"})
    assert answer.status_code == 403
