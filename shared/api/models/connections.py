"""Connections in JSON: an organisation's ways to its mail, and the tests of its mailboxes."""

from datetime import datetime
from typing import Final

from pydantic import Field

from shared.api.models.schema import Answer, Body, Example, NextCursor, shown_as
from shared.api.models.words import (
    ConnectionState,
    ConnectMode,
    HabitName,
    MailboxKind,
    SendPermission,
    TestOutcome,
)

_CONNECTION: Final[Example] = {
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
_HABIT: Final[Example] = {
    "name": "mail_with_attachments",
    "holds": True,
    "detail": "A mail is read together with the list of its attachments.",
    "at": "2026-03-02T09:00:00Z",
}
_TEST: Final[Example] = {
    "address": "ann@contoso.example",
    "outcome": "ok",
    "detail": "The mailbox can be read.",
    "primary_address": None,
    "purpose": "user",
    "send": "permitted",
    "send_detail": "Mail may be sent: the token carries the application roles Mail.Send and Mail.ReadWrite.",
    "records": [],
    "habits": [_HABIT],
    "at": "2026-03-02T09:00:00Z",
}
_REDIRECT_URI: Final = "https://app.contoso.example/api/v1/connect/callback"
_CONNECTIONS: Final[Example] = {
    "state": "verified",
    "meaning": _CONNECTION["meaning"],
    "redirect_uri": _REDIRECT_URI,
    "connections": [_CONNECTION],
    "habits": [_HABIT],
}


class ConnectFields(Body):
    """The way to connect the organisation."""

    model_config = shown_as({"mode": "admin_consent", "mailbox": "ann@contoso.example"})
    mode: ConnectMode
    mailbox: str | None = Field(
        None,
        max_length=320,
        description="The mailbox that Postledger opens to prove its access. An agent names its own mailbox.",
    )


class VerifyFields(Body):
    """The mailbox that Postledger opens to prove the application's access from now on."""

    model_config = shown_as({"mailbox": "ann@contoso.example"})
    mailbox: str | None = Field(
        None, max_length=320, description="The mailbox's address; absent: the mailbox that is tried so far."
    )


class ConnectionModel(Answer):
    """A way to the organisation's mail, and its state."""

    model_config = shown_as(_CONNECTION)
    connection: str = Field(description="The name by which mailboxes choose the connection.")
    mode: ConnectMode
    state: ConnectionState
    meaning: str = Field(description="What the state means and what to do.")
    detail: str = Field(description="The reason why the last attempt failed; empty if it did not.")
    mailbox: str = Field(description="The mailbox that proves the access; an agent's own mailbox.")
    account: str = Field(description="The account that signed in.")
    permissions: list[str] = Field(description="The Graph permissions that a sign-in requests.")
    link_expires_at: datetime | None = Field(description="null when no link is open.")
    consented_at: datetime | None = Field(description="When consent was given; null before.")
    verified_at: datetime | None = Field(description="When Postledger last opened the mailbox; null before.")
    checked_at: datetime | None = Field(description="When Postledger last tried; null before.")


class ConnectLinkModel(ConnectionModel):
    """A connection with its new link. The link is shown only once."""

    model_config = shown_as(
        {
            **_CONNECTION,
            "state": "link_sent",
            "link": "https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/v2.0/adminconsent?...",
            "redirect_uri": _REDIRECT_URI,
        }
    )
    link: str = Field(
        description="Send this link to the person who gives consent, who needs no account here."
    )
    redirect_uri: str = Field(description="Register exactly this address with the application.")


class HabitModel(Answer):
    """What Microsoft 365 does in this tenant where its documents and its servers disagree."""

    model_config = shown_as(_HABIT)
    name: HabitName
    holds: bool | None = Field(description="Whether it does; null when no mailbox could tell yet.")
    detail: str = Field(description="A sentence that says what follows.")
    at: datetime | None = Field(description="When Postledger learnt it; null when it is not known.")


class ConnectionsModel(Answer):
    """The connections of the organisation."""

    model_config = shown_as(_CONNECTIONS)
    state: ConnectionState = Field(description="The best state of the connections.")
    meaning: str = Field(description="What the state means and what to do.")
    redirect_uri: str = Field(description="Register exactly this address with the application.")
    connections: list[ConnectionModel] = Field(description="Each way to the organisation's mail.")
    habits: list[HabitModel] = Field(description="What is known of Microsoft 365 in this tenant.")


class TestModel(Answer):
    """The result of a mailbox test."""

    # pytest would collect the class as a test because of its name.
    __test__ = False
    model_config = shown_as(_TEST)
    address: str = Field(description="The address that was tested.")
    outcome: TestOutcome
    detail: str = Field(description="What is wrong and what to do.")
    primary_address: str | None = Field(description="The mailbox's main address if it differs.")
    purpose: str | None = Field(description="Exchange's userPurpose; null if it may not be read.")
    send: SendPermission
    send_detail: str = Field(description="The reason for `send`.")
    records: list[str] = Field(description="The contact cards that carry the address.")
    habits: list[HabitModel] = Field(
        description="What is known of Microsoft 365; empty unless an admin tests one readable mailbox."
    )
    at: datetime = Field(description="When the test was made.")


class TestsModel(Answer):
    """A page of tested mailboxes by address."""

    __test__ = False
    model_config = shown_as({"results": [], "cursor": None})
    results: list[TestModel] = Field(description="The result for each mailbox.")
    cursor: NextCursor


class VerifiedModel(ConnectionsModel):
    """The connections of the organisation after a new check."""

    model_config = shown_as({**_CONNECTIONS, "not_opened": []})
    not_opened: list[TestModel] = Field(description="The mailboxes that a sign-in should open and could not.")


class TestFields(Body):
    """The settings to test an address that is not saved yet."""

    __test__ = False
    model_config = shown_as({"kind": "personal", "connection": "graph-app"})
    kind: MailboxKind | None = None
    connection: str | None = Field(
        None, description="graph-app, or graph-delegated through a signed-in account."
    )


class AddressFields(Body):
    """The mailbox's new main address."""

    model_config = shown_as({"address": "ann.berg@contoso.example"})
    address: str = Field(max_length=320, description="The new main address of the mailbox's user.")
