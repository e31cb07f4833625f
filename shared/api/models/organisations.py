"""Organisations in JSON: the settings that an admin or the operator changes, and the organisation with its state."""

from typing import Final

from pydantic import ConfigDict, Field

from shared.api.models.schema import TENANT, Answer, Body, Example, NextCursor, shown_as
from shared.api.models.words import NotifyOn, OrganisationState

_FROM_RULE: Final[Example] = {"from": "*sales_mailboxes*", "fallback": "desk@contoso.example"}
_FROM: Final = "An address, or *sales_mailboxes*: the sending agent's own."
_FALLBACK: Final = "The address that sends where `from` gives none; null: none."


class FromRuleFields(Body):
    """The address that sends mail with a purpose."""

    model_config = shown_as(_FROM_RULE)
    sender: str = Field(alias="from", max_length=320, description=_FROM)
    fallback: str | None = Field(None, max_length=320, description=_FALLBACK)


class FromRulesFields(Body):
    """The addresses that send mail, by purpose: `quotation` and others."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"quotation": _FROM_RULE}]})
    __pydantic_extra__: dict[str, FromRuleFields] = Field(init=False)
    quotation: FromRuleFields | None = None


class OrganisationFields(Body):
    """Settings of an organisation. An absent field keeps its value. Only the operator sets the first two."""

    model_config = shown_as({"name": "Contoso Estates", "enabled": True})
    enabled: bool | None = Field(
        None, description="Whether Postledger serves the organisation. Operator only."
    )
    services: list[str] | None = Field(
        None, description="Client ids of vendors that may act for the organisation. Operator only."
    )
    name: str | None = Field(None, description="The name that people see.")
    state: str | None = Field(None, description="Read-only: a value sent here changes nothing.")
    tenant_id: str | None = Field(None, description="Read-only: a value sent here changes nothing.")
    own_domains: list[str] | None = Field(
        None,
        description="The domains of the organisation's own people, whose mail to each other is not kept.",
    )
    hide_email_chain: bool | None = Field(
        None, description="Whether readers see mail without its quoted chain first. Default: false."
    )
    file_thread: bool | None = Field(
        None, description="Whether a decision in My Inbox takes the thread along. Default: true."
    )
    excluded_types: list[str] | None = Field(None, description="Types of records that matching leaves out.")
    never_log: list[str] | None = Field(
        None, description="Addresses and domains whose mail is never captured."
    )
    capture_hours: int | None = Field(
        None, description="Capture begins this many hours before a mailbox was connected. Default: 24."
    )
    late_contact_hours: int | None = Field(
        None, description="A new contact brings in its mail of so many hours; 0: none. Default: 24."
    )
    sensitivity: bool | None = Field(
        None, description="Whether private mail is captured in filed threads only. Default: true."
    )
    from_rules: FromRulesFields | None = Field(
        None, description="The addresses that send mail, by purpose; it replaces all rules."
    )
    retention_days: int | None = Field(
        None, description="Mail that is older is deleted every night; 0: mail is kept. Default: 0."
    )
    notify_on: NotifyOn | None = Field(
        None,
        description="The mail to which an answer raises a notice: `sent` from the CRM, or `all`. Default: sent.",
    )
    self_service: bool | None = Field(
        None, description="Whether an agent's sign-in adds the own mailbox. Default: false."
    )
    external_notices: list[str] | None = Field(
        None,
        description="Texts that its own server puts above mail from outside; previews begin below.",
    )
    code_prefix: str | None = Field(
        None, description="The prefix of reference codes in subjects. Default: PL."
    )
    mails_per_minute: int | None = Field(
        None, description="What each mailbox may send in any minute; mails beyond it are held. Default: 30."
    )
    recipients_per_day: int | None = Field(
        None, description="To how many recipients each mailbox may write in any day. Default: 10,000."
    )
    earlier_code_prefixes: list[str] | None = Field(
        None, description="Read-only: a value sent here changes nothing."
    )


_ORGANISATION: Final[Example] = {
    "tenant_id": TENANT,
    "name": "Contoso Estates",
    "state": "enabled",
    "enabled": True,
    "services": ["aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"],
    "own_domains": ["contoso.example"],
    "hide_email_chain": False,
    "file_thread": True,
    "excluded_types": [],
    "never_log": [],
    "capture_hours": 24,
    "late_contact_hours": 24,
    "sensitivity": True,
    "from_rules": {"quotation": _FROM_RULE},
    "retention_days": 0,
    "notify_on": "sent",
    "self_service": False,
    "external_notices": [],
    "code_prefix": "PL",
    "mails_per_minute": 30,
    "recipients_per_day": 10_000,
    "earlier_code_prefixes": [],
}


class FromRuleModel(Answer):
    """The address that sends mail with a purpose."""

    model_config = shown_as(_FROM_RULE)
    sender: str = Field(alias="from", description=_FROM)
    fallback: str | None = Field(description=_FALLBACK)


class FromRulesModel(Answer):
    """The addresses that send mail, by purpose: `quotation` and others."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"quotation": _FROM_RULE}]})
    __pydantic_extra__: dict[str, FromRuleModel] = Field(init=False)
    quotation: FromRuleModel | None = None


class OrganisationModel(Answer):
    """An organisation with its settings."""

    model_config = shown_as(_ORGANISATION)
    tenant_id: str = Field(description="The organisation's Entra tenant.")
    name: str = Field(description="The name that people see.")
    state: OrganisationState
    enabled: bool = Field(description="Whether Postledger serves the organisation.")
    services: list[str] = Field(description="Client ids of vendors that may act for the organisation.")
    own_domains: list[str] = Field(description="The domains of the organisation's own people.")
    hide_email_chain: bool = Field(description="Whether readers see mail without its quoted chain first.")
    file_thread: bool = Field(description="Whether a decision in My Inbox takes the thread along.")
    excluded_types: list[str] = Field(description="Types of records that matching leaves out.")
    never_log: list[str] = Field(description="Addresses and domains whose mail is never captured.")
    capture_hours: int = Field(description="Capture begins this many hours before a mailbox was connected.")
    late_contact_hours: int = Field(description="A new contact brings in its mail of so many hours.")
    sensitivity: bool = Field(description="Whether private mail is captured in filed threads only.")
    from_rules: FromRulesModel
    retention_days: int = Field(description="Mail that is older is deleted every night; 0: mail is kept.")
    notify_on: NotifyOn = Field(description="The mail to which an answer raises a notice.")
    self_service: bool = Field(description="Whether an agent's sign-in adds the own mailbox.")
    external_notices: list[str] = Field(description="Texts that its own server puts above mail from outside.")
    code_prefix: str = Field(description="The prefix of reference codes in subjects.")
    mails_per_minute: int = Field(description="What each mailbox may send in any minute.")
    recipients_per_day: int = Field(description="To how many recipients each mailbox may write in any day.")
    earlier_code_prefixes: list[str] = Field(
        description="Earlier prefixes. Codes that bear one are read as before."
    )


class OrganisationsModel(Answer):
    """A page of organisations by tenant id."""

    model_config = shown_as({"organisations": [], "cursor": None})
    organisations: list[OrganisationModel] = Field(description="The organisations of this page.")
    cursor: NextCursor
