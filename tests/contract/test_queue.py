"""What every `ports.CommandQueue` must do, and what the Functions host expects to find in the queue."""

import base64
import time
from datetime import UTC, datetime

import pytest

from shared.adapters.storage.connection import Connection, StorageSettings
from shared.adapters.storage.queue import AzureCommandQueue
from shared.domain.commands.commands import IngestMessages, SyncMailbox
from shared.domain.errors import Rejected, Unavailable
from tests.builders import MAILBOX_ID, NOW, an_item

pytestmark = pytest.mark.stack


def raw_messages(azure, queue):
    client = azure.connection.queue(queue)  # it encodes what it sends, and reads as it lies there
    return list(client.receive_messages(visibility_timeout=1))


@pytest.fixture
def empty(azure):
    azure.connection.queue("mail").clear_messages()
    return azure


def ingest(tenant, ids=("a", "b")):
    return IngestMessages(
        tenant_id=tenant, mailbox_id=MAILBOX_ID, first_at=NOW, items=tuple(map(an_item, ids))
    )


def test_a_command_arrives_as_base64_and_never_expires(empty, tenant):
    empty.queue.send(ingest(tenant))
    (message,) = raw_messages(empty, "mail")
    text = base64.b64decode(message.content, validate=True).decode()
    assert IngestMessages.from_json(text) == ingest(tenant)
    assert message.expires_on.year > 9000


def test_a_delayed_command_stays_hidden_at_least_so_long(empty, tenant):
    command = SyncMailbox(tenant_id=tenant, mailbox_id=MAILBOX_ID, first_at=datetime.now(UTC))
    empty.queue.send(command, delay=0.4)
    assert raw_messages(empty, "mail") == []
    time.sleep(1.3)
    assert len(raw_messages(empty, "mail")) == 1


def test_delays_out_of_bounds_are_brought_back_into_them(empty, tenant):
    empty.queue.send(ingest(tenant), delay=-5)
    assert len(raw_messages(empty, "mail")) == 1
    empty.queue.send(ingest(tenant), delay=30 * 24 * 3_600)


def test_48_kib_is_the_limit(empty, tenant):
    spare = 48 * 1024 - len(ingest(tenant, ("",)).to_json())
    empty.queue.send(ingest(tenant, ("x" * spare,)))
    with pytest.raises(Rejected, match="49153 bytes"):
        empty.queue.send(ingest(tenant, ("x" * (spare + 1),)))


def test_a_webhook_gives_up_in_time(tenant):
    """Nobody listens behind this address, or answers: no retry may make the caller wait."""
    nowhere = Connection(StorageSettings(connection_string=_nowhere()))
    started = time.monotonic()
    with pytest.raises(Unavailable):
        AzureCommandQueue(nowhere, timeout=0.5).send(ingest(tenant))
    assert time.monotonic() - started < 1


def _nowhere():
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return (
        "DefaultEndpointsProtocol=http;AccountName=none;AccountKey=bm90aGluZw==;"
        f"QueueEndpoint=http://127.0.0.1:{port}/none;"
    )
