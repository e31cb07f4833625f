"""The outbox in JSON: mails that were asked for, and how far they have come."""

from datetime import datetime
from typing import Final

from pydantic import Field

from shared.api.models.filing import PERSON_EXAMPLE, PersonModel, RefModel
from shared.api.models.schema import KEY, Answer, Example, NextCursor, shown_as
from shared.api.models.sending import OUTBOX_ID, SENDER, WHY, ReasonModel
from shared.api.models.words import OutboxState, SenderRule

_STEP: Final[Example] = {"at": "2026-03-02T09:00:00Z", "what": "queued", "detail": ""}


class StepModel(Answer):
    """One line of a mail's history."""

    model_config = shown_as(_STEP)
    at: datetime = Field(description="When, in UTC.")
    what: OutboxState
    detail: str = Field(description="A sentence that says more, such as what the mail left as; or empty.")


_ITEM: Final[Example] = {
    "id": OUTBOX_ID,
    "state": "confirmed",
    "state_text": "The mail has left: its copy lies in the mailbox.",
    "from": SENDER,
    "from_rule": "own",
    "from_why": WHY,
    "agent": SENDER,
    "to": [PERSON_EXAMPLE],
    "cc": [],
    "bcc": [],
    "code": "PL-7K3Q9X-F2MX",
    "subject": "Viewing on Thursday [PL-7K3Q9X-F2MX]",
    "records": [{"kind": "property", "id": "P-1"}],
    "purpose": "",
    "answers": None,
    "created_at": "2026-03-02T09:00:00Z",
    "send_at": None,
    "not_before": None,
    "internet_message_id": "<2f1c@contoso.example>",
    "message_id": KEY,
    "undelivered_to": [],
    "error": None,
    "steps": [_STEP],
}


class OutboxMailModel(Answer):
    """A mail that was asked for."""

    model_config = shown_as(_ITEM)
    id: str = Field(description="The mail's id in the outbox.")
    state: OutboxState
    state_text: str = Field(description="The state as a sentence.")
    sender: str = Field(alias="from", description="The address that it leaves from.")
    from_rule: SenderRule
    from_why: str = Field(description="Why it leaves from there, as a sentence.")
    agent: str = Field(description="The agent for whom it leaves.")
    to: list[PersonModel] = Field(description="The recipients in To.")
    cc: list[PersonModel] = Field(description="The recipients in Cc.")
    bcc: list[PersonModel] = Field(
        description="The recipients in Bcc; shown to its agent and to who asked for it."
    )
    code: str = Field(description="The reference code.")
    subject: str = Field(description="The subject as it leaves.")
    records: list[RefModel] = Field(description="The records for which it is sent.")
    purpose: str = Field(description="The purpose that was named; or empty.")
    answers: str | None = Field(description="The message that it answers or forwards.")
    created_at: datetime = Field(description="When it was asked for, in UTC.")
    send_at: datetime | None = Field(description="The time before which it does not leave.")
    not_before: datetime | None = Field(description="When the next step is taken; null: at once, or never.")
    internet_message_id: str = Field(description="The Message-ID with which it leaves.")
    message_id: str | None = Field(description="The message in this API, once its copy is stored.")
    undelivered_to: list[str] = Field(description="The addresses that a server says it did not reach.")
    error: ReasonModel | None
    steps: list[StepModel] = Field(description="What has happened, oldest first.")


class OutboxModel(Answer):
    """A page of the outbox, newest first."""

    model_config = shown_as({"items": [], "cursor": None})
    items: list[OutboxMailModel] = Field(description="The mails of this page.")
    cursor: NextCursor
