"""The JSON of what an admin works with when something went wrong: exceptions, and explanations of single mails."""

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from shared.api.models import LinkModel, PersonModel

_LINK: Final[dict[str, Any]] = LinkModel.model_json_schema()["examples"][0]


def _answer(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


_EXCEPTION: Final[dict[str, Any]] = {
    "id": "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
    "at": "2026-03-02T09:00:00Z",
    "mailbox_id": "0123456789abcdef0123456789abcdef",
    "mailbox": "ann@contoso.example",
    "queue": "mail-ingest",
    "code": "ErrorAccessDenied",
    "error": "The application may not read this mailbox.",
    "advice": "Check that the application still has consent and that the mailbox is in its scope, then replay.",
    "ids": ["AAkALgAAAAAAHYQDEapmEc2byACqAC"],
    "rules_version": 1,
    "command": '{"version":1,"command":"IngestMessages"}',
    "replayed_at": None,
}


class ExceptionModel(BaseModel):
    """A command or message that could not be processed."""

    model_config = _answer(_EXCEPTION)
    id: str
    at: datetime
    mailbox_id: str = Field(description="Our id of the mailbox; empty where it is about none.")
    mailbox: str | None = Field(description="The mailbox's address; null for one that is gone.")
    queue: str = Field(description="Where a replay puts it back.")
    code: str = Field(description="What went wrong, in a word: Microsoft's own code where it has one.")
    error: str = Field(description="What went wrong, as a sentence.")
    advice: str = Field(description="What to do about it.")
    ids: list[str] = Field(description="Graph ids of the mails it is about.")
    rules_version: int = Field(description="The version of the capture rules at that time.")
    command: str = Field(description="The command as it stood in the queue: ids, never mail.")
    replayed_at: datetime | None = Field(description="When it was put back; null: not yet.")


class ExceptionsModel(BaseModel):
    """A page of exceptions, newest first."""

    model_config = _answer({"exceptions": [_EXCEPTION], "cursor": None})
    exceptions: list[ExceptionModel]
    cursor: str | None


class ReplayModel(BaseModel):
    """How many exceptions were put back."""

    model_config = _answer({"replayed": 12, "more": False})
    replayed: int
    more: bool = Field(description="Whether others wait for another request: one puts back 1,000 at most.")


_SEEN: Final[dict[str, Any]] = {
    "mailbox": "ann@contoso.example",
    "folder": "inbox",
    "outcome": "filed",
    "reason": "contact_address",
    "final": True,
    "received_at": "2026-03-02T09:00:00Z",
    "rules_version": 1,
}


class SeenCopyModel(BaseModel):
    """A copy of a mail in a captured mailbox, and what became of it."""

    model_config = _answer(_SEEN)
    mailbox: str
    folder: str = Field(description="A well-known folder name, or the folder's id.")
    outcome: str = Field(description="filed, triage, skipped, pending or failed.")
    reason: str = Field(description="The rule that decided.")
    final: bool = Field(description="false: it is looked at again when it is moved to a captured folder.")
    received_at: datetime
    rules_version: int


class ExplanationModel(BaseModel):
    """Why a mail is, or is not, on a timeline. Names no people and no subject of a mail that is not filed."""

    model_config = _answer(
        {
            "outcome": "filed",
            "reason": "contact_address",
            "links": [_LINK],
            "sightings": [_SEEN],
            "steps": [
                "ann@contoso.example, inbox, received 2026-03-02 09:00:00 UTC: kept, fetched and filed, "
                "because an address on it is on a contact's card (contact_address).",
                "Matching (rules 1) filed it on 1 record(s).",
                "On contact/C-1, because an address on it is on a contact's card (contact_address, score 80; "
                "evidence: from bo@fabrikam.example).",
            ],
        }
    )
    outcome: str = Field(description="filed, triage, skipped, pending, failed or unknown.")
    reason: str = Field(description="The rule that decided.")
    links: list[LinkModel]
    sightings: list[SeenCopyModel]
    steps: list[str] = Field(description="What was decided and why, in order, as sentences.")


_DIFFERENCE: Final[dict[str, Any]] = {
    "message_id": "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
    "at": "2026-03-02T09:00:00Z",
    "outcome_before": "filed",
    "outcome_after": "triage",
    "gained": [],
    "lost": [_LINK],
}


class DifferenceModel(BaseModel):
    """A mail that the rules and records of today file differently."""

    model_config = _answer(_DIFFERENCE)
    message_id: str
    at: datetime
    outcome_before: str = Field(description="filed or triage.")
    outcome_after: str
    gained: list[LinkModel]
    lost: list[LinkModel]


class RematchModel(BaseModel):
    """What a dry run found, or the id of the run that was asked for."""

    model_config = _answer({"run": None, "differences": [_DIFFERENCE], "seen": 200, "cursor": None})
    run: str | None = Field(description="The run's id in the log; null for a dry run.")
    differences: list[DifferenceModel] = Field(
        description="A mail that changes after others is not among them."
    )
    seen: int = Field(description="How many messages this page looked at.")
    cursor: str | None


_PREVIEWED: Final[dict[str, Any]] = {
    "received_at": "2026-03-02T09:00:00Z",
    "folder": "inbox",
    "direction": "in",
    "capture": "known_address",
    "outcome": "filed",
    "reason": "contact_address",
    "sentence": "Kept, because one of its participants has the address of a known record.",
    "links": [_LINK],
    "subject": "Viewing on Thursday",
    "from": {"name": "Bo Byer", "address": "bo@fabrikam.example"},
}


class PreviewedModel(BaseModel):
    """A mail that would be kept. Its subject and sender are null for those who could not read it afterwards."""

    model_config = _answer(_PREVIEWED)
    received_at: datetime
    folder: str
    direction: str
    capture: str = Field(description="The rule of capture that keeps it.")
    outcome: str = Field(description="filed or triage.")
    reason: str = Field(description="The rule of its best link, or why there is none.")
    sentence: str
    links: list[LinkModel]
    subject: str | None
    sender: PersonModel | None = Field(alias="from")


class PreviewModel(BaseModel):
    """A page of what would be kept, oldest first within each folder. Nothing was stored."""

    model_config = _answer(
        {"mails": [_PREVIEWED], "seen": 3, "skipped": {"unknown_people": 2}, "cursor": None}
    )
    mails: list[PreviewedModel]
    seen: int = Field(description="How many mails were looked at for this page.")
    skipped: dict[str, int] = Field(description="Those that would not be kept, by reason.")
    cursor: str | None
