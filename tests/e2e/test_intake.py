"""An intake mailbox as docs/intake.md sets it up: a group in front of it, routes, cases, answers, marks."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from dev.tenant import Tenant, a_mail, eventually
from tests.ledger import Ledger

ROLES = ["Mail.Read", "Mail.ReadWrite", "Mail.Send", "User.Read.All", "GroupMember.Read.All"]
KIM = "kim@stranger.example"
ENGLISH = {"language": "en", "subject": "We have it: {subject}", "text": "Your case is {case_id}."}


def cases(tenant: Tenant) -> list[dict[str, Any]]:
    """The records that were opened, by name."""
    query = {"kind": "case", "origin": "postledger"}
    found = tenant.admin.call("GET", "records", params=query)["records"]
    return sorted(found, key=lambda case: str(case["name"]))


def case_named(tenant: Tenant, name: str) -> dict[str, Any]:
    def probe() -> dict[str, Any] | None:
        return next((case for case in cases(tenant) if case["name"] == name), None)

    return eventually(probe, what=f"the case {name!r}")


@pytest.fixture
def desk(tenant: Tenant) -> str:
    """`service@`, which is in the group `service-group@`; one of its routes is spelled wrongly at first."""
    ann, service = tenant.agent("ann"), tenant.agent("service", purpose="shared")
    tenant.control.consent(tenant.tenant_id, roles=ROLES)
    put_group(tenant, service, outside_senders=False)
    routes = [
        {"to": group_of(tenant), "type": "repair"},
        {"to": f"no-group@{tenant.domain}", "type": "nothing"},
    ]
    tenant.connect(
        service, kind="intake", agent=ann, agents=[ann], intake={"routes": routes, "type": "enquiry"}
    )
    return service


def group_of(tenant: Tenant) -> str:
    return f"service-group@{tenant.domain}"


def put_group(tenant: Tenant, member: str, *, outside_senders: bool) -> None:
    group = {"name": "Service", "members": [member], "outside_senders": outside_senders}
    tenant.control.consent(tenant.tenant_id, groups={group_of(tenant): group})


def test_the_guide_to_a_group_in_front_of_the_mailbox(tenant: Tenant, desk: str) -> None:
    # 1. The group has the mailbox as a member. 2. Until it takes outside senders, theirs is refused.
    mail = a_mail(KIM, group_of(tenant), "Boiler")
    refused = tenant.control.deliver(group_of(tenant), mail.as_bytes())
    assert "5.7.133" in refused["refused"]
    put_group(tenant, desk, outside_senders=True)
    # 3. The route names the group; the test tells of the one that nobody has.
    tested = tenant.admin.call("POST", f"mailboxes/{desk}/test", json={})
    assert (tested["outcome"], f"no-group@{tenant.domain}" in tested["detail"]) == ("stray_routes", True)
    assert group_of(tenant) not in tested["detail"]
    routes = [{"to": group_of(tenant), "type": "repair"}]
    tenant.admin.call("PUT", f"mailboxes/{desk}", json={"intake": {"routes": routes}})
    assert tenant.admin.call("POST", f"mailboxes/{desk}/test", json={})["outcome"] == "ok"
    # 4. A mail from outside, to the group and to the mailbox itself.
    tenant.control.deliver(group_of(tenant), mail.as_bytes())
    tenant.deliver(desk, a_mail(KIM, desk, "Roof"))
    by_group, plain = case_named(tenant, "Boiler"), case_named(tenant, "Roof")
    assert (by_group["type"], by_group["sent_to"], by_group["mailbox"]) == ("repair", group_of(tenant), desk)
    assert (plain["type"], plain["sent_to"]) == ("enquiry", desk)


def test_a_case_is_acknowledged_and_its_mail_marked_and_both_once(
    tenant: Tenant, desk: str, ledger: Ledger
) -> None:
    tenant.admin.call("PUT", f"mailboxes/{desk}/acknowledgement", json={"templates": [ENGLISH]})
    item = tenant.deliver(desk, a_mail(KIM, desk, "Boiler"))
    case = case_named(tenant, "Boiler")

    def answered() -> list[dict[str, Any]]:
        return [mail for mail in tenant.control.outbound() if mail["to"] == [KIM]]

    [left] = eventually(answered, what="the acknowledgement")
    assert left["subject"].startswith("We have it: Boiler [")
    raw = message_from_bytes(b64decode(left["raw_base64"]), EmailMessage, policy=default)
    assert raw.get_content().strip() == f"Your case is {case['id']}."

    def marked() -> bool:
        return next(mail["isRead"] for mail in tenant.control.messages(desk) if mail["id"] == item)

    assert eventually(marked, what="the mark")
    for is_read in (False, True):
        tenant.control.update(desk, item, isRead=is_read)
        ledger.walk(desk)
        ledger.settle()
    assert (len(cases(tenant)), len(answered())) == (1, 1)


def test_an_old_mail_that_a_colleague_drags_in_is_found_by_a_walk_and_nothing_that_lay_there(
    tenant: Tenant, ledger: Ledger
) -> None:
    ann, service = tenant.agent("ann"), tenant.agent("service", purpose="shared")
    long_ago = datetime.now(UTC) - timedelta(days=95)
    lay = tenant.deliver(service, a_mail(KIM, service, "Lay there"), received=long_ago, read=True)
    waited = a_mail(KIM, service, "Waited unread")
    tenant.deliver(service, waited, received=long_ago, read=False)
    tenant.connect(service, kind="intake", agent=ann, agents=[ann])
    case_named(tenant, "Waited unread")
    tenant.control.put_faults(drop_notifications=1)
    tenant.deliver(service, a_mail(KIM, service, "Dragged"), received=long_ago, read=True)
    tenant.control.update(service, lay, isRead=False)
    ledger.walk(service)
    case_named(tenant, "Dragged")
    ledger.walk(service)
    ledger.settle()
    assert [case["name"] for case in cases(tenant)] == ["Dragged", "Waited unread"]
