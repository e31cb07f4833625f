"""Fakes of every port, each held to the contract tests of the real adapter; a module here for one of `shared/ports`."""

from shared.adapters.secrets.sealing import Sealer
from tests.fakes.credentials import FakeSignIns
from tests.fakes.faults import Faults, Killed
from tests.fakes.mail import FakeMail
from tests.fakes.mailbox_access import (
    FakeAccountProbe,
    FakeMailServers,
    FakeOwnCredential,
    FakeProbe,
    FakeSubmissionProbe,
)
from tests.fakes.marking import FakeMarker
from tests.fakes.notifications import FakeSubscriptionSource
from tests.fakes.sending import FakeSender
from tests.fakes.stores.campaigns import FakeCampaigns, FakeSilences
from tests.fakes.stores.capture import FakeBackfills, FakeFolderStates, FakeLateContacts, FakeSightings
from tests.fakes.stores.connections import (
    FakeConnections,
    FakeCredentials,
    FakeHabits,
    FakeMailboxes,
    FakeOrganisations,
    FakeSubscriptions,
)
from tests.fakes.stores.events import FakeEvents
from tests.fakes.stores.exceptions import FakeExceptions
from tests.fakes.stores.filing import FakeAttachments, FakeCodes, FakeInbox, FakeMessageStore, FakeTimeline
from tests.fakes.stores.intake import FakeAcknowledgements
from tests.fakes.stores.notices import FakeNotices
from tests.fakes.stores.pending import FakePending
from tests.fakes.stores.privacy import FakeAudit, FakeErasures, FakeHoldings
from tests.fakes.stores.records import FakeRecordIndex, FakeRecords
from tests.fakes.stores.runs import FakeRuns
from tests.fakes.stores.sending import FakeOutbox, FakeSignatures, FakeUploads
from tests.fakes.work import FakeBacklog, FakeCommandQueue, FakeLeases, FakeParts, FakePoisonQueues

__all__ = [
    "FakeCommandQueue",
    "FakeConnections",
    "FakeLateContacts",
    "FakeLeases",
    "FakePorts",
    "FakeRecordIndex",
    "FakeRecords",
    "FakeStorage",
    "FakeTimeline",
    "Faults",
    "Killed",
]


class FakeStorage:
    """All fakes as one storage account, under one `Faults`."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.queue = FakeCommandQueue(self.faults)
        self.poison = FakePoisonQueues(self.faults)
        self.backlog = FakeBacklog(self.faults)
        self.parts = FakeParts(self.faults)
        self.leases = FakeLeases(self.faults)
        self.organisations = FakeOrganisations(self.faults)
        self.mailboxes = FakeMailboxes(self.faults)
        self.folder_states = FakeFolderStates(self.faults)
        self.backfills = FakeBackfills(self.faults)
        self.subscriptions = FakeSubscriptions(self.faults)
        self.records = FakeRecords(self.faults)
        self.index = FakeRecordIndex(self.records, self.faults)
        self.messages = FakeMessageStore(self.faults)
        self.codes = FakeCodes(self.faults)
        self.sightings = FakeSightings(self.faults)
        self.pending = FakePending(self.faults)
        self.timeline = FakeTimeline(self.faults)
        self.inbox = FakeInbox(self.faults)
        self.notices = FakeNotices(self.faults)
        self.events = FakeEvents(self.faults)
        self.audit = FakeAudit(self.faults)
        self.attachments = FakeAttachments(self.faults)
        self.exceptions = FakeExceptions(self.faults)
        self.late_contacts = FakeLateContacts(self.faults)
        self.connections = FakeConnections(self.faults)
        self.habits = FakeHabits(self.faults)
        self.credentials = FakeCredentials(self.faults)
        self.erasures = FakeErasures(self.faults)
        self.runs = FakeRuns(self.faults)
        self.outbox = FakeOutbox(self.faults)
        self.uploads = FakeUploads(self.faults)
        self.signatures = FakeSignatures(self.faults)
        self.campaigns = FakeCampaigns(self.faults)
        self.silences = FakeSilences(self.faults)
        self.acknowledgements = FakeAcknowledgements(self.faults)
        self.holdings = FakeHoldings(self)


class FakePorts(FakeStorage):
    """Every port, as `shared.ports.record` names them: a storage account, mail, and Entra's and Graph's doors."""

    def __init__(self, mail: FakeMail | None = None) -> None:
        super().__init__()
        self.webhook_queue = self.queue
        self.mail = self.directory = mail or FakeMail()
        self.sender = FakeSender()
        self.marker = FakeMarker()
        self.subscription_source = FakeSubscriptionSource()
        self.sign_ins = FakeSignIns()
        # The real one: it needs nothing from outside.
        self.cursor_seal = Sealer([bytes(32)])
        self.probe = FakeProbe()
        self.account_probe = FakeAccountProbe()
        self.submission_probe = FakeSubmissionProbe()
        self.mail_servers = FakeMailServers()
        self.own_credential = FakeOwnCredential()
