"""What stands in the queues, and whether there are any."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain import names
from shared.domain.commands.commands import JoinLateContacts
from tests.builders import NOW, TENANT


@pytest.mark.stack
def test_the_oldest_command_is_the_one_asked_for_first_whatever_stands_ahead_of_it(azure):
    queue = azure.connection.queue(names.WORK)
    queue.clear_messages()
    assert azure.backlog.oldest(names.WORK) is None
    queue.send_message("no command")
    assert azure.backlog.oldest(names.WORK) is None
    command = JoinLateContacts(tenant_id=TENANT, first_at=NOW)
    azure.queue.send(command)
    azure.queue.send(replace(command, first_at=NOW - timedelta(hours=1), attempt=3))
    azure.queue.send(replace(command, first_at=NOW - timedelta(hours=2)), delay=60)
    assert azure.backlog.oldest(names.WORK) == NOW - timedelta(hours=1)
    queue.clear_messages()


@pytest.mark.stack
def test_what_is_missing_is_named(azure):
    assert azure.parts.missing() == []
    poison = azure.connection.queue(names.poison(names.OUTBOUND))
    poison.delete_queue()
    try:
        assert azure.parts.missing() == ["queue outbound-poison"]
    finally:
        poison.create_queue()
