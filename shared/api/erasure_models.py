"""JSON models of the audit, of erasing a person, and of deleting an organisation."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.api.models import KEY, Body


def _answer(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(populate_by_name=True, json_schema_extra={"examples": [example]})


class EraseFields(Body):
    """Whose mail is to go."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"address": "bo@fabrikam.example"}]})
    address: str = Field(description="A mail address of somebody outside the organisation.", max_length=320)


class ErasureModel(BaseModel):
    """How far an erasure has come. It never shows the address."""

    model_config = _answer(
        {
            "id": KEY,
            "state": "running",
            "asked_at": "2026-03-02T09:00:00Z",
            "step": "messages",
            "turn": 1,
            "messages": 12,
            "changed": 3,
            "done_at": None,
        }
    )
    id: str = Field(description="A keyed hash of the address.")
    state: Literal["running", "done"]
    asked_at: datetime
    step: str = Field(description="What is being looked through; '' once it is done.")
    turn: int = Field(description="1 or 2: the second turn catches what was being written during the first.")
    messages: int = Field(description="Messages taken away. A page that was cut short may count twice.")
    changed: int = Field(description="Messages, records and rows in which the address was replaced.")
    done_at: datetime | None


class DeletionModel(BaseModel):
    """An organisation that is being deleted, or was."""

    model_config = _answer({"state": "deleting", "asked_at": "2026-03-02T09:00:00Z", "done_at": None})
    state: Literal["deleting", "deleted"]
    asked_at: datetime
    done_at: datetime | None


class AuditRowModel(BaseModel):
    """Who did what to what, and when. Ids only."""

    model_config = _answer(
        {
            "id": "5f0c2f6d1b8e4c0f9f3a0a3f0e2d7c11",
            "at": "2026-03-02T09:00:00Z",
            "by": "7b1f1c9e-0c51-4a63-8f0e-2f4d0a3b9c11",
            "what": "get_message",
            "subjects": [f"message/{KEY}"],
        }
    )
    id: str
    at: datetime
    by: str = Field(description="A person's object id, `app:` and a client id, or `postledger`.")
    what: str = Field(description="The operation's id in the API, or the word of a decision in My Inbox.")
    subjects: list[str] = Field(description="`message/...`, `contact/...`, `mailbox/` and a keyed hash, ...")


class AuditModel(BaseModel):
    """A page of the audit, newest first."""

    model_config = _answer({"rows": [AuditRowModel.model_json_schema()["examples"][0]], "cursor": None})
    rows: list[AuditRowModel]
    cursor: str | None = Field(description="Send it back for the next page; null on the last one.")
