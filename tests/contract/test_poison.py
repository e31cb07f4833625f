"""The poison queues as the sweep meets them: whatever lies there is text, once, until it is removed."""

import base64

import pytest
from azure.storage.queue import QueueClient

from shared.domain import names
from shared.domain.commands.commands import JoinLateContacts
from tests.builders import NOW, TENANT


class FakeHost:
    def __init__(self, storage):
        self.storage = storage

    def give_up(self, text):
        self.storage.poison.give_up(names.WORK, text)


class AzureHost:
    """What the host copies: the message as it lay in its queue, in base64 or not."""

    def __init__(self, storage):
        self.queue = storage.connection.queue(names.poison(names.WORK))
        self.queue.clear_messages()

    def give_up(self, text):
        self.queue.send_message(text)  # encoded by the client


@pytest.fixture
def host(storage):
    return AzureHost(storage) if hasattr(storage, "connection") else FakeHost(storage)


def texts(storage):
    return [message.text for message in storage.poison.take(names.WORK)]


class TestPoisonQueues:
    def test_a_message_is_its_text_and_hidden_until_it_is_removed(self, storage, host):
        command = JoinLateContacts(tenant_id=TENANT, first_at=NOW).to_json()
        host.give_up(command)
        [message] = storage.poison.take(names.WORK)
        assert message.text == command
        assert texts(storage) == []
        storage.poison.remove(names.WORK, message)
        storage.poison.remove(names.WORK, message)

    def test_more_than_a_page_comes_in_several(self, storage, host):
        for number in range(40):
            host.give_up(f"text {number}")
        first, second = texts(storage), texts(storage)
        assert len(first) == 32
        assert sorted(first + second) == sorted(f"text {number}" for number in range(40))
        assert texts(storage) == []


@pytest.mark.stack
@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("no base64!", "no base64!"),
        (base64.b64encode(b"\xff\xfe bytes").decode(), base64.b64encode(b"\xff\xfe bytes").decode()),
        (base64.b64encode("Grüße <&>".encode()).decode(), "Grüße <&>"),
        # What the host runs in spite of it, it also gives up as it came.
        ("aGVs bG8=", "hello"),
        ("&lt;é&gt; \"'", "&lt;é&gt; \"'"),
    ],
)
def test_what_is_no_base64_of_a_text_is_kept_as_it_lies_there(azure, connection_string, content, text):
    queue = QueueClient.from_connection_string(connection_string, names.poison(names.WORK))
    queue.clear_messages()
    queue.send_message(content)
    assert texts(azure) == [text]
