"""Every port as one record: the real ports and the tests' fakes have exactly these fields.

The types are named, not imported: who needs one port does not load the modules of all.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.ports.credentials import Seal, SignIns
    from shared.ports.directory import Directory
    from shared.ports.mail import MailAccess
    from shared.ports.mailbox_access import (
        AccessProbe,
        AccountProbe,
        MailServers,
        OwnCredential,
        SubmissionProbe,
    )
    from shared.ports.marking import MailMarker
    from shared.ports.notifications import SubscriptionSource
    from shared.ports.sending import MailSender
    from shared.ports.stores.campaigns import Campaigns, Silences
    from shared.ports.stores.capture import Backfills, FolderStates, LateContacts, Pending, Sightings
    from shared.ports.stores.connections import (
        Connections,
        Credentials,
        Habits,
        Mailboxes,
        Organisations,
        Subscriptions,
    )
    from shared.ports.stores.events import Events
    from shared.ports.stores.exceptions import Exceptions
    from shared.ports.stores.filing import Attachments, Codes, Inbox, MessageStore, Timeline
    from shared.ports.stores.intake import Acknowledgements
    from shared.ports.stores.notices import Notices
    from shared.ports.stores.privacy import Audit, Erasures, Holdings
    from shared.ports.stores.records import RecordIndex, Records
    from shared.ports.stores.runs import Runs
    from shared.ports.stores.sending import Outbox, Signatures, Uploads
    from shared.ports.work import Backlog, CommandQueue, Leases, PoisonQueues, PromptQueue, StoreParts


class Ports(Protocol):
    """The outside world of one process. No two fields have the same type: a type says which port is meant."""

    # Properties and no fields: a record may make a port when it is first asked for.
    @property
    def queue(self) -> "CommandQueue": ...

    @property
    def webhook_queue(self) -> "PromptQueue": ...

    @property
    def poison(self) -> "PoisonQueues": ...

    @property
    def backlog(self) -> "Backlog": ...

    @property
    def parts(self) -> "StoreParts": ...

    @property
    def runs(self) -> "Runs": ...

    @property
    def leases(self) -> "Leases": ...

    @property
    def mail(self) -> "MailAccess": ...

    @property
    def directory(self) -> "Directory": ...

    @property
    def subscription_source(self) -> "SubscriptionSource": ...

    @property
    def sign_ins(self) -> "SignIns": ...

    @property
    def cursor_seal(self) -> "Seal": ...

    @property
    def probe(self) -> "AccessProbe": ...

    @property
    def account_probe(self) -> "AccountProbe": ...

    @property
    def submission_probe(self) -> "SubmissionProbe": ...

    @property
    def mail_servers(self) -> "MailServers": ...

    @property
    def own_credential(self) -> "OwnCredential": ...

    @property
    def organisations(self) -> "Organisations": ...

    @property
    def connections(self) -> "Connections": ...

    @property
    def habits(self) -> "Habits": ...

    @property
    def mailboxes(self) -> "Mailboxes": ...

    @property
    def subscriptions(self) -> "Subscriptions": ...

    @property
    def folder_states(self) -> "FolderStates": ...

    @property
    def backfills(self) -> "Backfills": ...

    @property
    def sightings(self) -> "Sightings": ...

    @property
    def pending(self) -> "Pending": ...

    @property
    def late_contacts(self) -> "LateContacts": ...

    @property
    def records(self) -> "Records": ...

    @property
    def index(self) -> "RecordIndex": ...

    @property
    def codes(self) -> "Codes": ...

    @property
    def messages(self) -> "MessageStore": ...

    @property
    def timeline(self) -> "Timeline": ...

    @property
    def inbox(self) -> "Inbox": ...

    @property
    def notices(self) -> "Notices": ...

    @property
    def events(self) -> "Events": ...

    @property
    def attachments(self) -> "Attachments": ...

    @property
    def exceptions(self) -> "Exceptions": ...

    @property
    def audit(self) -> "Audit": ...

    @property
    def erasures(self) -> "Erasures": ...

    @property
    def holdings(self) -> "Holdings": ...

    @property
    def outbox(self) -> "Outbox": ...

    @property
    def uploads(self) -> "Uploads": ...

    @property
    def signatures(self) -> "Signatures": ...

    @property
    def campaigns(self) -> "Campaigns": ...

    @property
    def silences(self) -> "Silences": ...

    @property
    def acknowledgements(self) -> "Acknowledgements": ...

    @property
    def credentials(self) -> "Credentials": ...

    @property
    def marker(self) -> "MailMarker": ...

    @property
    def sender(self) -> "MailSender": ...
