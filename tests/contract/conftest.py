"""Every contract test runs on the fakes, and on the real adapters over Azurite by either client (marked `stack`)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from dev.azurite import start_azurite
from shared.adapters.secrets.sealing import Sealer
from shared.adapters.storage.backlog import AzureBacklog
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.leases import AzureLeases
from shared.adapters.storage.parts import AzureParts
from shared.adapters.storage.poison import AzurePoisonQueues
from shared.adapters.storage.queue import AzureCommandQueue
from shared.adapters.storage.settings import StorageSettings
from shared.adapters.storage.stores.acknowledgements import AzureAcknowledgements
from shared.adapters.storage.stores.attachments import AzureAttachments
from shared.adapters.storage.stores.audit import AzureAudit
from shared.adapters.storage.stores.backfills import AzureBackfills
from shared.adapters.storage.stores.campaigns import AzureCampaigns, AzureSilences
from shared.adapters.storage.stores.codes import AzureCodes
from shared.adapters.storage.stores.connections import AzureConnections
from shared.adapters.storage.stores.credentials import AzureCredentials
from shared.adapters.storage.stores.erasures import AzureErasures
from shared.adapters.storage.stores.events import AzureEvents
from shared.adapters.storage.stores.exceptions import AzureExceptions
from shared.adapters.storage.stores.folder_states import AzureFolderStates
from shared.adapters.storage.stores.habits import AzureHabits
from shared.adapters.storage.stores.holdings import AzureHoldings
from shared.adapters.storage.stores.inbox import AzureInbox
from shared.adapters.storage.stores.late_contacts import AzureLateContacts
from shared.adapters.storage.stores.mailboxes import AzureMailboxes
from shared.adapters.storage.stores.messages import AzureMessageStore
from shared.adapters.storage.stores.notices import AzureNotices
from shared.adapters.storage.stores.organisations import AzureOrganisations
from shared.adapters.storage.stores.outbox import AzureOutbox
from shared.adapters.storage.stores.pending import AzurePending
from shared.adapters.storage.stores.record_index import AzureRecordIndex
from shared.adapters.storage.stores.records import AzureRecords
from shared.adapters.storage.stores.runs import AzureRuns
from shared.adapters.storage.stores.sightings import AzureSightings
from shared.adapters.storage.stores.signatures import AzureSignatures
from shared.adapters.storage.stores.subscriptions import AzureSubscriptions
from shared.adapters.storage.stores.timeline import AzureTimeline
from shared.adapters.storage.stores.uploads import AzureUploads
from shared.adapters.storage.version import refusal
from shared.domain import names
from tests.fakes import FakeStorage


class AzureStorage:
    """The real adapters, under the names that `FakeStorage` has. `requests` counts what went over the wire."""

    def __init__(self, connection_string: str, calls: str) -> None:
        self.connection = Connection(StorageSettings(connection_string, calls=calls), retries=0)
        self.requests: list[str] = []
        self.connection.listeners.append(self._count)
        self.queue = AzureCommandQueue(self.connection)
        self.poison = AzurePoisonQueues(self.connection)
        self.backlog = AzureBacklog(self.connection)
        self.parts = AzureParts(self.connection)
        self.leases = AzureLeases(self.connection)
        self.organisations = AzureOrganisations(self.connection)
        self.mailboxes = AzureMailboxes(self.connection)
        self.folder_states = AzureFolderStates(self.connection)
        self.backfills = AzureBackfills(self.connection)
        self.subscriptions = AzureSubscriptions(self.connection)
        self.index = AzureRecordIndex(self.connection)
        self.records = AzureRecords(self.connection, self.index)
        self.messages = AzureMessageStore(self.connection)
        self.codes = AzureCodes(self.connection)
        self.sightings = AzureSightings(self.connection)
        self.pending = AzurePending(self.connection)
        self.timeline = AzureTimeline(self.connection)
        self.inbox = AzureInbox(self.connection)
        self.notices = AzureNotices(self.connection)
        self.events = AzureEvents(self.connection)
        self.audit = AzureAudit(self.connection)
        self.attachments = AzureAttachments(self.connection)
        self.exceptions = AzureExceptions(self.connection)
        self.late_contacts = AzureLateContacts(self.connection)
        self.erasures = AzureErasures(self.connection)
        self.runs = AzureRuns(self.connection)
        self.outbox = AzureOutbox(self.connection)
        self.uploads = AzureUploads(self.connection)
        self.signatures = AzureSignatures(self.connection)
        self.campaigns = AzureCampaigns(self.connection)
        self.silences = AzureSilences(self.connection)
        self.acknowledgements = AzureAcknowledgements(self.connection)
        self.holdings = AzureHoldings(self.connection)
        self.connections = AzureConnections(self.connection)
        self.habits = AzureHabits(self.connection)
        self.credentials = AzureCredentials(self.connection, Sealer([bytes(32)]))

    def _count(self, method: str, status: int) -> None:
        self.requests.append(f"{method} {status}")


@pytest.fixture(scope="session")
def connection_string(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log: Path = tmp_path_factory.mktemp("azurite") / "azurite.log"
    with start_azurite(log) as azurite:
        provision(azurite.connection_string)
        yield azurite.connection_string


def provision(connection_string: str) -> None:
    connection = Connection(StorageSettings(connection_string))
    for table in names.TABLES:
        connection.table(table).create_table()
    for queue in (*names.QUEUES, *map(names.poison, names.QUEUES)):
        connection.queue(queue).create_queue()
    for container in names.CONTAINERS:
        connection.container(container).create_container()
    # The app's first start marks an empty account; a used one without a mark is refused.
    assert refusal(connection) == ""


CALLS = ("direct", "sdk")


@pytest.fixture(params=CALLS)
def azure(request: pytest.FixtureRequest, connection_string: str) -> AzureStorage:
    return AzureStorage(connection_string, request.param)


AZURITE = {f"azurite-{calls}": calls for calls in CALLS}


@pytest.fixture(params=["fake", *(pytest.param(name, marks=pytest.mark.stack) for name in AZURITE)])
def storage(request: pytest.FixtureRequest) -> FakeStorage | AzureStorage:
    """All storage ports."""
    if request.param == "fake":
        return FakeStorage()
    return AzureStorage(request.getfixturevalue("connection_string"), AZURITE[request.param])


@pytest.fixture
def tenant() -> str:
    """A tenant of its own for each test: they share the tables."""
    return str(uuid4())


@pytest.fixture
def cost(azure: AzureStorage) -> Callable[..., int]:
    """How many requests a call makes."""

    def count(call: Callable[..., Any], *args: Any, **options: Any) -> int:
        azure.requests.clear()
        result = call(*args, **options)
        if hasattr(result, "__next__"):
            list(result)
        return len(azure.requests)

    return count
