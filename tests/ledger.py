"""What a running stack has written for one organisation, read straight from storage: no API shows it all yet."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient

from dev.processes import PATIENCE
from dev.storage_proxy.asking import delayed
from dev.tenant import Tenant, eventually
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.settings import StorageSettings
from shared.adapters.storage.stores.connections import AzureConnections
from shared.adapters.storage.stores.exceptions import AzureExceptions
from shared.adapters.storage.stores.mailboxes import AzureMailboxes
from shared.adapters.storage.stores.sightings import AzureSightings
from shared.domain import names
from shared.domain.capture.sightings import Sighting
from shared.domain.commands.commands import (
    DeleteOrganisation,
    ErasePerson,
    JoinLateContacts,
    MergeRecords,
    ReconcileMailbox,
    RematchMessages,
)
from shared.domain.connections.connections import MailConnection
from shared.domain.connections.mailboxes import Mailbox
from tests.log import Line, events

# What comes minutes later on purpose: a first pass over late contacts, second turns of others, and the comparisons of
# last night, which the first tick makes up for and spreads over an hour.
PATIENT = (JoinLateContacts, MergeRecords, ErasePerson, DeleteOrganisation, RematchMessages, ReconcileMailbox)
FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Ledger:
    """One organisation's sightings, messages and exceptions, and the queues of the whole deployment."""

    def __init__(self, ready: Mapping[str, Any], tenant: Tenant) -> None:
        account = ready["storage_connection_string"]
        connection = Connection(StorageSettings(connection_string=account))
        self.tenant = tenant
        self._logs = Path(ready["log_dir"])
        self._stats = ready.get("storage_stats_url")
        self.mailboxes = AzureMailboxes(connection)
        self.failures = AzureExceptions(connection)
        self.connections = AzureConnections(connection)
        self._sightings = AzureSightings(connection)
        self._tables = TableServiceClient.from_connection_string(account)
        self._queues = QueueServiceClient.from_connection_string(account)

    def mailbox(self, address: str) -> Mailbox | None:
        return self.mailboxes.get(self.tenant.tenant_id, address)

    @staticmethod
    def aged(connection: MailConnection) -> MailConnection:
        """As it would be three hours after its consent."""
        consented = connection.consented_at
        return replace(connection, consented_at=consented and consented - timedelta(hours=3))

    def sightings(self, address: str) -> dict[str, Sighting]:
        """What became of every copy seen in a connected mailbox, by Graph id."""
        mailbox = self.mailbox(address)
        found = self._sightings.between(mailbox, FIRST, LAST) if mailbox else {}
        return {item.item_id: sighting for item, sighting in found.items()}

    def outcome(self, address: str, graph_id: str, *, seconds: float = PATIENCE) -> Sighting:
        """The sighting of one copy once nothing is left to do for it, waited for."""

        def probe() -> Sighting | None:
            found = self.sightings(address).get(graph_id)
            return found if found is not None and found.is_settled else None

        return eventually(probe, seconds=seconds, what=f"the outcome of {graph_id} in {address}")

    def seen(self, address: str, graph_id: str) -> Sighting:
        """The sighting of one copy, final or not, waited for."""
        return eventually(lambda: self.sightings(address).get(graph_id), what=f"{graph_id} in {address}")

    def rows(self, table: str, condition: str = "") -> Iterator[Mapping[str, Any]]:
        """The organisation's rows of a table."""
        own = f"PartitionKey ge '{self.tenant.tenant_id}' and PartitionKey lt '{self.tenant.tenant_id}~'"
        return iter(self._tables.get_table_client(table).query_entities(own + condition))

    def count(self, table: str, condition: str = "") -> int:
        return sum(1 for _ in self.rows(table, condition))

    def unfinished(self) -> int:
        """Messages that were begun and not finished."""
        return self.count(names.MESSAGES, " and state eq 'pending'")

    def exceptions(self) -> list[str]:
        """The codes of what could not be processed."""
        return [str(one["code"]) for one in self.rows(names.EXCEPTIONS) if "code" in one]

    def events(self, name: str) -> list[dict[str, Any]]:
        """What the hosts have said under this name, of whatever organisation: in lines of their own or a command's."""
        return events(self.log(), name)

    def log(self) -> Iterator[Line]:
        """The hosts' log lines that are JSON, and whole."""
        for path in sorted(self._logs.glob("host-*.log")):
            for line in path.read_text("utf-8", errors="replace").splitlines():
                start = line.find('{"event"')
                if start >= 0 and line.endswith("}"):
                    yield json.loads(line[start:])

    def commands(self) -> int:
        """Commands in the queues, running and delayed ones included, but for those that wait on purpose for minutes."""
        return sum(self._length(name) for name in names.QUEUES) - delayed(self._stats, PATIENT)

    def waiting(self) -> int:
        """Commands, and the organisation's rows that wait for their mailbox's turn."""
        return self.commands() + self.count(names.PENDING)

    def poisoned(self) -> int:
        return sum(self._length(name + names.POISON_SUFFIX) for name in names.QUEUES)

    def settle_commands(self, *, seconds: float = PATIENCE) -> None:
        """Wait until no command is left; mail of a mailbox without access may wait in the worklist."""
        eventually(lambda: self.commands() == 0, seconds=seconds, what="an end of all commands")

    def settle(self, *, seconds: float = PATIENCE) -> None:
        """Wait until no command is left."""
        eventually(lambda: self.waiting() == 0, seconds=seconds, what="an end of all commands")

    def poll(self) -> None:
        """Run the poll timer once; waits until it has queued what is due."""
        before = self._polls()
        self.tenant.poll()
        eventually(lambda: self._polls() > before, what="the poll")

    def walk(self, *addresses: str, seconds: float = PATIENCE) -> None:
        """Let the mailboxes' next poll come now; waits until each has been walked."""
        before = {address: self._due_now(address) for address in addresses}
        self.poll()
        for address, last in before.items():
            eventually(
                lambda address=address, last=last: self._last_walk(address) != last,  # type: ignore[misc]
                seconds=seconds,
                what=f"a walk of {address}",
            )

    def _polls(self) -> int:
        return sum(log.read_bytes().count(b'"polled"') for log in self._logs.glob("host-*.log"))

    def _due_now(self, address: str) -> datetime | None:
        mailbox = self.mailbox(address)
        assert mailbox is not None, address
        self.mailboxes.change(mailbox, lambda state: replace(state, next_poll_at=None))
        return mailbox.state.last_sync_at

    def _last_walk(self, address: str) -> datetime | None:
        mailbox = self.mailbox(address)
        return mailbox.state.last_sync_at if mailbox else None

    def _length(self, queue: str) -> int:
        try:
            found = self._queues.get_queue_client(queue).get_queue_properties()
        except ResourceNotFoundError:
            return 0
        return found.approximate_message_count or 0
