"""What a mail would become at an intake mailbox, in JSON."""

from typing import Final

from pydantic import Field

from shared.api.models.intake import DataModel, IntakeFields
from shared.api.models.schema import Answer, Body, Example, shown_as
from shared.api.models.words import OpenedKind

_MAIL: Final[Example] = {
    "from_name": "Kim Lee",
    "from_address": "kim@fabrikam.example",
    "to": "repairs@contoso.example",
    "subject": "Boiler",
    "text": "It is cold.",
}


class PastedMailFields(Body):
    """A mail as somebody pastes it."""

    model_config = shown_as(_MAIL)
    from_name: str | None = Field(None, description="The sender's name.")
    from_address: str | None = Field(None, description="The sender's address.")
    to: str | None = Field(
        None, description="The address of the mailbox that it names. Default: the main one."
    )
    subject: str | None = Field(None, description="The subject.")
    text: str | None = Field(None, description="The body as text.")


class IntakePreviewFields(Body):
    """A mail, and settings to try; without `intake` those that are saved."""

    model_config = shown_as({"mail": _MAIL, "intake": {"fields": {"summary": "{subject}"}}})
    mail: PastedMailFields | None = Field(None, description="The pasted mail.")
    message_id: str | None = Field(None, max_length=64, description="Or a stored mail.")
    intake: IntakeFields | None = Field(None, description="Settings that are not saved.")


class PreviewedRecordModel(Answer):
    """The record that would open."""

    model_config = shown_as(
        {
            "kind": "case",
            "name": "Boiler",
            "summary": "Boiler",
            "details": "It is cold.",
            "type": "repair",
            "owner": "bea@contoso.example",
            "client": "",
            "data": {},
        }
    )
    kind: OpenedKind
    name: str = Field(description="The name.")
    summary: str = Field(description="The summary.")
    details: str = Field(description="The details.")
    type: str = Field(description="The type; empty: none.")
    owner: str = Field(description="The owner's address.")
    client: str = Field(description="The client's id, as far as settings say it.")
    data: DataModel


class PreviewedAnswerModel(Answer):
    """The acknowledgement that would leave."""

    model_config = shown_as(
        {
            "subject": "We have received: Boiler",
            "html": "",
            "text": "Your case is (case_id).",
            "language": "en",
            "why": "its own text",
        }
    )
    subject: str = Field(description="The subject, without the reference code.")
    html: str = Field(description="The HTML.")
    text: str = Field(description="The plain text.")
    language: str = Field(description="The language of the template.")
    why: str = Field(description="What told the language.")


class IntakePreviewModel(Answer):
    """What a mail would become."""

    model_config = shown_as(
        {
            "record": {
                "kind": "case",
                "name": "Boiler",
                "summary": "Boiler",
                "details": "It is cold.",
                "type": "",
                "owner": "bea@contoso.example",
                "client": "",
                "data": {},
            },
            "acknowledgement": None,
            "problems": [],
        }
    )
    record: PreviewedRecordModel
    acknowledgement: PreviewedAnswerModel | None = Field(
        description="The answer; null while the mailbox acknowledges nothing."
    )
    problems: list[str] = Field(description="What could not be done as the settings say, a sentence each.")
