"""What an intake mailbox answers, in JSON."""

from datetime import datetime
from typing import Final

from pydantic import Field

from shared.api.models.schema import Answer, Body, Example, shown_as

_TEMPLATE: Final[Example] = {
    "language": "en",
    "subject": "We have received: {subject}",
    "html": "<p>Dear {from_name}, your case is {case_id}.</p>",
    "text": "Dear {from_name}, your case is {case_id}.",
    "name": "",
}
_LIMITS: Final[Example] = {"to_sender_a_day": 1, "to_sender_in_all_a_day": 3, "organisation_an_hour": 500}
_SETTINGS: Final[Example] = {
    "enabled": True,
    "default_language": "en",
    "templates": [_TEMPLATE],
    "limits": _LIMITS,
}


class AnswerTemplateFields(Body):
    """An acknowledgement in one language, with `html`, `text` or both."""

    model_config = shown_as(_TEMPLATE)
    language: str | None = Field(None, description="A code of two letters, such as en.")
    subject: str | None = Field(None, description="The reference code is added to it.")
    html: str | None = Field(None, description="Values are escaped in it.")
    text: str | None = Field(None, description="Plain text.")
    name: str | None = Field(
        None, description="The name by which routes call it. Default: none, for all other mail."
    )


class LimitFields(Body):
    """How many acknowledgements may leave at most, 1 to 10000. What comes above it is held back."""

    model_config = shown_as(_LIMITS)
    to_sender_a_day: int | None = Field(None, description="To one sender from this mailbox. Default: 1.")
    to_sender_in_all_a_day: int | None = Field(
        None, description="To one sender from all mailboxes. Default: 3."
    )
    organisation_an_hour: int | None = Field(None, description="In the organisation. Default: 500.")


class AcknowledgementFields(Body):
    """What the mailbox answers. An absent setting keeps its value; a list replaces the stored one."""

    model_config = shown_as(_SETTINGS)
    enabled: bool | None = Field(None, description="Default: true once there is a template.")
    default_language: str | None = Field(
        None,
        description="For mail in a language without a template, or of which nothing tells it. Default: en.",
    )
    templates: list[AnswerTemplateFields] | None = Field(None, description="One for each language and name.")
    limits: LimitFields | None = Field(None, description="Bounds against machines that answer everything.")


class AnswerTemplateModel(Answer):
    """An acknowledgement in one language."""

    model_config = shown_as(_TEMPLATE)
    language: str = Field(description="A code of two letters.")
    subject: str = Field(description="The subject, without the reference code.")
    html: str = Field(description="The HTML; empty: none.")
    text: str = Field(description="The plain text; empty: none.")
    name: str = Field(description="The name by which routes call it; empty: it answers all other mail.")


class LimitsModel(Answer):
    """How many acknowledgements may leave at most."""

    model_config = shown_as(_LIMITS)
    to_sender_a_day: int = Field(description="To one sender from this mailbox.")
    to_sender_in_all_a_day: int = Field(description="To one sender from all mailboxes.")
    organisation_an_hour: int = Field(description="In the organisation.")


class AcknowledgementModel(Answer):
    """What an intake mailbox answers, and the version of that."""

    model_config = shown_as(
        {**_SETTINGS, "version": 3, "saved_at": "2026-03-02T09:00:00Z", "saved_by": "admin-object-id"}
    )
    enabled: bool = Field(description="Whether cases are acknowledged.")
    default_language: str = Field(description="The language where no other one has a template.")
    templates: list[AnswerTemplateModel] = Field(description="One for each language and name.")
    limits: LimitsModel
    version: int = Field(description="0 before the first is saved. Each version is kept.")
    saved_at: datetime | None = Field(description="When this version was saved.")
    saved_by: str = Field(description="Who saved it: an object id, or `app:` and a client id.")
