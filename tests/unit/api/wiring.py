"""The API's use cases over fakes, put together as the composition root does it."""

from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, Final

from starlette.testclient import TestClient

from shared.api.use_cases import ApiUseCases
from shared.services.callers import IdentifyCaller
from shared.services.mailboxes import DeleteMailbox, GetMailbox, ListMailboxes, PutMailbox
from shared.services.organisations import GetOrganisation, ListOrganisations, PutOrganisation
from shared.services.reading import Access, ReadAttachment, ReadMessage, ReadTimeline
from shared.services.records import (
    DeleteRecord,
    GetRecord,
    ListRecords,
    LoadRecords,
    PutRecord,
    StaffAddresses,
)
from tests.builders import NOW
from tests.fakes import FakeStorage
from tests.unit.api.tokens import HOME, Issuer

ORIGIN: Final = "https://crm.contoso.example"


@dataclass
class Api:
    """A client of the API, the storage behind it, and an issuer of tokens."""

    client: TestClient
    storage: FakeStorage
    issuer: Issuer

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


def use_cases_over(storage: FakeStorage) -> ApiUseCases:
    """Everything the API can do, at the builders' NOW."""
    access = Access(storage.messages, storage.mailboxes)
    staff = StaffAddresses(storage.index, storage.organisations)
    numbers = count(1)

    def clock() -> datetime:
        return NOW

    return ApiUseCases(
        identify_caller=IdentifyCaller(storage.organisations, HOME),
        read_timeline=ReadTimeline(storage.records, storage.timeline, access),
        read_message=ReadMessage(access, storage.messages, storage.folder_states),
        read_attachment=ReadAttachment(access, storage.messages, storage.attachments),
        put_record=PutRecord(storage.records, staff),
        get_record=GetRecord(storage.records),
        delete_record=DeleteRecord(storage.records),
        load_records=LoadRecords(storage.records, staff),
        list_records=ListRecords(storage.records),
        put_mailbox=PutMailbox(
            mailboxes=storage.mailboxes,
            organisations=storage.organisations,
            index=storage.index,
            queue=storage.queue,
            clock=clock,
            new_id=lambda: f"{next(numbers):032x}",
        ),
        get_mailbox=GetMailbox(storage.mailboxes),
        delete_mailbox=DeleteMailbox(storage.mailboxes, storage.queue, clock),
        list_mailboxes=ListMailboxes(storage.mailboxes),
        get_organisation=GetOrganisation(storage.organisations),
        put_organisation=PutOrganisation(storage.organisations, storage.mailboxes, storage.queue, clock),
        list_organisations=ListOrganisations(storage.organisations),
        clock=clock,
    )
