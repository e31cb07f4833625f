"""Records in JSON: the fields that the CRM sends, and the records that Postledger stores."""

from datetime import datetime
from typing import Final

from pydantic import ConfigDict, Field

from shared.api.models.intake import DataModel
from shared.api.models.schema import Answer, Body, Example, NextCursor, shown_as
from shared.api.models.words import LineStatus, RecordKind, RecordOrigin, RecordStatus

_FROM_ADDRESSES: Final[Example] = {"quotation": "*sales_mailboxes*"}
_FOR_QUOTATIONS: Final = "The address, or *sales_mailboxes*, for quotations."
RECORD_LINE_EXAMPLE: Final[Example] = {
    "kind": "contact",
    "id": "C-1",
    "name": "Bo Byer",
    "addresses": ["bo@fabrikam.example"],
    "client": "CL-7",
}


class FromAddressesFields(Body):
    """The addresses that send mail to a client, by purpose: `quotation` and others."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_FROM_ADDRESSES]})
    __pydantic_extra__: dict[str, str] = Field(init=False)
    quotation: str | None = Field(None, description=_FOR_QUOTATIONS)


class OverridesFields(Body):
    """The settings in which a client differs from its organisation.

    Where a field is absent or null, the organisation's setting applies.
    """

    model_config = shown_as({"from_address": "lettings@contoso.example"})
    from_address: str | None = Field(
        None,
        description="The address that sends mail to this client, or *sales_mailboxes*: the sending agent's own.",
    )
    from_addresses: FromAddressesFields | None = Field(
        None, description="The same by purpose; it comes before from_address."
    )
    hide_email_chain: bool | None = Field(
        None, description="Whether readers see mail without its chain first."
    )
    file_thread: bool | None = Field(None, description="Whether a decision takes the thread along.")


class RecordFields(Body):
    """A whole record as the CRM knows it: an absent field is empty. Each kind has some of these fields."""

    model_config = shown_as({"name": "Bo Byer", "addresses": ["bo@fabrikam.example"], "client": "CL-7"})
    name: str | None = Field(None, description="The name that people see.")
    summary: str | None = Field(None, description="The text that matching compares with subjects.")
    details: str | None = Field(None, description="Any text about the record.")
    addresses: list[str] | None = Field(None, description="Contacts only. Never send a colleague's address.")
    domains: list[str] | None = Field(None, description="Clients only.")
    client: str | None = Field(None, description="The id of the client to which the record belongs.")
    contacts: list[str] | None = Field(None, description="The ids of the record's contacts.")
    status: RecordStatus | None = Field(None, description="Closed records are not matched. Absent: open.")
    type: str | None = Field(None, description="A type of the CRM's own.")
    owner: str | None = Field(None, description="The address of the owning agent.")
    properties: list[str] | None = Field(None, description="The ids of a contact's properties.")
    overrides: OverridesFields | None = Field(None, description="Clients only.")


class RecordLine(RecordFields):
    """A record of a load: its kind, its id and its fields."""

    model_config = shown_as(RECORD_LINE_EXAMPLE)
    kind: RecordKind
    id: str = Field(description="1 to 128 characters of A-Z a-z 0-9 . _ : ~ -")


class MergeBody(Body):
    """The contact that remains."""

    model_config = shown_as({"into": "C-2"})
    into: str = Field(description="The id of the contact that replaces this contact.")


class RenameBody(Body):
    """The CRM's own id."""

    model_config = shown_as({"id": "OPP-1093"})
    id: str = Field(description="The id that the CRM has given the record.")


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
    "overrides": {
        "from_address": "",
        "from_addresses": {"quotation": None},
        "hide_email_chain": None,
        "file_thread": None,
    },
    "origin": "crm",
    "opened_at": None,
    "mailbox": "",
    "sent_to": "",
    "data": {},
    "merged_into": "",
}


