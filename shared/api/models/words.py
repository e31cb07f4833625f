"""The words that fields choose from. Each is a schema of its own, so that generated clients get one enum for it.

A test compares them with the domain, which decides. A word that stands for "nothing" is `none`, never an empty text.
"""

from typing import Literal

from typing_extensions import TypeAliasType

EntryKind = TypeAliasType("EntryKind", Literal["sent", "reply", "synced", "note", "acknowledgement"])
EntryFilter = TypeAliasType(
    "EntryFilter", Literal["all", "sent", "reply", "synced", "note", "acknowledgement"]
)
Direction = TypeAliasType("Direction", Literal["in", "out"])
AutomaticKind = TypeAliasType(
    "AutomaticKind", Literal["none", "bounce", "feedback", "auto_reply", "automatic"]
)
ChainChoice = TypeAliasType("ChainChoice", Literal["shown", "hidden"])
EventKind = TypeAliasType(
    "EventKind",
    Literal[
        "entry_added",
        "entry_changed",
        "entry_removed",
        "inbox_added",
        "inbox_removed",
        "notice_added",
        "notice_removed",
        "record_added",
        "record_changed",
        "outbox_changed",
    ],
)
Security = TypeAliasType("Security", Literal["tls", "starttls"])
Reach = TypeAliasType("Reach", Literal["imap", "graph", "none"])
NoticeKind = TypeAliasType("NoticeKind", Literal["reply", "bounce"])
NotifyOn = TypeAliasType("NotifyOn", Literal["sent", "all"])
OutboxState = TypeAliasType(
    "OutboxState",
    Literal[
        "queued",
        "held",
        "drafted",
        "sending",
        "sent",
        "confirmed",
        "bounced",
        "outcome_unknown",
        "failed",
        "cancelled",
    ],
)
CampaignState = TypeAliasType("CampaignState", Literal["preparing", "running", "paused", "done", "cancelled"])
CampaignShare = TypeAliasType(
    "CampaignShare",
    Literal["waiting", "on_its_way", "sent", "failed", "outcome_unknown", "left_out", "cancelled"],
)
SenderRule = TypeAliasType("SenderRule", Literal["action", "client", "rule", "fallback", "own"])
ReplyMode = TypeAliasType("ReplyMode", Literal["reply", "reply_all"])
AnswerMode = TypeAliasType("AnswerMode", Literal["reply", "reply_all", "forward"])
Order = TypeAliasType("Order", Literal["newest", "oldest"])

RecordKind = TypeAliasType(
    "RecordKind", Literal["contact", "property", "client", "opportunity", "project", "case"]
)
RecordStatus = TypeAliasType("RecordStatus", Literal["open", "closed"])
RecordOrigin = TypeAliasType("RecordOrigin", Literal["crm", "postledger"])
OpenedBy = TypeAliasType("OpenedBy", Literal["postledger"])
LineStatus = TypeAliasType("LineStatus", Literal["written", "refused"])

MailboxKind = TypeAliasType("MailboxKind", Literal["personal", "intake"])
MailboxState = TypeAliasType(
    "MailboxState", Literal["new", "ok", "polling", "failing", "no_access", "removing", "paused"]
)
CaptureMode = TypeAliasType("CaptureMode", Literal["known", "everything"])
MatchedTo = TypeAliasType("MatchedTo", Literal["none", "opportunity", "project"])
MatchingType = TypeAliasType("MatchingType", Literal["address_and_subject", "domain"])
Unmatched = TypeAliasType("Unmatched", Literal["inbox", "new"])
Backlog = TypeAliasType("Backlog", Literal["unread", "none"])
OpenedKind = TypeAliasType("OpenedKind", Literal["case", "opportunity", "project"])
ClosedCase = TypeAliasType("ClosedCase", Literal["reopen", "new", "file"])
BackfillState = TypeAliasType("BackfillState", Literal["running", "done", "cancelled"])

# The outcome of a stored mail, of a mail or a copy that an admin asks about, and of a decision.
Disposition = TypeAliasType("Disposition", Literal["filed", "triage"])
MailOutcome = TypeAliasType(
    "MailOutcome", Literal["filed", "triage", "skipped", "pending", "failed", "unknown"]
)
DecisionState = TypeAliasType("DecisionState", Literal["filed", "triage", "deleted"])

ConnectMode = TypeAliasType("ConnectMode", Literal["admin_consent", "rbac", "service_account", "agent"])
ConnectionState = TypeAliasType(
    "ConnectionState",
    Literal[
        "not_connected",
        "link_sent",
        "link_expired",
        "consent_declined",
        "needs_administrator",
        "wrong_account",
        "consent_pending",
        "scope_pending",
        "no_access",
        "verified",
        "lost",
        "disconnected",
    ],
)
TestOutcome = TypeAliasType(
    "TestOutcome",
    Literal[
        "ok",
        "deployment",
        "consent_pending",
        "no_consent",
        "not_signed_in",
        "not_in_scope",
        "missing_right",
        "no_bodies",
        "no_mailbox",
        "no_user",
        "alias",
        "group",
        "wrong_purpose",
        "on_contact_card",
        "address_changed",
        "stray_routes",
        "unreachable",
        "no_credentials",
        "wrong_password",
        "ascii_only",
        "app_password_needed",
        "basic_auth_off",
        "imap_off",
        "wrong_server",
        "not_discovered",
        "bad_certificate",
        "not_encrypted",
        "server_busy",
        "no_inbox",
    ],
)
HabitName = TypeAliasType(
    "HabitName",
    Literal[
        "changes_with_properties",
        "mail_with_attachments",
        "mail_with_content_ids",
        "mail_with_properties",
        "lists_of_preferred_size",
        "lists_with_whole_texts",
        "addresses_in_any_case",
        "changes_with_headers",
        "changes_of_preferred_size",
        "lists_with_properties",
        "lists_in_order",
        "attachments_with_content_ids",
        "folders_with_classes",
        "copies_with_headers",
    ],
)
SendPermission = TypeAliasType("SendPermission", Literal["permitted", "not_permitted", "unknown"])

OrganisationState = TypeAliasType("OrganisationState", Literal["disabled", "enabled", "verified", "deleting"])
ErasureState = TypeAliasType("ErasureState", Literal["running", "done"])
DeletionState = TypeAliasType("DeletionState", Literal["deleting", "deleted"])
HealthStatus = TypeAliasType("HealthStatus", Literal["ok"])
