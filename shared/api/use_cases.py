"""The use cases of the client API as one object: the routes call it, `bootstrap` composes it."""

from typing import Protocol

from shared.ports.work import Clock
from shared.services.campaigns.asking import AskCampaign, PreviewCampaign
from shared.services.campaigns.links import Unsubscribe
from shared.services.campaigns.reading import DecideOnCampaign, ReadCampaigns
from shared.services.capture.backfill import ManageBackfill
from shared.services.capture.preview import PreviewMailbox
from shared.services.commands.exceptions import (
    CountUnreadable,
    ListExceptions,
    ReplayException,
    ReplayExceptions,
)
from shared.services.commands.parts import MissingParts
from shared.services.commands.pausing import AskPause
from shared.services.commands.trials import AskTrial, ReadCondition
from shared.services.connections.account_settings import ManageAccount
from shared.services.connections.callers import IdentifyCaller
from shared.services.connections.connecting import AskToConnect, TakeAnswer
from shared.services.connections.connection_care import Disconnect, ShowConnections, VerifyConnections
from shared.services.connections.mailbox_settings import PutMailbox
from shared.services.connections.mailbox_tests import TestMailbox, TestMailboxes
from shared.services.connections.mailboxes import (
    DeleteMailbox,
    GetMailbox,
    ListHandovers,
    ListMailboxes,
    SyncNow,
)
from shared.services.connections.organisations import GetOrganisation, ListOrganisations, PutOrganisation
from shared.services.connections.readdressing import TakeOverAddress
from shared.services.connections.self_service import EndOwn, ShowOwn
from shared.services.events.read_events import ReadEvents
from shared.services.filing.explain import Explain
from shared.services.filing.inbox import Decide, UndoDecision
from shared.services.filing.links import LinkMessage, UnlinkMessage
from shared.services.filing.read_inbox import ReadInbox
from shared.services.filing.read_thread import ReadThread
from shared.services.filing.reading import ReadAttachment, ReadMessage, ReadTimeline
from shared.services.intake.acknowledgement_settings import ManageAcknowledgement
from shared.services.intake.previewing import PreviewIntake
from shared.services.matching.rematch import Rematch
from shared.services.notices.readerless import CountReaderless
from shared.services.notices.reading import DismissNotices, OpenNotice, ReadNotices
from shared.services.privacy.audit import AuditRequest, ReadAudit
from shared.services.privacy.deletion import AskDeletion
from shared.services.privacy.erasing import AskErasure
from shared.services.records.merging import MergeContacts, RenameRecord
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
from shared.services.sending.outbox import CancelMail, ReadOutbox, RetryMail
from shared.services.sending.previewing import PreviewMail
from shared.services.sending.uploading import UploadFile


class ApiUseCases(Protocol):
    """One use case per operation."""

    identify_caller: IdentifyCaller
    read_timeline: ReadTimeline
    read_message: ReadMessage
    read_thread: ReadThread
    read_attachment: ReadAttachment
    link_message: LinkMessage
    unlink_message: UnlinkMessage
    read_events: ReadEvents
    read_notices: ReadNotices
    open_notice: OpenNotice
    dismiss_notices: DismissNotices
    count_readerless: CountReaderless
    read_inbox: ReadInbox
    decide: Decide
    undo_decision: UndoDecision
    put_record: PutRecord
    get_record: GetRecord
    delete_record: DeleteRecord
    load_records: LoadRecords
    list_records: ListRecords
    list_opened: ListOpened
    merge_contacts: MergeContacts
    rename_record: RenameRecord
    put_mailbox: PutMailbox
    manage_account: ManageAccount
    get_mailbox: GetMailbox
    sync_now: SyncNow
    manage_backfill: ManageBackfill
    preview_mailbox: PreviewMailbox
    manage_acknowledgement: ManageAcknowledgement
    preview_intake: PreviewIntake
    delete_mailbox: DeleteMailbox
    list_mailboxes: ListMailboxes
    list_handovers: ListHandovers
    get_organisation: GetOrganisation
    put_organisation: PutOrganisation
    list_organisations: ListOrganisations
    count_unreadable: CountUnreadable
    ask_pause: AskPause
    ask_trial: AskTrial
    read_condition: ReadCondition
    missing_parts: MissingParts
    list_exceptions: ListExceptions
    replay_exception: ReplayException
    replay_exceptions: ReplayExceptions
    explain: Explain
    rematch: Rematch
    ask_to_send: AskToSend
    preview_mail: PreviewMail
    read_outbox: ReadOutbox
    cancel_mail: CancelMail
    retry_mail: RetryMail
    upload_file: UploadFile
    ask_campaign: AskCampaign
    preview_campaign: PreviewCampaign
    read_campaigns: ReadCampaigns
    decide_on_campaign: DecideOnCampaign
    unsubscribe: Unsubscribe
    read_me: ReadMe
    put_signature: PutSignature
    audit_request: AuditRequest
    read_audit: ReadAudit
    ask_erasure: AskErasure
    ask_deletion: AskDeletion
    ask_to_connect: AskToConnect
    show_connections: ShowConnections
    verify_connections: VerifyConnections
    disconnect: Disconnect
    show_own: ShowOwn
    end_own: EndOwn
    take_answer: TakeAnswer
    test_mailbox: TestMailbox
    test_mailboxes: TestMailboxes
    take_over_address: TakeOverAddress
    clock: Clock
