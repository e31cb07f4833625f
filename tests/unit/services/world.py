"""An organisation in memory: every use case of the mail's way over fakes, and its queues worked off by hand."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any

from shared.domain.commands.commands import (
    BackfillMailbox,
    Command,
    FileMessage,
    IngestMessages,
    JoinLateContacts,
    MergeRecords,
    ReconcileMailbox,
    RematchMessages,
    SyncMailbox,
    TakeAway,
)
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import Busy, TransientError
from shared.domain.filing.entries import Entry
from shared.domain.records.records import RecordRef
from shared.services.capture.arrivals import Arrivals
from shared.services.capture.backfill import StepBackfill
from shared.services.capture.fetching import FetchMail, walk_of
from shared.services.capture.late_contacts import AnnounceContacts, CountLateMail, JoinLate
from shared.services.capture.mailbox_access import WatchAccess
from shared.services.capture.reconcile import Reconcile
from shared.services.capture.resync import Resync
from shared.services.capture.scopes import FindScope, Scope, hasher_of
from shared.services.capture.screening import Screen
from shared.services.capture.sync import Sync
from shared.services.capture.turns import Turns
from shared.services.filing.apply_decision import ApplyDecision, Bury, TakeBack
from shared.services.filing.change_by_person import ChangeByPerson, SweepDecisions
from shared.services.filing.explain import Explain
from shared.services.filing.filing import Filing
from shared.services.filing.inbox import Decide, ReadInbox, UndoDecision
from shared.services.filing.ingest import Ingest
from shared.services.filing.links import LinkMessage, UnlinkMessage
from shared.services.filing.opening import OpenRecord
from shared.services.filing.threads import FileThread
from shared.services.filing.visibility import Visibility
from shared.services.matching.bounces import NoteBounces, ReadBounce
from shared.services.matching.candidates import GatherCandidates
from shared.services.matching.forgeries import CountForgeries
from shared.services.matching.matching import MatchMail
from shared.services.matching.rematch import Reconsider, Rematch, RunRematch
from shared.services.privacy.deletion import AskDeletion, DeleteOrganisation
from shared.services.privacy.erasing import AskErasure, EraseMessages, ErasePerson
from shared.services.privacy.retention import ApplyRetention, QueueRetention
from shared.services.privacy.taking_away import RunTakeAway
from shared.services.records.deals import Deals
from shared.services.records.merging import MergeContacts, MoveFiled, RenameRecord, ReplaceRecord
from shared.services.records.record_writing import LookUpInsiders, WriteRecords
from tests.builders import (
    AGENT,
    CODE_KEYS,
    HASH_KEY,
    NOW,
    TENANT,
    a_fetched_message,
    a_folder_state,
    a_mailbox,
    an_organisation,
)
from tests.fake_mail import STANDARD, FakeMail
from tests.fake_subscriptions import FakeSubscriptionSource
from tests.fakes import FakeStorage

MOST_ROUNDS = 200


@dataclass
class World:
    """One tenant with a mailbox of the agent; `deliver` puts mail there, `work` empties the queues."""

    storage: FakeStorage = field(default_factory=FakeStorage)
    mail: FakeMail = field(default_factory=FakeMail)
    now: datetime = NOW
    subscription_source: FakeSubscriptionSource = field(default_factory=FakeSubscriptionSource)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    boxes: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.storage.organisations.put(an_organisation())
        self.mailbox = self.connect(AGENT)
        self.storage.faults.clear()

    def connect(self, address: str, **settings: Any) -> Mailbox:
        """Capture a mailbox whose folders are known."""
        self.mail.add_mailbox(address)
        number = next(self.boxes)
        fields = {"mailbox_id": f"{number:032x}", "address": address, "user_id": "", **settings}
        mailbox = self.storage.mailboxes.put(a_mailbox(**fields))
        for name in STANDARD:
            captured = name in ("inbox", "sentitems", "archive")
            state = a_folder_state(folder_id=f"{name}-folder", kind=name, captured=captured, well_known=name)
            self.storage.folder_states.put(mailbox, state)
        return mailbox

    def configure(self, **settings: Any) -> None:
        """Change the organisation's settings."""
        self.storage.organisations.change(an_organisation(**settings))

    def records(self, *records: Any) -> None:
        self.storage.records.put_many(TENANT, records)
        self.storage.faults.clear()

    def deliver(self, address: str = AGENT, folder: str = "inbox", **mail: Any) -> str:
        """A mail that arrives just before now; returns its Graph id."""
        contents, mime = mail.pop("contents", None), mail.pop("mime", b"")
        message = a_fetched_message(**mail)
        return self.mail.deliver(address, message, folder=f"{folder}-folder", contents=contents, mime=mime)

    def notify(self, *ids: str, mailbox: Mailbox | None = None, **more: Any) -> None:
        """Ingest these messages, as after a notification."""
        box = mailbox or self.mailbox
        self.ingest(
            IngestMessages(tenant_id=TENANT, mailbox_id=box.mailbox_id, first_at=self.now, ids=ids, **more)
        )

    def walk(self, mailbox: Mailbox | None = None) -> None:
        self.sync(walk_of(mailbox or self.mailbox, self.now))

    def work(self) -> None:
        """Carry out what stands in the queues until they are empty; what fails for now is tried again."""
        for _ in range(MOST_ROUNDS):
            if not self.storage.queue.sent:
                return
            command, _ = self.storage.queue.sent.pop(0)
            try:
                self.run(command)
            except Busy:
                self.storage.queue.put(command)
            except TransientError:
                self.storage.queue.put(command.again())
        raise AssertionError(f"the queues do not empty: {self.storage.queue.sent}")

    def run(self, command: Command) -> None:
        if isinstance(command, SyncMailbox):
            self.sync(command)
        elif isinstance(command, IngestMessages):
            self.ingest(command)
        elif isinstance(command, ReconcileMailbox):
            self.reconcile(command)
        elif isinstance(command, BackfillMailbox):
            self.backfill(command)
        elif isinstance(command, MergeRecords):
            self.move_filed(command)
        elif isinstance(command, JoinLateContacts):
            self.join_late_contacts(command)
        elif isinstance(command, RematchMessages):
            self.run_rematch(command)
        elif isinstance(command, TakeAway):
            self.take_away(command)
        elif isinstance(command, FileMessage):
            self.apply_decision(command)
        else:
            raise AssertionError(command)

    def timeline(self, ref: str = "contact/C-1") -> list[Entry]:
        return self.storage.timeline.of(TENANT, RecordRef.parse(ref))

    def outcome(self, graph_id: str, mailbox: Mailbox | None = None) -> tuple[str, str]:
        """What the ledger says of a copy: outcome and reason."""
        row = self.storage.sightings.all(mailbox or self.mailbox)[graph_id]
        return row.outcome, row.reason

    def rows(self) -> dict[str, Any]:
        """All that is stored of mail, ETags aside: for comparing runs."""
        storage = self.storage
        return {
            "timeline": {key: dict(rows) for key, rows in storage.timeline.rows.items()},
            "inbox": {key: dict(rows) for key, rows in storage.inbox.rows.items() if rows},
            "sightings": {key: dict(rows) for key, rows in storage.sightings.rows.items()},
            "attachments": dict(storage.attachments.rows),
            "messages": {
                key: (
                    replace(row.message, etag="") if row.message else None,
                    row.document,
                    dict(row.copies),
                    row.waiters if row.message is None else (),
                )
                for key, row in storage.messages.rows.items()
            },
        }

    def scope(self, mailbox: Mailbox) -> Scope:
        """What a command of a mailbox is carried out in."""
        return Scope(self.storage.organisations.rows[TENANT], mailbox, hasher_of(HASH_KEY, TENANT))

    @property
    def ingest(self) -> Ingest:
        storage = self.storage
        return Ingest(
            turns=self.turns,
            fetch=FetchMail(
                self.mail,
                storage.folder_states,
                self.screen,
                self._arrivals,
                storage.messages,
                storage.exceptions,
                storage.queue,
                lambda: self.now,
            ),
            match=MatchMail(
                self._gather,
                storage.messages,
                ReadBounce(self.mail, storage.messages),
                CountForgeries(storage.codes),
            ),
            note_bounces=NoteBounces(storage.messages, storage.timeline),
            filing=Filing(
                messages=storage.messages,
                timeline=storage.timeline,
                inbox=storage.inbox,
                attachments=storage.attachments,
                mailboxes=storage.mailboxes,
                records=storage.records,
                mail=self.mail,
                queue=storage.queue,
                clock=lambda: self.now,
                open_record=OpenRecord(storage.records, lambda: self.now),
            ),
            sightings=storage.sightings,
            exceptions=storage.exceptions,
            queue=storage.queue,
            clock=lambda: self.now,
        )

    @property
    def sync(self) -> Sync:
        storage = self.storage
        return Sync(
            turns=self.turns,
            mail=self.mail,
            mailboxes=storage.mailboxes,
            folders=storage.folder_states,
            arrivals=self._arrivals,
            resync=Resync(self.mail, self._arrivals, lambda: self.now),
            queue=storage.queue,
            clock=lambda: self.now,
        )

    @property
    def reconcile(self) -> Reconcile:
        storage = self.storage
        return Reconcile(
            turns=self.turns,
            mail=self.mail,
            mailboxes=storage.mailboxes,
            folders=storage.folder_states,
            arrivals=self._arrivals,
            backfills=storage.backfills,
            queue=storage.queue,
            clock=lambda: self.now,
        )

    @property
    def backfill(self) -> StepBackfill:
        storage = self.storage
        return StepBackfill(
            turns=self.turns,
            mail=self.mail,
            folders=storage.folder_states,
            backfills=storage.backfills,
            arrivals=self._arrivals,
            ingest=self.ingest,
            queue=storage.queue,
            clock=lambda: self.now,
        )

    @property
    def write_records(self) -> WriteRecords:
        """What puts records, as the API does."""
        storage = self.storage
        announce = AnnounceContacts(
            storage.late_contacts, storage.mailboxes, storage.queue, lambda: self.now, HASH_KEY
        )
        count = CountLateMail(storage.organisations, storage.mailboxes, storage.sightings, lambda: self.now)
        deals = Deals(storage.records, storage.index, announce)
        return WriteRecords(storage.records, deals, announce, count)

    @property
    def merge_contacts(self) -> MergeContacts:
        return MergeContacts(self.storage.records, self._replace_record)

    @property
    def rename(self) -> RenameRecord:
        return RenameRecord(self.storage.records, self._replace_record)

    @property
    def _replace_record(self) -> ReplaceRecord:
        storage = self.storage
        look_up = LookUpInsiders(storage.index, storage.organisations)
        return ReplaceRecord(storage.records, look_up, self.write_records, storage.queue, lambda: self.now)

    @property
    def move_filed(self) -> MoveFiled:
        storage = self.storage
        return MoveFiled(
            records=storage.records,
            index=storage.index,
            messages=storage.messages,
            timeline=storage.timeline,
            queue=storage.queue,
            clock=lambda: self.now,
        )

    @property
    def join_late_contacts(self) -> JoinLate:
        storage = self.storage
        return JoinLate(
            late=storage.late_contacts,
            organisations=storage.organisations,
            mailboxes=storage.mailboxes,
            sightings=storage.sightings,
            queue=storage.queue,
            clock=lambda: self.now,
        )

    @property
    def reconsider(self) -> Reconsider:
        return Reconsider(self.storage.mailboxes, self.storage.messages, self._gather, HASH_KEY)

    @property
    def rematch(self) -> Rematch:
        storage = self.storage
        return Rematch(
            storage.organisations,
            storage.records,
            storage.messages,
            self.reconsider,
            storage.queue,
            lambda: self.now,
        )

    @property
    def run_rematch(self) -> RunRematch:
        storage = self.storage
        return RunRematch(
            organisations=storage.organisations,
            records=storage.records,
            messages=storage.messages,
            reconsider=self.reconsider,
            filing=self.ingest.filing,
            queue=storage.queue,
            clock=lambda: self.now,
        )

    @property
    def explain(self) -> Explain:
        storage = self.storage
        return Explain(
            visibility=Visibility(storage.messages, storage.mailboxes),
            messages=storage.messages,
            mailboxes=storage.mailboxes,
            sightings=storage.sightings,
            folders=storage.folder_states,
            exceptions=storage.exceptions,
            hash_key=HASH_KEY,
        )

    @property
    def change_by_person(self) -> ChangeByPerson:
        storage = self.storage
        return ChangeByPerson(
            storage.messages, storage.inbox, storage.queue, lambda: f"act-{next(self.numbers)}"
        )

    @property
    def decide(self) -> Decide:
        storage = self.storage
        return Decide(
            Visibility(storage.messages, storage.mailboxes),
            storage.messages,
            storage.organisations,
            storage.records,
            storage.index,
            self.change_by_person,
            lambda: self.now,
        )

    @property
    def undo(self) -> UndoDecision:
        visibility = Visibility(self.storage.messages, self.storage.mailboxes)
        return UndoDecision(visibility, self.change_by_person, lambda: self.now)

    @property
    def link(self) -> LinkMessage:
        visibility = Visibility(self.storage.messages, self.storage.mailboxes)
        return LinkMessage(visibility, self.storage.records, self.change_by_person, lambda: self.now)

    @property
    def unlink(self) -> UnlinkMessage:
        visibility = Visibility(self.storage.messages, self.storage.mailboxes)
        return UnlinkMessage(visibility, self.change_by_person, lambda: self.now)

    @property
    def read_inbox(self) -> ReadInbox:
        storage = self.storage
        return ReadInbox(storage.inbox, storage.messages, storage.mailboxes, storage.records)

    @property
    def sweep(self) -> SweepDecisions:
        storage = self.storage
        return SweepDecisions(storage.organisations, storage.inbox, storage.queue, lambda: self.now)

    @property
    def apply_decision(self) -> ApplyDecision:
        storage = self.storage
        threads = FileThread(storage.messages, storage.mailboxes, storage.inbox, self.change_by_person)
        return ApplyDecision(
            filing=self.ingest.filing,
            messages=storage.messages,
            inbox=storage.inbox,
            index=storage.index,
            records=storage.records,
            audit=storage.audit,
            threads=threads,
            bury=Bury(
                storage.messages,
                storage.mailboxes,
                storage.timeline,
                storage.inbox,
                storage.attachments,
                HASH_KEY,
            ),
            take_back=TakeBack(storage.messages, storage.index, storage.records, storage.timeline, threads),
            clock=lambda: self.now,
        )

    @property
    def ask_erasure(self) -> AskErasure:
        storage = self.storage
        return AskErasure(
            storage.organisations, storage.erasures, storage.index, storage.queue, lambda: self.now, HASH_KEY
        )

    @property
    def ask_deletion(self) -> AskDeletion:
        storage = self.storage
        return AskDeletion(storage.organisations, storage.erasures, storage.queue, lambda: self.now, HASH_KEY)

    @property
    def queue_retention(self) -> QueueRetention:
        storage = self.storage
        return QueueRetention(
            storage.organisations, storage.erasures, storage.queue, lambda: self.now, HASH_KEY
        )

    @property
    def take_away(self) -> RunTakeAway:
        storage = self.storage
        return RunTakeAway(
            person=ErasePerson(
                erasures=storage.erasures,
                erase_messages=EraseMessages(
                    storage.erasures,
                    storage.messages,
                    storage.records,
                    self.change_by_person,
                    lambda: self.now,
                ),
                records=storage.records,
                holdings=storage.holdings,
                queue=storage.queue,
                clock=lambda: self.now,
                hash_key=HASH_KEY,
            ),
            organisation=DeleteOrganisation(
                organisations=storage.organisations,
                erasures=storage.erasures,
                subscriptions=storage.subscriptions,
                source=self.subscription_source,
                holdings=storage.holdings,
                queue=storage.queue,
                clock=lambda: self.now,
                hash_key=HASH_KEY,
            ),
            expired=ApplyRetention(
                organisations=storage.organisations,
                mailboxes=storage.mailboxes,
                messages=storage.messages,
                sightings=storage.sightings,
                change_by_person=self.change_by_person,
                queue=storage.queue,
                clock=lambda: self.now,
            ),
        )

    @property
    def _arrivals(self) -> Arrivals:
        storage = self.storage
        return Arrivals(
            mail=self.mail,
            screen=self.screen,
            sightings=storage.sightings,
            exceptions=storage.exceptions,
            queue=storage.queue,
            clock=lambda: self.now,
        )

    @property
    def turns(self) -> Turns:
        storage = self.storage
        scope = FindScope(storage.organisations, storage.mailboxes, HASH_KEY)
        access = WatchAccess(storage.mailboxes, self.mail, storage.queue, lambda: self.now)
        return Turns(scope, storage.leases, storage.mailboxes, access, lambda: self.now)

    @property
    def _gather(self) -> GatherCandidates:
        storage = self.storage
        return GatherCandidates(storage.index, storage.records, storage.messages, storage.codes, CODE_KEYS)

    @property
    def screen(self) -> Screen:
        storage = self.storage
        return Screen(self._gather, storage.messages, CountForgeries(storage.codes))
