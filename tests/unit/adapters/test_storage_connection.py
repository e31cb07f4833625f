"""Calls and clients by connection string and by identity, without a request."""

import subprocess
import sys
from dataclasses import replace

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.direct.client import DirectCalls
from shared.adapters.storage.sdk.client import SdkCalls
from shared.adapters.storage.settings import StorageSettings

KEY = "bm90aGluZw=="
BY_KEY = StorageSettings(
    f"DefaultEndpointsProtocol=https;AccountName=acc;AccountKey={KEY};EndpointSuffix=core.windows.net"
)
BY_IDENTITY = StorageSettings(
    table_uri="https://acc.table.core.windows.net",
    queue_uri="https://acc.queue.core.windows.net",
    blob_uri="https://acc.blob.core.windows.net",
    client_id="33333333-2222-4333-8444-555555555555",
    ca_bundle="/etc/ssl/bundle.pem",
)


def test_both_ways_lead_to_the_same_places():
    for settings in (BY_KEY, BY_IDENTITY):
        connection = Connection(settings)
        assert connection.table("Messages").url.startswith("https://acc.table.core.windows.net")
        assert connection.queue("mail").url == "https://acc.queue.core.windows.net/mail"
        assert connection.container("leases").url == "https://acc.blob.core.windows.net/leases"


def test_the_setting_says_who_makes_the_calls():
    assert isinstance(Connection(BY_KEY).calls, DirectCalls)
    assert isinstance(Connection(replace(BY_KEY, calls="sdk")).calls, SdkCalls)
    connection = Connection(BY_KEY)
    assert connection.calls is connection.calls


def test_clients_are_made_once_and_share_one_pool():
    connection = Connection(BY_KEY)
    assert connection.queue("a") is connection.queue("a")
    assert connection.queue("a") is not connection.queue("b")
    assert connection.container("a") is connection.container("a")
    assert connection.transport is connection.transport


def test_nothing_is_taken_from_the_environment_but_a_given_bundle_is_trusted():
    assert Connection(BY_KEY).transport.session.trust_env is False
    assert Connection(BY_KEY).transport.connection_config.verify is True
    assert Connection(BY_IDENTITY).transport.connection_config.verify == "/etc/ssl/bundle.pem"


def test_side_by_side_keeps_the_order():
    assert Connection(BY_KEY).side_by_side(lambda number: number * 2, range(40)) == list(range(0, 80, 2))
    assert Connection(BY_KEY).side_by_side(lambda number: number, []) == []


def test_importing_the_adapters_loads_no_azure_package():
    """Starting the app must stay cheap; blobs and identity cost most and are not needed by every instance."""
    modules = (
        "leases",
        "queue",
        *(f"stores.{name}" for name in ("attachments", "mailboxes", "messages", "records")),
    )
    lines = [f"import shared.adapters.storage.{module}" for module in modules]
    code = "\n".join(["import sys", *lines, "print([m for m in sys.modules if m.split('.')[0] == 'azure'])"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def loaded_by_a_put(calls: str) -> set[str]:
    """The modules of a process that has put one command; nobody listens where it is put."""
    account = f"AccountName=acc;AccountKey={KEY};QueueEndpoint=http://127.0.0.1:1/acc"
    code = f"""
import sys
from contextlib import suppress
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.settings import StorageSettings
from shared.domain.errors import Unavailable
with suppress(Unavailable):
    connection = Connection(StorageSettings({account!r}, calls={calls!r}), retries=0)
    connection.calls.queue("mail").send("{{}}", hidden=0, timeout=0.1)
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_a_webhook_that_only_enqueues_loads_nothing_of_azure():
    loaded = loaded_by_a_put("direct")
    assert "urllib3" in loaded
    assert not {name for name in loaded if name.split(".")[0] in ("azure", "requests")}


def test_with_the_sdk_it_never_loads_blobs_or_identity():
    loaded = loaded_by_a_put("sdk")
    assert "azure.storage.queue" in loaded
    assert not loaded & {"azure.storage.blob", "azure.identity", "azure.data.tables"}
