"""My Inbox in JSON: the mails that wait, and the decisions of agents."""

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, Field

from shared.api.models.filing import LINK_EXAMPLE, LinkModel, PersonModel, RefFields
from shared.api.models.schema import ETAG, KEY, Body, Example, shown_as

_SUGGESTION: Final[Example] = {
    "kind": "opportunity",
    "id": "O-12",
    "name": "Kitchen, Mill Lane",
    "rule": "domain",
    "evidence": "from li@fabrikam.example",
    "score": 60,
}


class SuggestionModel(BaseModel):
    """A record to which the mail may belong, and the reason."""

    model_config = shown_as(_SUGGESTION)
    kind: str
    id: str
    name: str
    rule: str
    evidence: str
    score: int = Field(description="0 to 100.")


_ITEM: Final[Example] = {
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
    "etag": ETAG,
}


class InboxItemModel(BaseModel):
    """A mail that waits for your decision."""

    model_config = shown_as(_ITEM)
    message_id: str = Field(description="The message's id in this API.")
    at: datetime = Field(description="When the mail was received, in UTC.")
    subject: str
    sender: PersonModel = Field(alias="from")
    preview: str
    has_attachments: bool
    reason: str
    reason_text: str = Field(description="The reason as a sentence.")
    mailbox: str = Field(description="Your mailbox that holds the mail.")
    filed: bool = Field(description="Whether the mail is filed on a record and is also listed here.")
    suggestions: list[SuggestionModel] = Field(description="The best suggestion comes first.")
    etag: str = Field(description="Send this value with your decision.")


class InboxModel(BaseModel):
    """A page of My Inbox, newest first. A page may be short while other agents decide."""

    model_config = shown_as({"items": [_ITEM], "cursor": None})
    items: list[InboxItemModel]
    cursor: str | None = Field(description="Send this value to read the next page; null on the last page.")


class DecisionFields(Body):
    """The fields of every decision."""

    etag: str | None = Field(
        None, max_length=128, description="The `etag` of the item you read; If-Match may carry it instead."
    )
    file_thread: bool | None = Field(
        None,
        description="Whether to file the thread's other mails in My Inbox too; without it the "
        "organisation's setting applies.",
    )
    follow_address: bool = Field(
        False, description="Whether to file later mail of this sender on the same record."
    )


class LinkFields(DecisionFields):
    """The records to which the mail belongs."""

    model_config = shown_as({"records": [{"kind": "contact", "id": "C-1"}], "etag": ETAG})
    records: list[RefFields] = Field(max_length=20)


class OpeningFields(DecisionFields):
    """A new opportunity or project for the mail. The mail and its sender supply the absent fields."""

    model_config = shown_as({"kind": "opportunity", "etag": ETAG})
    kind: Literal["opportunity", "project"]
    name: str = Field("", max_length=512)
    summary: str = Field("", max_length=1_024, description="The text that matching compares with subjects.")
    details: str = Field("", max_length=8_192)
    type: str = Field("", max_length=128)
    client: str = Field("", max_length=128, description="The client's id.")
    contacts: list[str] = Field([], max_length=20, description="The contacts' ids.")
    owner: str = Field(
        "", max_length=320, description="The address of the owning agent; without it you own the record."
    )


class NoteFields(DecisionFields):
    """A note on a client: the suggested client, or another."""

    model_config = shown_as({"client": "CL-7", "etag": ETAG})
    client: str = Field("", max_length=128)


class DecidedModel(BaseModel):
    """A mail after a decision. Timelines follow within seconds."""

    model_config = shown_as(
        {
            "message_id": KEY,
            "state": "filed",
            "etag": ETAG,
            "links": [LINK_EXAMPLE],
        }
    )
    message_id: str
    state: Literal["filed", "triage", "deleted"]
    etag: str
    links: list[LinkModel]
