"""The real ports of one process, each made when it is first asked for.

Each is imported then, too: the webhook loads a queue and the table of subscriptions, and neither Graph nor sign-ins.
"""

import hmac
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.queue import AzureCommandQueue
from shared.adapters.storage.settings import StorageSettings
from shared.config import Settings

if TYPE_CHECKING:
    from shared.adapters.graph.delegated import Sessions
    from shared.adapters.graph.mail import GraphMail
    from shared.adapters.graph.own_credential import EntraCredential
    from shared.adapters.graph.probe import GraphProbe
    from shared.adapters.graph.session import GraphSession
    from shared.adapters.graph.sign_ins import EntraSignIns
    from shared.adapters.graph.subscriptions import GraphSubscriptions
    from shared.adapters.graph.tokens import Credential, GraphTokens
    from shared.adapters.imap.mail import ImapMail
    from shared.adapters.imap.marking import ImapMarker
    from shared.adapters.imap.probe import ImapProbe
    from shared.adapters.imap.sessions import Sessions as ImapSessions
    from shared.adapters.network.dialling import GuardedDial
    from shared.adapters.network.discovering import DiscoveredServers
    from shared.adapters.secrets.sealing import Sealer
    from shared.adapters.smtp.probe import SmtpProbe
    from shared.adapters.smtp.sending import SmtpSender
    from shared.adapters.storage.stores.credentials import AzureCredentials
    from shared.adapters.storage.stores.records import AzureRecords
    from shared.adapters.unpacking import UnpackedMail
    from shared.bootstrap.by_connection import EitherMarker, EitherSender, TenantDirectory

# The webhook must have queued within 2 s or say that it has not.
WEBHOOK_QUEUE_TIMEOUT: Final = 2.0


