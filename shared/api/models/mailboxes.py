"""Mailboxes in JSON: the settings that an admin changes, and the mailbox with its state."""

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, Field

from shared.api.models.capture import (
    BACKFILL_EXAMPLE,
    RECONCILIATION_EXAMPLE,
    BackfillModel,
    ReconciliationModel,
)
from shared.api.models.schema import Body, Example, shown_as


class MailboxFields(Body):
    """Settings of a mailbox. An absent field keeps its value, or takes its default in a new mailbox."""

    model_config = shown_as({"kind": "personal", "agent": "ann@contoso.example"})
    kind: Literal["personal", "intake"] = Field("personal", description="Required for a new mailbox.")
    agent: str = Field("", description="The agent's address. Required for a new mailbox.")
    connection: str = Field(
        "graph-app",
        description="The way to reach the mailbox: graph-app, or graph-delegated through a signed-in account.",
    )
    enabled: bool = Field(True, description="false ends the subscription and pauses capture.")
    capture: Literal["known", "everything"] = "known"
    poll_minutes: int = Field(10, description="1 to 1440; 1 for a new intake mailbox.")
    matching: bool = True
    matched_to: Literal["opportunity", "project"] | None = None
    matching_type: Literal["address_and_subject", "domain"] = "address_and_subject"
    unmatched: Literal["inbox", "new"] = "inbox"
    sent_items: bool = True
    never_log: list[str] = Field([], description="Addresses and domains whose mail is never captured.")
    mark_read: bool = Field(False, description="For intake mailboxes only; true for a new intake mailbox.")
    backlog: Literal["", "unread", "none"] = Field(
        "", description="For intake mailboxes only; unread for a new intake mailbox."
    )


_MAILBOX: Final[Example] = {
    "address": "ann@contoso.example",
    "kind": "personal",
    "agent": "ann@contoso.example",
    "connection": "graph-app",
    "enabled": True,
    "capture": "known",
    "poll_minutes": 10,
    "matching": True,
    "matched_to": None,
    "matching_type": "address_and_subject",
    "unmatched": "inbox",
    "sent_items": True,
    "never_log": [],
    "mark_read": False,
    "backlog": "",
    "state": "ok",
    "unreadable": 0,
    "connected_at": "2026-03-01T09:00:00Z",
    "last_sync": "2026-03-02T08:58:30Z",
    "last_error": "",
    "address_offered": None,
    "lost_at": None,
    "lag_seconds": 90,
    "reconciliation": RECONCILIATION_EXAMPLE,
    "backfill": BACKFILL_EXAMPLE,
}


class MailboxModel(BaseModel):
    """A mailbox: its settings and its state."""

    model_config = shown_as(_MAILBOX)
    address: str
    kind: str
    agent: str
    connection: str
    enabled: bool
    capture: str
    poll_minutes: int
    matching: bool
    matched_to: str | None
    matching_type: str
    unmatched: str
    sent_items: bool
    never_log: list[str]
    mark_read: bool
    backlog: str
    state: str
    unreadable: int = Field(
        description="Mails that could not be read and wait in Exceptions to be replayed; capture goes on."
    )
    connected_at: datetime | None
    last_sync: datetime | None
    last_error: str = Field(description="A sentence that says what is wrong and what to do.")
    address_offered: str | None = Field(
        description="The new main address that waits to be taken over; null if there is none."
    )
    lost_at: datetime | None = Field(
        description="The time from which the mailbox cannot be read; null while it can be read."
    )
    lag_seconds: int | None = Field(description="The age of the last walk; null before the first walk.")
    reconciliation: ReconciliationModel | None = Field(description="null before the first reconciliation.")
    backfill: BackfillModel | None = Field(None, description="null in lists, and without a backfill.")


class MailboxesModel(BaseModel):
    """A page of mailboxes by address."""

    model_config = shown_as({"mailboxes": [_MAILBOX], "cursor": None})
    mailboxes: list[MailboxModel]
    cursor: str | None
