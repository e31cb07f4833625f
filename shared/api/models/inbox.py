"""My Inbox in JSON: the mails that wait, and the decisions of agents."""

from datetime import datetime
from typing import Final

from pydantic import Field

from shared.api.models.filing import LINK_EXAMPLE, LinkModel, PersonModel, RefFields
from shared.api.models.schema import ETAG, KEY, Answer, Body, Example, NextCursor, shown_as
from shared.api.models.words import DecisionState, OpenedKind, RecordKind

_SUGGESTION: Final[Example] = {
    "kind": "opportunity",
    "id": "O-12",
    "name": "Kitchen, Mill Lane",
    "rule": "domain",
    "evidence": "from li@fabrikam.example",
    "score": 60,
}


class SuggestionModel(Answer):
    """A record to which the mail may belong, and the reason."""

    model_config = shown_as(_SUGGESTION)
    kind: RecordKind
    id: str = Field(description="The record's id.")
    name: str = Field(description="The record's name; empty if it has none.")
    rule: str = Field(description="The rule that suggests the record.")
    evidence: str = Field(description="The evidence of the rule.")
    score: int = Field(description="How sure the suggestion is: 0 to 100.")


_ITEM: Final[Example] = {
    "message_id": KEY,
    "at": "2026-03-02T09:00:00Z",
    "subject": "Two estimates",
    "from": {"name": "Li Chen", "address": "li@fabrikam.example"},
    "preview": "Could you send both again?",
    "has_attachments": True,
    "attachment_names": ["estimate.pdf"],
    "reason": "no_match",
    "reason_text": "It waits here because no open record goes with it.",
    "mailbox": "ann@contoso.example",
    "filed": False,
    "alike": 1,
    "suggestions": [_SUGGESTION],
    "etag": ETAG,
}


class InboxItemModel(Answer):
    """A mail that waits for your decision."""

    model_config = shown_as(_ITEM)
    message_id: str = Field(description="The message's id in this API.")
    at: datetime = Field(description="When the mail was received, in UTC.")
    subject: str = Field(description="The subject as the mail has it.")
    sender: PersonModel = Field(alias="from")
    preview: str = Field(description="The beginning of the sender's own text.")
    has_attachments: bool = Field(description="Whether the mail has attachments; inline images do not count.")
    attachment_names: list[str] = Field(description="The names of the first 20 attachments.")
    reason: str = Field(description="The reason why the mail waits.")
    reason_text: str = Field(description="The reason as a sentence.")
    mailbox: str = Field(description="Your mailbox that holds the mail.")
    filed: bool = Field(description="Whether the mail is filed on a record and is also listed here.")
    alike: int = Field(description="How many mails the line stands for; `reason` lists each.")
    suggestions: list[SuggestionModel] = Field(description="The best suggestion comes first.")
    etag: str = Field(description="Send this value with your decision.")


class InboxModel(Answer):
    """A page of My Inbox, newest first. A page may be short while other agents decide."""

    model_config = shown_as({"items": [_ITEM], "cursor": None})
    items: list[InboxItemModel] = Field(description="The mails of this page.")
    cursor: NextCursor


class DecisionFields(Body):
    """The fields of every decision."""

    etag: str | None = Field(None, max_length=128, description="The `etag` that you read; or send If-Match.")
    file_thread: bool | None = Field(
        None,
        description="Whether to file the thread's other mails in My Inbox too; absent: as the organisation says.",
    )
    follow_address: bool | None = Field(
        None, description="Whether to file later mail of this sender on the same record; absent: false."
    )


class LinkFields(DecisionFields):
    """The records to which the mail belongs."""

    model_config = shown_as({"records": [{"kind": "contact", "id": "C-1"}], "etag": ETAG})
    records: list[RefFields] = Field(max_length=20, description="One record or more.")


class OpeningFields(DecisionFields):
    """A new record for the mail. The mail and its sender supply the absent fields."""

    model_config = shown_as({"kind": "opportunity", "etag": ETAG})
    kind: OpenedKind
    name: str | None = Field(None, max_length=512, description="The record's name.")
    summary: str | None = Field(
        None, max_length=1_024, description="The text that matching compares with subjects."
    )
    details: str | None = Field(None, max_length=8_192, description="Any text about the record.")
    type: str | None = Field(None, max_length=128, description="A type of the CRM's own.")
    client: str | None = Field(None, max_length=128, description="The client's id.")
    contacts: list[str] | None = Field(None, max_length=20, description="The contacts' ids.")
    owner: str | None = Field(
        None, max_length=320, description="The address of the owning agent; without it you own the record."
    )


class NoteFields(DecisionFields):
    """A note on a client: the suggested client, or another."""

    model_config = shown_as({"client": "CL-7", "etag": ETAG})
    client: str | None = Field(
        None, max_length=128, description="The client's id; absent: the suggested client."
    )


class DecidedModel(Answer):
    """A mail after a decision. Timelines follow within seconds."""

    model_config = shown_as(
        {
            "message_id": KEY,
            "state": "filed",
            "etag": ETAG,
            "links": [LINK_EXAMPLE],
        }
    )
    message_id: str = Field(description="The message's id in this API.")
    state: DecisionState
    etag: str = Field(description="Send this value with a further decision.")
    links: list[LinkModel] = Field(description="The records on which the mail is filed now.")
