"""The mailbox test in all its outcomes, what PUT makes of them, and addresses that change."""

from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from dev.processes import PATIENCE
from dev.tenant import Tenant, a_mail, eventually
from shared.domain.commands.agenda import Item
from tests.e2e.conftest import CONTACT
from tests.ledger import Ledger


def verdict(tenant: Tenant, address: str, **body: Any) -> dict[str, Any]:
    return tenant.admin.call("POST", f"mailboxes/{address}/test", json=body or None)


def outcome(tenant: Tenant, address: str, **body: Any) -> str:
    return str(verdict(tenant, address, **body)["outcome"])


def refusal(tenant: Tenant, address: str, **settings: Any) -> str:
    """What adding the mailbox is refused with; it must be what the test says."""
    body = {"kind": "personal", "agent": address, **settings}
    answer = tenant.admin.raw("PUT", f"mailboxes/{address}", json=body)
    assert answer.status_code == 422, answer.text
    assert tenant.admin.raw("GET", f"mailboxes/{address}").status_code == 404
    return str(answer.json()["detail"])


def link_opened(tenant: Tenant, mode: str, mailbox: str, **person: Any) -> None:
    tenant.control.person(tenant.tenant_id, **person)
    link = tenant.admin.call("POST", "connect", json={"mode": mode, "mailbox": mailbox})["link"]
    with requests.Session() as browser:
        browser.trust_env = False
        sent = browser.get(link, verify=tenant.ready["ca_file"], allow_redirects=False, timeout=PATIENCE)
        assert urlsplit(sent.headers["location"]).path.endswith("/connect/callback")
        assert browser.get(sent.headers["location"], timeout=PATIENCE).status_code == 200


def test_a_good_mailbox_is_ok_and_only_read(tenant: Tenant) -> None:
    ann = tenant.agent("ann")
    tenant.control.clear_stats()
    found = verdict(tenant, ann)
    assert (found["outcome"], found["send"], found["purpose"]) == ("ok", "permitted", "user")
    assert (found["primary_address"], found["records"]) == (None, [])
    assert "Mail.Send" in found["send_detail"]
    calls = tenant.graph_calls()
    assert calls
    assert all(endpoint.startswith("GET ") for endpoint in calls)
    assert tenant.admin.raw("GET", f"mailboxes/{ann}").status_code == 404


def test_what_the_tenant_does_is_found_out_shown_and_kept(tenant: Tenant) -> None:
    ann = tenant.agent("ann")
    tenant.control.put_habits(delta_expand="taken", refuses=["nested_select"])
    for number in range(2):
        tenant.deliver(ann, a_mail(CONTACT, ann, f"Mail {number}"))
    tested = verdict(tenant, ann)["habits"]
    told = {habit["name"]: habit["holds"] for habit in tested}
    assert (told["changes_with_properties"], told["mail_with_attachments"]) == (True, False)
    assert told["lists_with_whole_texts"] is None
    for caller in (tenant.admin, tenant.operator):
        assert caller.call("GET", "connect")["habits"] == tested
    assert tenant.api_of(ann).call("POST", f"mailboxes/{ann}/test")["habits"] == []
    tenant.contact("C-1", CONTACT)
    tenant.control.clear_stats()
    sent = a_mail(ann, CONTACT, "Sent")
    tenant.deliver(ann, sent, "sentitems")
    tenant.connect(ann)
    tenant.entry("contact/C-1", sent)
    calls = tenant.control.stats()["graph"]["calls"]
    read = [row["status"] for row in calls if row["endpoint"].endswith("/messages/{id}")]
    assert read == [200], "nothing is asked for that is refused"


def test_without_consent(tenant: Tenant) -> None:
    ann = tenant.agent("ann")
    tenant.control.consent(tenant.tenant_id, consented=False)
    found = verdict(tenant, ann)
    assert (found["outcome"], found["send"]) == ("no_consent", "unknown")
    assert refusal(tenant, ann) == found["detail"]


def test_a_consent_that_is_not_noticed_yet(tenant: Tenant) -> None:
    ann, ben = tenant.agent("ann"), tenant.agent("ben")
    tenant.control.consent(tenant.tenant_id, consented=False)
    link_opened(tenant, "admin_consent", ann)
    tenant.control.consent(tenant.tenant_id, unnoticed=True)
    found = verdict(tenant, ben)
    assert found["outcome"] == "consent_pending"
    assert "2 hours" in found["detail"]
    tenant.connect(ben, wait=False)  # what will pass does not keep a mailbox from being saved
    tenant.control.consent(tenant.tenant_id, unnoticed=False)
    assert outcome(tenant, ben) == "ok"


def test_a_mailbox_outside_the_scope(tenant: Tenant) -> None:
    ann, ben = tenant.agent("ann"), tenant.agent("ben")
    tenant.control.consent(tenant.tenant_id, roles=[], rbac_scope=[ann])
    tenant.admin.call("POST", "connect", json={"mode": "rbac", "mailbox": ann})
    assert tenant.admin.call("POST", "connect/verify")["state"] == "verified"
    found = verdict(tenant, ann)
    assert (found["outcome"], found["send"], found["purpose"]) == ("ok", "unknown", "user")
    assert "RBAC" in found["send_detail"]
    assert outcome(tenant, ben) == "not_in_scope"
    assert "management scope" in refusal(tenant, ben)


