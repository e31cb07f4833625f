"""Campaigns in JSON: what is asked for, how far it has come, and what it would be."""

from datetime import datetime
from typing import Final

from pydantic import ConfigDict, Field

from shared.api.models.filing import RefFields
from shared.api.models.schema import KEY, Answer, Body, Example, NextCursor, shown_as
from shared.api.models.sending import LONGEST_HTML, LONGEST_TEXT, OUTBOX_ID, SENDER, WHY, ReasonModel
from shared.api.models.words import CampaignShare, CampaignState, RecordKind
from shared.domain.campaigns.campaigns import MOST_RECIPIENTS

_HTML: Final = "<p>Dear {{ first_name | default('customer') }},</p><p>Our new homes are out.</p>"
_PERSON: Final[Example] = {"contact": "C-1", "values": {"first_name": "Jane"}}
_WANTED: Final[Example] = {
    "name": "Spring",
    "subject": "New homes, {{ name }}",
    "html": _HTML,
    "recipients": [_PERSON],
}


class TextValuesFields(Body):
    """Texts by name. One that is null, empty or blank counts as missing. Others stand beside `first_name`."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"first_name": "Jane"}]})
    __pydantic_extra__: dict[str, str | None] = Field(init=False)
    first_name: str | None = Field(None, description="Any name will do: this is one.")


class ListValuesFields(Body):
    """Lists of texts by name, for `{% for home in homes %}`. Others stand beside `homes`."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"homes": ["Mill", "Quay"]}]})
    __pydantic_extra__: dict[str, list[str]] = Field(init=False)
    homes: list[str] | None = Field(None, description="Any name will do: this is one.")


class CampaignRecipientFields(Body):
    """A contact who is to get the mail."""

    model_config = shown_as(_PERSON)
    contact: str = Field(max_length=128, description="The contact's id.")
    values: TextValuesFields | None = None
    lists: ListValuesFields | None = None
    records: list[RefFields] | None = Field(
        None,
        max_length=5,
        description="Records on which this mail stands, beside the contact and its client.",
    )


class RecipientQueryFields(Body):
    """Contacts by a query: open records that meet everything that is said."""

    model_config = shown_as({"kind": "contact", "client": "CL-7"})
    kind: RecordKind = Field(
        description="`contact`, or another kind: then the contacts of each record, and the mail stands on it too."
    )
    q: str | None = Field(None, max_length=200, description="Words in name, summary or addresses.")
    client: str | None = Field(None, max_length=128, description="The id of their client.")
    type: str | None = Field(None, max_length=128, description="Their type.")


class CampaignFields(Body):
    """A campaign: one mail to each recipient. Name the recipients by `contacts`, `recipients` or `query`."""

    model_config = shown_as(_WANTED)
    name: str = Field(max_length=200, description="A name for people.")
    subject: str = Field(
        max_length=1_000, description="The subject, as a template. The code is added at its end."
    )
    html: str | None = Field(None, max_length=LONGEST_HTML, description="The HTML, as a template.")
    text: str | None = Field(
        None, max_length=LONGEST_TEXT, description="The plain text, as a template; absent: made of `html`."
    )
    contacts: list[str] | None = Field(
        None, max_length=MOST_RECIPIENTS, description="Ids of contacts without values of their own."
    )
    recipients: list[CampaignRecipientFields] | None = Field(
        None, max_length=MOST_RECIPIENTS, description="Contacts with their values."
    )
    query: RecipientQueryFields | None = None
    defaults: TextValuesFields | None = Field(
        None, description="Values for whoever has none of their own under a name."
    )
    sender: str | None = Field(
        None,
        alias="from",
        max_length=320,
        description="The address to send from, as in `POST messages`; a client's own rule counts for its contacts.",
    )
    records: list[RefFields] | None = Field(
        None, max_length=5, description="Records on which every mail stands, beside contact and client."
    )
    purpose: str | None = Field(
        None, max_length=32, description="A purpose of the organisation's `from_rules`."
    )
    agent: str | None = Field(
        None, max_length=320, description="The agent for whom a service sends; else absent."
    )


_HEAD: Final[Example] = {
    "id": KEY,
    "name": "Spring",
    "state": "running",
    "subject": "New homes, {{ name }}",
    "agent": SENDER,
    "created_at": "2026-03-02T09:00:00Z",
    "ended_at": None,
    "all": 300,
}
_FIGURES: Final[Example] = {
    "waiting": 200,
    "on_its_way": 20,
    "sent": 70,
    "bounced": 2,
    "failed": 1,
    "outcome_unknown": 0,
    "left_out": 9,
    "cancelled": 0,
    "left_out_by_reason": [{"reason": "unsubscribed", "count": 8}, {"reason": "closed", "count": 1}],
    "problem": None,
    "headers_survive": True,
    "warning": None,
}


class LeftOutModel(Answer):
    """A reason to leave recipients out, and for how many it holds."""

    model_config = shown_as({"reason": "closed", "count": 1})
    reason: str = Field(description="The reason.")
    count: int = Field(description="The number of recipients.")


