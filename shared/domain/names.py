"""The names of every queue, table and blob container, in one place.

Adapters, triggers, provisioning and infrastructure all read them here; a test compares the documents.
"""

from typing import Final

MAIL_SYNC: Final = "mail-sync"
MAIL_INGEST: Final = "mail-ingest"
MAIL_RECONCILE: Final = "mail-reconcile"
MAIL_BACKFILL: Final = "mail-backfill"
LATE_CONTACTS: Final = "late-contacts"
REMATCHES: Final = "rematches"
FILING: Final = "filing"
ERASURE: Final = "erasure"
RECORD_MERGES: Final = "record-merges"
SUBSCRIPTIONS: Final = "subscriptions"

QUEUES: Final = (
    MAIL_SYNC,
    MAIL_INGEST,
    MAIL_RECONCILE,
    MAIL_BACKFILL,
    LATE_CONTACTS,
    REMATCHES,
    FILING,
    ERASURE,
    RECORD_MERGES,
    SUBSCRIPTIONS,
)
POISON_SUFFIX: Final = "-poison"


def poison(queue: str) -> str:
    """Where the host puts what it has tried five times."""
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
TIMELINE: Final = "Timeline"
INBOX: Final = "Inbox"
EXCEPTIONS: Final = "Exceptions"
LATE_CONTACTS_STATES: Final = "LateContacts"
AUDIT: Final = "Audit"
ERASURES: Final = "Erasures"
CONNECTION_STATES: Final = "Connections"

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
    TIMELINE,
    INBOX,
    EXCEPTIONS,
    LATE_CONTACTS_STATES,
    AUDIT,
    ERASURES,
    CONNECTION_STATES,
)

BODIES: Final = "bodies"
ATTACHMENTS: Final = "attachments"
LEASES: Final = "leases"

CONTAINERS: Final = (BODIES, ATTACHMENTS, LEASES)
