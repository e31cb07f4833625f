"""The API's use cases over fakes, put together as the composition root does it."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Final

from starlette.testclient import TestClient

from shared.api.use_cases import ApiUseCases
from shared.services.capture.backfill import ManageBackfill
from shared.services.capture.late_contacts import AnnounceContacts, CountLateMail
from shared.services.capture.preview import PreviewMailbox
from shared.services.commands.exceptions import (
    ListExceptions,
    NameMailboxes,
    PutBack,
    ReplayException,
    ReplayExceptions,
)
from shared.services.connections.callers import IdentifyCaller
from shared.services.connections.mailboxes import (
    DeleteMailbox,
    GetMailbox,
    ListMailboxes,
    PutMailbox,
    SyncNow,
)
from shared.services.connections.organisations import GetOrganisation, ListOrganisations, PutOrganisation
from shared.services.filing.change_by_person import ChangeByPerson
from shared.services.filing.explain import Explain
from shared.services.filing.inbox import Decide, ReadInbox, UndoDecision
from shared.services.filing.links import LinkMessage, UnlinkMessage
from shared.services.filing.reading import ReadAttachment, ReadMessage, ReadTimeline
from shared.services.filing.visibility import Visibility
from shared.services.matching.candidates import GatherCandidates
from shared.services.matching.rematch import Reconsider, Rematch
from shared.services.privacy.audit import AuditRequest, ReadAudit
from shared.services.privacy.deletion import AskDeletion
from shared.services.privacy.erasing import AskErasure
from shared.services.records.deals import Deals
from shared.services.records.merging import MergeContacts, RenameRecord, ReplaceRecord
from shared.services.records.record_writing import LookUpInsiders, WriteRecords
from shared.services.records.records import (
    DeleteRecord,
    GetRecord,
    ListOpened,
    ListRecords,
    LoadRecords,
    PutRecord,
)
from tests.builders import CODE_KEYS, HASH_KEY, NOW
from tests.connecting_world import ConnectingWorld
from tests.fake_mail import FakeMail
from tests.fakes import FakeStorage
from tests.unit.api.tokens import HOME, Issuer

ORIGIN: Final = "https://crm.contoso.example"


@dataclass
class Api:
    """A client of the API, the storage behind it, and an issuer of tokens."""

    client: TestClient
    storage: FakeStorage
    issuer: Issuer
    mail: FakeMail = field(default_factory=FakeMail)

    def call(self, method: str, path: str, token: str | None = None, **more: Any) -> Any:
        headers = {**more.pop("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.client.request(method, f"/api/v1/{path}", headers=headers, **more)

    def get(self, path: str, token: str | None = None, **more: Any) -> Any:
        return self.call("GET", path, token, **more)

    def put(self, path: str, token: str | None = None, **more: Any) -> Any:
        return self.call("PUT", path, token, **more)

    def post(self, path: str, token: str | None = None, **more: Any) -> Any:
        return self.call("POST", path, token, **more)

    def delete(self, path: str, token: str | None = None, **more: Any) -> Any:
        return self.call("DELETE", path, token, **more)


def use_cases_over(storage: FakeStorage, world: ConnectingWorld | None = None) -> ApiUseCases:
    """Everything the API can do, at the builders' NOW."""
    connecting = world or ConnectingWorld(storage)
    visibility = Visibility(storage.messages, storage.mailboxes)
    look_up = LookUpInsiders(storage.index, storage.organisations)
    numbers = count(1)

    def clock() -> datetime:
        return NOW

    def new_id() -> str:
        return f"{next(numbers):032x}"

    hand = ChangeByPerson(storage.messages, storage.inbox, storage.queue, new_id)
    name = NameMailboxes(storage.mailboxes)
    put_back = PutBack(storage.exceptions, storage.queue, clock)
    announce = AnnounceContacts(storage.late_contacts, storage.mailboxes, storage.queue, clock, HASH_KEY)
    deals = Deals(storage.records, storage.index, announce)
    write = WriteRecords(
        storage.records,
        deals,
        announce,
        CountLateMail(storage.organisations, storage.mailboxes, storage.sightings, clock),
    )
    replace = ReplaceRecord(storage.records, look_up, write, storage.queue, clock)

    gather = GatherCandidates(storage.index, storage.records, storage.messages, storage.codes, CODE_KEYS)
    reconsider = Reconsider(storage.mailboxes, storage.messages, gather, HASH_KEY)

    return ApiUseCases(
        identify_caller=IdentifyCaller(storage.organisations, HOME),
        read_timeline=ReadTimeline(storage.records, storage.timeline, visibility),
        read_message=ReadMessage(visibility, storage.messages, storage.folder_states, storage.organisations),
        read_attachment=ReadAttachment(visibility, storage.messages, storage.attachments),
        link_message=LinkMessage(visibility, storage.records, hand, clock),
        unlink_message=UnlinkMessage(visibility, hand, clock),
        read_inbox=ReadInbox(storage.inbox, storage.messages, storage.mailboxes, storage.records),
        decide=Decide(
            visibility, storage.messages, storage.organisations, storage.records, storage.index, hand, clock
        ),
        undo_decision=UndoDecision(visibility, hand, clock),
        put_record=PutRecord(look_up, write),
        get_record=GetRecord(storage.records),
        delete_record=DeleteRecord(storage.records, deals, storage.organisations),
        load_records=LoadRecords(look_up, write),
        list_records=ListRecords(storage.records),
        list_opened=ListOpened(storage.records, storage.index),
        merge_contacts=MergeContacts(storage.records, replace),
        rename_record=RenameRecord(storage.records, replace),
        put_mailbox=PutMailbox(
            mailboxes=storage.mailboxes,
            register=connecting.register,
            examine=connecting.examine,
            queue=storage.queue,
            clock=clock,
            new_id=new_id,
        ),
        get_mailbox=GetMailbox(storage.mailboxes),
        sync_now=SyncNow(storage.queue, clock),
        manage_backfill=ManageBackfill(storage.backfills, storage.queue, clock),
        preview_mailbox=PreviewMailbox(
            storage.organisations,
            storage.mailboxes,
            connecting.mail,
            gather,
            storage.leases,
            clock,
            HASH_KEY,
        ),
        delete_mailbox=DeleteMailbox(storage.mailboxes, storage.queue, clock),
        list_mailboxes=ListMailboxes(storage.mailboxes),
        get_organisation=GetOrganisation(storage.organisations),
        put_organisation=PutOrganisation(storage.organisations, storage.mailboxes, storage.queue, clock),
        list_organisations=ListOrganisations(storage.organisations),
        list_exceptions=ListExceptions(storage.exceptions, name),
        replay_exception=ReplayException(storage.exceptions, put_back, name),
        replay_exceptions=ReplayExceptions(storage.exceptions, put_back),
        explain=Explain(
            visibility=visibility,
            messages=storage.messages,
            mailboxes=storage.mailboxes,
            sightings=storage.sightings,
            folders=storage.folder_states,
            exceptions=storage.exceptions,
            hash_key=HASH_KEY,
        ),
        rematch=Rematch(
            storage.organisations, storage.records, storage.messages, reconsider, storage.queue, clock
        ),
        audit_request=AuditRequest(storage.audit, new_id, clock, HASH_KEY),
        read_audit=ReadAudit(storage.audit),
        ask_erasure=AskErasure(
            storage.organisations, storage.erasures, storage.index, storage.queue, clock, HASH_KEY
        ),
        ask_deletion=AskDeletion(storage.organisations, storage.erasures, storage.queue, clock, HASH_KEY),
        ask_to_connect=connecting.ask,
        show_connections=connecting.show,
        verify_connections=connecting.verify,
        disconnect=connecting.disconnect,
        take_answer=connecting.take_answer,
        test_mailbox=connecting.test_mailbox,
        test_mailboxes=connecting.test_mailboxes,
        take_over_address=connecting.take_over_address,
        clock=clock,
    )
