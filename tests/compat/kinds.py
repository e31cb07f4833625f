"""What a row's packed content is, by its table and key."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from shared.domain import names
from shared.domain.campaigns.campaigns import Campaign, Recipient
from shared.domain.capture.backfills import Backfill
from shared.domain.capture.folders import FolderState
from shared.domain.capture.late_contacts import Announcement
from shared.domain.capture.pending import PendingRow
from shared.domain.capture.sightings import Sighting
from shared.domain.connections.accounts import MailAccount
from shared.domain.connections.connections import MailConnection
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation
from shared.domain.connections.subscriptions import Subscription
from shared.domain.filing.copies import Copy, Dependent
from shared.domain.filing.entries import Entry
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.inbox import InboxItem
from shared.domain.filing.person_decisions import PendingChange
from shared.domain.intake.acknowledgements import Acknowledgement
from shared.domain.notices.notices import Notice
from shared.domain.privacy.audit import AuditRow
from shared.domain.privacy.erasure import Erasure
from shared.domain.records.records import Record
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.pacing import Pace
from shared.domain.sending.uploads import Upload
from shared.ports.stores.exceptions import Failure

_Choice: TypeAlias = Callable[[Mapping[str, Any]], Any]

# Contents that are no dataclass.
COUNTER: Final = "counter"
SIGNATURE: Final = "signature"


def _message(row: Mapping[str, Any]) -> Any:
    _, *beside = str(row["RowKey"]).split("~")
    if not beside:
        return StoredMessage
    return Dependent if beside[0] == "" else Copy


_KINDS: Final[Mapping[str, _Choice]] = {
    names.ORGANISATIONS: lambda row: Organisation,
    names.MAILBOXES: lambda row: Mailbox,
    names.SYNC_STATES: lambda row: Backfill if row["RowKey"] == "~backfill" else FolderState,
    names.SUBSCRIPTION_STATES: lambda row: Subscription,
    names.RECORDS: lambda row: Record,
    names.MESSAGES: _message,
    names.SIGHTINGS: lambda row: Sighting,
    names.PENDING: lambda row: PendingRow,
    names.TIMELINE: lambda row: Entry,
    names.INBOX: lambda row: PendingChange if row["PartitionKey"].endswith("~decided") else InboxItem,
    names.NOTICES: lambda row: Notice,
    names.EXCEPTIONS: lambda row: Failure,
    names.LATE_CONTACTS_STATES: lambda row: Announcement,
    names.AUDIT: lambda row: AuditRow,
    names.ERASURES: lambda row: Erasure,
    names.CONNECTION_STATES: lambda row: MailConnection,
    names.CREDENTIALS: lambda row: MailAccount,
    names.OUTBOX: lambda row: Pace if row["RowKey"].endswith("-pace") else OutboxMail,
    names.UPLOADS: lambda row: Upload,
    names.SIGNATURES: lambda row: SIGNATURE,
    names.CAMPAIGNS: lambda row: Campaign if row["RowKey"].startswith("id:") else Recipient,
    names.ACKNOWLEDGEMENTS: lambda row: COUNTER if row["RowKey"].startswith("count:") else Acknowledgement,
}


def kind_of(table: str, row: Mapping[str, Any]) -> Any:
    """The class of a row with content, or what stands for one."""
    return _KINDS[table](row)


def name_of(kind: Any) -> str:
    return kind if isinstance(kind, str) else str(kind.__name__)
