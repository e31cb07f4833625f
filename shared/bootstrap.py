"""The only place that names adapters and services: puts the app together, once, when it is first needed.

Nothing here is imported or built by loading the function app; FastAPI only by the first client request.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Final

from shared import telemetry
from shared.adapters.storage.attachments import AzureAttachments
from shared.adapters.storage.backfills import AzureBackfills
from shared.adapters.storage.connection import Connection, StorageSettings
from shared.adapters.storage.exceptions import AzureExceptions
from shared.adapters.storage.folder_states import AzureFolderStates
from shared.adapters.storage.inbox import AzureInbox
from shared.adapters.storage.late_contacts import AzureLateContacts
from shared.adapters.storage.leases import AzureLeases
from shared.adapters.storage.mailboxes import AzureMailboxes
from shared.adapters.storage.messages import AzureMessageStore
from shared.adapters.storage.organisations import AzureOrganisations
from shared.adapters.storage.queue import AzureCommandQueue
from shared.adapters.storage.record_index import AzureRecordIndex
from shared.adapters.storage.records import AzureRecords
from shared.adapters.storage.sightings import AzureSightings
from shared.adapters.storage.subscriptions import AzureSubscriptions
from shared.adapters.storage.timeline import AzureTimeline
from shared.config import Settings
from shared.services.access import WatchAccess
from shared.services.arrivals import Arrivals
from shared.services.backfill import StepBackfill
from shared.services.candidates import GatherCandidates
from shared.services.filing import Filing
from shared.services.ingest import Ingest
from shared.services.late_contacts import JoinLate
from shared.services.notifications import ClientStates, TakeNotifications
from shared.services.polling import PollMailboxes
from shared.services.reconcile import Reconcile, ReconcileAll
from shared.services.resync import Resync
from shared.services.scopes import FindScope
from shared.services.screening import Screen
from shared.services.subscription_care import (
    CareForSubscriptions,
    CompareSubscriptions,
    QueueComparisons,
    QueueDueSubscriptions,
)
from shared.services.subscriptions import MaintainSubscriptions
from shared.services.sync import Sync
from shared.services.turns import Turns
from shared.triggers.queue import Outcomes

if TYPE_CHECKING:
    from azure.functions import AsgiMiddleware

    from shared.adapters.graph.mail import GraphMail
    from shared.adapters.graph.session import GraphSession
    from shared.adapters.graph.subscriptions import GraphSubscriptions
    from shared.adapters.graph.tokens import Credential
    from shared.api.use_cases import ApiUseCases

# The webhook must have queued within 2 s or say that it has not.
WEBHOOK_QUEUE_TIMEOUT: Final = 2.0

_building = RLock()


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the triggers call."""

    take_notifications: TakeNotifications
    sync: Sync
    ingest: Ingest
    reconcile: Reconcile
    reconcile_all: ReconcileAll
    backfill: StepBackfill
    join_late_contacts: JoinLate
    maintain_subscription: CareForSubscriptions
    queue_due_subscriptions: QueueDueSubscriptions
    queue_comparisons: QueueComparisons
    poll: PollMailboxes


