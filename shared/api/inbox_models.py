"""JSON models of My Inbox and of links by hand."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.api.models import KEY, Body, LinkModel, PersonModel

_LINK: Final[dict[str, Any]] = LinkModel.model_json_schema()["examples"][0]


def _answer(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(populate_by_name=True, json_schema_extra={"examples": [example]})


def _body(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


_SUGGESTION: Final = {
    "kind": "opportunity",
    "id": "O-12",
    "name": "Kitchen, Mill Lane",
    "rule": "domain",
    "evidence": "from li@fabrikam.example",
    "score": 60,
}
_ETAG: Final = "5d41402abc4b2a76b9719d911017c592"


class SuggestionModel(BaseModel):
    """A record that the mail may belong to, and why."""

    model_config = _answer(_SUGGESTION)
    kind: str
    id: str
    name: str
    rule: str
    evidence: str
    score: int = Field(description="0 to 100.")


_ITEM: Final[dict[str, Any]] = {
    "message_id": KEY,
    "at": "2026-03-02T09:00:00Z",
    "subject": "Two estimates",
    "from": {"name": "Li Chen", "address": "li@fabrikam.example"},
    "preview": "Could you send both again?",
    "has_attachments": False,
    "reason": "no_match",
    "reason_text": "It waits here because no open record goes with it.",
    "mailbox": "ann@contoso.example",
    "filed": False,
    "suggestions": [_SUGGESTION],
    "etag": _ETAG,
}


class InboxItemModel(BaseModel):
    """A mail that waits for your decision."""

    model_config = _answer(_ITEM)
    message_id: str = Field(description="The message's id in this API.")
    at: datetime = Field(description="When it was received, UTC.")
    subject: str
    sender: PersonModel = Field(alias="from")
    preview: str
    has_attachments: bool
    reason: str
    reason_text: str = Field(description="The reason as a sentence.")
    mailbox: str = Field(description="Your mailbox that holds it.")
    filed: bool = Field(description="Whether it is on a record already and is listed here beside that.")
    suggestions: list[SuggestionModel] = Field(description="Best first.")
    etag: str = Field(description="Send it back with your decision.")


class InboxModel(BaseModel):
    """A page of My Inbox, newest first. It may be short where others decide at the same time."""

    model_config = _answer({"items": [_ITEM], "cursor": None})
    items: list[InboxItemModel]
    cursor: str | None = Field(description="Send it back for the next page; null on the last.")


class RefFields(Body):
    """A record by kind and id."""

    model_config = _body({"kind": "contact", "id": "C-1"})
    kind: str = Field(max_length=32)
    id: str = Field(max_length=128)


class DecisionFields(Body):
    """What every decision may carry."""

    etag: str | None = Field(None, max_length=128, description="Of the item you decided on; or If-Match.")
    file_thread: bool | None = Field(
        None, description="File the thread's other mails in My Inbox along; absent: as the organisation says."
    )
    follow_address: bool = Field(False, description="File mail of this sender there from now on.")


class LinkFields(DecisionFields):
    """The records that the mail belongs to."""

    model_config = _body({"records": [{"kind": "contact", "id": "C-1"}], "etag": _ETAG})
    records: list[RefFields] = Field(max_length=20)


class OpeningFields(DecisionFields):
    """A new opportunity or project for the mail. What is absent comes from the mail and its sender."""

    model_config = _body({"kind": "opportunity", "etag": _ETAG})
    kind: Literal["opportunity", "project"]
    name: str = Field("", max_length=512)
    summary: str = Field("", max_length=1_024, description="What subjects are compared with.")
    details: str = Field("", max_length=8_192)
    type: str = Field("", max_length=128)
    client: str = Field("", max_length=128, description="Id of the client.")
    contacts: list[str] = Field([], max_length=20, description="Ids of contacts.")
    owner: str = Field("", max_length=320, description="Address of the agent who owns it; absent: you.")


class NoteFields(DecisionFields):
    """A note on a client: the suggested one, or another."""

    model_config = _body({"client": "CL-7", "etag": _ETAG})
    client: str = Field("", max_length=128)


class DecidedModel(BaseModel):
    """A mail after a decision. Timelines follow within seconds."""

    model_config = _answer(
        {
            "message_id": KEY,
            "state": "filed",
            "etag": _ETAG,
            "links": [_LINK],
        }
    )
    message_id: str
    state: Literal["filed", "triage", "deleted"]
    etag: str
    links: list[LinkModel]


class LinksModel(BaseModel):
    """The records that a message is on, after a change by hand."""

    model_config = _answer({"links": [_LINK]})
    links: list[LinkModel]
