"""Records in the client API's JSON, field by field."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.api.models import Body


def _answer(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(populate_by_name=True, json_schema_extra={"examples": [example]})


def _body(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


_OVERRIDES = {"from_address": "lettings@contoso.example", "hide_email_chain": None, "file_thread": None}


class OverridesFields(Body):
    """What a client has otherwise than its organisation; what is absent or null follows the organisation."""

    model_config = _body({"from_address": "lettings@contoso.example"})
    from_address: str | None = Field(None, description="What mail to this client is sent from.")
    hide_email_chain: bool | None = None
    file_thread: bool | None = None


class RecordFields(Body):
    """A record as the CRM knows it, whole: what is absent is empty. Each kind has some of these fields."""

    model_config = _body({"name": "Bo Byer", "addresses": ["bo@fabrikam.example"], "client": "CL-7"})
    name: str | None = None
    summary: str | None = Field(None, description="What subjects are compared with.")
    details: str | None = None
    addresses: list[str] | None = Field(None, description="Contacts only. Never your own people's.")
    domains: list[str] | None = Field(None, description="Clients only.")
    client: str | None = Field(None, description="Id of the client it belongs to.")
    contacts: list[str] | None = Field(None, description="Ids of its contacts.")
    status: Literal["open", "closed"] | None = None
    type: str | None = None
    owner: str | None = Field(None, description="Address of the agent who owns it.")
    properties: list[str] | None = Field(None, description="Ids of a contact's properties.")
    overrides: OverridesFields | None = Field(None, description="Clients only.")


class MergeBody(Body):
    """Which contact stays."""

    model_config = _body({"into": "C-2"})
    into: str = Field(description="Id of the contact that takes this one's place.")


class RenameBody(Body):
    """The CRM's own id."""

    model_config = _body({"id": "OPP-1093"})
    id: str


_RECORD = {
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
    """What a client has otherwise than its organisation."""

    model_config = _answer(_OVERRIDES)
    from_address: str
    hide_email_chain: bool | None
    file_thread: bool | None


class RecordModel(BaseModel):
    """A record as it is stored."""

    model_config = _answer(_RECORD)
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
    origin: str = Field(description="crm, or postledger for a record opened here.")
    opened_at: datetime | None = Field(description="When Postledger opened it.")
    merged_into: str = Field(description="Id of the record that has taken its place; empty = none.")


class WrittenRecordModel(RecordModel):
    """A record as it now stands."""

    model_config = _answer({**_RECORD, "late_mail": 2})
    late_mail: int | None = Field(
        description="Mails that came before the record and follow within minutes; null: not counted."
    )


class RecordsModel(BaseModel):
    """A page of records by kind and id."""

    model_config = _answer({"records": [_RECORD], "cursor": None})
    records: list[RecordModel]
    cursor: str | None


_LINES = [
    {"line": 1, "kind": "contact", "id": "C-1", "status": "written", "detail": None},
    {"line": 2, "kind": "", "id": "", "status": "refused", "detail": "The line is not a JSON object."},
]


class LineModel(BaseModel):
    """What became of one line."""

    model_config = _answer(_LINES[0])
    line: int = Field(description="Counted from 1.")
    kind: str
    id: str
    status: Literal["written", "refused"]
    detail: str | None = Field(description="What is wrong with a refused line.")


class LoadModel(BaseModel):
    """What became of each line; refused ones harm no other."""

    model_config = _answer({"written": 1, "refused": 1, "late_mail": 2, "results": _LINES})
    written: int
    refused: int
    late_mail: int | None = Field(
        description="Mails that came before the records and follow within minutes; null: not counted."
    )
    results: list[LineModel]
