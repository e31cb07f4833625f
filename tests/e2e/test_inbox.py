"""My Inbox on the whole house: mail waits, agents decide, timelines follow, and an undo puts it all back."""

from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from typing import Any

import pytest

from dev.tenant import Api, Tenant, a_mail, eventually
from tests.e2e.conftest import CONTACT, STRANGER
from tests.ledger import Ledger


@pytest.fixture
def ann(tenant: Tenant) -> str:
    """An agent whose mailbox captures everything; a contact with a client."""
    address = tenant.agent("ann")
    tenant.admin.call("PUT", "records/client/K-1", json={"name": "Fabrikam"})
    tenant.contact("C-1", CONTACT, client="K-1")
    tenant.connect(address, capture="everything")
    return address


def items(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.call("GET", "inbox")["items"]
    return found


def waiting(api: Api, mail: EmailMessage) -> dict[str, Any]:
    """The item of a mail, waited for."""

    def probe() -> dict[str, Any] | None:
        return next((one for one in items(api) if one["subject"] == mail["Subject"]), None)

    return eventually(probe, what=f"{mail['Subject']!r} in My Inbox")


def test_a_thread_is_filed_by_one_decision_and_comes_back_by_one_undo(tenant: Tenant, ann: str) -> None:
    api = tenant.api_of(ann)
    first = a_mail(STRANGER, ann, "Two estimates")
    answer = a_mail(
        "li@adatum.example", ann, "Re: Two estimates", headers={"References": first["Message-ID"]}
    )
    tenant.deliver(ann, first)
    item = waiting(api, first)
    tenant.deliver(ann, answer)
    waiting(api, answer)
    body = {"records": [{"kind": "contact", "id": "C-1"}], "etag": item["etag"], "follow_address": True}
    api.call("POST", f"inbox/{item['message_id']}/link", json=body)
    assert tenant.entry("contact/C-1", first)["rule"] == "by_hand"
    assert tenant.entry("client/K-1", first)["rule"] == "by_hand"
    assert tenant.entry("contact/C-1", answer)["rule"] == "thread"
    assert items(api) == []
    later = a_mail(
        "new@adatum.example", ann, "Re: Two estimates (2)", headers={"In-Reply-To": first["Message-ID"]}
    )
    tenant.deliver(ann, later)
    assert tenant.entry("contact/C-1", later)["rule"] == "thread"
    api.call("POST", f"inbox/{item['message_id']}/undo")
    eventually(
        lambda: len(items(api)) == 3, what="both mails back in My Inbox, and the answer that came later"
    )
    assert tenant.timeline("contact/C-1") == []


def test_an_opportunity_is_opened_and_listed_as_ours(tenant: Tenant, ann: str) -> None:
    api = tenant.api_of(ann)
    mail = a_mail(STRANGER, ann, "New kitchen", text="Please send us an offer.")
    tenant.deliver(ann, mail)
    item = waiting(api, mail)
    path = f"inbox/{item['message_id']}/opportunity"
    answer = api.call("POST", path, json={"kind": "opportunity", "contacts": ["C-1"]})
    [ref] = [f"{one['kind']}/{one['id']}" for one in answer["links"] if one["kind"] == "opportunity"]

    def opened() -> Any:
        found = tenant.admin.raw("GET", f"records/{ref}")
        return found.json() if found.ok else None

    record = eventually(opened, what="the opened record")
    assert (record["name"], record["origin"], record["client"]) == ("New kitchen", "postledger", "K-1")
    assert "Please send us an offer." in record["details"]
    assert tenant.entry(ref, mail)["rule"] == "opened"
    again = api.call("POST", path, json={"kind": "opportunity", "contacts": ["C-1"]})
    assert again == answer


def test_a_note_and_links_by_hand(tenant: Tenant, ann: str) -> None:
    api = tenant.api_of(ann)
    mail = a_mail(STRANGER, ann, "For the file")
    tenant.deliver(ann, mail)
    item = waiting(api, mail)
    api.call("POST", f"inbox/{item['message_id']}/note", json={"client": "K-1"})
    assert tenant.entry("client/K-1", mail)["kind"] == "note"
    links = f"messages/{item['message_id']}/links"
    api.call("POST", links, json={"kind": "contact", "id": "C-1"})
    tenant.entry("contact/C-1", mail)
    api.call("DELETE", links, json={"kind": "contact", "id": "C-1"})
    eventually(lambda: not tenant.timeline("contact/C-1"), what="the entry gone")


def test_a_deleted_mail_does_not_come_back(tenant: Tenant, ann: str, ledger: Ledger) -> None:
    """Its agent is an admin here; the same mail then comes to a colleague."""
    admin = tenant.api_of(ann, "Agent", "Admin")
    mail = a_mail(STRANGER, ann, "Confidential")
    tenant.deliver(ann, mail)
    item = waiting(admin, mail)
    admin.call("DELETE", f"inbox/{item['message_id']}")
    assert items(admin) == []
    assert admin.raw("GET", f"messages/{item['message_id']}").status_code == 404
    ben = tenant.agent("ben")
    tenant.connect(ben, capture="everything")
    copy = tenant.deliver(ben, mail)
    seen = ledger.outcome(ben, copy)
    assert (seen.outcome, seen.reason) == ("skipped", "deleted")
    explained = admin.call("GET", "explain", params={"internet_message_id": mail["Message-ID"]})
    assert (explained["outcome"], explained["reason"]) == ("skipped", "deleted")
    assert admin.raw("POST", f"inbox/{item['message_id']}/undo").status_code == 409


def test_of_two_agents_who_decide_at_once_one_is_told(tenant: Tenant, ann: str) -> None:
    ben = tenant.agent("ben")
    tenant.connect(ben, capture="everything")
    for number in range(5):
        mail = a_mail(STRANGER, [ann, ben], f"For both {number}")
        apis = []
        for address in (ann, ben):
            tenant.deliver(address, mail)
            apis.append(tenant.api_of(address))
        found = [waiting(one, mail) for one in apis]
        targets = [{"kind": "contact", "id": "C-1"}, {"kind": "client", "id": "K-1"}]

        def decide(who: int, found: Any = found, apis: Any = apis, targets: Any = targets) -> int:
            body = {"records": [targets[who]], "etag": found[who]["etag"]}
            answer = apis[who].raw("POST", f"inbox/{found[who]['message_id']}/link", json=body)
            return int(answer.status_code)

        with ThreadPoolExecutor(2) as pool:
            statuses = list(pool.map(decide, range(2)))
        assert sorted(statuses) == [200, 412]
        for api in apis:
            assert mail["Subject"] not in [one["subject"] for one in items(api)]
