"""Without a key or secret: storage over HTTPS, and the application's own sign-in, by managed identity."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from dev.processes import PATIENCE
from dev.simulator.entra import MANAGED_IDENTITY
from dev.stack import Stack, StackOptions
from dev.tenant import Tenant, a_mail, eventually
from tests.e2e.conftest import CONTACT, new_tenant


@pytest.fixture(scope="module")
def keyless() -> Iterator[Stack]:
    with Stack(StackOptions(timers=True, identity=True)) as running:
        yield running


@pytest.fixture
def tenant(keyless: Stack) -> Tenant:
    return new_tenant(keyless)


def test_the_host_s_process_knows_no_key_and_no_secret(keyless: Stack) -> None:
    [pid] = keyless.ready["pids"]["host"]
    environment = dict(
        one.split("=", 1) for one in Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in one
    )
    assert "AzureWebJobsStorage" not in environment
    assert "POSTLEDGER_CLIENT_SECRET" not in environment
    assert environment["AzureWebJobsStorage__credential"] == "managedidentity"
    assert environment["POSTLEDGER_MANAGED_IDENTITY_CLIENT_ID"] == MANAGED_IDENTITY
    assert not any("AccountKey" in value for value in environment.values())
    assert all(
        environment[f"AzureWebJobsStorage__{service}ServiceUri"].startswith("https://")
        for service in ("blob", "queue", "table")
    )


def test_a_mail_comes_to_a_timeline(tenant: Tenant) -> None:
    address = tenant.agent("ann")
    tenant.contact("C-1", CONTACT)
    tenant.connect(address)
    mail = a_mail(CONTACT, address, "Keyless", text="A body " * 20_000)
    mail.add_attachment(b"plan" * 50_000, maintype="application", subtype="pdf", filename="plan.pdf")
    tenant.deliver(address, mail)
    entry = tenant.entry("contact/C-1", mail)
    message = tenant.admin.call("GET", f"messages/{entry['message_id']}")
    assert message["text"].startswith("A body A body"), "large bodies are blobs"
    [attachment] = message["attachments"]
    content = tenant.admin.raw(
        "GET", f"messages/{entry['message_id']}/attachments/{attachment['id']}"
    ).content
    assert content == b"plan" * 50_000


def events(stack: Stack) -> list[dict[str, Any]]:
    """What the app has logged so far."""
    lines = (Path(stack.ready["log_dir"]) / "host-0.log").read_text().splitlines()
    # The last line may still be half written; it is whole when the log is read again.
    return [json.loads(line) for line in lines if line.startswith('{"event"') and line.endswith("}")]


def test_commands_say_what_they_called(keyless: Stack, tenant: Tenant) -> None:
    """Workbook and costs add this up."""
    address = tenant.agent("cleo")
    tenant.contact("C-3", CONTACT)
    # A line comes after the entry that it is about, so one of an earlier test's mailbox may still be on its way.
    others = {event.get("mailbox") for event in events(keyless)}
    tenant.connect(address)
    mail = a_mail(CONTACT, address, "Counted")
    tenant.deliver(address, mail)
    tenant.entry("contact/C-3", mail)

    def handled() -> dict[str, Any] | None:
        """The command that filed the mail; one that met a busy mailbox has called less and comes again."""
        ingests = (event for event in events(keyless) if event.get("command") == "IngestMessages")
        own = (event for event in ingests if event["mailbox"] not in others)
        return next((event for event in own if event["outcome"] == "done" and event["graph_calls"]), None)

    said = eventually(handled, what="a line of the command")
    assert (said["graph_calls"], said["graph_throttled"]) == (2, 0)
    assert 5 <= said["storage_calls"] <= 20


def test_a_worker_says_once_that_it_has_started(keyless: Stack, tenant: Tenant) -> None:
    tenant.connect(tenant.agent("dora"))
    started = [event for event in events(keyless) if event["event"] == "worker_started"]
    assert [sorted(event) for event in started] == [
        ["commit", "cpu_milliseconds", "event", "python", "version"]
    ]


def test_timers_run_by_identity_too(keyless: Stack) -> None:
    """The host keeps a timer's schedule, and its turn, in blobs."""
    log = Path(keyless.ready["log_dir"]) / "host-0.log"
    assert eventually(lambda: '"polled"' in log.read_text(), what="a poll")


def test_a_token_for_something_else_opens_no_storage(keyless: Stack) -> None:
    ready = keyless.ready
    answer = requests.get(
        f"{ready['simulator_url']}/msi/token",
        params={"resource": "https://vault.azure.net", "api-version": "2019-08-01"},
        headers={"x-identity-header": "x"},
        verify=ready["ca_file"],
        timeout=PATIENCE,
    )
    assert answer.ok
    [pid] = ready["pids"]["host"]
    environment = Path(f"/proc/{pid}/environ").read_text().split("\0")
    [table] = [one.split("=", 1)[1] for one in environment if one.startswith("AzureWebJobsStorage__table")]
    refused = requests.get(
        f"{table}/Tables",
        headers={"Authorization": f"Bearer {answer.json()['access_token']}", "x-ms-version": "2021-12-02"},
        verify=ready["ca_file"],
        timeout=PATIENCE,
    )
    assert refused.status_code == 403
