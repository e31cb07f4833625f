"""An agent's notices in JSON."""

from datetime import datetime
from typing import Final

from pydantic import Field

from shared.api.models.filing import PersonModel
from shared.api.models.schema import KEY, Answer, Example, shown_as
from shared.api.models.words import NoticeKind, RecordKind

_NOTICE: Final[Example] = {
    "id": f"999999999999958-{KEY}",
    "kind": "reply",
    "message_id": KEY,
    "answers": KEY[::-1],
    "at": "2026-03-02T09:00:00Z",
    "from": {"name": "Bo Buyer", "address": "buyer@fabrikam.example"},
    "subject": "Re: Viewing on Thursday [PL-7K3Q9X-F2MX]",
    "preview": "Thursday suits us well.",
    "has_attachments": False,
    "records": [{"kind": "property", "id": "P-7", "name": "12 Harbour Lane"}],
}


class NoticeRecordModel(Answer):
    """A record on which the mail of a notice stands."""

    model_config = shown_as({"kind": "property", "id": "P-7", "name": "12 Harbour Lane"})
    kind: RecordKind
    id: str = Field(description="The record's id.")
    name: str = Field(description="The record's name.")


class NoticeModel(Answer):
    """You have an answer to a mail that you sent, or it did not arrive."""

    model_config = shown_as(_NOTICE)
    id: str = Field(description="The notice's id.")
    kind: NoticeKind = Field(description="`bounce` for a report that your mail did not arrive.")
    message_id: str = Field(description="The id of the answer, or of the report, in this API.")
    answers: str = Field(description="The id of the mail that it answers, or that did not arrive.")
    at: datetime = Field(description="When the mail was received, in UTC.")
    sender: PersonModel = Field(alias="from", description="Who wrote it.")
    subject: str = Field(description="The mail's subject.")
    preview: str = Field(description="The beginning of what its author wrote.")
    has_attachments: bool = Field(description="Whether files are attached.")
    records: list[NoticeRecordModel] = Field(description="The records on which it stands.")


class NoticesModel(Answer):
    """A page of your notices, newest first."""

    model_config = shown_as({"count": 1, "notices": [_NOTICE], "cursor": None})
    count: int = Field(description="How many notices you have, on all pages.")
    notices: list[NoticeModel] = Field(description="The notices of this page.")
    cursor: str | None = Field(description="Send this value for the next page; null on the last one.")
