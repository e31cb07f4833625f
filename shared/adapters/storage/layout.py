"""The keys and columns of every table, as data: `docs/storage.md` is compared with it by a test.

| table         | partition                    | row                                               |
|---------------|------------------------------|---------------------------------------------------|
| Organisations | tenant                       | `organisation`; `habit:` + name                   |
| Mailboxes     | tenant                       | mailbox id; `address:` + address -> mailbox id    |
| SyncStates    | tenant, mailbox id           | hash of the folder id; `~backfill`                |
| Subscriptions | tenant                       | mailbox id                                        |
| Records       | tenant, kind                 | record id                                         |
| RecordIndex   | tenant, `a d s c` + bucket   | hash of what it stands under, kind, id            |
|               | tenant, `m w t o`            | the same; `o`: time, kind, id                     |
| Messages      | tenant, bucket               | message key; key `~` mailbox id `~` hash: a copy  |
|               |                              | key `~~` mailbox id `~` hash: a dependent         |
|               |                              | `~c`, conversation, inverted time, message key    |
|               |                              | `~t`, thread, time, message key                   |
| Codes         | tenant, bucket               | number; in `~f` + bucket: sender, message key     |
| Sightings     | tenant, mailbox id           | inverted receipt time, hash of the item       |
| Pending       | tenant, mailbox id           | lane, receipt time, hash of what is to be done    |
| Timeline      | tenant, kind, record id      | entry id: inverted time, message key              |
|               |                              | `~o`, time, message key                           |
|               |                              | `~a`, entry id of the answered mail, entry id     |
| Inbox         | tenant, hash of the agent    | inverted time, message key                        |
|               | tenant, `~decided`           | message key `~` id of a change                    |
| Notices       | tenant, hash of the agent    | number of the notice, inverted, message key       |
|               |                              | `m`, message key -> id; `~count`                  |
| Events        | tenant, day                  | time in microseconds, id                          |
| Exceptions    | tenant                       | inverted time, id; `id:` + id -> inverted time    |
| Erasures      | tenant; `~deleted` for organisations | keyed hash                    |
| LateContacts  | tenant                       | `new:` + time and id of an announcement; `asked`  |
| Audit         | tenant                       | inverted time, id                                 |
| Connections   | tenant                       | connection; `agent:` + address                    |
| Runs          | `agenda`; `store`            | item of the agenda; `layout`                      |
| Outbox        | tenant                       | mail id: inverted time, id; `key:` + hash -> id;  |
|               |                              | `code:` + number, mail id                         |
|               |                              | `due:` + mailbox id, time, mail id, or `-pace`    |
|               |                              | `of:` + campaign, number: how the mail stands     |
| Campaigns     | tenant                       | `id:` + campaign id; `at:` + inverted time, id    |
|               | tenant, campaign id          | number of a recipient                             |
| Unsubscribed  | tenant                       | keyed hash of an address                          |
| Uploads       | tenant                       | upload id                                         |
| Signatures    | tenant                       | object id of the agent                            |
| Acknowledgements | tenant                    | `now:` + mailbox id; `version:` + mailbox id + number |
|               |                              | `count:` + hash                                   |
| Credentials   | tenant                       | mailbox id                                        |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.domain import names


@dataclass(frozen=True, slots=True)
class TableLayout:
    """How a table is keyed. `columns` are those beside the keys; packed ones are named by their first part."""

    partition: str
    row: str
    columns: tuple[str, ...]


TABLE_LAYOUT: Final[Mapping[str, TableLayout]] = {
    names.ORGANISATIONS: TableLayout(
        "tenant", "organisation | 'habit:' + name", ("enabled", "content", "holds", "at")
    ),
    names.MAILBOXES: TableLayout(
        "tenant",
        "mailbox id | 'address:' + address",
        (
            "enabled",
            "next_poll_at",
            "state",
            "last_error",
            "last_sync_at",
            "blocked_until",
            "lost_at",
            "paused_at",
            "reconciled",
            "untested",
            "address_offered",
            "sending_refused",
            "content",
            "mailbox_id",
        ),
    ),
    names.SYNC_STATES: TableLayout(
        "tenant|mailbox id", "hash(folder id) | '~backfill'", ("kind", "captured", "content")
    ),
    names.SUBSCRIPTION_STATES: TableLayout(
        "tenant", "mailbox id", ("subscription_id", "expires_at", "content")
    ),
    names.RECORDS: TableLayout("tenant|kind", "record id", ("status", "origin", "content")),
    names.RECORD_INDEX: TableLayout(
        "tenant|a, d, s or c + bucket (0-f), tenant|m, w, t or o",
        "hash|kind|id, hash(address)|staff|mailbox id, hash(address)|taught|kind|id, hash(address)|mailbox id, "
        "hash(record)|address, time|kind|id",
        ("client", "status", "type", "contacts", "domains"),
    ),
    names.MESSAGES: TableLayout(
        "tenant|bucket (0, 4, 8 or c)",
        "message key | message key~mailbox id~hash(item) | message key~~mailbox id~hash(item) | "
        "~c|conversation|inverted time|message key | ~t|thread|time|message key",
        ("state", "disposition", "variants", "has_dependents", "same_as", "content", "document", "body"),
    ),
    names.CODES: TableLayout(
        "tenant|bucket (0-f), tenant|~f + bucket",
        "number | sender hash|message key",
        ("links", "message_key", "forged"),
    ),
    names.SIGHTINGS: TableLayout(
        "tenant|mailbox id",
        "inverted receipt time-hash(item) | ~m|hash of the Message-ID|inverted receipt time-hash(item)",
        ("outcome", "reason", "message_key", "message_id_hash", "content"),
    ),
    names.PENDING: TableLayout(
        "tenant|mailbox id",
        "lane (0 live, 1 history)-receipt time-hash(what is to be done)",
        ("kind", "tries", "first_at", "not_before", "content"),
    ),
    names.TIMELINE: TableLayout(
        "tenant|kind|record id",
        "entry id (inverted time-message key) | ~o|time-message key | ~a|entry id of the answered mail|entry id",
        ("entry_kind", "has_attachments", "agent", "content"),
    ),
    names.INBOX: TableLayout(
        "tenant|hash(agent) | tenant|'~decided'",
        "inverted time-message key | message key~id",
        ("mailbox_id", "reason", "content"),
    ),
    names.NOTICES: TableLayout(
        "tenant|hash of an agent",
        "number, counted down-message key | 'm|' + message key | '~count'",
        ("content", "notice_id", "count", "last"),
    ),
    names.EVENTS: TableLayout(
        "tenant|day (yyyymmdd)",
        "time in microseconds-id",
        ("what", "message_key", "entry_id", "record", "mailboxes", "agent", "outbox_id", "by"),
    ),
    names.EXCEPTIONS: TableLayout(
        "tenant",
        "inverted time-id | 'id:' + id",
        ("mailbox_id", "code", "queue", "item", "replayed", "replayed_at", "content", "row"),
    ),
    names.LATE_CONTACTS_STATES: TableLayout("tenant", "'new:' + id | 'asked'", ("at", "content")),
    names.AUDIT: TableLayout("tenant", "inverted time-id", ("what", "by", "content")),
    names.ERASURES: TableLayout(
        "tenant | '~deleted'",
        "keyed hash of an address | keyed hash of a tenant",
        ("state", "content", "at", "done_at"),
    ),
    names.CONNECTION_STATES: TableLayout("tenant", "connection | 'agent:' + address", ("state", "content")),
    names.RUNS: TableLayout(
        "'agenda' | 'store'",
        "item | 'layout'",
        ("item", "due", "started", "by", "finished", "error", "version"),
    ),
    names.OUTBOX: TableLayout(
        "tenant",
        "mail id (inverted time-id) | 'key:' + hash | 'code:' + number + ':' + mail id | "
        "'due:' + mailbox id + '|' + time-mail id, or '-pace' | 'of:' + campaign:number",
        ("state", "agent", "content", "row", "id", "due", "begun", "untold", "code"),
    ),
    names.UPLOADS: TableLayout("tenant", "upload id", ("keep_until", "content")),
    names.SIGNATURES: TableLayout("tenant", "object id of the agent", ("content",)),
    names.CAMPAIGNS: TableLayout(
        "tenant | tenant|campaign id",
        "'id:' + campaign id | 'at:' + inverted time-campaign id | number",
        ("state", "content", "id", "reason"),
    ),
    names.UNSUBSCRIBED: TableLayout("tenant", "hash of the address", ("reason", "campaign")),
    names.ACKNOWLEDGEMENTS: TableLayout(
        "tenant", "'now:' + mailbox id | 'version:' + mailbox id:number | 'count:' + hash", ("content",)
    ),
    names.CREDENTIALS: TableLayout("tenant", "mailbox id", ("content",)),
}
