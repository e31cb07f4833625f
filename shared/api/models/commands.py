"""Failed commands in JSON: exceptions, and their replay."""

from datetime import datetime
from typing import Final

from pydantic import Field

from shared.api.models.schema import KEY, Answer, Example, NextCursor, shown_as

_EXCEPTION: Final[Example] = {
    "id": KEY,
    "at": "2026-03-02T09:00:00Z",
    "mailbox_id": "0123456789abcdef0123456789abcdef",
    "mailbox": "ann@contoso.example",
    "queue": "mail",
    "code": "ErrorAccessDenied",
    "error": "The application may not read this mailbox.",
    "advice": "Check that the application still has consent and that the mailbox is in its scope, then replay.",
    "ids": ["AAkALgAAAAAAHYQDEapmEc2byACqAC"],
    "outbox_id": None,
    "rules_version": 1,
    "command": '{"version":1,"command":"IngestMessages"}',
    "replayed_at": None,
}


# Not "ExceptionModel": generators make an error class of a schema with such a name.
class FailureModel(Answer):
    """A command or message that Postledger could not process."""

    model_config = shown_as(_EXCEPTION)
    id: str = Field(description="The id by which it is replayed.")
    at: datetime = Field(description="When it failed.")
    mailbox_id: str = Field(description="The mailbox's id; empty if the exception concerns no mailbox.")
    mailbox: str | None = Field(description="The mailbox's address; null if the mailbox was deleted.")
    queue: str = Field(description="The queue to which a replay sends the command.")
    code: str = Field(description="The error's code: Microsoft's own code if there is one.")
    error: str = Field(description="A sentence that says what is wrong.")
    advice: str = Field(description="A sentence that says what to do.")
    ids: list[str] = Field(description="The Graph ids of the mails that the exception concerns.")
    outbox_id: str | None = Field(
        description="The mail of the outbox that has not left, or of which nobody knows; null for any other command."
    )
    rules_version: int = Field(description="The version of the capture rules at that time.")
    command: str = Field(description="The command as the queue held it: ids, never mail.")
    replayed_at: datetime | None = Field(description="When it was replayed; null if it was not.")


class FailuresModel(Answer):
    """A page of exceptions, newest first."""

    model_config = shown_as({"exceptions": [], "cursor": None})
    exceptions: list[FailureModel] = Field(description="The exceptions of this page.")
    cursor: NextCursor


class ReplayModel(Answer):
    """The number of exceptions that were replayed."""

    model_config = shown_as({"replayed": 12, "more": False})
    replayed: int = Field(description="The number of exceptions that this request replayed.")
    more: bool = Field(description="Whether more exceptions wait: a request replays 1,000 at most.")
