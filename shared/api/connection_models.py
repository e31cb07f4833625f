"""The JSON of connecting an organisation and of testing its mailboxes."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.api.models import Body

Mode = Literal["admin_consent", "rbac", "service_account", "agent"]


def _example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


_CONNECTION: Final[dict[str, Any]] = {
    "connection": "graph-app",
    "mode": "admin_consent",
    "state": "verified",
    "meaning": "Connected: the application has been let in.",
    "detail": "",
    "mailbox": "ann@contoso.example",
    "account": "",
    "permissions": [],
    "link_expires_at": None,
    "consented_at": "2026-03-02T09:00:00Z",
    "verified_at": "2026-03-02T09:00:02Z",
    "checked_at": "2026-03-02T09:00:02Z",
}
_TEST: Final[dict[str, Any]] = {
    "address": "ann@contoso.example",
    "outcome": "ok",
    "detail": "The mailbox can be read.",
    "primary_address": None,
    "purpose": "user",
    "send": "permitted",
    "send_detail": "Mail may be sent: the token carries the application role Mail.Send.",
    "records": [],
    "at": "2026-03-02T09:00:00Z",
}


class ConnectFields(Body):
    """How the organisation is to be connected."""

    model_config = _example({"mode": "admin_consent", "mailbox": "ann@contoso.example"})
    mode: Mode
    mailbox: str = Field("", max_length=320, description="Access is proved by opening it. An agent's own.")


class VerifyFields(Body):
    """Which mailbox to prove the application's access with, from now on."""

    model_config = _example({"mailbox": "ann@contoso.example"})
    mailbox: str = Field("", max_length=320)


class ConnectionModel(BaseModel):
    """One way to the organisation's mail, and where it stands."""

    model_config = _example(_CONNECTION)
    connection: str = Field(description="The name by which mailboxes choose it.")
    mode: str
    state: str
    meaning: str = Field(description="What the state means and what to do.")
    detail: str = Field(description="What the last try said, where it failed.")
    mailbox: str = Field(description="The mailbox that access is proved with; an agent's own.")
    account: str = Field(description="Who signed in.")
    permissions: list[str] = Field(description="What a sign-in asks of Graph.")
    link_expires_at: datetime | None = Field(description="null where no link is open.")
    consented_at: datetime | None
    verified_at: datetime | None
    checked_at: datetime | None


class ConnectLinkModel(ConnectionModel):
    """A connection with its new link, which is shown this once."""

    model_config = _example(
        {
            **_CONNECTION,
            "state": "link_sent",
            "link": "https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/v2.0/adminconsent?...",
            "redirect_uri": "https://app.contoso.example/api/v1/connect/callback",
        }
    )
    link: str = Field(description="Send it to whoever is to agree; no account of Postledger is needed.")
    redirect_uri: str = Field(description="Must be registered with the application exactly so.")


class ConnectionsModel(BaseModel):
    """How the organisation is connected."""

    model_config = _example(
        {
            "state": "verified",
            "meaning": _CONNECTION["meaning"],
            "redirect_uri": "https://app.contoso.example/api/v1/connect/callback",
            "connections": [_CONNECTION],
        }
    )
    state: str = Field(description="Of the organisation: the best that one of its connections is in.")
    meaning: str
    redirect_uri: str
    connections: list[ConnectionModel]


class TestModel(BaseModel):
    """What a mailbox's test says."""

    __test__ = False
    model_config = _example(_TEST)
    address: str
    outcome: str
    detail: str = Field(description="A sentence: what is wrong and what to do.")
    primary_address: str | None = Field(description="The mailbox's main address, where it is another one.")
    purpose: str | None = Field(description="Exchange's userPurpose; null where it may not be read.")
    send: Literal["permitted", "not_permitted", "unknown"]
    send_detail: str = Field(description="How that is known.")
    records: list[str] = Field(description="Contact cards that carry the address.")
    at: datetime


class TestsModel(BaseModel):
    """A page of tested mailboxes by address."""

    __test__ = False
    model_config = _example({"results": [_TEST], "cursor": None})
    results: list[TestModel]
    cursor: str | None


class VerifiedModel(ConnectionsModel):
    """How the organisation is connected, just proved."""

    model_config = _example(
        {
            "state": "verified",
            "meaning": _CONNECTION["meaning"],
            "redirect_uri": "https://app.contoso.example/api/v1/connect/callback",
            "connections": [_CONNECTION],
            "not_opened": [],
        }
    )
    not_opened: list[TestModel] = Field(description="Mailboxes that a sign-in was to open and could not.")


class TestFields(Body):
    """What an address that is not saved yet is to become."""

    __test__ = False
    model_config = _example({"kind": "personal", "connection": "graph-app"})
    kind: Literal["personal", "intake"] = "personal"
    connection: str = "graph-app"


class AddressFields(Body):
    """The mailbox's new main address."""

    model_config = _example({"address": "ann.berg@contoso.example"})
    address: str = Field(max_length=320)
