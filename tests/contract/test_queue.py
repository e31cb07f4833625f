"""What every `ports.CommandQueue` must do, and what the Functions host expects to find in the queue."""

import base64
import socket
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from dev.processes import wait_for
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.queue import AzureCommandQueue
from shared.adapters.storage.settings import StorageSettings
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
    empty.queue.send(command, delay=3600)
    assert raw_messages(empty, "mail") == []
    empty.queue.send(command, delay=0.4)
    while not (seen := raw_messages(empty, "mail")):
        time.sleep(0.1)
    assert len(seen) == 1


def test_delays_out_of_bounds_are_brought_back_into_them(empty, tenant):
    empty.queue.send(ingest(tenant), delay=-5)
    assert len(raw_messages(empty, "mail")) == 1
    empty.queue.send(ingest(tenant), delay=30 * 24 * 3_600)


def test_48_kib_is_the_limit(empty, tenant):
    spare = 48 * 1024 - len(ingest(tenant, ("",)).to_json())
    empty.queue.send(ingest(tenant, ("x" * spare,)))
    with pytest.raises(Rejected, match="49153 bytes"):
        empty.queue.send(ingest(tenant, ("x" * (spare + 1),)))


@pytest.mark.parametrize("answers", [False, True], ids=["silent", "closes at once"])
def test_a_webhook_gives_up_after_one_try(tenant, answers):
    """Nobody speaks Storage behind this address: no retry may make the caller wait."""
    callers = []

    def listen(server):
        with suppress(OSError):
            while True:
                caller, _ = server.accept()
                callers.append(caller)
                if answers:
                    caller.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=listen, args=(server,), daemon=True).start()
        nowhere = Connection(StorageSettings(connection_string=_at(server.getsockname()[1])))
        with pytest.raises(Unavailable):
            AzureCommandQueue(nowhere, timeout=0.5).send(ingest(tenant))
        wait_for(lambda: callers or None, "nobody called")
        server.shutdown(socket.SHUT_RDWR)
    assert len(callers) == 1


def _at(port):
    return (
        "DefaultEndpointsProtocol=http;AccountName=none;AccountKey=bm90aGluZw==;"
        f"QueueEndpoint=http://127.0.0.1:{port}/none;"
    )
