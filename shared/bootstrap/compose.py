"""The composition root: every use case, over whatever ports it is given.

Production, tests and benches call `compose`; nobody else builds a use case. A new one is two lines here:
its import and its attribute.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_type_hints

from shared.bootstrap.assembly import Assembly, Value, use_case
from shared.domain.sending.waits import WAITS, Waits
from shared.ports.work import Clock
from shared.services.remembering.hearing import heard
from shared.services.remembering.memories import Memories

if TYPE_CHECKING:
    from shared.ports.record import Ports
    from shared.services.campaigns.asking import AskCampaign, PreviewCampaign
    from shared.services.campaigns.links import Unsubscribe
    from shared.services.campaigns.reading import DecideOnCampaign, ReadCampaigns
    from shared.services.campaigns.running import RunCampaigns, WakeCampaigns
    from shared.services.capture.backfill import ManageBackfill
    from shared.services.capture.late_contacts import JoinLate
    from shared.services.capture.notifications import TakeNotifications
    from shared.services.capture.polling import PollMailboxes
    from shared.services.capture.preview import PreviewMailbox
    from shared.services.capture.reconcile import ReconcileAll
    from shared.services.capture.turns import TakeTurn
    from shared.services.capture.waking import WakeStale
    from shared.services.commands.exceptions import (
        CountUnreadable,
        ListExceptions,
        ReplayException,
        ReplayExceptions,
    )
    from shared.services.commands.parts import MissingParts
    from shared.services.commands.pausing import AskPause, HeedPause
    from shared.services.commands.poison import SweepPoison
    from shared.services.commands.tick import RunAgenda, StandIn
    from shared.services.commands.trials import AskTrial, ReadCondition, ReportTrial
    from shared.services.connections.account_settings import ManageAccount
    from shared.services.connections.callers import IdentifyCaller, ServedTenants
    from shared.services.connections.connecting import AskToConnect, TakeAnswer
    from shared.services.connections.connection_care import (
        Disconnect,
        ShowConnections,
        VerifyConnections,
        WatchConnections,
    )
    from shared.services.connections.credential_care import WatchCredential
    from shared.services.connections.mailbox_settings import PutMailbox
    from shared.services.connections.mailbox_tests import TestMailbox, TestMailboxes
    from shared.services.connections.mailboxes import (
        DeleteMailbox,
        GetMailbox,
        ListHandovers,
        ListMailboxes,
        SyncNow,
    )
    from shared.services.connections.organisations import (
        GetOrganisation,
        ListOrganisations,
        PutOrganisation,
    )
    from shared.services.connections.readdressing import NoticeAddresses, TakeOverAddress
    from shared.services.connections.self_service import EndOwn, ShowOwn
    from shared.services.connections.subscription_care import (
        QueueComparisons,
        QueueDueSubscriptions,
        RunComparison,
    )
    from shared.services.events.forgetting import QueueForgetting, RunForgetting
    from shared.services.events.read_events import ReadEvents
    from shared.services.filing.apply_decision import ApplyDecision
    from shared.services.filing.change_by_person import SweepDecisions
    from shared.services.filing.explain import Explain
    from shared.services.filing.inbox import Decide, UndoDecision
    from shared.services.filing.links import LinkMessage, UnlinkMessage
    from shared.services.filing.read_inbox import ReadInbox
    from shared.services.filing.read_thread import ReadThread
    from shared.services.filing.reading import ReadAttachment, ReadMessage, ReadTimeline
    from shared.services.intake.acknowledgement_settings import ManageAcknowledgement
    from shared.services.intake.previewing import PreviewIntake
    from shared.services.matching.rematch import Rematch, RunRematch
    from shared.services.notices.readerless import CountReaderless
    from shared.services.notices.reading import DismissNotices, OpenNotice, ReadNotices
    from shared.services.privacy.audit import AuditRequest, ReadAudit
    from shared.services.privacy.deletion import AskDeletion, RunDeletion
    from shared.services.privacy.erasing import AskErasure, RunErasure
    from shared.services.privacy.retention import QueueRetention, RunRetention
    from shared.services.records.merging import MergeContacts, MoveFiled, RenameRecord
    from shared.services.records.records import (
        DeleteRecord,
        GetRecord,
        ListOpened,
        ListRecords,
        LoadRecords,
        PutRecord,
    )
    from shared.services.sending.asking import AskToSend
    from shared.services.sending.me import PutSignature, ReadMe
    from shared.services.sending.outbox import CancelMail, ReadOutbox, RetryMail, WakeOutboxes
    from shared.services.sending.previewing import PreviewMail
    from shared.services.sending.retrying import Resend
    from shared.services.sending.send_due import SendDue
    from shared.services.sending.uploading import UploadFile


@dataclass(frozen=True, slots=True)
class UseCaseSettings:
    """What use cases need of a deployment's settings; each field may be one of a service's."""

    hash_key: bytes
    code_keys: tuple[bytes, ...]
    home_tenant_id: str
    public_url: str = ""
    waits: Waits = WAITS


class UseCases(Assembly):
    """Everything that a trigger or a route may call, by folder of `shared/services`."""

    clock: Clock

    take_notifications: TakeNotifications = use_case("capture.notifications")
    take_turn: TakeTurn = use_case("capture.turns")
    wake_stale: WakeStale = use_case("capture.waking")
    poll: PollMailboxes = use_case("capture.polling")
    reconcile_all: ReconcileAll = use_case("capture.reconcile")
    manage_backfill: ManageBackfill = use_case("capture.backfill")
    preview_mailbox: PreviewMailbox = use_case("capture.preview")
    manage_acknowledgement: ManageAcknowledgement = use_case("intake.acknowledgement_settings")
    preview_intake: PreviewIntake = use_case("intake.previewing")
    join_late_contacts: JoinLate = use_case("capture.late_contacts")

    count_unreadable: CountUnreadable = use_case("commands.exceptions")
    run_agenda: RunAgenda = use_case("commands.tick")
    stand_in: StandIn = use_case("commands.tick")
    sweep_poison: SweepPoison = use_case("commands.poison")
    ask_pause: AskPause = use_case("commands.pausing")
    heed_pause: HeedPause = use_case("commands.pausing")
    ask_trial: AskTrial = use_case("commands.trials")
    report_back: ReportTrial = use_case("commands.trials")
    read_condition: ReadCondition = use_case("commands.trials")
    missing_parts: MissingParts = use_case("commands.parts")
    list_exceptions: ListExceptions = use_case("commands.exceptions")
    replay_exception: ReplayException = use_case("commands.exceptions")
    replay_exceptions: ReplayExceptions = use_case("commands.exceptions")

    identify_caller: IdentifyCaller = use_case("connections.callers")
    served_tenants: ServedTenants = use_case("connections.callers")
    get_organisation: GetOrganisation = use_case("connections.organisations")
    put_organisation: PutOrganisation = use_case("connections.organisations")
    list_organisations: ListOrganisations = use_case("connections.organisations")
    ask_to_connect: AskToConnect = use_case("connections.connecting")
    take_answer: TakeAnswer = use_case("connections.connecting")
    show_connections: ShowConnections = use_case("connections.connection_care")
    verify_connections: VerifyConnections = use_case("connections.connection_care")
    watch_credential: WatchCredential = use_case("connections.credential_care")
    watch_connections: WatchConnections = use_case("connections.connection_care")
    disconnect: Disconnect = use_case("connections.connection_care")
    show_own: ShowOwn = use_case("connections.self_service")
    end_own: EndOwn = use_case("connections.self_service")
    get_mailbox: GetMailbox = use_case("connections.mailboxes")
    put_mailbox: PutMailbox = use_case("connections.mailbox_settings")
    manage_account: ManageAccount = use_case("connections.account_settings")
    list_handovers: ListHandovers = use_case("connections.mailboxes")
    list_mailboxes: ListMailboxes = use_case("connections.mailboxes")
    delete_mailbox: DeleteMailbox = use_case("connections.mailboxes")
    sync_now: SyncNow = use_case("connections.mailboxes")
    test_mailbox: TestMailbox = use_case("connections.mailbox_tests")
    test_mailboxes: TestMailboxes = use_case("connections.mailbox_tests")
    notice_addresses: NoticeAddresses = use_case("connections.readdressing")
    take_over_address: TakeOverAddress = use_case("connections.readdressing")
    run_comparison: RunComparison = use_case("connections.subscription_care")
    queue_due_subscriptions: QueueDueSubscriptions = use_case("connections.subscription_care")
    queue_comparisons: QueueComparisons = use_case("connections.subscription_care")

    read_events: ReadEvents = use_case("events.read_events")
    queue_forgetting: QueueForgetting = use_case("events.forgetting")
    forget_events: RunForgetting = use_case("events.forgetting")

    apply_decision: ApplyDecision = use_case("filing.apply_decision")
    sweep_decisions: SweepDecisions = use_case("filing.change_by_person")
    read_timeline: ReadTimeline = use_case("filing.reading")
    read_message: ReadMessage = use_case("filing.reading")
    read_thread: ReadThread = use_case("filing.read_thread")
    read_attachment: ReadAttachment = use_case("filing.reading")
    link_message: LinkMessage = use_case("filing.links")
    unlink_message: UnlinkMessage = use_case("filing.links")
    read_inbox: ReadInbox = use_case("filing.read_inbox")
    decide: Decide = use_case("filing.inbox")
    undo_decision: UndoDecision = use_case("filing.inbox")
    explain: Explain = use_case("filing.explain")

    read_notices: ReadNotices = use_case("notices.reading")
    open_notice: OpenNotice = use_case("notices.reading")
    dismiss_notices: DismissNotices = use_case("notices.reading")
    count_readerless: CountReaderless = use_case("notices.readerless")

    rematch: Rematch = use_case("matching.rematch")
    run_rematch: RunRematch = use_case("matching.rematch")

    put_record: PutRecord = use_case("records.records")
    get_record: GetRecord = use_case("records.records")
    delete_record: DeleteRecord = use_case("records.records")
    load_records: LoadRecords = use_case("records.records")
    list_records: ListRecords = use_case("records.records")
    list_opened: ListOpened = use_case("records.records")
    merge_contacts: MergeContacts = use_case("records.merging")
    rename_record: RenameRecord = use_case("records.merging")
    merge_records: MoveFiled = use_case("records.merging")

    ask_to_send: AskToSend = use_case("sending.asking")
    preview_mail: PreviewMail = use_case("sending.previewing")
    upload_file: UploadFile = use_case("sending.uploading")
    read_me: ReadMe = use_case("sending.me")
    put_signature: PutSignature = use_case("sending.me")
    read_outbox: ReadOutbox = use_case("sending.outbox")
    cancel_mail: CancelMail = use_case("sending.outbox")
    retry_mail: RetryMail = use_case("sending.outbox")
    wake_outboxes: WakeOutboxes = use_case("sending.outbox")
    send_due: SendDue = use_case("sending.send_due")
    resend_mail: Resend = use_case("sending.retrying")

    ask_campaign: AskCampaign = use_case("campaigns.asking")
    preview_campaign: PreviewCampaign = use_case("campaigns.asking")
    read_campaigns: ReadCampaigns = use_case("campaigns.reading")
    decide_on_campaign: DecideOnCampaign = use_case("campaigns.reading")
    run_campaign: RunCampaigns = use_case("campaigns.running")
    wake_campaigns: WakeCampaigns = use_case("campaigns.running")
    unsubscribe: Unsubscribe = use_case("campaigns.links")

    audit_request: AuditRequest = use_case("privacy.audit")
    read_audit: ReadAudit = use_case("privacy.audit")
    ask_erasure: AskErasure = use_case("privacy.erasing")
    ask_deletion: AskDeletion = use_case("privacy.deletion")
    queue_retention: QueueRetention = use_case("privacy.retention")
    run_erasure: RunErasure = use_case("privacy.erasing")
    run_deletion: RunDeletion = use_case("privacy.deletion")
    run_retention: RunRetention = use_case("privacy.retention")


def compose(ports: Ports, settings: UseCaseSettings, clock: Clock, new_id: Callable[[], str]) -> UseCases:
    """The use cases over these ports. Nothing is built, and no service imported, before it is asked for."""
    types = get_type_hints(UseCaseSettings)
    values = {name: Value(kind, getattr(settings, name)) for name, kind in types.items()}
    values["clock"] = Value(Clock, clock)
    values["new_id"] = Value(Callable[[], str], new_id)
    memories = Memories(clock)
    values["memories"] = Value(Memories, memories)
    use_cases = UseCases(heard(ports, memories), values)
    use_cases.clock = clock
    return use_cases
