"""A contact that is added after its mail brings it in, on the whole house."""

from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from dev.stack import Stack
from dev.tenant import Tenant, a_mail, eventually
from shared.domain import names
from shared.domain.commands.commands import JoinLateContacts
from tests.e2e.conftest import CONTACT, STRANGER
from tests.ledger import Ledger


def join_now(stack: Stack, ledger: Ledger) -> None:
    """The pass that would come in two minutes."""
    from datetime import UTC, datetime

    command = JoinLateContacts(tenant_id=ledger.tenant.tenant_id, first_at=datetime.now(UTC))
    QueueClient.from_connection_string(
        stack.ready["storage_connection_string"],
        JoinLateContacts.queue,
        message_encode_policy=TextBase64EncodePolicy(),
    ).send_message(command.to_json(), time_to_live=-1)


def test_a_contact_brings_in_its_mail_of_before_and_the_answer_says_how_many(
    stack: Stack, tenant: Tenant, ledger: Ledger
) -> None:
    ann, bob = tenant.agent("ann"), tenant.agent("bob")
    tenant.connect(ann, bob)
    both = a_mail(STRANGER, [ann, bob], "Before you knew me")
    second = a_mail(STRANGER, ann, "Once more")
    ids = [(ann, tenant.deliver(ann, both)), (bob, tenant.deliver(bob, both))]
    ids.append((ann, tenant.deliver(ann, second)))
    for address, graph_id in ids:
        assert ledger.outcome(address, graph_id).reason == "unknown_people"
    body = {"name": "Sam", "addresses": [STRANGER]}
    assert tenant.admin.call("PUT", "records/contact/S-1", json=body)["late_mail"] == 2
    assert tenant.admin.call("PUT", "records/contact/S-1", json=body)["late_mail"] == 0
    join_now(stack, ledger)
    for mail in (both, second):
        tenant.entry("contact/S-1", mail)
    for address, graph_id in ids:
        eventually(
            lambda address=address, graph_id=graph_id: ledger.outcome(address, graph_id).outcome == "filed",  # type: ignore[misc]
            what="the ledger's word",
        )
    assert len(tenant.timeline("contact/S-1")) == 2


def test_a_load_asks_for_one_pass_and_counts(stack: Stack, tenant: Tenant, ledger: Ledger) -> None:
    ann = tenant.agent("ann")
    tenant.connect(ann)
    graph_id = tenant.deliver(ann, a_mail(CONTACT, ann, "Early"))
    assert ledger.outcome(ann, graph_id).reason == "unknown_people"
    for number in range(5):
        lines = [
            f'{{"kind":"contact","id":"C-{number}-{one}","addresses":["c{one}@x{number}.example"]}}'
            for one in range(20)
        ]
        lines += ['{"kind":"client","id":"CL-1","domains":["fabrikam.example"]}']
        loaded = tenant.admin.call("POST", "records", data="\n".join(lines))
        assert (loaded["written"], loaded["late_mail"]) == (21, int(number == 0))
    rows = list(ledger.rows(names.LATE_CONTACTS_STATES))
    assert len(rows) == 5 + 1, "a row for each load, and one that says that a pass is to come"
    join_now(stack, ledger)
    eventually(lambda: tenant.timeline("client/CL-1"), what="the entry")
    assert CONTACT.encode() not in b"".join(one["content"] for one in rows if "content" in one)
