"""What an intake mailbox makes of its mail, in JSON: records, their routes and their fields."""

from typing import Final

from pydantic import ConfigDict, Field

from shared.api.models.schema import Answer, Body, Example, shown_as
from shared.api.models.words import ClosedCase, OpenedKind

_ROUTE: Final[Example] = {
    "to": "repairs@contoso.example",
    "opens": "case",
    "type": "repair",
    "owner": "bea@contoso.example",
    "client": None,
    "template": None,
}
_FIELDS: Final[Example] = {
    "name": "",
    "summary": "{subject}",
    "details": "{text}",
    "type": "",
    "owner": "",
    "client": "",
}
_DATA: Final[Example] = {"received": "{received}"}
INTAKE_EXAMPLE: Final[Example] = {
    "opens": "case",
    "type": "enquiry",
    "routes": [_ROUTE],
    "fields": _FIELDS,
    "data": _DATA,
    "closed": "reopen",
    "cases_an_hour": 20,
}
_TO: Final = "An alias of the mailbox, or a distribution group that it is in."
_TEMPLATE: Final = "The name of the acknowledgements that answer mail to this address."


class RouteFields(Body):
    """What mail to one address becomes. What is absent is as the mailbox says."""

    model_config = shown_as(_ROUTE)
    to: str | None = Field(None, description=_TO)
    opens: OpenedKind | None = Field(None, description="The kind of record that opens.")
    type: str | None = Field(None, description="The record's type.")
    owner: str | None = Field(None, description="The address of the agent who owns the record.")
    client: str | None = Field(None, description="The id of the record's client.")
    template: str | None = Field(None, description=_TEMPLATE)


class TemplateFields(Body):
    """Templates of the record's fields; an empty one leaves the field as it would be without."""

    model_config = shown_as(_FIELDS)
    name: str | None = Field(None, description="Default: the subject.")
    summary: str | None = Field(None, description="Default: the subject.")
    details: str | None = Field(None, description="Default: the whole text.")
    type: str | None = Field(None, description="Default: as the route or the mailbox says.")
    owner: str | None = Field(None, description="An address. Default: as the route says, else the agent.")
    client: str | None = Field(None, description="A client's id. Default: the sender's client.")


class DataFields(Body):
    """Templates of values that go to the CRM with the record, by name: up to 20."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_DATA]})
    __pydantic_extra__: dict[str, str] = Field(init=False)


class DataModel(Answer):
    """Values that go to the CRM with the record, or their templates, by name."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_DATA]})
    __pydantic_extra__: dict[str, str] = Field(init=False)


class IntakeFields(Body):
    """What an intake mailbox makes of its mail. An absent setting keeps its value."""

    model_config = shown_as(INTAKE_EXAMPLE)
    opens: OpenedKind | None = Field(
        None, description="The kind of record that opens. Default: the kind of `matched_to`, else case."
    )
    type: str | None = Field(None, description="The record's type. Default: none.")
    routes: list[RouteFields] | None = Field(
        None, description="By address; the first hit in To, Cc, Bcc counts. The list replaces the stored one."
    )
    fields: TemplateFields | None = Field(None, description="Templates of the record's fields.")
    data: DataFields | None = Field(
        None, description="Up to 20 templates of values that go to the CRM with the record, by name."
    )
    closed: ClosedCase | None = Field(
        None, description="What becomes of an answer to a closed record. Default: reopen."
    )
    cases_an_hour: int | None = Field(
        None, description="Records that one sender may open within an hour, 1 to 10000. Default: 20."
    )


class RouteModel(Answer):
    """What mail to one address becomes; null: as the mailbox says."""

    model_config = shown_as(_ROUTE)
    to: str = Field(description=_TO)
    opens: OpenedKind | None = Field(description="The kind of record that opens.")
    type: str | None = Field(description="The record's type.")
    owner: str | None = Field(description="The address of the agent who owns the record.")
    client: str | None = Field(description="The id of the record's client.")
    template: str | None = Field(description=_TEMPLATE)


class TemplatesModel(Answer):
    """Templates of the record's fields; empty: the field is as it would be without one."""

    model_config = shown_as(_FIELDS)
    name: str = Field(description="The template of the name.")
    summary: str = Field(description="The template of the summary.")
    details: str = Field(description="The template of the details.")
    type: str = Field(description="The template of the type.")
    owner: str = Field(description="The template of the owner's address.")
    client: str = Field(description="The template of the client's id.")


class IntakeModel(Answer):
    """What an intake mailbox makes of its mail."""

    model_config = shown_as(INTAKE_EXAMPLE)
    opens: OpenedKind
    type: str | None = Field(description="The record's type; null: none.")
    routes: list[RouteModel] = Field(description="By address; the first hit in To, Cc, Bcc counts.")
    fields: TemplatesModel
    data: DataModel
    closed: ClosedCase
    cases_an_hour: int = Field(description="Records that one sender may open within an hour.")
