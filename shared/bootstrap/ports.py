"""The real ports of one process, each made when it is first asked for.

Graph and sign-ins are imported by the first that reads mail: the webhook never does.
"""

import hmac
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

from shared.adapters.storage.connection import Connection, StorageSettings
from shared.adapters.storage.leases import AzureLeases
from shared.adapters.storage.poison import AzurePoisonQueues
from shared.adapters.storage.queue import AzureCommandQueue
from shared.adapters.storage.stores.attachments import AzureAttachments
from shared.adapters.storage.stores.audit import AzureAudit
from shared.adapters.storage.stores.backfills import AzureBackfills
from shared.adapters.storage.stores.codes import AzureCodes
from shared.adapters.storage.stores.connections import AzureConnections
from shared.adapters.storage.stores.erasures import AzureErasures
from shared.adapters.storage.stores.exceptions import AzureExceptions
from shared.adapters.storage.stores.folder_states import AzureFolderStates
from shared.adapters.storage.stores.holdings import AzureHoldings
from shared.adapters.storage.stores.inbox import AzureInbox
from shared.adapters.storage.stores.late_contacts import AzureLateContacts
from shared.adapters.storage.stores.mailboxes import AzureMailboxes
from shared.adapters.storage.stores.messages import AzureMessageStore
from shared.adapters.storage.stores.organisations import AzureOrganisations
from shared.adapters.storage.stores.pending import AzurePending
from shared.adapters.storage.stores.record_index import AzureRecordIndex
from shared.adapters.storage.stores.records import AzureRecords
from shared.adapters.storage.stores.runs import AzureRuns
from shared.adapters.storage.stores.sightings import AzureSightings
from shared.adapters.storage.stores.subscriptions import AzureSubscriptions
from shared.adapters.storage.stores.timeline import AzureTimeline
from shared.config import Settings

if TYPE_CHECKING:
    from shared.adapters.graph.delegated import Sessions
    from shared.adapters.graph.directory import GraphDirectory
    from shared.adapters.graph.mail import GraphMail
    from shared.adapters.graph.probe import GraphProbe
    from shared.adapters.graph.session import GraphSession
    from shared.adapters.graph.sign_ins import EntraSignIns
    from shared.adapters.graph.subscriptions import GraphSubscriptions
    from shared.adapters.graph.tokens import Credential, GraphTokens
    from shared.adapters.secrets.sealing import Sealer

T = TypeVar("T")

# The webhook must have queued within 2 s or say that it has not.
WEBHOOK_QUEUE_TIMEOUT: Final = 2.0


def _stored(adapter: "Callable[[Connection], T]") -> "cached_property[T]":
    """An adapter that needs the connection to storage and nothing else."""
    return cached_property(lambda ports: adapter(ports.connection))


class RealPorts:
    """One connection to storage, one session with Graph, and what speaks over them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def connection(self) -> Connection:
        storage = self.settings.storage
        return Connection(
            StorageSettings(
                connection_string=storage.connection_string,
                table_uri=storage.table_uri,
                queue_uri=storage.queue_uri,
                blob_uri=storage.blob_uri,
                client_id=storage.client_id,
                ca_bundle=self.settings.ca_bundle,
                calls=storage.calls,
            )
        )

    queue = _stored(AzureCommandQueue)
    poison = _stored(AzurePoisonQueues)
    runs = _stored(AzureRuns)
    organisations = _stored(AzureOrganisations)
    mailboxes = _stored(AzureMailboxes)
    folder_states = _stored(AzureFolderStates)
    backfills = _stored(AzureBackfills)
    subscriptions = _stored(AzureSubscriptions)
    index = _stored(AzureRecordIndex)
    messages = _stored(AzureMessageStore)
    codes = _stored(AzureCodes)
    sightings = _stored(AzureSightings)
    pending = _stored(AzurePending)
    timeline = _stored(AzureTimeline)
    inbox = _stored(AzureInbox)
    audit = _stored(AzureAudit)
    attachments = _stored(AzureAttachments)
    exceptions = _stored(AzureExceptions)
    late_contacts = _stored(AzureLateContacts)
    erasures = _stored(AzureErasures)
    holdings = _stored(AzureHoldings)
    leases = _stored(AzureLeases)
    connections = _stored(AzureConnections)

    @cached_property
    def webhook_queue(self) -> AzureCommandQueue:
        return AzureCommandQueue(self.connection, timeout=WEBHOOK_QUEUE_TIMEOUT)

    @cached_property
    def records(self) -> AzureRecords:
        return AzureRecords(self.connection, self.index)

    @cached_property
    def graph_tokens(self) -> "GraphTokens":
        from shared.adapters.graph.tokens import GraphTokens

        settings = self.settings
        scope = f"{settings.graph_url}/.default"
        return GraphTokens(settings.authority_url, settings.client_id, self._credential, scope)

    @cached_property
    def graph(self) -> "GraphSession":
        from shared.adapters.graph.session import GraphSession

        return GraphSession(self.settings.graph_url, self.graph_tokens)

    @cached_property
    def sign_ins(self) -> "EntraSignIns":
        from shared.adapters.graph.sign_ins import EntraSignIns, Registration
        from shared.adapters.secrets.sealing import Sealer

        settings = self.settings
        registration = Registration(
            settings.authority_url,
            settings.graph_url,
            settings.client_id,
            self._credential,
            settings.public_url,
        )
        return EntraSignIns(registration, Sealer(settings.token_keys))

    @cached_property
    def cursor_seal(self) -> "Sealer":
        from shared.adapters.secrets.sealing import Sealer

        # Its own key: what is sealed here and a keyed hash can say nothing of each other.
        return Sealer([hmac.digest(self.settings.hash_key, b"cursors", "sha256")])

    @cached_property
    def sessions(self) -> "Sessions":
        from shared.adapters.graph.delegated import DelegatedTokens, Sessions

        delegated = DelegatedTokens(self.connections, self.sign_ins)
        return Sessions(self.graph, delegated, self.connections)

    @cached_property
    def probe(self) -> "GraphProbe":
        from shared.adapters.graph.probe import GraphProbe

        return GraphProbe(self.sessions, self.graph_tokens)

    @cached_property
    def _credential(self) -> "Credential":
        from shared.adapters.graph.tokens import Certificate, ClientSecret, ManagedIdentity

        settings = self.settings
        if settings.client_secret:
            return ClientSecret(settings.client_secret)
        if settings.certificate:
            return Certificate.of(settings.certificate)
        return ManagedIdentity(settings.managed_identity_client_id)

    @cached_property
    def mail(self) -> "GraphMail":
        from shared.adapters.graph.mail import GraphMail

        return GraphMail(self.sessions)

    @cached_property
    def directory(self) -> "GraphDirectory":
        from shared.adapters.graph.directory import GraphDirectory

        return GraphDirectory(self.sessions)

    @cached_property
    def subscription_source(self) -> "GraphSubscriptions":
        from shared.adapters.graph.subscriptions import GraphSubscriptions

        return GraphSubscriptions(self.graph, self.settings.public_url)