class _House:
    """Everything of one process, each part made when it is first asked for."""

    @cached_property
    def settings(self) -> Settings:
        telemetry.keep_libraries_quiet()
        return Settings.from_environment()

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
            )
        )

    @cached_property
    def queue(self) -> AzureCommandQueue:
        return AzureCommandQueue(self.connection)

    @cached_property
    def organisations(self) -> AzureOrganisations:
        return AzureOrganisations(self.connection)

    @cached_property
    def mailboxes(self) -> AzureMailboxes:
        return AzureMailboxes(self.connection)

    @cached_property
    def folders(self) -> AzureFolderStates:
        return AzureFolderStates(self.connection)

    @cached_property
    def backfills(self) -> AzureBackfills:
        return AzureBackfills(self.connection)

    @cached_property
    def subscriptions(self) -> AzureSubscriptions:
        return AzureSubscriptions(self.connection)

    @cached_property
    def index(self) -> AzureRecordIndex:
        return AzureRecordIndex(self.connection)

    @cached_property
    def records(self) -> AzureRecords:
        return AzureRecords(self.connection, self.index)

    @cached_property
    def messages(self) -> AzureMessageStore:
        return AzureMessageStore(self.connection)

    @cached_property
    def sightings(self) -> AzureSightings:
        return AzureSightings(self.connection)

    @cached_property
    def timeline(self) -> AzureTimeline:
        return AzureTimeline(self.connection)

    @cached_property
    def attachments(self) -> AzureAttachments:
        return AzureAttachments(self.connection)

    @cached_property
    def exceptions(self) -> AzureExceptions:
        return AzureExceptions(self.connection)

    @cached_property
    def late_contacts(self) -> AzureLateContacts:
        return AzureLateContacts(self.connection)

    @cached_property
    def leases(self) -> AzureLeases:
        return AzureLeases(self.connection)

    @cached_property
    def graph(self) -> "GraphSession":
        from shared.adapters.graph.session import GraphSession
        from shared.adapters.graph.tokens import GraphTokens

        settings = self.settings
        scope = f"{settings.graph_url}/.default"
        tokens = GraphTokens(settings.authority_url, settings.client_id, self._credential, scope)
        return GraphSession(settings.graph_url, tokens)

    @cached_property
    def _credential(self) -> "Credential":
        from shared.adapters.graph.tokens import Certificate, ClientSecret, ManagedIdentity

        settings = self.settings
        if settings.client_secret:
            return ClientSecret(settings.client_secret)
        if settings.certificate_path:
            return Certificate(Path(settings.certificate_path).read_text("utf-8"))
        return ManagedIdentity(settings.managed_identity_client_id)

    @cached_property
    def mail(self) -> "GraphMail":
        from shared.adapters.graph.mail import GraphMail

        return GraphMail(self.graph)

    @cached_property
    def subscription_source(self) -> "GraphSubscriptions":
        from shared.adapters.graph.subscriptions import GraphSubscriptions

        return GraphSubscriptions(self.graph, self.settings.public_url)

    @cached_property
    def scope(self) -> FindScope:
        return FindScope(self.organisations, self.mailboxes, self.settings.hash_key)

    @cached_property
    def turns(self) -> Turns:
        access = WatchAccess(self.mailboxes, self.mail, self.queue, now)
        return Turns(self.scope, self.leases, self.mailboxes, access, now)

    @cached_property
    def gather(self) -> GatherCandidates:
        return GatherCandidates(self.index, self.records, self.messages)

    @cached_property
    def screen(self) -> Screen:
        return Screen(self.gather, self.messages)

    @cached_property
    def outcomes(self) -> Outcomes:
        return Outcomes(self.queue, self.exceptions, now)

    @cached_property
    def use_cases(self) -> UseCases:
        return UseCases(
            take_notifications=TakeNotifications(
                states=ClientStates(self.subscriptions, now),
                queue=AzureCommandQueue(self.connection, timeout=WEBHOOK_QUEUE_TIMEOUT),
                clock=now,
            ),
            sync=Sync(
                turns=self.turns,
                mail=self.mail,
                mailboxes=self.mailboxes,
                folders=self.folders,
                arrivals=self._arrivals,
                resync=Resync(self.mail, self._arrivals, now),
                queue=self.queue,
                clock=now,
            ),
            ingest=self._ingest,
            reconcile=Reconcile(
                turns=self.turns,
                mail=self.mail,
                mailboxes=self.mailboxes,
                folders=self.folders,
                arrivals=self._arrivals,
                backfills=self.backfills,
                queue=self.queue,
                clock=now,
            ),
            reconcile_all=ReconcileAll(self.organisations, self.mailboxes, self.queue, now),
            backfill=StepBackfill(
                turns=self.turns,
                mail=self.mail,
                folders=self.folders,
                backfills=self.backfills,
                arrivals=self._arrivals,
                ingest=self._ingest,
                queue=self.queue,
                clock=now,
            ),
            maintain_subscription=self._subscription_care,
            queue_due_subscriptions=QueueDueSubscriptions(
                self.organisations, self.mailboxes, self.subscriptions, self.queue, now
            ),
            join_late_contacts=JoinLate(
                late=self.late_contacts,
                organisations=self.organisations,
                mailboxes=self.mailboxes,
                sightings=self.sightings,
                queue=self.queue,
                clock=now,
            ),
            queue_comparisons=QueueComparisons(self.organisations, self.queue, now),
            poll=PollMailboxes(self.mailboxes, self.queue, now),
        )

    @cached_property
    def _ingest(self) -> Ingest:
        return Ingest(
            turns=self.turns,
            mail=self.mail,
            folders=self.folders,
            screen=self.screen,
            gather=self.gather,
            messages=self.messages,
            filing=self._filing,
            sightings=self.sightings,
            exceptions=self.exceptions,
            queue=self.queue,
            clock=now,
        )

    @cached_property
    def _arrivals(self) -> Arrivals:
        return Arrivals(
            mail=self.mail,
            screen=self.screen,
            sightings=self.sightings,
            exceptions=self.exceptions,
            queue=self.queue,
            clock=now,
        )

    @cached_property
    def _subscription_care(self) -> CareForSubscriptions:
        maintain = MaintainSubscriptions(
            turns=self.turns,
            mailboxes=self.mailboxes,
            subscriptions=self.subscriptions,
            source=self.subscription_source,
            mail=self.mail,
            index=self.index,
            folders=self.folders,
            queue=self.queue,
            clock=now,
        )
        compare = CompareSubscriptions(
            organisations=self.organisations,
            mailboxes=self.mailboxes,
            subscriptions=self.subscriptions,
            source=self.subscription_source,
            queue=self.queue,
            clock=now,
        )
        return CareForSubscriptions(maintain, compare)

    @cached_property
    def _filing(self) -> Filing:
        return Filing(
            messages=self.messages,
            timeline=self.timeline,
            inbox=AzureInbox(self.connection),
            attachments=self.attachments,
            mailboxes=self.mailboxes,
            mail=self.mail,
            queue=self.queue,
            clock=now,
        )

    @cached_property
    def api(self) -> "AsgiMiddleware":
        from azure.functions import AsgiMiddleware

        from shared.adapters.entra import EntraTokens
        from shared.api.app import create_app
        from shared.services.callers import ServedTenants

        settings = self.settings
        audiences = {settings.client_id, f"api://{settings.client_id}", settings.api_audience} - {""}
        verifier = EntraTokens(
            authority=settings.authority_url,
            audiences=frozenset(audiences),
            is_known_tenant=ServedTenants(self.organisations, settings.home_tenant_id),
        )
        app = create_app(self.api_use_cases, verifier, cors_origins=settings.cors_origins)
        return AsgiMiddleware(app)  # type: ignore[no-untyped-call]

    @property
    def api_use_cases(self) -> "ApiUseCases":
        from shared.api.use_cases import ApiUseCases
        from shared.services import (
            backfill,
            callers,
            exceptions,
            explain,
            late_contacts,
            mailboxes,
            organisations,
            reading,
            records,
        )

        access = reading.Access(self.messages, self.mailboxes)
        look_up = records.LookUpAddresses(self.index, self.organisations)
        write = records.WriteRecords(
            self.records,
            late_contacts.AnnounceContacts(
                self.late_contacts,
                self.index,
                self.mailboxes,
                self.queue,
                now,
                self.settings.hash_key,
            ),
            late_contacts.CountLateMail(self.organisations, self.mailboxes, self.sightings, now),
        )
        name = exceptions.NameMailboxes(self.mailboxes)
        put_back = exceptions.PutBack(self.exceptions, self.queue, now)
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex  # noqa: E731
        return ApiUseCases(
            identify_caller=callers.IdentifyCaller(self.organisations, self.settings.home_tenant_id),
            read_timeline=reading.ReadTimeline(self.records, self.timeline, access),
            read_message=reading.ReadMessage(access, self.messages, self.folders),
            read_attachment=reading.ReadAttachment(access, self.messages, self.attachments),
            put_record=records.PutRecord(self.records, look_up, write),
            get_record=records.GetRecord(self.records),
            delete_record=records.DeleteRecord(self.records),
            load_records=records.LoadRecords(look_up, write),
            list_records=records.ListRecords(self.records),
            put_mailbox=mailboxes.PutMailbox(
                self.mailboxes, self.organisations, self.index, self.queue, now, new_id
            ),
            get_mailbox=mailboxes.GetMailbox(self.mailboxes),
            sync_now=mailboxes.SyncNow(self.queue, now),
            manage_backfill=backfill.ManageBackfill(self.backfills, self.queue, now),
            delete_mailbox=mailboxes.DeleteMailbox(self.mailboxes, self.queue, now),
            list_mailboxes=mailboxes.ListMailboxes(self.mailboxes),
            get_organisation=organisations.GetOrganisation(self.organisations),
            put_organisation=organisations.PutOrganisation(
                self.organisations, self.mailboxes, self.queue, now
            ),
            list_organisations=organisations.ListOrganisations(self.organisations),
            list_exceptions=exceptions.ListExceptions(self.exceptions, name),
            replay_exception=exceptions.ReplayException(self.exceptions, put_back, name),
            replay_exceptions=exceptions.ReplayExceptions(self.exceptions, put_back),
            explain=explain.Explain(
                access=access,
                messages=self.messages,
                mailboxes=self.mailboxes,
                sightings=self.sightings,
                folders=self.folders,
                exceptions=self.exceptions,
                hash_key=self.settings.hash_key,
            ),
            clock=now,
        )


_house = _House()


def use_cases() -> UseCases:
    """The use cases of this process. Raises ConfigurationError when settings are missing or wrong."""
    with _building:
        return _house.use_cases


def outcomes() -> Outcomes:
    """Where failed commands of this process go."""
    with _building:
        return _house.outcomes


def api_app() -> "AsgiMiddleware":
    """The client API of this process."""
    with _building:
        return _house.api