class FromAddressesModel(Answer):
    """The addresses that send mail to a client, by purpose: `quotation` and others."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_FROM_ADDRESSES]})
    __pydantic_extra__: dict[str, str] = Field(init=False)
    quotation: str | None = Field(None, description=_FOR_QUOTATIONS)


class OverridesModel(Answer):
    """The settings in which a client differs from its organisation."""

    model_config = shown_as(
        {
            "from_address": "lettings@contoso.example",
            "from_addresses": _FROM_ADDRESSES,
            "hide_email_chain": None,
            "file_thread": None,
        }
    )
    from_address: str = Field(description="The address that sends mail to this client; empty: as usual.")
    from_addresses: FromAddressesModel
    hide_email_chain: bool | None = Field(description="null: as the organisation's setting says.")
    file_thread: bool | None = Field(description="null: as the organisation's setting says.")


class RecordModel(Answer):
    """A record as Postledger stores it."""

    model_config = shown_as(_RECORD)
    kind: RecordKind
    id: str = Field(description="The record's id.")
    name: str = Field(description="The name that people see.")
    summary: str = Field(description="The text that matching compares with subjects.")
    details: str = Field(description="Any text about the record.")
    addresses: list[str] = Field(description="A contact's addresses, normalised.")
    domains: list[str] = Field(description="A client's domains.")
    client: str = Field(description="The id of the record's client; empty if it has none.")
    contacts: list[str] = Field(description="The ids of the record's contacts.")
    status: RecordStatus
    type: str = Field(description="A type of the CRM's own.")
    owner: str = Field(description="The address of the owning agent; empty if nobody owns it.")
    properties: list[str] = Field(description="The ids of a contact's properties.")
    overrides: OverridesModel
    origin: RecordOrigin = Field(description="crm, or postledger if Postledger opened the record.")
    opened_at: datetime | None = Field(description="When Postledger opened the record.")
    mailbox: str = Field(description="The intake mailbox that opened the record; empty: none did.")
    sent_to: str = Field(
        description="The address of that mailbox to which the mail was sent, as far as it says."
    )
    data: DataModel
    merged_into: str = Field(description="The id of the record that replaced this record; empty if none did.")


class WrittenRecordModel(RecordModel):
    """A record after it was written."""

    model_config = shown_as({**_RECORD, "late_mail": 2})
    late_mail: int | None = Field(
        description="Mails that are older than the record and follow within minutes; null if not counted."
    )


_FOUND: Final[Example] = {
    "kind": "opportunity",
    "id": "OPP-5",
    "name": "Loft conversion",
    "summary": "Loft conversion",
    "status": "open",
    "client": "CL-7",
    "type": "",
}


class FoundRecordModel(Answer):
    """A record as an agent sees it to choose it."""

    model_config = shown_as(_FOUND)
    kind: RecordKind
    id: str = Field(description="The record's id.")
    name: str = Field(description="The name that people see.")
    summary: str = Field(description="The text that matching compares with subjects.")
    status: RecordStatus
    client: str = Field(description="The id of the record's client; empty if it has none.")
    type: str = Field(description="A type of the CRM's own.")


class FoundRecordsModel(Answer):
    """A page of records by kind and id, as an agent sees them."""

    model_config = shown_as({"records": [_FOUND], "cursor": None})
    records: list[FoundRecordModel] = Field(description="The records of this page.")
    cursor: NextCursor


RECORDS_EXAMPLE: Final[Example] = {"records": [_RECORD], "cursor": None}


class RecordsModel(Answer):
    """A page of records by kind and id."""

    model_config = shown_as(RECORDS_EXAMPLE)
    records: list[RecordModel] = Field(description="The records of this page.")
    cursor: NextCursor


_LINES: Final[list[Example]] = [
    {"line": 1, "kind": "contact", "id": "C-1", "status": "written", "detail": None},
    {"line": 2, "kind": "", "id": "", "status": "refused", "detail": "The line is not a JSON object."},
]


class LineModel(Answer):
    """The result of one line."""

    model_config = shown_as(_LINES[0])
    line: int = Field(description="The line's number; the first line is 1.")
    kind: str = Field(
        description="The record's kind as the line has it; empty if the line could not be read."
    )
    id: str = Field(description="The record's id as the line has it; empty if the line could not be read.")
    status: LineStatus
    detail: str | None = Field(description="What is wrong with a refused line.")


class LoadModel(Answer):
    """The result of each line. A refused line does not affect the others."""

    model_config = shown_as({"written": 1, "refused": 1, "late_mail": 2, "results": _LINES})
    written: int = Field(description="The number of lines that were written.")
    refused: int = Field(description="The number of lines that were refused.")
    late_mail: int | None = Field(
        description="Mails that are older than the records and follow within minutes; null if not counted."
    )
    results: list[LineModel] = Field(description="The result of each line, in order.")
