"""What cannot be processed: poison is run once more, then recorded; replays work. On the whole house."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from dev.stack import Stack
from dev.tenant import Tenant, a_mail, eventually
from shared.domain import names
from shared.domain.commands.agenda import Item
from shared.domain.commands.commands import IngestMessages
from tests.builders import an_item
from tests.e2e.conftest import CONTACT
from tests.ledger import Ledger


def put(stack: Stack, queue: str, text: str) -> None:
    client = QueueClient.from_connection_string(
        stack.ready["storage_connection_string"], queue, message_encode_policy=TextBase64EncodePolicy()
    )
    client.send_message(text, time_to_live=-1)


def give_up(stack: Stack, tenant: Tenant, text: str) -> None:
    """The host gives a message up, then the tick sweeps."""
    put(stack, names.poison(names.MAIL), text)
    tenant.do(Item.SWEEP_POISON)


def exceptions(tenant: Tenant, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tenant.admin.call("GET", "exceptions", params=query)["exceptions"]
    return found


def ingest(ledger: Ledger, address: str, graph_id: str) -> IngestMessages:
    mailbox = ledger.mailbox(address)
    assert mailbox is not None
    return IngestMessages(
        tenant_id=mailbox.tenant_id,
        mailbox_id=mailbox.mailbox_id,
        first_at=datetime.now(UTC),
        items=(an_item(graph_id),),
        attempt=4,
    )


def missed(tenant: Tenant, ann: str, subject: str) -> tuple[Any, str]:
    """A mail of which nobody is told."""
    tenant.control.put_faults(drop_notifications=1.0)
    mail = a_mail(CONTACT, ann, subject)
    return mail, tenant.deliver(ann, mail)


def test_what_landed_in_poison_is_run_once_more_by_itself(
    stack: Stack, tenant: Tenant, ledger: Ledger, ann: str
) -> None:
    mail, graph_id = missed(tenant, ann, "Killed its worker")
    give_up(stack, tenant, ingest(ledger, ann, graph_id).to_json())
    tenant.entry("contact/C-1", mail)
    assert exceptions(tenant) == []


def test_the_second_time_it_is_recorded_and_a_replay_brings_the_mail(
    stack: Stack, tenant: Tenant, ledger: Ledger, ann: str
) -> None:
    mail, graph_id = missed(tenant, ann, "Killed its worker twice")
    command = replace(ingest(ledger, ann, graph_id), replays=1)
    give_up(stack, tenant, command.to_json())
    [found] = eventually(lambda: exceptions(tenant), what="the exception")
    assert (found["code"], found["queue"], found["mailbox"]) == ("poison", "mail", ann)
    assert (found["ids"], found["replayed_at"]) == ([graph_id], None)
    assert found["advice"]
    assert tenant.timeline("contact/C-1") == []
    for _ in range(2):
        done = tenant.admin.call("POST", f"exceptions/{found['id']}/replay")
        assert done["replayed_at"]
    tenant.entry("contact/C-1", mail)
    assert len(exceptions(tenant)) == 1
    assert exceptions(tenant, code="bug") == []


def test_all_of_a_kind_are_replayed(stack: Stack, tenant: Tenant, ledger: Ledger, ann: str) -> None:
    sent = [missed(tenant, ann, f"Number {number}") for number in range(3)]
    for _, graph_id in sent:
        command = replace(ingest(ledger, ann, graph_id), replays=1)
        put(stack, names.poison(names.MAIL), command.to_json())
    tenant.do(Item.SWEEP_POISON)
    eventually(lambda: len(exceptions(tenant)) == 3, what="three exceptions")
    done = tenant.admin.call("POST", "exceptions/replay", params={"code": "poison"})
    assert done == {"replayed": 3, "more": False}
    for mail, _ in sent:
        tenant.entry("contact/C-1", mail)


def test_what_is_no_command_is_recorded_with_the_organisation_it_names(
    stack: Stack, tenant: Tenant, ann: str
) -> None:
    put(stack, names.MAIL, f'{{"command":"SyncMailbox","tenant_id":"{tenant.tenant_id}"}}')
    [found] = eventually(lambda: exceptions(tenant, code="malformed"), what="the exception")
    answer = tenant.admin.raw("POST", f"exceptions/{found['id']}/replay")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
