"""The names of every queue, table and blob container, in one place.

Adapters, triggers, provisioning and infrastructure all read them here; a test compares the documents.
"""

from typing import Final

# What somebody waits for, one mailbox or one mail a command, and what takes its time.
MAIL: Final = "mail"
WORK: Final = "work"
# Mail that leaves: a pause of one server keeps no new mail waiting, and no history keeps a mail from leaving.
OUTBOUND: Final = "outbound"

QUEUES: Final = (MAIL, WORK, OUTBOUND)
POISON_SUFFIX: Final = "-poison"


def poison(queue: str) -> str:
    """Where the host puts what it has tried ten times."""
    return queue + POISON_SUFFIX


ORGANISATIONS: Final = "Organisations"
MAILBOXES: Final = "Mailboxes"
SYNC_STATES: Final = "SyncStates"
SUBSCRIPTION_STATES: Final = "Subscriptions"
RECORDS: Final = "Records"
RECORD_INDEX: Final = "RecordIndex"
MESSAGES: Final = "Messages"
CODES: Final = "Codes"
SIGHTINGS: Final = "Sightings"
PENDING: Final = "Pending"
TIMELINE: Final = "Timeline"
INBOX: Final = "Inbox"
NOTICES: Final = "Notices"
EVENTS: Final = "Events"
EXCEPTIONS: Final = "Exceptions"
LATE_CONTACTS_STATES: Final = "LateContacts"
AUDIT: Final = "Audit"
ERASURES: Final = "Erasures"
CONNECTION_STATES: Final = "Connections"
RUNS: Final = "Runs"
OUTBOX: Final = "Outbox"
UPLOADS: Final = "Uploads"
SIGNATURES: Final = "Signatures"
CAMPAIGNS: Final = "Campaigns"
UNSUBSCRIBED: Final = "Unsubscribed"
ACKNOWLEDGEMENTS: Final = "Acknowledgements"
CREDENTIALS: Final = "Credentials"

TABLES: Final = (
    ORGANISATIONS,
    MAILBOXES,
    SYNC_STATES,
    SUBSCRIPTION_STATES,
    RECORDS,
    RECORD_INDEX,
    MESSAGES,
    CODES,
    SIGHTINGS,
    PENDING,
    TIMELINE,
    INBOX,
    NOTICES,
    EVENTS,
    EXCEPTIONS,
    LATE_CONTACTS_STATES,
    AUDIT,
    ERASURES,
    CONNECTION_STATES,
    RUNS,
    OUTBOX,
    UPLOADS,
    SIGNATURES,
    CAMPAIGNS,
    UNSUBSCRIBED,
    ACKNOWLEDGEMENTS,
    CREDENTIALS,
)

BODIES: Final = "bodies"
ATTACHMENTS: Final = "attachments"
UPLOADED: Final = "uploads"
LEASES: Final = "leases"

CONTAINERS: Final = (BODIES, ATTACHMENTS, UPLOADED, LEASES)