def _stored(place: str) -> "cached_property[Any]":
    """An adapter of storage that needs the connection and nothing else; imported by the first that asks for it."""
    module, _, name = place.rpartition(".")

    def made(ports: "RealPorts") -> Any:
        adapter = getattr(import_module(f"shared.adapters.storage.{module}"), name)
        return adapter(ports.connection)

    return cached_property(made)


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

    queue = _stored("queue.AzureCommandQueue")
    poison = _stored("poison.AzurePoisonQueues")
    backlog = _stored("backlog.AzureBacklog")
    parts = _stored("parts.AzureParts")
    runs = _stored("stores.runs.AzureRuns")
    organisations = _stored("stores.organisations.AzureOrganisations")
    mailboxes = _stored("stores.mailboxes.AzureMailboxes")
    folder_states = _stored("stores.folder_states.AzureFolderStates")
    backfills = _stored("stores.backfills.AzureBackfills")
    subscriptions = _stored("stores.subscriptions.AzureSubscriptions")
    index = _stored("stores.record_index.AzureRecordIndex")
    messages = _stored("stores.messages.AzureMessageStore")
    codes = _stored("stores.codes.AzureCodes")
    sightings = _stored("stores.sightings.AzureSightings")
    pending = _stored("stores.pending.AzurePending")
    timeline = _stored("stores.timeline.AzureTimeline")
    inbox = _stored("stores.inbox.AzureInbox")
    notices = _stored("stores.notices.AzureNotices")
    events = _stored("stores.events.AzureEvents")
    audit = _stored("stores.audit.AzureAudit")
    attachments = _stored("stores.attachments.AzureAttachments")
    exceptions = _stored("stores.exceptions.AzureExceptions")
    late_contacts = _stored("stores.late_contacts.AzureLateContacts")
    erasures = _stored("stores.erasures.AzureErasures")
    holdings = _stored("stores.holdings.AzureHoldings")
    outbox = _stored("stores.outbox.AzureOutbox")
    uploads = _stored("stores.uploads.AzureUploads")
    signatures = _stored("stores.signatures.AzureSignatures")
    campaigns = _stored("stores.campaigns.AzureCampaigns")
    silences = _stored("stores.campaigns.AzureSilences")
    acknowledgements = _stored("stores.acknowledgements.AzureAcknowledgements")
    leases = _stored("leases.AzureLeases")
    connections = _stored("stores.connections.AzureConnections")
    habits = _stored("stores.habits.AzureHabits")

    @cached_property
    def webhook_queue(self) -> AzureCommandQueue:
        return AzureCommandQueue(self.connection, timeout=WEBHOOK_QUEUE_TIMEOUT)

    @cached_property
    def records(self) -> "AzureRecords":
        from shared.adapters.storage.stores.records import AzureRecords

        return AzureRecords(self.connection, self.index)

    @cached_property
    def credentials(self) -> "AzureCredentials":
        from shared.adapters.secrets.sealing import Sealer
        from shared.adapters.storage.stores.credentials import AzureCredentials

        return AzureCredentials(self.connection, Sealer(self.settings.token_keys))

    @cached_property
    def graph_tokens(self) -> "GraphTokens":
        from shared.adapters.graph.tokens import GraphTokens

        settings = self.settings
        scope = f"{settings.graph_url}/.default"
        return GraphTokens(settings.authority_url, settings.client_id, self._credential, scope)

    @cached_property
    def graph(self) -> "GraphSession":
        from shared.adapters.graph.remembered import Remembered
        from shared.adapters.graph.session import GraphSession

        memory = partial(Remembered, self.habits)
        return GraphSession(self.settings.graph_url, self.graph_tokens, memory)

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
    def account_probe(self) -> "ImapProbe":
        from shared.adapters.imap.probe import ImapProbe

        return ImapProbe(self.imap_sessions)

    @cached_property
    def mail_servers(self) -> "DiscoveredServers":
        import ssl

        from shared.adapters.network import pages
        from shared.adapters.network.dialling import GuardedDial
        from shared.adapters.network.discovering import DiscoveredServers
        from shared.adapters.network.name_records import NameRecords

        opened = self.settings.private_networks
        dial = GuardedDial(opened, ports=pages.PORTS)
        context = ssl.create_default_context(cafile=self.settings.ca_bundle)
        return DiscoveredServers(NameRecords(), pages.Pages(dial, context), opened=opened)

    @cached_property
    def own_credential(self) -> "EntraCredential":
        from shared.adapters.graph.own_credential import EntraCredential

        settings = self.settings
        expires_at = settings.client_secret_expires_at if settings.client_secret else None
        return EntraCredential(self._credential, expires_at)

    @cached_property
    def _credential(self) -> "Credential":
        from shared.adapters.graph.tokens import Certificate, ClientSecret, ManagedIdentity

        settings = self.settings
        if settings.client_secret:
            return ClientSecret(settings.client_secret)
        if settings.certificate:
            return Certificate.of(settings.certificate)
        return ManagedIdentity.of(settings.managed_identity_client_id, settings.authority_url)

    @cached_property
    def mail(self) -> "UnpackedMail":
        from shared.adapters.unpacking import UnpackedMail
        from shared.bootstrap.by_connection import Either, EitherMail

        return UnpackedMail(EitherMail(Either(lambda: self.graph_mail, lambda: self.imap_mail)))

    @cached_property
    def graph_mail(self) -> "GraphMail":
        from shared.adapters.graph.mail import GraphMail

        return GraphMail(self.sessions)

    @cached_property
    def imap_mail(self) -> "ImapMail":
        from shared.adapters.imap.mail import ImapMail

        return ImapMail(self.imap_sessions)

    @cached_property
    def imap_sessions(self) -> "ImapSessions":
        import ssl

        from shared.adapters.imap.accounts import StoredAccounts
        from shared.adapters.imap.sessions import Sessions

        context = ssl.create_default_context(cafile=self.settings.ca_bundle)
        return Sessions(StoredAccounts(self.credentials), self.dial, context)

    @cached_property
    def dial(self) -> "GuardedDial":
        """The way to every server that a customer names."""
        from shared.adapters.network.dialling import GuardedDial

        return GuardedDial(self.settings.private_networks)

    @cached_property
    def marker(self) -> "EitherMarker":
        from shared.adapters.graph.marking import GraphMarker
        from shared.bootstrap.by_connection import Either, EitherMarker

        return EitherMarker(Either(lambda: GraphMarker(self.sessions), lambda: self._imap_marker))

    @cached_property
    def _imap_marker(self) -> "ImapMarker":
        from shared.adapters.imap.marking import ImapMarker

        return ImapMarker(self.imap_sessions)

    @cached_property
    def sender(self) -> "EitherSender":
        from shared.adapters.graph.sending import GraphSender
        from shared.bootstrap.by_connection import Either, EitherSender

        return EitherSender(Either(lambda: GraphSender(self.sessions), lambda: self.smtp_sender))

    @cached_property
    def smtp_sender(self) -> "SmtpSender":
        from shared.adapters.imap.sent import SentMail
        from shared.adapters.smtp.accounts import SubmissionAccounts
        from shared.adapters.smtp.sending import SmtpSender

        sessions = self.imap_sessions
        return SmtpSender(
            SubmissionAccounts(sessions.accounts, self.credentials),
            SentMail(sessions),
            self.dial,
            sessions.context,
        )

    @cached_property
    def submission_probe(self) -> "SmtpProbe":
        from shared.adapters.smtp.probe import SmtpProbe

        return SmtpProbe(self.smtp_sender)

    @cached_property
    def directory(self) -> "TenantDirectory":
        from shared.adapters.graph.directory import GraphDirectory
        from shared.bootstrap.by_connection import TenantDirectory

        return TenantDirectory(GraphDirectory(self.sessions))

    @cached_property
    def subscription_source(self) -> "GraphSubscriptions":
        from shared.adapters.graph.subscriptions import GraphSubscriptions

        return GraphSubscriptions(self.graph, self.settings.public_url)