def test_a_right_to_headers_alone(tenant: Tenant) -> None:
    ann, ben = tenant.agent("ann"), tenant.agent("ben")
    tenant.control.consent(tenant.tenant_id, roles=["Mail.ReadBasic.All", "User.Read.All"])
    assert outcome(tenant, ann) == "no_bodies"
    assert "the right Mail.Read is missing" in refusal(tenant, ann)
    tenant.control.deliver(ben, a_mail(CONTACT, ben).as_bytes())
    tenant.control.consent(tenant.tenant_id, roles=[], rbac_scope=[ben])
    assert outcome(tenant, ben) == "ok"


def test_an_access_policy_that_leaves_a_mailbox_out(tenant: Tenant) -> None:
    ann = tenant.agent("ann")
    tenant.control.put_faults(access_denied=[ann])
    assert outcome(tenant, ann) == "not_in_scope"


@pytest.mark.parametrize("purpose", ["shared", "room"])
def test_a_mailbox_that_is_nobodys_own(tenant: Tenant, purpose: str) -> None:
    front = tenant.agent("front", purpose=purpose)
    found = verdict(tenant, front)
    assert (found["outcome"], found["purpose"]) == ("wrong_purpose", purpose)
    assert f"'{purpose}'" in refusal(tenant, front)
    assert outcome(tenant, front, kind="intake") == "ok"
    tenant.connect(front, kind="intake", wait=False)


def test_a_purpose_that_may_not_be_asked_for_is_unknown_and_no_obstacle(tenant: Tenant) -> None:
    ann = tenant.agent("ann", purpose="shared")
    tenant.control.consent(tenant.tenant_id, roles=["Mail.Read", "User.Read.All"])
    found = verdict(tenant, ann)
    assert (found["outcome"], found["purpose"], found["send"]) == ("ok", None, "not_permitted")


def test_a_user_without_a_mailbox(tenant: Tenant) -> None:
    eve = tenant.agent("eve", mailbox=False)
    assert outcome(tenant, eve) == "no_mailbox"
    assert "licence" in refusal(tenant, eve)


def test_an_address_of_nobody(tenant: Tenant) -> None:
    nobody = f"nobody@{tenant.domain}"
    assert outcome(tenant, nobody) == "no_user"
    assert "No user" in refusal(tenant, nobody)
    tenant.control.consent(tenant.tenant_id, roles=["Mail.Read"])
    assert outcome(tenant, nobody) == "no_user"


def test_an_alias_names_the_main_address(tenant: Tenant) -> None:
    alias = f"info@{tenant.domain}"
    ann = tenant.agent("ann", aliases=[alias])
    found = verdict(tenant, alias)
    assert (found["outcome"], found["primary_address"]) == ("alias", ann)
    assert f"Use {ann}" in refusal(tenant, alias)


def test_a_group_is_told_from_nobody_where_the_directory_may_be_asked(tenant: Tenant) -> None:
    sales = f"sales@{tenant.domain}"
    tenant.control.consent(tenant.tenant_id, groups={sales: "Sales"})
    assert outcome(tenant, sales) == "no_user"
    tenant.control.consent(tenant.tenant_id, roles=["Mail.Read", "User.Read.All", "GroupMember.Read.All"])
    found = verdict(tenant, sales)
    assert found["outcome"] == "group"
    assert "'Sales'" in refusal(tenant, sales)


def test_the_right_that_a_service_account_lacks_is_named(tenant: Tenant) -> None:
    ann, ben, crm = tenant.agent("ann"), tenant.agent("ben"), tenant.agent("crm", mailbox=False)
    assert outcome(tenant, ann, connection="graph-delegated") == "not_signed_in"
    tenant.control.delegate(ann, crm, "full_access", "send_as")
    link_opened(tenant, "service_account", ann, account=crm)
    found = verdict(tenant, ann, connection="graph-delegated")
    assert (found["outcome"], found["send"]) == ("ok", "unknown")
    assert "Send As" in found["send_detail"]
    found = verdict(tenant, ben, connection="graph-delegated")
    assert found["outcome"] == "missing_right"
    assert "Full Access" in refusal(tenant, ben, connection="graph-delegated")
    tenant.control.revoke_sign_ins(crm)
    assert outcome(tenant, ann, connection="graph-delegated") == "not_signed_in"


def test_a_colleagues_address_on_a_contact_card(tenant: Tenant) -> None:
    ann = f"ann@{tenant.domain}"
    tenant.admin.call("PUT", "organisation", json={"own_domains": []})
    tenant.contact("C-7", ann)
    tenant.agent("ann")
    found = verdict(tenant, ann)
    assert (found["outcome"], found["records"]) == ("on_contact_card", ["contact/C-7"])
    assert "contact/C-7" in refusal(tenant, ann)
    tenant.contact("C-7", CONTACT)
    assert outcome(tenant, ann) == "ok"


