"""Mailboxes in JSON: the settings that an admin changes, and the mailbox with its state."""

from datetime import datetime
from typing import Final

from pydantic import Field

from shared.api.models.capture import (
    BACKFILL_EXAMPLE,
    RECONCILIATION_EXAMPLE,
    BackfillModel,
    ReconciliationModel,
)
from shared.api.models.intake import IntakeFields, IntakeModel
from shared.api.models.schema import Answer, Body, Example, NextCursor, shown_as
from shared.api.models.words import (
    Backlog,
    CaptureMode,
    MailboxKind,
    MailboxState,
    MatchedTo,
    MatchingType,
    Unmatched,
)


class MailboxFields(Body):
    """Settings of a mailbox. An absent field keeps its value, or takes its default in a new mailbox."""

    model_config = shown_as({"kind": "personal", "agent": "ann@contoso.example"})
    kind: MailboxKind | None = Field(None, description="Required for a new mailbox.")
    agent: str | None = Field(
        None, description="The agent's address. Required for a new mailbox, unless `agents` are named."
    )
    agents: list[str] | None = Field(
        None, description="For intake mailboxes only: all of its agents, the first one first."
    )
    connection: str | None = Field(
        None,
        description="The way to reach the mailbox: graph-app (the default), graph-delegated through a signed-in "
        "account, or imap.",
    )
    enabled: bool | None = Field(
        None, description="false ends the subscription and pauses capture. Default: true."
    )
    capture: CaptureMode | None = Field(None, description="Which mail is captured. Default: known.")
    poll_minutes: int | None = Field(None, description="1 to 1440. Default: 10; 1 for an intake mailbox.")
    matching: bool | None = Field(
        None, description="false lists all incoming mail in My Inbox instead of matching it. Default: true."
    )
    matched_to: MatchedTo | None = Field(
        None, description="The kind of deal that mail of this mailbox belongs to. Default: none."
    )
    matching_type: MatchingType | None = Field(
        None, description="How a deal is found. Default: address_and_subject."
    )
    unmatched: Unmatched | None = Field(
        None,
        description="What becomes of mail without a record: it waits, or opens one. Default: inbox; new for an intake "
        "mailbox.",
    )
    sent_items: bool | None = Field(None, description="Whether sent mail is captured too. Default: true.")
    never_log: list[str] | None = Field(
        None, description="Addresses and domains whose mail is never captured."
    )
    mark_read: bool | None = Field(None, description="For intake mailboxes only, where the default is true.")
    backlog: Backlog | None = Field(
        None, description="For intake mailboxes only, where the default is unread."
    )
    senders: list[str] | None = Field(
        None, description="Agents who may send from it besides its own agent. Default: none."
    )
    language: str | None = Field(None, description="In which answers quote: de, de-AT. Default: English.")
    time_zone: str | None = Field(None, description="As Europe/Berlin. Default: UTC.")
    intake: IntakeFields | None = Field(
        None, description="For intake mailboxes only: what their mail becomes."
    )


_MAILBOX: Final[Example] = {
    "address": "ann@contoso.example",
    "kind": "personal",
    "agent": "ann@contoso.example",
    "agents": [],
    "connection": "graph-app",
    "enabled": True,
    "capture": "known",
    "poll_minutes": 10,
    "matching": True,
    "matched_to": "none",
    "matching_type": "address_and_subject",
    "unmatched": "inbox",
    "sent_items": True,
    "never_log": [],
    "mark_read": False,
    "backlog": "none",
    "senders": [],
    "language": "",
    "time_zone": "",
    "intake": None,
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
    "notices_without_reader": 0,
    "warnings": [],
}


class MailboxModel(Answer):
    """A mailbox: its settings and its state."""

    model_config = shown_as(_MAILBOX)
    address: str = Field(description="The mailbox's main address.")
    kind: MailboxKind
    agent: str = Field(description="The address of the mailbox's agent.")
    agents: list[str] = Field(description="All agents of an intake mailbox; empty for a personal one.")
    connection: str = Field(description="The way to reach the mailbox.")
    enabled: bool = Field(description="Whether mail is captured.")
    capture: CaptureMode
    poll_minutes: int = Field(description="The minutes between two walks.")
    matching: bool = Field(description="Whether mail is matched to records.")
    matched_to: MatchedTo
    matching_type: MatchingType
    unmatched: Unmatched
    sent_items: bool = Field(description="Whether sent mail is captured too.")
    never_log: list[str] = Field(description="Addresses and domains whose mail is never captured.")
    mark_read: bool = Field(description="Whether captured mail is marked as read.")
    backlog: Backlog
    senders: list[str] = Field(description="Agents who may send from it besides its own agent.")
    language: str = Field(description="In which answers quote.")
    time_zone: str = Field(description="Likewise.")
    intake: IntakeModel | None = Field(description="What an intake mailbox makes of its mail; else null.")
    state: MailboxState
    unreadable: int = Field(
        description="Mails that could not be read and wait in Exceptions to be replayed; capture goes on."
    )
    connected_at: datetime | None = Field(description="When it was connected.")
    last_sync: datetime | None = Field(
        description="When the last complete walk began; null before the first."
    )
    last_error: str = Field(description="What is wrong and what to do.")
    address_offered: str | None = Field(
        description="The new main address that waits to be taken over; null if there is none."
    )
    lost_at: datetime | None = Field(
        description="The time from which the mailbox cannot be read; null while it can be read."
    )
    lag_seconds: int | None = Field(description="The age of the last walk; null before the first walk.")
    reconciliation: ReconciliationModel | None = Field(description="null before the first reconciliation.")
    backfill: BackfillModel | None = Field(description="null in lists, and without a backfill.")
    notices_without_reader: int | None = Field(
        description="Notices of agents who are gone, which nobody else sees; null except in `GET mailboxes/{address}`."
    )
    warnings: list[str] = Field(
        description="A sentence for each setting that has no effect, and for each doubt."
    )


_HANDOVER: Final[Example] = {
    "at": "2026-03-02T09:00:00Z",
    "by": "admin@contoso.example",
    "former_agent": "ann@contoso.example",
    "agent": "bea@contoso.example",
}


class HandoverModel(Answer):
    """The mailbox got another agent, who sees what waits in it."""

    model_config = shown_as(_HANDOVER)
    at: datetime = Field(description="When it was handed over.")
    by: str = Field(description="The address of who did it, or `app:` and a client id.")
    former_agent: str = Field(description="The agent before.")
    agent: str = Field(description="The agent since then.")


class HandoversModel(Answer):
    """When and by whom a mailbox was handed over, the last time first."""

    model_config = shown_as({"handovers": [_HANDOVER]})
    handovers: list[HandoverModel] = Field(description="The last 20 at most.")


class MailboxesModel(Answer):
    """A page of mailboxes by address."""

    model_config = shown_as({"mailboxes": [], "cursor": None})
    mailboxes: list[MailboxModel] = Field(description="The mailboxes of this page.")
    cursor: NextCursor
