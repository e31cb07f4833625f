"""Records in JSON: the fields that the CRM sends, and the records that Postledger stores."""

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, Field

from shared.api.models.schema import Body, Example, shown_as


class OverridesFields(Body):
    """The settings in which a client differs from its organisation.

    Where a field is absent or null, the organisation's setting applies.
    """

    model_config = shown_as({"from_address": "lettings@contoso.example"})
    from_address: str | None = Field(None, description="The address that sends mail to this client.")
    hide_email_chain: bool | None = None
    file_thread: bool | None = None


class RecordFields(Body):
    """A whole record as the CRM knows it: an absent field is empty. Each kind has some of these fields."""

    model_config = shown_as({"name": "Bo Byer", "addresses": ["bo@fabrikam.example"], "client": "CL-7"})
    name: str | None = None
    summary: str | None = Field(None, description="The text that matching compares with subjects.")
    details: str | None = None
    addresses: list[str] | None = Field(None, description="Contacts only. Never send a colleague's address.")
    domains: list[str] | None = Field(None, description="Clients only.")
    client: str | None = Field(None, description="The id of the client to which the record belongs.")
    contacts: list[str] | None = Field(None, description="The ids of the record's contacts.")
    status: Literal["open", "closed"] | None = None
    type: str | None = None
    owner: str | None = Field(None, description="The address of the owning agent.")
    properties: list[str] | None = Field(None, description="The ids of a contact's properties.")
    overrides: OverridesFields | None = Field(None, description="Clients only.")


class MergeBody(Body):
    """The contact that remains."""

    model_config = shown_as({"into": "C-2"})
    into: str = Field(description="The id of the contact that replaces this contact.")


class RenameBody(Body):
    """The CRM's own id."""

    model_config = shown_as({"id": "OPP-1093"})
    id: str


_RECORD: Final[Example] = {
    "kind": "contact",
    "id": "C-1",
    "name": "Bo Byer",
    "summary": "",
    "details": "",
    "addresses": ["bo@fabrikam.example"],
    "domains": [],
    "client": "CL-7",
    "contacts": [],
    "status": "open",
    "type": "",
    "owner": "",
    "properties": [],
    "overrides": {"from_address": "", "hide_email_chain": None, "file_thread": None},
    "origin": "crm",
    "opened_at": None,
    "merged_into": "",
}


class OverridesModel(BaseModel):
    """The settings in which a client differs from its organisation."""

    model_config = shown_as(
        {"from_address": "lettings@contoso.example", "hide_email_chain": None, "file_thread": None}
    )
    from_address: str
    hide_email_chain: bool | None
    file_thread: bool | None


class RecordModel(BaseModel):
    """A record as Postledger stores it."""

    model_config = shown_as(_RECORD)
    kind: str
    id: str
    name: str
    summary: str
    details: str
    addresses: list[str]
    domains: list[str]
    client: str
    contacts: list[str]
    status: str
    type: str
    owner: str
    properties: list[str]
    overrides: OverridesModel
    origin: str = Field(description="crm, or postledger if Postledger opened the record.")
    opened_at: datetime | None = Field(description="When Postledger opened the record.")
    merged_into: str = Field(description="The id of the record that replaced this record; empty if none did.")


class WrittenRecordModel(RecordModel):
    """A record after it was written."""

    model_config = shown_as({**_RECORD, "late_mail": 2})
    late_mail: int | None = Field(
        description="Mails that are older than the record and follow within minutes; null if not counted."
    )


class RecordsModel(BaseModel):
    """A page of records by kind and id."""

    model_config = shown_as({"records": [_RECORD], "cursor": None})
    records: list[RecordModel]
    cursor: str | None


_LINES: Final[list[Example]] = [
    {"line": 1, "kind": "contact", "id": "C-1", "status": "written", "detail": None},
    {"line": 2, "kind": "", "id": "", "status": "refused", "detail": "The line is not a JSON object."},
]


class LineModel(BaseModel):
    """The result of one line."""

    model_config = shown_as(_LINES[0])
    line: int = Field(description="The line's number; the first line is 1.")
    kind: str
    id: str
    status: Literal["written", "refused"]
    detail: str | None = Field(description="What is wrong with a refused line.")


class LoadModel(BaseModel):
    """The result of each line. A refused line does not affect the others."""

    model_config = shown_as({"written": 1, "refused": 1, "late_mail": 2, "results": _LINES})
    written: int
    refused: int
    late_mail: int | None = Field(
        description="Mails that are older than the records and follow within minutes; null if not counted."
    )
    results: list[LineModel]
