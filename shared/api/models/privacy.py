"""Privacy in JSON: the audit, the erasure of a person, and the deletion of an organisation."""

from datetime import datetime
from typing import Final

from pydantic import Field

from shared.api.models.schema import KEY, Answer, Body, Example, NextCursor, shown_as
from shared.api.models.words import DeletionState, ErasureState


class EraseFields(Body):
    """The person to erase."""

    model_config = shown_as({"address": "bo@fabrikam.example"})
    address: str = Field(description="The mail address of a person outside the organisation.", max_length=320)


class ErasureModel(Answer):
    """The progress of an erasure. It never shows the address."""

    model_config = shown_as(
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
    state: ErasureState
    asked_at: datetime = Field(description="When it was asked for.")
    step: str = Field(description="The part that is being searched; empty when the erasure is done.")
    turn: int = Field(description="1 or 2: the second turn finds rows that were written during the first.")
    messages: int = Field(description="The deleted messages. A page that was interrupted may count twice.")
    changed: int = Field(description="The messages, records and rows in which the address was replaced.")
    done_at: datetime | None = Field(description="When it ended; null while it runs.")


class DeletionModel(Answer):
    """The deletion of an organisation."""

    model_config = shown_as({"state": "deleting", "asked_at": "2026-03-02T09:00:00Z", "done_at": None})
    state: DeletionState
    asked_at: datetime = Field(description="When it was asked for.")
    done_at: datetime | None = Field(description="When it ended; null while it runs.")


AUDIT_ROW_EXAMPLE: Final[Example] = {
    "id": "5f0c2f6d1b8e4c0f9f3a0a3f0e2d7c11",
    "at": "2026-03-02T09:00:00Z",
    "by": "7b1f1c9e-0c51-4a63-8f0e-2f4d0a3b9c11",
    "what": "get_message",
    "subjects": [f"message/{KEY}"],
}


class AuditRowModel(Answer):
    """An audited request: the caller, the operation, its subjects and the time. It holds ids only."""

    model_config = shown_as(AUDIT_ROW_EXAMPLE)
    id: str = Field(description="The row's id.")
    at: datetime = Field(description="When the request was made.")
    by: str = Field(description="A person's object id, `app:` and a client id, or `postledger`.")
    what: str = Field(description="The operation, such as get_message, or the name of a decision.")
    subjects: list[str] = Field(description="`message/...`, `contact/...`, `mailbox/` and a keyed hash, ...")


class AuditModel(Answer):
    """A page of the audit, newest first."""

    model_config = shown_as({"rows": [AUDIT_ROW_EXAMPLE], "cursor": None})
    rows: list[AuditRowModel] = Field(description="The rows of this page.")
    cursor: NextCursor
