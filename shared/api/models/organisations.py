"""Organisations in JSON: the settings that an admin or the operator changes, and the organisation with its state."""

from typing import Any, Final, Literal

from pydantic import BaseModel, Field

from shared.api.models.schema import TENANT, Body, Example, shown_as


class OrganisationFields(Body):
    """Settings of an organisation. An absent field keeps its value. Only the operator sets the first two."""

    model_config = shown_as({"name": "Contoso Estates", "enabled": True})
    enabled: bool = Field(False, description="Whether Postledger serves the organisation. Operator only.")
    services: list[str] = Field(
        [], description="Client ids of vendors that may act for the organisation. Operator only."
    )
    name: str = ""
    state: str = Field("", description="Read-only: a value sent here changes nothing.")
    tenant_id: str = Field("", description="Read-only: a value sent here changes nothing.")
    own_domains: list[str] = Field([])
    hide_email_chain: bool = False
    file_thread: bool = True
    excluded_types: list[str] = Field([], description="Types of records that matching leaves out.")
    never_log: list[str] = Field([], description="Addresses and domains whose mail is never captured.")
    capture_hours: int = Field(
        24, description="Capture begins this many hours before a mailbox was connected."
    )
    late_contact_hours: int = 24
    sensitivity: bool = Field(True, description="Private mail is captured in filed threads only.")
    from_rules: dict[str, Any] = Field({})
    retention_days: int | None = None
    code_prefix: str = Field("PL", description="The prefix of reference codes in subjects.")


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
    "from_rules": {},
    "retention_days": None,
    "code_prefix": "PL",
}


class OrganisationModel(BaseModel):
    """An organisation with its settings."""

    model_config = shown_as(_ORGANISATION)
    tenant_id: str
    name: str
    state: Literal["disabled", "enabled", "verified", "deleting"]
    enabled: bool
    services: list[str]
    own_domains: list[str]
    hide_email_chain: bool
    file_thread: bool
    excluded_types: list[str]
    never_log: list[str]
    capture_hours: int
    late_contact_hours: int
    sensitivity: bool
    from_rules: dict[str, Any]
    retention_days: int | None
    code_prefix: str


class OrganisationsModel(BaseModel):
    """A page of organisations by tenant id."""

    model_config = shown_as({"organisations": [_ORGANISATION], "cursor": None})
    organisations: list[OrganisationModel]
    cursor: str | None
