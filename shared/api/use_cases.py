"""What the client API can do, as one object: the composition root fills it, the routes call it."""

from dataclasses import dataclass

from shared.ports import Clock
from shared.services.audit import AuditRequest, ReadAudit
from shared.services.backfill import ManageBackfill
from shared.services.callers import IdentifyCaller
from shared.services.connecting import AskToConnect, TakeAnswer
from shared.services.connection_care import Disconnect, ShowConnections, VerifyConnections
from shared.services.deletion import AskDeletion
from shared.services.erasing import AskErasure
from shared.services.exceptions import ListExceptions, ReplayException, ReplayExceptions
from shared.services.explain import Explain
from shared.services.inbox import Decide, ReadInbox, UndoDecision
from shared.services.links import LinkMessage, UnlinkMessage
from shared.services.mailbox_tests import TestMailbox, TestMailboxes
from shared.services.mailboxes import DeleteMailbox, GetMailbox, ListMailboxes, PutMailbox, SyncNow
from shared.services.merging import MergeContacts, RenameRecord
from shared.services.organisations import GetOrganisation, ListOrganisations, PutOrganisation
from shared.services.preview import PreviewMailbox
from shared.services.readdressing import TakeOverAddress
from shared.services.reading import ReadAttachment, ReadMessage, ReadTimeline
from shared.services.records import (
    DeleteRecord,
    GetRecord,
    ListOpened,
    ListRecords,
    LoadRecords,
    PutRecord,
)
from shared.services.rematch import Rematch


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiUseCases:
    """One use case per operation."""

    identify_caller: IdentifyCaller
    read_timeline: ReadTimeline
    read_message: ReadMessage
    read_attachment: ReadAttachment
    link_message: LinkMessage
    unlink_message: UnlinkMessage
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
    get_mailbox: GetMailbox
    sync_now: SyncNow
    manage_backfill: ManageBackfill
    preview_mailbox: PreviewMailbox
    delete_mailbox: DeleteMailbox
    list_mailboxes: ListMailboxes
    get_organisation: GetOrganisation
    put_organisation: PutOrganisation
    list_organisations: ListOrganisations
    list_exceptions: ListExceptions
    replay_exception: ReplayException
    replay_exceptions: ReplayExceptions
    explain: Explain
    rematch: Rematch
    audit_request: AuditRequest
    read_audit: ReadAudit
    ask_erasure: AskErasure
    ask_deletion: AskDeletion
    ask_to_connect: AskToConnect
    show_connections: ShowConnections
    verify_connections: VerifyConnections
    disconnect: Disconnect
    take_answer: TakeAnswer
    test_mailbox: TestMailbox
    test_mailboxes: TestMailboxes
    take_over_address: TakeOverAddress
    clock: Clock