class CampaignHeadModel(Answer):
    """A campaign without its figures."""

    model_config = shown_as(_HEAD)
    id: str = Field(description="The campaign's id.")
    name: str = Field(description="Its name for people.")
    state: CampaignState
    subject: str = Field(description="The template of its subject.")
    agent: str = Field(description="The agent for whom it was asked; empty where an agent asked for it.")
    created_at: datetime = Field(description="When it was asked for, in UTC.")
    ended_at: datetime | None = Field(description="When it ended; null while it has not.")
    all: int = Field(description="How many recipients it has.")


class CampaignModel(CampaignHeadModel):
    """A campaign. `all` is the sum of the seven figures from `waiting` to `cancelled`; `bounced` are among `sent`."""

    model_config = shown_as({**_HEAD, **_FIGURES})
    waiting: int = Field(description="Recipients whose mail has not been asked for yet.")
    on_its_way: int = Field(description="Mails in the outbox that have not left.")
    sent: int = Field(description="Mails that left.")
    bounced: int = Field(description="Mails among these of which a server reported that they did not arrive.")
    failed: int = Field(description="Mails that were refused; `POST outbox/{id}/retry` sends one again.")
    outcome_unknown: int = Field(description="Mails of which nobody knows whether they left.")
    left_out: int = Field(description="Recipients who get none, for a reason.")
    cancelled: int = Field(description="Mails that a person cancelled, one by one or with the campaign.")
    left_out_by_reason: list[LeftOutModel] = Field(description="How many are left out for which reason.")
    problem: ReasonModel | None = Field(description="Why it paused by itself; null otherwise.")
    headers_survive: bool | None = Field(
        description="Whether the headers of one-click unsubscribing stood in the first sent copy; null: not seen yet."
    )
    warning: str | None = Field(description="What somebody should know of it; null: nothing.")


class CampaignsModel(Answer):
    """A page of campaigns, newest first."""

    model_config = shown_as({"items": [_HEAD], "cursor": None})
    items: list[CampaignHeadModel] = Field(description="The campaigns.")
    cursor: NextCursor


_RECIPIENT: Final[Example] = {
    "contact": "C-1",
    "name": "Bo Byer",
    "address": "bo@fabrikam.example",
    "share": "sent",
    "reason": None,
    "detail": None,
    "outbox_id": OUTBOX_ID,
}


class CampaignRecipientModel(Answer):
    """A recipient of a campaign, and what became of the mail."""

    model_config = shown_as(_RECIPIENT)
    contact: str = Field(description="The contact's id.")
    name: str = Field(description="The contact's name.")
    address: str = Field(description="The address; empty for a contact without one.")
    share: CampaignShare
    reason: str | None = Field(description="Why the recipient is left out, for programs; null otherwise.")
    detail: str | None = Field(description="The same as a sentence; null otherwise.")
    outbox_id: str | None = Field(description="The mail's id in the outbox; null without one.")


class CampaignRecipientsModel(Answer):
    """A page of recipients, in the order of the list."""

    model_config = shown_as({"items": [_RECIPIENT], "cursor": None})
    items: list[CampaignRecipientModel] = Field(description="The recipients.")
    cursor: NextCursor


class CampaignExampleModel(Answer):
    """The mail as a recipient would get it, but for the reference code."""

    model_config = shown_as(
        {
            "contact": "C-1",
            "address": "bo@fabrikam.example",
            "subject": "New homes, Bo Byer",
            "html": "<p>Dear Jane,</p>",
            "text": "Dear Jane,",
            "missing": [],
        }
    )
    contact: str = Field(description="The contact's id.")
    address: str = Field(description="The address.")
    subject: str = Field(description="The filled subject.")
    html: str = Field(description="The filled HTML with the way to unsubscribe; empty for a plain text.")
    text: str = Field(description="The filled text with the same.")
    missing: list[str] = Field(description="The values that it lacks; with any, the campaign is refused.")


class CampaignPreviewModel(Answer):
    """A campaign as it would be."""

    model_config = shown_as(
        {
            "from": SENDER,
            "from_why": WHY,
            "all": 300,
            "incomplete": 0,
            "left_out": [{**_RECIPIENT, "share": "left_out", "reason": "closed", "outbox_id": None}],
            "left_out_by_reason": [{"reason": "closed", "count": 1}],
            "examples": [],
        }
    )
    sender: str = Field(
        alias="from", description="The address that it leaves from where no client says otherwise."
    )
    from_why: str = Field(description="Why it leaves from there, as a sentence.")
    all: int = Field(description="How many recipients are named.")
    incomplete: int = Field(description="How many of them lack a value; with any, the campaign is refused.")
    left_out: list[CampaignRecipientModel] = Field(
        description="Who gets no mail, and why; at most the first 200."
    )
    left_out_by_reason: list[LeftOutModel] = Field(description="How many are left out for which reason.")
    examples: list[CampaignExampleModel] = Field(
        description="Ten real recipients' mails, those that lack a value first."
    )