def test_a_graph_that_is_down_does_not_keep_a_mailbox_from_being_saved(
    tenant: Tenant, ledger: Ledger
) -> None:
    ann = tenant.agent("ann")
    tenant.control.put_faults(error_rate=1.0, error_kinds=["503"])
    assert outcome(tenant, ann) == "unreachable"
    tenant.connect(ann, wait=False)
    stored = ledger.mailbox(ann)
    assert stored is not None
    assert stored.state.untested
    tenant.control.clear_faults()
    tenant.do(Item.CONNECTIONS)
    eventually(lambda: not must(ledger, ann).state.untested, what="the test of the mailbox")


def must(ledger: Ledger, address: str) -> Any:
    found = ledger.mailbox(address)
    assert found is not None
    return found


def test_all_mailboxes_are_tested_a_page_at_a_time_and_agents_test_their_own(tenant: Tenant) -> None:
    people = [tenant.agent(name) for name in ("ann", "ben", "cid")]
    tenant.connect(*people, wait=False)
    tenant.control.put_faults(access_denied=[people[1]])
    first = tenant.admin.call("POST", "mailboxes/test", params={"limit": 2})
    assert [(one["address"], one["outcome"]) for one in first["results"]] == [
        (people[0], "ok"),
        (people[1], "not_in_scope"),
    ]
    rest = tenant.admin.call("POST", "mailboxes/test", params={"limit": 2, "cursor": first["cursor"]})
    assert [one["address"] for one in rest["results"]] == [people[2]]
    assert rest["cursor"] is None
    ben = tenant.api_of(people[1])
    assert [one["address"] for one in ben.call("POST", "mailboxes/test")["results"]] == [people[1]]
    assert ben.call("POST", f"mailboxes/{people[1]}/test")["outcome"] == "not_in_scope"
    assert ben.raw("POST", f"mailboxes/{people[0]}/test").status_code == 404


def test_a_changed_address_is_offered_and_taken_over_with_everything(
    tenant: Tenant, ann: str, ledger: Ledger
) -> None:
    first, second = a_mail(CONTACT, ann, "Before"), a_mail(CONTACT, ann, "After")
    tenant.deliver(ann, first)
    tenant.entry("contact/C-1", first)
    before = must(ledger, ann)
    assert before.user_id
    new = f"ann.berg@{tenant.domain}"
    tenant.control.users(tenant.tenant_id, new, "Ann Berg", aliases=[ann], id=before.user_id)
    tenant.do(Item.ADDRESSES)
    shown = lambda: tenant.admin.call("GET", f"mailboxes/{ann}")  # noqa: E731
    eventually(lambda: shown()["address_offered"] == new, what="the offer")
    assert outcome(tenant, ann) == "address_changed"
    own = tenant.api_of(new)
    moved = own.call("PUT", f"mailboxes/{ann}/address", json={"address": new})
    assert (moved["address"], moved["address_offered"]) == (new, None)
    after = must(ledger, new)
    assert (after.mailbox_id, after.user_id, after.connected_at) == (
        before.mailbox_id,
        before.user_id,
        before.connected_at,
    )
    assert ann in after.aliases
    tenant.deliver(new, second)
    tenant.entry("contact/C-1", second)
    ledger.walk(new)
    ledger.settle()
    assert sorted(one["subject"] for one in tenant.timeline("contact/C-1")) == ["After", "Before"]
    assert tenant.admin.raw("GET", f"mailboxes/{ann}").status_code == 404
    assert own.raw("GET", f"mailboxes/{new}").status_code == 200


def test_another_persons_address_is_not_taken_over(tenant: Tenant, ann: str) -> None:
    ben, cid = tenant.agent("ben"), tenant.agent("cid")
    tenant.connect(cid, wait=False)
    for wanted, status in ((ben, 422), (cid, 409), (f"nobody@{tenant.domain}", 422), ("x", 422)):
        answer = tenant.admin.raw("PUT", f"mailboxes/{ann}/address", json={"address": wanted})
        assert answer.status_code == status, answer.text
    tenant.control.consent(tenant.tenant_id, roles=["Mail.Read"])
    answer = tenant.admin.raw("PUT", f"mailboxes/{ann}/address", json={"address": ben})
    assert answer.status_code == 422
    assert "another mailbox" in answer.json()["detail"]


def test_without_the_directory_its_folders_prove_that_a_mailbox_is_the_same(
    tenant: Tenant, ledger: Ledger
) -> None:
    ann = tenant.agent("ann")
    tenant.control.consent(tenant.tenant_id, roles=["Mail.Read"])
    tenant.connect(ann)
    stored = must(ledger, ann)
    assert stored.user_id == ""
    new = f"ann.berg@{tenant.domain}"
    users = {one["mail"]: one["id"] for one in tenant.control.call("GET", "users")}
    tenant.control.users(tenant.tenant_id, new, "Ann Berg", id=users[ann])
    tenant.admin.call("PUT", f"mailboxes/{ann}/address", json={"address": new})
    assert must(ledger, new).mailbox_id == stored.mailbox_id
