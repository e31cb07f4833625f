"""The client API's JSON, field by field: OpenAPI and its examples are made from these models alone.

Bodies are checked here for their shape only; what may stand in them is the domain's to say.
"""

import json
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

TENANT = "11111111-2222-4333-8444-555555555555"
KEY = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
ENTRY_ID = f"098227547140000-{KEY}"


def _answer(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(populate_by_name=True, json_schema_extra={"examples": [example]})


def _body(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class Body(BaseModel):
    """What a caller sends: no unknown names, no guessing of types, and only text that can be stored."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _is_unicode(cls, given: Any) -> Any:
        """JSON can spell half a character (an unpaired surrogate), which no storage takes."""
        try:
            json.dumps(given, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a text holds half a character (an unpaired surrogate)") from None
        return given


PROBLEM_EXAMPLE = {
    "type": "about:blank",
    "title": "Forbidden",
    "status": 403,
    "detail": "This needs the role Admin; the token has Agent.",
    "instance": "/api/v1/mailboxes",
    "correlation_id": "5f0c2f6d1b8e4c0f9f3a0a3f0e2d7c11",
}


class Problem(BaseModel):
    """An error (RFC 9457)."""

    model_config = _answer(PROBLEM_EXAMPLE)
    type: str
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="A sentence: what is wrong and what to do.")
    instance: str = Field(description="The path that was asked for.")
    correlation_id: str = Field(description="Quote it when you ask for help; it stands in the log.")


class Health(BaseModel):
    """The service answers."""

    model_config = _answer({"status": "ok"})
    status: Literal["ok"] = "ok"


_PERSON = {"name": "Bo Byer", "address": "bo@fabrikam.example"}
_AGENT = {"name": "Ann Agent", "address": "ann@contoso.example"}


class PersonModel(BaseModel):
    """A participant of a mail."""

    model_config = _answer(_PERSON)
    name: str
    address: str = Field(description="Normalised; empty for a name without SMTP address.")


_ENTRY = {
    "id": ENTRY_ID,
    "message_id": KEY,
    "internet_message_id": "<2f1c@fabrikam.example>",
    "kind": "reply",
    "direction": "in",
    "at": "2026-03-02T09:00:00Z",
    "subject": "RE: Viewing on Thursday",
    "from": _PERSON,
    "to": [_AGENT],
    "cc": [],
    "preview": "Thursday at four suits us.",
    "has_attachments": True,
    "rule": "contact_address",
    "evidence": "from bo@fabrikam.example",
    "closed": False,
    "agent": "ann@contoso.example",
    "automatic": "",
    "bounced": [],
}


class EntryModel(BaseModel):
    """One row of a timeline."""

    model_config = _answer(_ENTRY)
    id: str = Field(description="Names the row within its timeline; ascending order is newest first.")
    message_id: str = Field(description="The message's id in this API.")
    internet_message_id: str = Field(description="The Message-ID header; empty when the mail has none.")
    kind: Literal["sent", "reply", "synced", "note", "acknowledgement"]
    direction: Literal["in", "out"] = Field(description="Seen from the organisation.")
    at: datetime = Field(description="When it was received, UTC.")
    subject: str
    sender: PersonModel = Field(alias="from")
    to: list[PersonModel]
    cc: list[PersonModel]
    preview: str = Field(description="The beginning of the sender's own text.")
    has_attachments: bool = Field(description="Inline images do not count.")
    rule: str = Field(description="The rule that put it on this timeline.")
    evidence: str = Field(description="What the rule rests on; empty when it is not for you to see.")
    closed: bool = Field(description="Whether the record was closed when the mail was filed.")
    agent: str = Field(description="The agent it is shown with.")
    automatic: Literal["", "bounce", "feedback", "auto_reply", "automatic"] = Field(
        "", description="What kind of machine wrote it; empty for a person."
    )
    bounced: list[str] = Field([], description="Addresses that it did not reach.")


class TimelineModel(BaseModel):
    """A page of a timeline, newest first."""

    model_config = _answer({"entries": [_ENTRY], "cursor": None})
    entries: list[EntryModel]
    cursor: str | None = Field(description="Send it back for the next page; null on the last.")


_ATTACHMENT = {
    "id": "0",
    "name": "plan.pdf",
    "content_type": "application/pdf",
    "size": 20480,
    "inline": False,
}
_LINK = {
    "kind": "contact",
    "id": "C-1",
    "rule": "contact_address",
    "evidence": "from bo@fabrikam.example",
    "score": 80,
    "by": "postledger",
    "closed": False,
}


class AttachmentModel(BaseModel):
    """An attachment's description; its bytes are at `messages/{id}/attachments/{attachment_id}`."""

    model_config = _answer(_ATTACHMENT)
    id: str
    name: str
    content_type: str = Field(description="As the sender gave it; not to be trusted.")
    size: int = Field(description="Bytes, as the mailbox counts them.")
    inline: bool


class LinkModel(BaseModel):
    """A record this message is filed on, and why."""

    model_config = _answer(_LINK)
    kind: str
    id: str
    rule: str
    evidence: str
    score: int = Field(description="0 to 100.")
    by: str = Field(description="Who made the link: postledger, or an agent.")
    closed: bool


class SightingModel(BaseModel):
    """A mailbox that holds a copy."""

    model_config = _answer({"mailbox": "ann@contoso.example", "folder": "inbox"})
    mailbox: str
    folder: str = Field(description="A well-known folder name, or the folder's id.")


class BounceModel(BaseModel):
    """An address that a mail did not reach."""

    address: str
    status: str = Field(description="Enhanced status code (RFC 3463), such as 5.1.1; empty when not told.")
    permanent: bool = Field(description="Whether for good; else the server may go on trying.")
    at: datetime = Field(description="When the report came.")
    message_id: str = Field(description="The report's own id in this API.")


class MessageModel(EntryModel):
    """One message: the entry's fields, its body made safe, attachments, links and copies."""

    model_config = _answer(
        {
            **_ENTRY,
            "bcc": [],
            "html": "<p>Thursday at four suits us.</p>",
            "text": "Thursday at four suits us.\n\nOn Monday Ann wrote:\n> Thursday?",
            "own_text": "Thursday at four suits us.",
            "quoted_text": "On Monday Ann wrote:\n> Thursday?",
            "chain_hidden": False,
            "blocked_images": [],
            "body_withheld": None,
            "attachments": [_ATTACHMENT],
            "links": [_LINK],
            "sightings": [{"mailbox": "ann@contoso.example", "folder": "inbox"}],
            "bounces": [],
        }
    )
    bcc: list[PersonModel] = Field(description="Only what your own mailbox's copy shows.")
    html: str = Field(
        description="Safe to show; `cid:` images point to our attachments route. The quoted chain, where its "
        "beginning is known, stands in an element of the class `postledger-chain`."
    )
    text: str
    own_text: str = Field(description="What the sender wrote, without the quoted chain.")
    quoted_text: str
    chain_hidden: bool = Field(
        description="Show the mail without its chain first: `html` has it folded, `own_text` is without it."
    )
    blocked_images: list[str] = Field(description="Remote images left out of `html`.")
    body_withheld: str | None = Field(description="Why `html` is empty though the mail has one.")
    attachments: list[AttachmentModel]
    links: list[LinkModel]
    sightings: list[SightingModel]
    bounces: list[BounceModel] = Field([], description="Reports that it did not arrive.")


_SETTINGS = {
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
}


class MailboxFields(Body):
    """Settings of a mailbox; what is absent keeps its value, or its default in a new one."""

    model_config = _body({"kind": "personal", "agent": "ann@contoso.example"})
    kind: Literal["personal", "intake"] = Field("personal", description="Needed for a new mailbox.")
    agent: str = Field("", description="The agent's address. Needed for a new mailbox.")
    connection: str = Field("graph-app", description="How the mailbox is reached: graph-app.")
    enabled: bool = Field(True, description="false ends the subscription and pauses capture.")
    capture: Literal["known", "everything"] = "known"
    poll_minutes: int = Field(10, description="1 to 1440; 1 for a new intake mailbox.")
    matching: bool = True
    matched_to: Literal["opportunity", "project"] | None = None
    matching_type: Literal["address_and_subject", "domain"] = "address_and_subject"
    unmatched: Literal["inbox", "new"] = "inbox"
    sent_items: bool = True
    never_log: list[str] = Field([], description="Addresses and domains whose mail is never kept.")
    mark_read: bool = Field(False, description="Intake only; true for a new intake mailbox.")
    backlog: Literal["", "unread", "none"] = Field("", description="Intake only; unread for a new one.")


_MAILBOX: dict[str, Any] = {
    "address": "ann@contoso.example",
    **_SETTINGS,
    "state": "ok",
    "connected_at": "2026-03-01T09:00:00Z",
    "last_sync": "2026-03-02T08:58:30Z",
    "last_error": "",
    "address_offered": None,
    "lost_at": None,
    "lag_seconds": 90,
    "reconciliation": {
        "at": "2026-03-02T02:31:07Z",
        "from": "2026-02-28T02:31:07Z",
        "seen": 420,
        "filed": 61,
        "triaged": 2,
        "waiting": 0,
        "skipped": {"unknown_people": 350, "staff_only": 7},
        "repaired": 0,
    },
    "backfill": {
        "since": "2025-09-01T00:00:00Z",
        "state": "running",
        "done": 4200,
        "expected": 20000,
        "rate_per_minute": 840.0,
        "started_at": "2026-03-02T08:50:00Z",
        "finished_at": None,
    },
}


class ReconciliationModel(BaseModel):
    """The last comparison of what lies in the mailbox with the ledger, in mails."""

    model_config = _answer(_MAILBOX["reconciliation"])
    at: datetime
    since: datetime = Field(alias="from", description="Mail received from here until `at` was compared.")
    seen: int = Field(description="filed + triaged + skipped + waiting.")
    filed: int
    triaged: int
    waiting: int = Field(description="Kept, and about to be read.")
    skipped: dict[str, int] = Field(description="By reason.")
    repaired: int = Field(description="Missing from the ledger or left behind in it, and decided anew.")


class BackfillFields(Body):
    """From when on history is wanted."""

    model_config = _body({"since": "2025-09-01T00:00:00Z"})
    since: datetime = Field(strict=False, description="A date and time with its time zone (ISO 8601).")


class BackfillModel(BaseModel):
    """The backfill that is running, or the last one, in mails."""

    model_config = _answer(_MAILBOX["backfill"])
    since: datetime
    state: Literal["running", "done", "cancelled"]
    done: int = Field(description="Dealt with so far: filed, or found to be none of yours.")
    expected: int = Field(description="Counted when it began; 0 until then.")
    rate_per_minute: float
    started_at: datetime
    finished_at: datetime | None


class MailboxModel(BaseModel):
    """A mailbox: its settings and how it is doing."""

    model_config = _answer(_MAILBOX)
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
    connected_at: datetime | None
    last_sync: datetime | None
    last_error: str = Field(description="What is wrong, and what to do about it.")
    address_offered: str | None = Field(
        description="The main address it has now, to be taken over; else null."
    )
    lost_at: datetime | None = Field(description="Since when the mailbox cannot be read; null if it can.")
    lag_seconds: int | None = Field(description="Since the last walk of the mailbox; null before the first.")
    reconciliation: ReconciliationModel | None = Field(description="null before the first.")
    backfill: BackfillModel | None = Field(None, description="null in lists, and where there was none.")


class MailboxesModel(BaseModel):
    """A page of mailboxes by address."""

    model_config = _answer({"mailboxes": [_MAILBOX], "cursor": None})
    mailboxes: list[MailboxModel]
    cursor: str | None


_POLICIES = {
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


class OrganisationFields(Body):
    """Settings of an organisation; what is absent keeps its value. The first two are the operator's."""

    model_config = _body({"name": "Contoso Estates", "enabled": True})
    enabled: bool = Field(False, description="Whether the organisation is served. Operator only.")
    services: list[str] = Field([], description="Client ids of vendors that may act. Operator only.")
    name: str = ""
    state: str = Field("", description="Read-only: left as it is.")
    tenant_id: str = Field("", description="Read-only: left as it is.")
    own_domains: list[str] = []
    hide_email_chain: bool = False
    file_thread: bool = True
    excluded_types: list[str] = Field([], description="Types of records that are never matched.")
    never_log: list[str] = Field([], description="Addresses and domains whose mail is never kept.")
    capture_hours: int = Field(24, description="How far before its connection a mailbox is captured.")
    late_contact_hours: int = 24
    sensitivity: bool = Field(True, description="Private mail is kept only in threads already filed.")
    from_rules: dict[str, Any] = {}
    retention_days: int | None = None
    code_prefix: str = Field("PL", description="What reference codes in subjects begin with.")


class OrganisationModel(BaseModel):
    """An organisation with its settings."""

    model_config = _answer({"tenant_id": TENANT, **_POLICIES})
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

    model_config = _answer({"organisations": [{"tenant_id": TENANT, **_POLICIES}], "cursor": None})
    organisations: list[OrganisationModel]
    cursor: str | None
